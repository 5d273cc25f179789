/* SPDX-License-Identifier: MIT
 *
 * Rules about a unit's indicators (DOMAIN §4). Samples are derived, so what is judged here are frozen months, whose
 * values are ledger rows, imports and ballots: folding again gives the same alerts. Always the newest frozen month is
 * asked, with as many before it as the rule's hysteresis needs. Comparisons are exact.
 */
#include "rules_raise.h"

#include "clock.h"
#include "indicators.h"
#include "json.h"
#include "months.h"
#include "ratio.h"
#include "runs.h"

#include <errno.h>
#include <stdio.h>

#define MONTHS_MAX 16
#define SUBJECT_SIZE 256
#define UNITS_OF_PROVINCE_MAX 512

/* A unit while it is judged. */
struct asked {
	struct fold *f;
	int64_t n, now;
	const char *unit;
	int64_t month, last_day; /* the newest frozen month of the unit */
};

struct value {
	bool ok;
	struct ratio ratio;
	int64_t completeness_n, completeness_d;
};

static int64_t month_before(int64_t month)
{
	return months_first_day(month - 1);
}

static int64_t year_before(int64_t month)
{
	int year, number, day;

	clock_date_of(month, &year, &number, &day);
	return clock_day_of(year - 1, number, 1);
}

static int64_t last_day_of(int64_t month)
{
	return months_next(month) - 1;
}

/* ---- values ---- */

/* What the month's last revision says. */
static int frozen_value(struct store *s, const char *unit, const struct indicator *i, int64_t month, struct value *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT numerator, denominator, status, completeness_n, completeness_d FROM frozen WHERE unit = ?"
			    " AND month = ? AND indicator = ? ORDER BY revision DESC LIMIT 1",
			    "tit", unit, month, i->id);

	*ret = (struct value){ 0 };
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	ret->completeness_n = store_int(q, 3);
	ret->completeness_d = store_int(q, 4);
	ret->ratio = (struct ratio){ (__int128)i->scale * store_int(q, 0), i->count ? 1 : store_int(q, 1) };
	ret->ok = strcmp(store_text(q, 2), "ok") == 0 && !store_is_null(q, 0) && ret->ratio.denominator > 0;
	return 0;
}

/* a against so many per mille of b, as -1, 0, 1: more is better, also where lower is. */
static int weigh(const struct indicator *i, struct ratio a, int64_t per_mille, struct ratio b)
{
	struct ratio *weighed = i->lower_is_better ? &a : &b;

	weighed->numerator *= per_mille;
	weighed->denominator *= 1000;
	return i->lower_is_better ? ratio_compare(b, a) : ratio_compare(a, b);
}

/* ---- months ---- */

typedef int (*says_fn)(const struct asked *a, const struct indicator *i, int64_t month, enum says *ret);

static int judge_months(const struct asked *a, const struct indicator *i, says_fn says, const struct run_rule *rule,
			enum run_verdict *ret)
{
	struct said said[MONTHS_MAX];
	size_t count = MIN(run_months(rule), (size_t)MONTHS_MAX);
	int64_t month = a->month;
	int r = 0;

	for (size_t k = 0; r >= 0 && k < count; k++, month = month_before(month)) {
		said[k] = (struct said){ last_day_of(month), SAYS_NOTHING };
		r = says(a, i, month, &said[k].says);
	}
	*ret = r < 0 ? RUN_STAYS : run_judge(said, count, rule);
	return r;
}

static struct raise alert_of(const struct asked *a, const char *rule, const char *subject)
{
	return (struct raise){ .rule = rule, .unit = a->unit, .division = a->unit, .subject = subject, .n = a->n, .now = a->now };
}

/* titled: a ground for revocation, so only of a unit that has the title. */
static int follow(const struct asked *a, const char *rule, const char *what, enum run_verdict verdict, bool titled,
		  const char *severity)
{
	char subject[SUBJECT_SIZE];
	struct raise alert = alert_of(a, rule, subject);
	int r = 1;

	snprintf(subject, sizeof subject, "%s/%s", a->unit, what);
	alert.severity = severity;
	if (verdict == RUN_CLEAR)
		return rules_clear(a->f, &alert, "the rule's clear condition was met");
	if (verdict == RUN_RAISE && titled)
		r = rules_is_titled(a->f->store, a->unit, a->last_day);
	return verdict == RUN_RAISE && r > 0 ? rules_raise_again(a->f, &alert) : MIN(r, 0);
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
	ret->ok = ratio_of_text(store_text(q, 1), &denominator) == 0 && denominator.numerator > 0;
	ret->ratio.numerator *= denominator.denominator * i->scale;
	ret->ratio.denominator *= denominator.numerator;
	return 0;
}

