/* SPDX-License-Identifier: MIT */
#include "rules_asked.h"

#include "months.h"

#include <stdio.h>

#define SUBJECT_SIZE 256

int64_t asked_month_before(int64_t month)
{
	return months_first_day(month - 1);
}

int64_t asked_last_day(int64_t month)
{
	return months_next(month) - 1;
}

/* ---- values ---- */

/* What the month's last revision says. */
int asked_frozen(struct store *s, const char *unit, const struct indicator *i, int64_t month, struct value *ret)
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
int asked_weigh(const struct indicator *i, struct ratio a, int64_t per_mille, struct ratio b)
{
	struct ratio *weighed = i->lower_is_better ? &a : &b;

	if (ratio_multiply(weighed, per_mille, 1000) < 0)
		return RATIO_TOO_LARGE;
	return i->lower_is_better ? ratio_compare(b, a) : ratio_compare(a, b);
}

/* ---- months ---- */

int asked_months(const struct asked *a, const struct indicator *i, says_fn says, const struct run_rule *rule,
			enum run_verdict *ret)
{
	struct said said[ASKED_MONTHS_MAX];
	size_t count = MIN(run_months(rule), (size_t)ASKED_MONTHS_MAX);
	int64_t month = a->month;
	int r = 0;

	for (size_t k = 0; r >= 0 && k < count; k++, month = asked_month_before(month)) {
		said[k] = (struct said){ asked_last_day(month), SAYS_NOTHING };
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
int asked_follow(const struct asked *a, const char *rule, const char *what, enum run_verdict verdict, bool titled,
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

enum says asked_margin(int against_limit, int bad, int against_clear)
{
	if (against_limit == RATIO_TOO_LARGE || against_clear == RATIO_TOO_LARGE)
		return SAYS_NOTHING;
	return against_limit <= bad ? SAYS_BAD : against_clear >= 0 ? SAYS_GOOD : SAYS_BETWEEN;
}

/* One month raises, and good ones clear that lie clear_days apart: what a month says is its last day's value. */
struct run_rule asked_key_rule(const struct asked *a)
{
	return (struct run_rule){ 1, 1, policy_key_indicators(a->f->policy, a->last_day)->clear_days };
}

int asked_newest_month(struct asked *a)
{
	int64_t month = STORE_NULL;
	int r = store_get_int(a->f->store, &month, "SELECT max(month) FROM frozen WHERE unit = ?", "t", a->unit);

	a->month = month == STORE_NULL ? 0 : month;
	a->last_day = asked_last_day(a->month);
	return r < 0 ? r : month != STORE_NULL;
}
