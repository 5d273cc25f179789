/* SPDX-License-Identifier: MIT
 *
 * art5-2-ineffective (DOMAIN §4): what a unit declares of rectifications, inspections and its annual inputs.
 */
#include "rules_asked.h"

#include "clock.h"

/* ---- art5-2-ineffective ---- */

/* Declared items: months, consecutive from the last one declared. */
struct item {
	const char *name;
	bool lower_is_better;
};
static const struct item rectifications = { "rectifications_overdue", true };
static const struct item inspections = { "inspections_done", false };
const char rules_annual_inputs[] = "annual_inputs";

static int declared_value(struct store *s, const char *unit, const char *item, int64_t month, struct value *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ratio numerator, denominator;
	int r = store_query(s, &q,
			    "SELECT numerator, denominator FROM declared WHERE unit = ? AND item = ? AND period = 'month'"
			    " AND as_of = ? AND denominator IS NOT NULL",
			    "tti", unit, item, month);

	*ret = (struct value){ 0 };
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	ret->ok = ratio_of_text(store_text(q, 0), &numerator) == 0 && ratio_of_text(store_text(q, 1), &denominator) == 0 &&
		  denominator.numerator > 0 && ratio_multiply(&numerator, denominator.denominator, denominator.numerator) == 0;
	ret->ratio = numerator;
	return 0;
}

static enum says item_says(const struct policy_ineffective *p, const struct item *item, const struct value *v)
{
	struct ratio too_much = { p->rectifications_overdue_above_per_mille, 1000 };
	struct ratio little = { p->clear_overdue_below_per_mille, 1000 };
	struct ratio too_few = { p->inspections_done_below_per_mille, 1000 }, plan = { 1, 1 };
	int less; /* just so little is not good yet */

	if (!v->ok)
		return SAYS_NOTHING;
	less = ratio_compare(little, v->ratio);
	if (item->lower_is_better)
		return asked_margin(ratio_compare(too_much, v->ratio), BELOW, less == 0 ? BELOW : less);
	return asked_margin(ratio_compare(v->ratio, too_few), BELOW, ratio_compare(v->ratio, plan));
}

static int judge_item(struct asked *a, const struct item *item)
{
	const struct policy_ineffective *p;
	struct said said[ASKED_MONTHS_MAX] = { 0 };
	int64_t newest = STORE_NULL, month;
	struct run_rule rule;
	size_t count;
	int r = store_get_int(a->f->store, &newest, "SELECT max(as_of) FROM declared WHERE unit = ? AND item = ? AND period = 'month'",
			      "tt", a->unit, item->name);

	if (r < 0 || newest == STORE_NULL)
		return MIN(r, 0);
	a->last_day = asked_last_day(newest);
	p = policy_ineffective(a->f->policy, a->last_day);
	rule = (struct run_rule){ p->months, 1, 0 };
	count = MIN(run_months(&rule), (size_t)ASKED_MONTHS_MAX);
	month = newest;
	for (size_t k = 0; r >= 0 && k < count; k++, month = asked_month_before(month)) {
		struct value v;

		r = declared_value(a->f->store, a->unit, item->name, month, &v);
		said[k] = (struct said){ asked_last_day(month), item_says(p, item, &v) };
	}
	return r < 0 ? r : asked_follow(a, "art5-2-ineffective", item->name, run_judge(said, count, &rule), true, NULL);
}

/* The next year's is due at the end of that year, once the unit has handed in one. */
int rules_annual(struct asked *a)
{
	int64_t newest = STORE_NULL, due, today = a->f->dirty.today;
	int year, number, day;
	int r = store_get_int(a->f->store, &newest, "SELECT max(as_of) FROM declared WHERE unit = ? AND item = ?", "tt", a->unit,
			      rules_annual_inputs);

	if (r < 0 || newest == STORE_NULL)
		return MIN(r, 0);
	clock_date_of(newest, &year, &number, &day);
	due = clock_day_of(year + 1, 12, 31);
	a->last_day = today;
	return asked_follow(a, "art5-2-ineffective", rules_annual_inputs,
		      today - due > policy_ineffective(a->f->policy, today)->annual_inputs_overdue_days ? RUN_RAISE :
		      today <= due									? RUN_CLEAR :
													  RUN_STAYS,
		      true, NULL);
}

int rules_declared(struct asked *a)
{
	int r = judge_item(a, &rectifications);

	if (r >= 0)
		r = judge_item(a, &inspections);
	return r < 0 ? r : rules_annual(a);
}
