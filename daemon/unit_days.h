/* SPDX-License-Identifier: MIT
 *
 * Engines: what a unit's sites add up to, day by day (DOMAIN §2). Facts are keyed day first, so a day is one look a
 * site; what a site reported last is carried from day to day in memory. A run of days costs one look a site and day,
 * and a few more a site for the days before the first. Derived from the folded tables alone.
 */
#pragma once

#include "fold.h"
#include "indicators.h"

struct unit_days; /* a unit's sites with their registrations, while a run of days is computed */

/* For the days first…last, to be asked for in rising order. Tables are read here and then; nothing may be folded
 * meanwhile. */
int unit_days_open(struct fold *f, const char *unit, int64_t first, int64_t last, struct unit_days **ret);
void unit_days_free(struct unit_days *u);
void unit_days_freep(struct unit_days **u);

/* Indicators begin with the day on which the unit's first site exists, or somebody was asked about one that is to come. */
bool unit_days_has_data(const struct unit_days *u, int64_t day);

/* expected: reports are expected on that day. */
int unit_days_next(struct unit_days *u, int64_t day, bool expected, struct unit_sums *ret);

/* Per column the latest non-empty row of the unit's own code with reference_date ≤ day. Borrowed. */
const struct population *unit_days_resident(struct unit_days *u, int64_t day);
const struct population *unit_days_under3(struct unit_days *u, int64_t day);
