/* SPDX-License-Identifier: MIT
 *
 * Meaning: working days (DOMAIN §1). They come from the State Council's notices, imported one year at a time; a year
 * without a row is not known, and nothing is guessed about it.
 */
#pragma once

#include "store.h"

#include <stdbool.h>

#define WORKDAYS_UNKNOWN 1 /* the calendar of a year that matters is not there */

int workdays_is(struct store *s, int64_t day, bool *ret);
/* Is a report expected of the day? As workdays_is, but in a year without calendar Monday to Friday (DOMAIN §2, completeness). */
int workdays_expected(struct store *s, int64_t day, bool *ret);
/* The last day of a period of `count` working days from `first` on; first_counts: `first` itself may be one of them
 * (the day of publication, notice of 2023). *ret_year (may be NULL): the year that is missing. */
int workdays_end(struct store *s, int64_t first, int64_t count, bool first_counts, int64_t *ret, int *ret_year);
