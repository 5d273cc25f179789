/* SPDX-License-Identifier: MIT
 *
 * Meaning: the table of indicators (DOMAIN §2): one row each; adding one touches this table and nothing else. A row
 * names the sums it is made of; what those sums are is unit_days.c's matter. Declared items are indicators without a
 * row: they have no code.
 */
#pragma once

#include "measured.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum indicator_completeness {
	COMPLETE_ALWAYS, /* 1 */
	COMPLETE_STOCK,  /* operating sites with a usable report ÷ operating sites */
	COMPLETE_FLOW,   /* Σ received ÷ Σ expected */
};

#define SUM_NONE SIZE_MAX
#define INDICATOR_ID_SIZE 193 /* a declared item: 64 Chinese characters */

struct indicator {
	const char *id, *zh, *en;
	int64_t scale;        /* 1 for counts */
	bool count;           /* a sum without denominator; a province's is summed and never compared */
	bool headline;        /* shown in lists of units */
	bool lower_is_better; /* the province comparison is called `worse`, not `above` */
	bool flow;            /* a month is the sum of its days; else it is its last day's */
	enum indicator_completeness completeness;
	size_t numerator, denominator; /* offsets of sums */
	size_t population;             /* offset in struct measuring of the population that is the denominator; 0: none */
	bool needs_reports;            /* no_data without a usable report of an operating site */
	const char *lacking;           /* names the denominator when it is missing or zero */
	/* Instead of the offsets: a function, which is handed `cell` and sets operands, status, reason. < 0: the store failed. */
	int (*measure)(const struct measuring *m, struct measured *ret);
	int cell;
	bool survey; /* answers of people: outside, cells of few are suppressed (DOMAIN §5) */
};

extern const struct indicator indicators[];
extern const size_t indicator_count;
const struct indicator *indicator_of(const char *id); /* NULL when unknown */

/* The target in force on the day: unit before province before all; the smallest `by` not before the day, else the
 * last. 1 and *q on (value, by, source), 0 none. */
int indicator_target(struct store *s, const char *unit, const char *indicator, int64_t day, store_stmt **q);

/* One indicator of one day. */
int indicator_measure(const struct indicator *i, const struct measuring *m, struct measured *ret);
