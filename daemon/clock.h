/* SPDX-License-Identifier: MIT
 *
 * Ground: time. Instants are milliseconds since 1970-01-01T00:00Z (`_ms`); days are numbers of days since
 * 1970-01-01 (`day`). Local time is Asia/Shanghai, a constant UTC+8 since 1991: days and months of every
 * indicator are Shanghai's (DOMAIN §2). Nothing below the edges reads a clock; clock_now_ms() is for them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define CLOCK_LOCAL_OFFSET_MS (8 * HOUR_MS)

#define CLOCK_TEXT_SIZE 32 /* enough for every text below, with its NUL */

int64_t clock_now_ms(void);       /* wall clock */
int64_t clock_monotonic_ms(void); /* for timeouts and backoff only */

/* The wall clock against the monotonic one: what is set, not what passes. A steady slew (NTP) is none; a machine that slept
 * looks as if its clock had been put forward. */
#define CLOCK_JUMP_MS (5 * SECOND_MS)
struct clock_watch { /* zero-initialised */
	bool known;
	int64_t ahead_ms; /* of the wall clock, when last looked at */
};
/* How far the wall clock was put since the last look; 0 when by no more than CLOCK_JUMP_MS. Both read just now. */
int64_t clock_jump(struct clock_watch *w, int64_t wall_ms, int64_t monotonic_ms);

int64_t clock_local_day(int64_t instant_ms); /* the Shanghai day an instant lies in */
int64_t clock_day_start_ms(int64_t day);     /* 00:00 Shanghai of that day */
int clock_weekday(int64_t day);              /* 0 Sunday … 6 Saturday */
int64_t clock_day_of(int year, int month, int day_of_month);
void clock_date_of(int64_t day, int *year, int *month, int *day_of_month);

/* RFC 3339 with offset ("Z" or ±hh:mm), a fraction of any length, years 1970–9999; -EINVAL for anything else
 * (leap seconds :60 are taken as :59.999). */
int clock_parse_time(const char *text, int64_t *ret_ms);
/* "YYYY-MM-DD", a day that exists, years 1900–9999; -EINVAL otherwise. */
int clock_parse_day(const char *text, int64_t *ret_day);

/* "2026-11-23T09:30:01.123Z" */
const char *clock_format_time(int64_t instant_ms, char text[static CLOCK_TEXT_SIZE]);
/* "2026-11-23" */
const char *clock_format_day(int64_t day, char text[static CLOCK_TEXT_SIZE]);
