/* SPDX-License-Identifier: MIT
 *
 * A unit asked rule by rule, and when (DOMAIN §4): art5-2-regress and target-missed are here, the others beside.
 */
#include "rules_asked.h"

#include "clock.h"
#include "months.h"

#include <stdio.h>

static int64_t year_before(int64_t month)
{
	int year, number, day;

	clock_date_of(month, &year, &number, &day);
	return clock_day_of(year - 1, number, 1);
}

/* ---- art5-2-regress ---- */

/* The value when named, imported as declared item `baseline_<indicator>`: without denominator the value itself. */
static int baseline_of(struct store *s, const char *unit, const struct indicator *i, struct value *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ratio denominator;
	char item[96];
	int r;

	snprintf(item, sizeof item, "baseline_%s", i->id);
	*ret = (struct value){ 0 };
	r = store_query(s, &q, "SELECT numerator, denominator FROM declared WHERE unit = ? AND item = ? ORDER BY as_of DESC LIMIT 1",
			"tt", unit, item);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	ret->ok = ratio_of_text(store_text(q, 0), &ret->ratio) == 0;
	if (!ret->ok || store_is_null(q, 1))
		return 0;
	ret->ok = ratio_of_text(store_text(q, 1), &denominator) == 0 && denominator.numerator > 0 &&
		  ratio_multiply(&ret->ratio, denominator.denominator, denominator.numerator) == 0 &&
		  ratio_multiply(&ret->ratio, i->scale, 1) == 0;
	return 0;
}

static int regress_says(const struct asked *a, const struct indicator *i, int64_t month, enum says *ret)
{
	const struct policy_regress *p = policy_regress(a->f->policy, asked_last_day(month));
	struct value now = { 0 }, base = { 0 }, before = { 0 };
	int low_base, low_before, high_base, high_before;
	int r = asked_frozen(a->f->store, a->unit, i, month, &now);

	if (r >= 0)
		r = baseline_of(a->f->store, a->unit, i, &base);
	if (r >= 0)
		r = asked_frozen(a->f->store, a->unit, i, year_before(month), &before);
	if (r < 0 || !now.ok || !base.ok || !before.ok || now.completeness_d <= 0 ||
	    now.completeness_n * 1000 < now.completeness_d * p->completeness_per_mille)
		return MIN(r, 0);
	low_base = asked_weigh(i, now.ratio, p->raise_at_most_per_mille, base.ratio);
	low_before = asked_weigh(i, now.ratio, p->raise_at_most_per_mille, before.ratio);
	high_base = asked_weigh(i, now.ratio, p->clear_at_least_per_mille, base.ratio);
	high_before = asked_weigh(i, now.ratio, p->clear_at_least_per_mille, before.ratio);
	if (low_base == RATIO_TOO_LARGE || low_before == RATIO_TOO_LARGE || high_base == RATIO_TOO_LARGE ||
	    high_before == RATIO_TOO_LARGE)
		return 0;
	*ret = low_base <= 0 && low_before <= 0	? SAYS_BAD : high_base >= 0 && high_before >= 0 ? SAYS_GOOD : SAYS_BETWEEN;
	return 0;
}

static int judge_regress(const struct asked *a, const struct indicator *i)
{
	const struct policy_regress *p = policy_regress(a->f->policy, a->last_day);
	enum run_verdict verdict;
	int r = asked_months(a, i, regress_says, &(struct run_rule){ p->months, p->months, 0 }, &verdict);

	return r < 0 ? r : asked_follow(a, "art5-2-regress", i->id, verdict, true, NULL);
}

/* ---- target-missed ---- */

/* Of the division that sets one (unit before province before all) the last target whose day is over. */
static int passed_target(struct store *s, const char *unit, const char *indicator, int64_t day, struct value *ret)
{
	char province[3] = { unit[0], unit[1], '\0' }, code[8];
	const char *const divisions[] = { unit, code, province, "" };

	snprintf(code, sizeof code, "%s0000", province);
	*ret = (struct value){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(divisions); i++) {
		_cleanup_(store_resetp) store_stmt *q = NULL;
		int r = store_query(s, &q,
				    "SELECT (SELECT value FROM target WHERE division = ?1 AND indicator = ?2 AND by < ?3"
				    " ORDER BY by DESC LIMIT 1) FROM target WHERE division = ?1 AND indicator = ?2 LIMIT 1",
				    "tti", divisions[i], indicator, day);

		if (r < 0 || (r = store_step(q)) < 0)
			return r;
		if (r == 0)
			continue;
		ret->ok = !store_is_null(q, 0) && ratio_of_text(store_text(q, 0), &ret->ratio) == 0;
		return 0;
	}
	return 0;
}

