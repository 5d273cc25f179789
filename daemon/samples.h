/* SPDX-License-Identifier: MIT
 *
 * Engines: sample rows (DOMAIN §2 "Periods"). A day's are written from what was measured, a month's from its days'.
 * Only a value that differs gets a new change number: an outlet is sent nothing twice.
 */
#pragma once

#include "indicators.h"

struct sample_row {
	const char *unit, *indicator, *period;
	int64_t as_of;
	union {
		int64_t number;
		const char *text; /* declared items: decimal strings */
	} numerator, denominator; /* STORE_NULL, NULL: none */
	bool decimal;
	const char *status, *reason; /* reason NULL: none */
	int64_t completeness_n, completeness_d, stale, missing, revision;
	bool final;
	const char *sources; /* a JSON list */
	const char *detail;   /* a JSON object; NULL: none */
};

/* *change rises when something was written. */
int sample_write(struct store *s, const struct sample_row *row, int64_t *change);

/* Of all indicators: nothing is said of days before the unit's first datum. *change rises with every sample that was
 * there: the outlets take it back (table sample_gone). */
int samples_forget(struct store *s, const char *unit, int64_t day, int64_t *change);

/* The highest change number given so far. */
int samples_last_change(struct store *s, int64_t *ret);

/* The month that begins on that day, from the days in the table up to last: its revision is the frozen one's while it
 * says the same, else the next. */
int samples_write_month(struct store *s, const char *unit, int64_t month, int64_t last, int64_t *change);
