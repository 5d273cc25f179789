/* SPDX-License-Identifier: MIT
 *
 * below-province (DOMAIN §4): key indicators of a unit against the average of its province.
 */
#include "rules_asked.h"

#include "months.h"

#include <stdio.h>

#define UNITS_OF_PROVINCE_MAX 512

/* ---- below-province ---- */

struct province {
	struct asked asked; /* unit: the one at hand; month: the province's newest */
	const char *code;
	char units[UNITS_OF_PROVINCE_MAX][UNIT_SIZE];
	size_t count;
};

static int load_units(struct store *s, struct province *p)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT code FROM division WHERE code >= ?1 AND code < ?1 || ':' AND level = 'county' AND length(code) = 6"
			    " ORDER BY code",
			    "t", p->code);

	while (r >= 0 && (r = store_step(q)) > 0 && p->count < UNITS_OF_PROVINCE_MAX) {
		ids_unit_of(store_text(q, 0), p->units[p->count]);
		if (p->count == 0 || strcmp(p->units[p->count], p->units[p->count - 1]) != 0)
			p->count++;
	}
	return MIN(r, 0);
}

static int official_average(struct store *s, const struct province *p, const struct indicator *i, int64_t day, int64_t max_age,
			    struct value *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char code[8];
	int r;

	snprintf(code, sizeof code, "%.2s0000", p->code);
	r = store_query(s, &q,
			"SELECT value FROM average WHERE province IN (?1, ?2) AND indicator = ?3 AND reference_date BETWEEN ?4 AND ?5"
			" ORDER BY reference_date DESC LIMIT 1",
			"tttii", p->code, code, i->id, day - max_age, day);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	ret->ok = ratio_of_text(store_text(q, 0), &ret->ratio) == 0;
	return ret->ok;
}

/* Σ numerators / Σ denominators over the units with status ok, if they are enough (DOMAIN §2 Province). */
static int average_of(struct store *s, const struct province *p, const struct indicator *i, int64_t month,
		      const struct policy_province_average *how, struct value *ret)
{
	struct ratio sum = { 0, 0 };
	int64_t ok = 0;
	int r = official_average(s, p, i, asked_last_day(month), how->official_max_age_days, ret);

	if (r != 0)
		return MIN(r, 0);
	for (size_t k = 0; r >= 0 && k < p->count; k++) {
		struct value v;

		r = asked_frozen(s, p->units[k], i, month, &v);
		if (r < 0 || !v.ok)
			continue;
		sum.numerator += v.ratio.numerator;
		sum.denominator += v.ratio.denominator;
		ok++;
	}
	*ret = (struct value){ .ratio = sum };
	ret->ok = sum.denominator > 0 && ok * 1000 >= (int64_t)p->count * how->min_units_share_per_mille;
	return MIN(r, 0);
}

static int province_months(struct province *p, const struct indicator *i, const struct run_rule *rule,
			   struct value averages[static ASKED_MONTHS_MAX])
{
	size_t count = MIN(run_months(rule), (size_t)ASKED_MONTHS_MAX);
	int64_t month = p->asked.month;
	int r = 0;

	for (size_t k = 0; r >= 0 && k < count; k++, month = asked_month_before(month))
		r = average_of(p->asked.f->store, p, i, month, policy_province_average(p->asked.f->policy, asked_last_day(month)),
			       &averages[k]);
	return r;
}

static int judge_below(const struct asked *a, const struct indicator *i, const struct value averages[static ASKED_MONTHS_MAX],
		       const struct run_rule *rule)
{
	struct said said[ASKED_MONTHS_MAX] = { 0 };
	size_t count = MIN(run_months(rule), (size_t)ASKED_MONTHS_MAX);
	int64_t month = a->month, clear_at = policy_key_indicators(a->f->policy, a->last_day)->clear_at_least_per_mille;
	int r = 0;

	for (size_t k = 0; r >= 0 && k < count; k++, month = asked_month_before(month)) {
		struct value now;

		r = asked_frozen(a->f->store, a->unit, i, month, &now);
		said[k].last_day = asked_last_day(month);
		if (r >= 0 && now.ok && averages[k].ok)
			said[k].says = asked_margin(asked_weigh(i, now.ratio, 1000, averages[k].ratio), NOT_ABOVE,
						    asked_weigh(i, now.ratio, clear_at, averages[k].ratio));
	}
	return r < 0 ? r : asked_follow(a, "below-province", i->id, run_judge(said, count, rule), false, NULL);
}

static int judge_below_all(struct province *p, const struct indicator *i)
{
	struct value averages[ASKED_MONTHS_MAX] = { 0 };
	struct run_rule rule = asked_key_rule(&p->asked);
	int r = i->count ? 0 : province_months(p, i, &rule, averages);

	for (size_t k = 0; r >= 0 && !i->count && k < p->count; k++) {
		p->asked.unit = p->units[k];
		r = judge_below(&p->asked, i, averages, &rule);
	}
	return r;
}

int rules_province(struct fold *f, int64_t n, int64_t now, const char *province)
{
	_cleanup_(freep) struct province *p = xcalloc(1, sizeof *p);
	char *const *ids;
	int64_t month = STORE_NULL;
	int r;

	p->asked = (struct asked){ .f = f, .n = n, .now = now };
	p->code = province;
	r = load_units(f->store, p);
	if (r >= 0)
		r = store_get_int(f->store, &month, "SELECT max(month) FROM frozen WHERE unit >= ?1 AND unit < ?1 || ':'", "t", province);
	if (r < 0 || month == STORE_NULL)
		return MIN(r, 0);
	p->asked.month = month;
	p->asked.last_day = asked_last_day(month);
	ids = policy_key_indicators(f->policy, p->asked.last_day)->indicators;
	for (; r >= 0 && *ids; ids++)
		r = indicator_of(*ids) ? judge_below_all(p, indicator_of(*ids)) : 0;
	return MIN(r, 0);
}
