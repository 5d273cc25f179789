/* SPDX-License-Identifier: MIT
 *
 * Meaning, for rules_*.c about indicators: a unit while it is asked, its frozen months and what a run of them says. Samples are
 * derived, so what is judged are frozen months, whose values are ledger rows, imports and ballots: folding again gives the same
 * alerts. Always the newest frozen month is asked, with as many before it as the rule's hysteresis needs. Exact.
 */
#pragma once

#include "rules_raise.h"

#include "indicators.h"
#include "ratio.h"
#include "runs.h"

#define ASKED_MONTHS_MAX 16

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

int64_t asked_month_before(int64_t month);
int64_t asked_last_day(int64_t month);
/* 1 and month and last_day set; 0: nothing is frozen yet. */
int asked_newest_month(struct asked *a);
/* What the month's last revision says. */
int asked_frozen(struct store *s, const char *unit, const struct indicator *i, int64_t month, struct value *ret);
/* a against so many per mille of b, as -1, 0, 1: more is better, also where lower is. */
int asked_weigh(const struct indicator *i, struct ratio a, int64_t per_mille, struct ratio b);
/* Two comparisons: bad when the first is at most `bad`, good when the second is at least 0. */
#define BELOW (-1)
#define NOT_ABOVE 0
enum says asked_margin(int against_limit, int bad, int against_clear);

typedef int (*says_fn)(const struct asked *a, const struct indicator *i, int64_t month, enum says *ret);
int asked_months(const struct asked *a, const struct indicator *i, says_fn says, const struct run_rule *rule, enum run_verdict *ret);
/* Of key indicators: one month raises, and good ones clear that lie clear_days apart. */
struct run_rule asked_key_rule(const struct asked *a);
/* Raises or clears the alert of UNIT/what. titled: a ground for revocation, so only of a unit that has the title. severity: NULL
 * the rule's. */
int asked_follow(const struct asked *a, const char *rule, const char *what, enum run_verdict verdict, bool titled, const char *severity);

/* ---- a unit's rules, file by file ---- */
int rules_declared(struct asked *a);                                  /* rules_declared.c: art5-2-ineffective */
int rules_annual(struct asked *a);                                    /* the part of it that a day's turn brings */
extern const char rules_annual_inputs[];                              /* its declared item */
int rules_cell(const struct asked *a, const struct indicator *i);     /* rules_survey.c: art5-3 */
int rules_unit_flags(struct asked *a);                                /* art5-2-falsification */
int rules_all_flags(struct fold *f, int64_t n, int64_t now);          /* of every unit with a token at two sites */
