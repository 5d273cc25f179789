/* SPDX-License-Identifier: MIT
 *
 * Between report_annual.c and report_year.c: the year, and its indicators.
 */
#pragma once

#include "indicators.h"
#include "report.h"

int64_t annual_first_day(int year);
int64_t annual_last_day(const struct report *r); /* of the year, or today while it runs */

/* Of r->unit: the first day of the year's last month with a sample; STORE_NULL: there is none. */
int annual_last_month(struct report *r, const char *indicator, int64_t *ret);
/* The indicator object of a month, NULL when there is none. */
int annual_month(struct report *r, const char *indicator, int64_t month, json **ret);

/* A year's months together. */
struct annual_flow {
	int64_t numerator, denominator, months; /* months that have a value */
};
int annual_flow(struct report *r, const char *indicator, int year, struct annual_flow *ret);
json *annual_flow_value(const struct indicator *indicator, const struct annual_flow *f);

extern const struct report_column annual_province_columns[], annual_headline_columns[], annual_other_columns[];
int annual_read_province(struct report *r, json *rows); /* when all units were read */
int annual_read_headlines(struct report *r, json *rows);
int annual_read_others(struct report *r, json *rows);
