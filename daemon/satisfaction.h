/* SPDX-License-Identifier: MIT
 *
 * Meaning: satisfaction (满意度, DOMAIN §5): from the counts of answers to a share, its interval and a verdict.
 * Comparisons with thresholds are exact, in integers; only the interval is floating point. Thresholds: the policy's
 * group `satisfaction` of the day.
 */
#pragma once

#include "measured.h"
#include "policy.h"

#include <stdbool.h>
#include <stdint.h>

/* One cell: (unit, round, respondent, question). n counts answers 1–5, "don't know" is none. */
struct satisfaction_cell {
	bool institutions;
	int64_t good, n;          /* answers 4–5, answers 1–5: ballots, and tallies where a site has no ballots */
	int64_t entitled;         /* N: people (institutions: sites) entitled to answer */
	bool entitled_known;      /* families: an operating site has a usable report */
	int64_t sites, answering; /* operating sites; sites with an answer among n */
	int64_t ballots_good, ballots_n, ballots_answering; /* the same, of ballots only */
	int64_t left_out;         /* ballots whose token is live at another site, too */
};

enum satisfaction_verdict {
	SATISFACTION_OK,
	SATISFACTION_AMBER,
	SATISFACTION_RED,
	SATISFACTION_INSUFFICIENT,
	SATISFACTION_VERDICTS,
};
extern const char *const satisfaction_verdict_words[SATISFACTION_VERDICTS];

struct satisfaction_interval {
	double low, high; /* shares, 0…1 */
};

/* Wilson, of good among n > 0; with finite correction n* = n(N−1)/(N−n) while n < N; n = N: the share itself
 * twice; n > N: no correction. */
struct satisfaction_interval satisfaction_interval(int64_t good, int64_t n, int64_t entitled, double z);
bool satisfaction_insufficient(const struct satisfaction_cell *c, const struct policy_satisfaction *r);
/* Of a cell with n > 0. Red looks at ballots alone: a nursery counts its own tallies. */
enum satisfaction_verdict satisfaction_verdict(const struct satisfaction_cell *c, const struct policy_satisfaction *r);

/* The hook (measured.h), cell: enum answers_cell. All live answers of the round that the day lies in. Adds interval, verdict and flags:
 * "token_at_two_sites", "more_answers_than_entitled". */
int satisfaction_measure(const struct measuring *m, struct measured *ret);