static int regress_says(const struct asked *a, const struct indicator *i, int64_t month, enum says *ret)
{
	const struct policy_regress *p = policy_regress(a->f->policy, last_day_of(month));
	struct value now = { 0 }, base = { 0 }, before = { 0 };
	int low_base, low_before, high_base, high_before;
	int r = frozen_value(a->f->store, a->unit, i, month, &now);

	if (r >= 0)
		r = baseline_of(a->f->store, a->unit, i, &base);
	if (r >= 0)
		r = frozen_value(a->f->store, a->unit, i, year_before(month), &before);
	if (r < 0 || !now.ok || !base.ok || !before.ok || now.completeness_d <= 0 ||
	    now.completeness_n * 1000 < now.completeness_d * p->completeness_per_mille)
		return MIN(r, 0);
	low_base = weigh(i, now.ratio, p->raise_at_most_per_mille, base.ratio);
	low_before = weigh(i, now.ratio, p->raise_at_most_per_mille, before.ratio);
	high_base = weigh(i, now.ratio, p->clear_at_least_per_mille, base.ratio);
	high_before = weigh(i, now.ratio, p->clear_at_least_per_mille, before.ratio);
	if (low_base == RATIO_TOO_LARGE || low_before == RATIO_TOO_LARGE)
		return 0;
	*ret = low_base <= 0 && low_before <= 0	? SAYS_BAD : high_base >= 0 && high_before >= 0 ? SAYS_GOOD : SAYS_BETWEEN;
	return 0;
}