static int target_says(const struct asked *a, const struct indicator *i, int64_t month, enum says *ret)
{
	const struct policy_key_indicators *p = policy_key_indicators(a->f->policy, asked_last_day(month));
	struct value now = { 0 }, target = { 0 };
	int r = asked_frozen(a->f->store, a->unit, i, month, &now);

	if (r >= 0)
		r = passed_target(a->f->store, a->unit, i->id, asked_last_day(month), &target);
	if (r >= 0 && now.ok && target.ok)
		*ret = asked_margin(asked_weigh(i, now.ratio, 1000, target.ratio), BELOW,
				    asked_weigh(i, now.ratio, p->clear_at_least_per_mille, target.ratio));
	return MIN(r, 0);
}

static int judge_target(const struct asked *a, const struct indicator *i)
{
	struct run_rule rule = asked_key_rule(a);
	enum run_verdict verdict;
	int r = asked_months(a, i, target_says, &rule, &verdict);

	return r < 0 ? r : asked_follow(a, "target-missed", i->id, verdict, false, NULL);
}

/* ---- a unit ---- */

static int judge_key_indicators(const struct asked *a, int (*judge)(const struct asked *a, const struct indicator *i))
{
	char *const *ids = policy_key_indicators(a->f->policy, a->last_day)->indicators;
	int r = 0;

	for (; r >= 0 && *ids; ids++) {
		const struct indicator *i = indicator_of(*ids);

		r = i ? judge(a, i) : 0;
	}
	return r;
}

static int judge_unit(struct asked *a)
{
	int known = asked_newest_month(a), r = known;

	if (r > 0)
		r = judge_key_indicators(a, judge_regress);
	if (r >= 0 && known)
		r = judge_key_indicators(a, judge_target);
	for (size_t i = 0; r >= 0 && known && i < indicator_count; i++)
		r = indicators[i].survey ? rules_cell(a, &indicators[i]) : 0;
	if (r >= 0)
		r = rules_declared(a);
	return r < 0 ? r : rules_unit_flags(a);
}

/* ---- when ---- */

int rules_month(struct fold *f, int64_t n, int64_t now, const char *unit)
{
	struct asked a = { .f = f, .n = n, .now = now, .unit = unit };
	char province[3] = { unit[0], unit[1], '\0' };
	int r = judge_unit(&a);

	/* Its neighbours' rows come at the same time: they are compared when all are there. */
	return r < 0 ? r : fold_ask_due(f, (now / HOUR_MS + 1) * HOUR_MS, "province", province);
}

/* The next unit that has a frozen month or a declared item: 1 found. */
static int next_unit(struct store *s, char unit[static UNIT_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT min(unit) FROM (SELECT min(unit) AS unit FROM frozen WHERE unit > ?1 UNION ALL"
			    " SELECT min(unit) FROM declared WHERE unit > ?1)",
			    "t", unit);

	if (r < 0 || (r = store_step(q)) <= 0 || store_is_null(q, 0))
		return MIN(r, 0);
	snprintf(unit, UNIT_SIZE, "%s", store_text(q, 0));
	return 1;
}

int rules_everything(struct fold *f, int64_t n, int64_t now)
{
	char unit[UNIT_SIZE] = "", province[3] = "";
	int r;

	while ((r = next_unit(f->store, unit)) > 0) {
		struct asked a = { .f = f, .n = n, .now = now, .unit = unit };

		r = judge_unit(&a);
		if (r >= 0 && strncmp(province, unit, 2) != 0) {
			snprintf(province, sizeof province, "%.2s", unit);
			r = rules_province(f, n, now, province);
		}
		if (r < 0)
			return r;
	}
	return r;
}

int rules_policy(struct fold *f, int64_t n, int64_t now)
{
	int r = rules_everything(f, n, now);

	return r < 0 ? r : rules_all_flags(f, n, now);
}

int rules_day(struct fold *f, int64_t n, int64_t now)
{
	char unit[UNIT_SIZE] = "";
	int r;

	for (;;) {
		_cleanup_(store_resetp) store_stmt *q = NULL;
		struct asked a = { .f = f, .n = n, .now = now, .unit = unit };

		r = store_query(f->store, &q, "SELECT unit FROM declared WHERE item = ? AND unit > ? ORDER BY unit LIMIT 1", "tt",
				rules_annual_inputs, unit);
		if (r < 0 || (r = store_step(q)) <= 0)
			return r;
		snprintf(unit, sizeof unit, "%s", store_text(q, 0));
		store_reset(q);
		q = NULL;
		r = rules_annual(&a);
		if (r < 0)
			return r;
	}
}

int rules_flags(struct fold *f, int64_t n, int64_t now, const char *unit)
{
	struct asked a = { .f = f, .n = n, .now = now, .unit = unit };
	int r = asked_newest_month(&a);

	return r < 0 ? r : rules_unit_flags(&a);
}
