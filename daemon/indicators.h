/* SPDX-License-Identifier: MIT
 *
 * The table of indicators (DOMAIN §2): one row each; adding one touches this table and nothing else.
 */
#pragma once

#include "measured.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct indicator {
	const char *id, *zh, *en;
	int64_t scale;        /* 1 for counts */
	bool count;           /* a sum without denominator; a province's is summed and never compared */
	bool headline;        /* shown in lists of units */
	bool lower_is_better; /* the province comparison is called `worse`, not `above` */
	bool flow;            /* its completeness is received ÷ expected reports; else usable ÷ operating sites */
	const char *population; /* the column of the population table it needs, told as a source; or NULL */
	/* One row: numerator (NULL: no data), denominator (NULL for counts), the input that is missing or NULL.
	 * With a population ?1 is the unit and ?2 the day, else there are no parameters; reads temp.counted_site (recompute.c), one row a site that exists on the day. */
	const char *sql;
	/* Instead of sql: a function, which is handed `cell`. */
	int (*measure)(const struct measuring *m, struct measured *ret);
	int cell;
	bool survey; /* answers of people: outside, cells of few are suppressed (DOMAIN §5) */
};

extern const struct indicator indicators[];
extern const size_t indicator_count;
const struct indicator *indicator_of(const char *id); /* NULL when unknown */