static int judge_regress(const struct asked *a, const struct indicator *i)
{
	const struct policy_regress *p = policy_regress(a->f->policy, a->last_day);
	enum run_verdict verdict;
	int r = judge_months(a, i, regress_says, &(struct run_rule){ p->months, p->months, 0 }, &verdict);

	return r < 0 ? r : follow(a, "art5-2-regress", i->id, verdict, true, NULL);
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

static enum says margin(int bad, int good)
{
	return bad == RATIO_TOO_LARGE || good == RATIO_TOO_LARGE ? SAYS_NOTHING : bad ? SAYS_BAD : good ? SAYS_GOOD : SAYS_BETWEEN;
}

static int target_says(const struct asked *a, const struct indicator *i, int64_t month, enum says *ret)
{
	const struct policy_key_indicators *p = policy_key_indicators(a->f->policy, last_day_of(month));
	struct value now = { 0 }, target = { 0 };
	int r = frozen_value(a->f->store, a->unit, i, month, &now);

	if (r >= 0)
		r = passed_target(a->f->store, a->unit, i->id, last_day_of(month), &target);
	if (r >= 0 && now.ok && target.ok)
		*ret = margin(weigh(i, now.ratio, 1000, target.ratio) < 0,
			      weigh(i, now.ratio, p->clear_at_least_per_mille, target.ratio) >= 0);
	return MIN(r, 0);
}

/* One month raises, and good ones clear that lie clear_days apart: what a month says is its last day's value. */
static struct run_rule key_rule(const struct asked *a)
{
	return (struct run_rule){ 1, 1, policy_key_indicators(a->f->policy, a->last_day)->clear_days };
}

static int judge_target(const struct asked *a, const struct indicator *i)
{
	struct run_rule rule = key_rule(a);
	enum run_verdict verdict;
	int r = judge_months(a, i, target_says, &rule, &verdict);

	return r < 0 ? r : follow(a, "target-missed", i->id, verdict, false, NULL);
}

/* ---- art5-3 ---- */

struct opinion_said {
	char verdict[16];
	double low;
};

/* The cell as the month's last revision has it (satisfaction.h); 1 found. */
static int cell_of(const struct asked *a, const struct indicator *i, int64_t month, struct opinion_said *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	_cleanup_(json_freep) json *detail = NULL;
	const json *verdict, *low;
	size_t offset;
	int r = store_query(a->f->store, &q,
			    "SELECT detail FROM frozen WHERE unit = ? AND month = ? AND indicator = ? ORDER BY revision DESC LIMIT 1",
			    "tit", a->unit, month, i->id);

	*ret = (struct opinion_said){ .low = -1 };
	if (r < 0 || (r = store_step(q)) <= 0 || store_is_null(q, 0))
		return MIN(r, 0);
	if (json_parse(store_text(q, 0), strlen(store_text(q, 0)), 4, &detail, &offset) < 0)
		return 0;
	verdict = json_get(detail, "verdict");
	low = json_at(json_get(detail, "interval"), 0);
	if (!verdict || json_kind(verdict) != JSON_KIND_TEXT || !low)
		return 0;
	snprintf(ret->verdict, sizeof ret->verdict, "%s", json_text(verdict));
	ret->low = json_real(low);
	return 1;
}

/* A round is over with June and December. */
static int64_t last_round_end(int64_t month)
{
	int year, number, day;

	clock_date_of(month, &year, &number, &day);
	return number == 12 ? month : number >= 6 ? clock_day_of(year, 6, 1) : clock_day_of(year - 1, 12, 1);
}

static int is_content(const struct asked *a, const struct indicator *i, const struct policy_satisfaction *p, bool *ret)
{
	int64_t end = last_round_end(a->month);
	int r = 0;

	*ret = true;
	for (int64_t k = 0; r >= 0 && *ret && k < p->clear_rounds; k++, end = last_round_end(month_before(end))) {
		struct opinion_said said;

		r = cell_of(a, i, end, &said);
		*ret = r > 0 && strcmp(said.verdict, "insufficient") != 0 && said.low * 1000 >= (double)p->clear_from_per_mille;
	}
	return MIN(r, 0);
}

static int judge_cell(const struct asked *a, const struct indicator *i)
{
	static const struct {
		const char *verdict, *severity;
	} grades[] = { { "red", "S2" }, { "amber", "S3" } };
	const struct policy_satisfaction *p = policy_satisfaction(a->f->policy, a->last_day);
	struct opinion_said said;
	bool content = false;
	int r = cell_of(a, i, a->month, &said);

	for (size_t k = 0; r > 0 && k < ARRAY_SIZE(grades); k++)
		if (strcmp(said.verdict, grades[k].verdict) == 0)
			return follow(a, "art5-3", i->id, RUN_RAISE, true, grades[k].severity);
	if (r >= 0)
		r = is_content(a, i, p, &content);
	return r < 0 || !content ? MIN(r, 0) : follow(a, "art5-3", i->id, RUN_CLEAR, true, NULL);
}

/* ---- art5-2-ineffective ---- */

/* Declared items: months, consecutive from the last one declared. */
struct item {
	const char *name;
	bool lower_is_better;
};
static const struct item rectifications = { "rectifications_overdue", true };
static const struct item inspections = { "inspections_done", false };
static const char annual_inputs[] = "annual_inputs";

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
		  denominator.numerator > 0;
	ret->ratio = (struct ratio){ numerator.numerator * denominator.denominator, numerator.denominator * denominator.numerator };
	return 0;
}

static enum says item_says(const struct policy_ineffective *p, const struct item *item, const struct value *v)
{
	struct ratio too_much = { p->rectifications_overdue_above_per_mille, 1000 };
	struct ratio little = { p->clear_overdue_below_per_mille, 1000 };
	struct ratio too_few = { p->inspections_done_below_per_mille, 1000 }, plan = { 1, 1 };

	if (!v->ok)
		return SAYS_NOTHING;
	if (item->lower_is_better)
		return margin(ratio_compare(v->ratio, too_much) == 1, ratio_compare(v->ratio, little) == -1);
	return margin(ratio_compare(v->ratio, too_few) == -1, ratio_compare(v->ratio, plan) >= 0);
}

