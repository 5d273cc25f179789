/* SPDX-License-Identifier: MIT
 *
 * The table of indicators (DOMAIN §2): one row each; adding one touches this table and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct indicator {
	const char *id, *zh, *en;
	int64_t scale;        /* 1 for counts */
	bool count;           /* a sum without denominator; a province's is summed and never compared */
	bool headline;        /* shown in lists of units */
	bool lower_is_better; /* the province comparison is called `worse`, not `above` */
};

extern const struct indicator indicators[];
extern const size_t indicator_count;
const struct indicator *indicator_of(const char *id); /* NULL when unknown */
