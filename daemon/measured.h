/* SPDX-License-Identifier: MIT
 *
 * Meaning: what goes into an indicator and what comes out (indicators.h): sums over a unit's sites on a day, made by
 * unit_days.c, and the hook `.measure` of the table of indicators, where two of the sums alone cannot say it.
 */
#pragma once

#include "buf.h"
#include "policy.h"
#include "store.h"

/* Answers to one question by one kind of respondents (DOMAIN §5), of all the unit's sites. */
enum answers_cell {
	ANSWERS_FAMILY_POLICY,
	ANSWERS_FAMILY_SERVICE,
	ANSWERS_INSTITUTION_POLICY,
	ANSWERS_INSTITUTION_SERVICE,
	ANSWERS_CELLS,
};
struct answers {
	int64_t good, all, sites;                         /* sites: with an answer */
	int64_t ballots_good, ballots_all, ballots_sites; /* the part by ballots */
	int64_t left_out;                                 /* ballots whose token is live at two sites */
};

/* What all indicators of a unit and day are made of. "Operating" is registered and operating. */
struct unit_sums {
	int64_t operating, usable, stale;       /* sites; usable and stale: among the operating ones */
	int64_t filed, disclosed, insured;      /* operating sites */
	int64_t places, inclusive_places;       /* counted places of the sites in places_total, of the inclusive ones */
	int64_t own_places, own_children;       /* without kindergarten classes and family points */
	int64_t attending;                      /* Σ min(full day + half day, under 36 months) */
	int64_t under36;                        /* of all operating sites with a usable report */
	int64_t expected, reported, timely;     /* reports of this day */
	int64_t groups, groups_ok, child_days;  /* of every existing site's report of this day */
	int64_t events, late;                   /* not unclear ones; late reports among them */
	int64_t harmed, severe, liable;         /* events of severity S1–S3; confirmed S1; liability = nursery */
	struct answers answers[ANSWERS_CELLS];  /* of the day's round */
};

/* A person count of the unit in force on a day. */
struct population {
	int64_t count; /* STORE_NULL: unknown */
	char *source;  /* JSON object for the indicator's sources; NULL when unknown */
};

struct measuring {
	struct store *store; /* borrowed */
	const struct policy *policy;
	const char *unit;
	int64_t day;
	const struct unit_sums *sums;
	const struct population *resident, *under3;
	int cell; /* the row's own: which of several indicators that one function measures */
};

struct measured {
	int64_t numerator, denominator; /* STORE_NULL: unknown */
	const char *status;             /* "ok", "no_data", "insufficient" */
	char reason[64];                /* why no_data or insufficient; "" when ok */
	char detail[256];               /* a JSON object of further members of the indicator object; "" none */
	int64_t completeness_n, completeness_d;
	struct buf *sources;            /* JSON objects, comma separated: append */
};
