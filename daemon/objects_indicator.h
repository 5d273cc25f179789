/* SPDX-License-Identifier: MIT
 *
 * Between objects_indicator.c and objects_units.c: what a province's units add up to.
 */
#pragma once

#include "objects.h"
#include "policy.h"

/* The rules for the province's average on a day. NULL in a database without any policy: then there is no average.
 * Borrowed from c. < 0 the store failed, or its policy cannot be read. */
int province_rules_on(struct store *s, struct province_sums *c, int64_t day,
		      const struct policy_province_average **ret);

struct province_sum {
	char province[3];
	char indicator[INDICATOR_ID_SIZE];
	char period[8];
	int64_t as_of;
	int64_t numerator, denominator; /* Σ over the units with status ok */
	int64_t units, ok;              /* how many there are, how many are in the sums */
	bool broken;                    /* the sums do not fit 64 bits */
};

int province_sum_of(struct store *s, struct province_sums *c, const char *province, const struct indicator *indicator,
		    const char *period, int64_t as_of, struct province_sum *ret);
/* So many of the province's units as the policy wants, and something to divide by (DOMAIN §2). */
bool province_sum_enough(const struct province_sum *sum, const struct indicator *indicator,
			 const struct policy_province_average *rules);

/* The double nearest to scale × numerator / denominator; a count's numerator. */
json *indicator_value(const struct indicator *indicator, int64_t numerator, int64_t denominator);
/* Too few answers to be shown to a reader outside (DOMAIN §5). */
int cell_is_hidden(struct store *s, struct province_sums *c, const struct indicator *indicator, int64_t day,
		   int64_t denominator, bool *ret);
