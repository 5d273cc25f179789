/* SPDX-License-Identifier: MIT
 *
 * What a unit's indicator is compared with (DOMAIN §2): the targets, the averages that its province published, and what
 * the province's units add up to. For objects_*.c and the sinks.
 */
#pragma once

#include "objects.h"
#include "policy.h"
#include "ratio.h"

/* The rules for the province's average on a day. NULL in a database without any policy: then there is no average.
 * Borrowed from c. < 0 the store failed, or its policy cannot be read. */
int province_rules_on(struct store *s, struct province_sums *c, int64_t day,
		      const struct policy_province_average **ret);

/* Σ over the units with status ok. */
struct province_sum {
	int64_t numerator, denominator;
	int64_t parts;     /* both are so many times too large: a power of ten where decimals were added up, else 1 */
	int64_t units, ok; /* how many there are, how many are in the sums */
	bool broken;       /* the sums do not fit 64 bits */
};

/* So many of the province's units as the policy wants, and something to divide by (DOMAIN §2). */
bool province_sum_enough(const struct province_sum *sum, const struct indicator *indicator,
			 const struct policy_province_average *rules);

/* The value of a sum, or null; it has one (province_sum_enough). */
bool province_sum_double(const struct province_sum *sum, const struct indicator *indicator, double *ret);
/* An operand of a sum as it is shown: a whole number, or a decimal string where decimals were added up. */
json *province_sum_operand(const struct province_sum *sum, int64_t operand);

/* The double nearest to scale × numerator / denominator; false: there is none. Not for counts. */
bool indicator_double(const struct indicator *indicator, int64_t numerator, int64_t denominator, double *ret);
/* The same as JSON; a count's numerator; null. */
json *indicator_value(const struct indicator *indicator, int64_t numerator, int64_t denominator);

/* Too few answers to be shown to a reader outside (DOMAIN §5). */
int cell_is_hidden(struct store *s, struct province_sums *c, const struct indicator *indicator, int64_t day,
		   int64_t denominator, bool *ret);

struct target {
	int rank; /* 0: the unit's own, up to 3: everybody's */
	int64_t by;
	char *text;         /* "value":…,"by":… */
	struct ratio ratio; /* denominator 0: no number */
};

struct average {
	int64_t reference_date;
	char *text; /* "value":…,"source":"official","document":…,"as_of":… */
	double value;
	char *document;
	struct ratio ratio; /* denominator 0: no number */
};

/* Of one unit's indicator, read once for all its days. */
struct comparison {
	struct store *store;
	struct province_sums *cache;
	char unit[UNIT_SIZE], province[3];
	const char *indicator, *period; /* the caller's */
	struct target *targets;
	struct average *averages; /* newest first */
	size_t target_count, average_count;
	store_stmt *sums; /* a walk over the days; NULL: not begun */
	int64_t sums_at;  /* where it stands; INT64_MAX: at the end */
};

int comparison_begin(struct store *s, struct province_sums *cache, const char *unit, const char *indicator, const char *period,
		     struct comparison *ret);
void comparison_done(struct comparison *c);

/* The target in force: the unit's before its province's before everybody's; the smallest `by` not before the day, else the
 * last (as indicator_target). NULL: none. */
const struct target *comparison_target(const struct comparison *c, int64_t day);
/* The province's own figure in force on a day; NULL: none. */
const struct average *comparison_average(const struct comparison *c, const struct policy_province_average *rules, int64_t day);
/* The sums of one day; days must rise from call to call. */
int comparison_sums(struct comparison *c, int64_t as_of, struct province_sum *ret);
