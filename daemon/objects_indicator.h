/* SPDX-License-Identifier: MIT
 *
 * Between objects_indicator.c and objects_units.c: what a province's units add up to.
 */
#pragma once

#include "objects.h"

struct province_sum {
	char province[3];
	const char *indicator; /* of the table of indicators */
	char period[8];
	int64_t as_of;
	int64_t numerator, denominator; /* Σ over the units with status ok */
	int64_t units, ok;              /* how many there are, how many are in the sums */
	bool broken;                    /* the sums do not fit 64 bits */
};

int province_sum_of(struct store *s, struct province_sums *c, const char *province, const struct indicator *indicator,
		    const char *period, int64_t as_of, struct province_sum *ret);
/* 80 % of the province's units, and something to divide by (DOMAIN §2). */
bool province_sum_enough(const struct province_sum *sum, const struct indicator *indicator);

/* The double nearest to scale × numerator / denominator; a count's numerator. */
json *indicator_value(const struct indicator *indicator, int64_t numerator, int64_t denominator);