static int judge_item(struct asked *a, const struct item *item)
{
	const struct policy_ineffective *p;
	struct said said[MONTHS_MAX] = { 0 };
	int64_t newest = STORE_NULL, month;
	struct run_rule rule;
	size_t count;
	int r = store_get_int(a->f->store, &newest, "SELECT max(as_of) FROM declared WHERE unit = ? AND item = ? AND period = 'month'",
			      "tt", a->unit, item->name);

	if (r < 0 || newest == STORE_NULL)
		return MIN(r, 0);
	a->last_day = last_day_of(newest);
	p = policy_ineffective(a->f->policy, a->last_day);
	rule = (struct run_rule){ p->months, 1, 0 };
	count = MIN(run_months(&rule), (size_t)MONTHS_MAX);
	month = newest;
	for (size_t k = 0; r >= 0 && k < count; k++, month = month_before(month)) {
		struct value v;

		r = declared_value(a->f->store, a->unit, item->name, month, &v);
		said[k] = (struct said){ last_day_of(month), item_says(p, item, &v) };
	}
	return r < 0 ? r : follow(a, "art5-2-ineffective", item->name, run_judge(said, count, &rule), true, NULL);
}

/* The next year's is due at the end of that year, once the unit has handed in one. */
static int judge_annual(struct asked *a)
{
	int64_t newest = STORE_NULL, due, today = a->f->dirty.today;
	int year, number, day;
	int r = store_get_int(a->f->store, &newest, "SELECT max(as_of) FROM declared WHERE unit = ? AND item = ?", "tt", a->unit,
			      annual_inputs);

	if (r < 0 || newest == STORE_NULL)
		return MIN(r, 0);
	clock_date_of(newest, &year, &number, &day);
	due = clock_day_of(year + 1, 12, 31);
	a->last_day = today;
	return follow(a, "art5-2-ineffective", annual_inputs,
		      today - due > policy_ineffective(a->f->policy, today)->annual_inputs_overdue_days ? RUN_RAISE :
		      today <= due									? RUN_CLEAR :
													  RUN_STAYS,
		      true, NULL);
}

static int judge_declared(struct asked *a)
{
	int r = judge_item(a, &rectifications);

	if (r >= 0)
		r = judge_item(a, &inspections);
	return r < 0 ? r : judge_annual(a);
}

/* ---- art5-2-falsification ---- */

/* Tokens live at two sites, one of them the unit's: a flag each, while the round or the next one runs. */
static int token_flags(struct store *s, const char *unit, int64_t round, int64_t *ret)
{
	return store_get_int(s, ret,
			     "SELECT count(DISTINCT b.round || b.token) FROM site s JOIN survey_site v ON v.round IN (?2, ?2 - 1)"
			     " AND v.site = s.id AND v.left_out > 0 JOIN ballot b ON b.round = v.round AND b.site = s.id"
			     " AND b.counts = 1 WHERE s.unit = ?1 AND EXISTS(SELECT 1 FROM ballot o WHERE o.round = b.round"
			     " AND o.token = b.token AND o.counts = 1 AND o.site <> b.site)",
			     "ti", unit, round);
}

/* Cells with more answers than people entitled, in the newest frozen month. */
static int cell_flags(const struct asked *a, int64_t *ret)
{
	return store_get_int(a->f->store, ret,
			     "SELECT count(*) FROM frozen z WHERE unit = ?1 AND month = ?2 AND detail LIKE"
			     " '%more_answers_than_entitled%' AND revision = (SELECT max(revision) FROM frozen WHERE unit = ?1"
			     " AND month = ?2 AND indicator = z.indicator)",
			     "ti", a->unit, a->month);
}

static int judge_flags(struct asked *a)
{
	int64_t day = clock_local_day(a->now), tokens = 0, cells = 0, flags;
	int year, number, day_of_month, r;

	clock_date_of(day, &year, &number, &day_of_month);
	r = token_flags(a->f->store, a->unit, year * 2 + (number > 6), &tokens);
	if (r >= 0)
		r = cell_flags(a, &cells);
	if (r < 0)
		return r;
	flags = tokens + cells;
	a->last_day = day;
	return follow(a, "art5-2-falsification", "integrity-flags",
		      flags > policy_falsification(a->f->policy, day)->flags_above ? RUN_RAISE :
		      flags == 0						   ? RUN_CLEAR :
										     RUN_STAYS,
		      true, NULL);
}

/* ---- a unit ---- */

