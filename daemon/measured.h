/* SPDX-License-Identifier: MIT
 *
 * Meaning: what an indicator is on a day, where a query alone cannot say it: the hook `.measure` of the table of
 * indicators (indicators.h).
 */
#pragma once

#include "policy.h"
#include "store.h"

struct measuring {
	struct store *store; /* borrowed; temp.counted_site (recompute.c) holds the unit's sites of the day */
	const struct policy *policy;
	const char *unit;
	int64_t day;
	int cell; /* the row's own: which of several indicators that one function measures */
};

struct measured {
	int64_t numerator, denominator; /* STORE_NULL: unknown */
	const char *status;             /* "ok", "no_data", "insufficient" */
	char reason[64];                /* why no_data or insufficient; "" when ok */
	char detail[256];               /* a JSON object of further members of the indicator object */
};
