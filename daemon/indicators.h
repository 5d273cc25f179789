/* SPDX-License-Identifier: MIT
 *
 * Meaning: the table of indicators (DOMAIN §2): one row each; adding one touches this table and nothing else. A row
 * names the sums it is made of; what those sums are is unit_days.c's matter. Declared items are indicators without a
 * row: they have no code.
 */
#pragma once

#include "policy.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all indicators of a unit and day are made of. "Operating" is registered and operating. */
struct unit_sums {
	int64_t operating, usable, stale;       /* sites; usable and stale: among the operating ones */
	int64_t filed, disclosed, insured;      /* operating sites */
	int64_t places, inclusive_places;       /* counted places of the sites in places_total, of the inclusive ones */
	int64_t own_places, own_children;       /* without kindergarten classes and family points */
	int64_t attending;                      /* Σ min(full day + half day, under 36 months) */
	int64_t expected, reported, timely;     /* reports of this day */
	int64_t groups, groups_ok, child_days;  /* of every existing site's report of this day */
	int64_t events, late;                   /* not unclear ones; late reports among them */
	int64_t harmed, severe, liable;         /* events of severity S1–S3; confirmed S1; liability = nursery */
};

/* A person count of the unit in force on a day. */
struct population {
	int64_t count; /* STORE_NULL: unknown */
	char *source;  /* JSON object for the indicator's sources; NULL when unknown */
};

struct measuring {
	struct store *store;
	const struct policy *policy;
	const char *unit;
	int64_t day;
	const struct unit_sums *sums;
	const struct population *resident, *under3;
};

struct measured {
	int64_t numerator, denominator; /* STORE_NULL: none */
	const char *status;             /* set it only to something else than ok and no_data; a constant */
	const char *reason;             /* the missing input, a constant; NULL: there is a value */
	struct buf *sources;            /* JSON objects, comma separated; append */
	struct buf *extra;              /* JSON object whose members the indicator object gets; empty: none */
	int64_t completeness_n, completeness_d; /* as the row says; may be set to something else */
};

enum indicator_completeness {
	COMPLETE_ALWAYS, /* 1 */
	COMPLETE_STOCK,  /* operating sites with a usable report ÷ operating sites */
	COMPLETE_FLOW,   /* Σ received ÷ Σ expected */
};

#define SUM_NONE SIZE_MAX

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
	/* Instead of the offsets. < 0: the store failed. */
	int (*measure)(const struct measuring *m, struct measured *ret);
};

extern const struct indicator indicators[];
extern const size_t indicator_count;
const struct indicator *indicator_of(const char *id); /* NULL when unknown */

/* The target in force on the day: unit before province before all; the smallest `by` not before the day, else the
 * last. 1 and *q on (value, by, source), 0 none. */
int indicator_target(struct store *s, const char *unit, const char *indicator, int64_t day, store_stmt **q);

/* One indicator of one day. */
int indicator_measure(const struct indicator *i, const struct measuring *m, struct measured *ret);