static int newest_month(struct asked *a)
{
	int64_t month = STORE_NULL;
	int r = store_get_int(a->f->store, &month, "SELECT max(month) FROM frozen WHERE unit = ?", "t", a->unit);

	a->month = month == STORE_NULL ? 0 : month;
	a->last_day = last_day_of(a->month);
	return r < 0 ? r : month != STORE_NULL;
}

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
	int known = newest_month(a), r = known;

	if (r > 0)
		r = judge_key_indicators(a, judge_regress);
	if (r >= 0 && known)
		r = judge_key_indicators(a, judge_target);
	for (size_t i = 0; r >= 0 && known && i < indicator_count; i++)
		r = indicators[i].survey ? judge_cell(a, &indicators[i]) : 0;
	if (r >= 0)
		r = judge_declared(a);
	return r < 0 ? r : judge_flags(a);
}

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
	int r = official_average(s, p, i, last_day_of(month), how->official_max_age_days, ret);

	if (r != 0)
		return MIN(r, 0);
	for (size_t k = 0; r >= 0 && k < p->count; k++) {
		struct value v;

		r = frozen_value(s, p->units[k], i, month, &v);
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
			   struct value averages[static MONTHS_MAX])
{
	size_t count = MIN(run_months(rule), (size_t)MONTHS_MAX);
	int64_t month = p->asked.month;
	int r = 0;

	for (size_t k = 0; r >= 0 && k < count; k++, month = month_before(month)) {
		averages[k] = (struct value){ 0 };
		r = average_of(p->asked.f->store, p, i, month, policy_province_average(p->asked.f->policy, last_day_of(month)),
			       &averages[k]);
	}
	return r;
}

static int judge_below(const struct asked *a, const struct indicator *i, const struct value averages[static MONTHS_MAX],
		       const struct run_rule *rule)
{
	struct said said[MONTHS_MAX] = { 0 };
	size_t count = MIN(run_months(rule), (size_t)MONTHS_MAX);
	int64_t month = a->month, clear_at = policy_key_indicators(a->f->policy, a->last_day)->clear_at_least_per_mille;
	int r = 0;

	for (size_t k = 0; r >= 0 && k < count; k++, month = month_before(month)) {
		struct value now;

		r = frozen_value(a->f->store, a->unit, i, month, &now);
		said[k].last_day = last_day_of(month);
		if (r >= 0 && now.ok && averages[k].ok)
			said[k].says = margin(weigh(i, now.ratio, 1000, averages[k].ratio) <= 0,
					      weigh(i, now.ratio, clear_at, averages[k].ratio) >= 0);
	}
	return r < 0 ? r : follow(a, "below-province", i->id, run_judge(said, count, rule), false, NULL);
}

static int judge_below_all(struct province *p, const struct indicator *i)
{
	struct value averages[MONTHS_MAX];
	struct run_rule rule = key_rule(&p->asked);
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
	p->asked.last_day = last_day_of(month);
	ids = policy_key_indicators(f->policy, p->asked.last_day)->indicators;
	for (; r >= 0 && *ids; ids++)
		r = indicator_of(*ids) ? judge_below_all(p, indicator_of(*ids)) : 0;
	return MIN(r, 0);
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

int rules_day(struct fold *f, int64_t n, int64_t now)
{
	char unit[UNIT_SIZE] = "";
	int r;

	for (;;) {
		_cleanup_(store_resetp) store_stmt *q = NULL;
		struct asked a = { .f = f, .n = n, .now = now, .unit = unit };

		r = store_query(f->store, &q, "SELECT unit FROM declared WHERE item = ? AND unit > ? ORDER BY unit LIMIT 1", "tt",
				annual_inputs, unit);
		if (r < 0 || (r = store_step(q)) <= 0)
			return r;
		snprintf(unit, sizeof unit, "%s", store_text(q, 0));
		store_reset(q);
		q = NULL;
		r = judge_annual(&a);
		if (r < 0)
			return r;
	}
}

int rules_flags(struct fold *f, int64_t n, int64_t now, const char *unit)
{
	struct asked a = { .f = f, .n = n, .now = now, .unit = unit };
	int r = newest_month(&a);

	return r < 0 ? r : judge_flags(&a);
}
