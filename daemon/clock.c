/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include "err.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * SECOND_MS + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_jump(struct clock_watch *w, int64_t wall_ms, int64_t monotonic_ms)
{
	int64_t ahead_ms = wall_ms - monotonic_ms, jump = w->known ? ahead_ms - w->ahead_ms : 0;

	*w = (struct clock_watch){ true, ahead_ms };
	return jump > CLOCK_JUMP_MS || jump < -CLOCK_JUMP_MS ? jump : 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t clock_local_day(int64_t instant_ms)
{
	return floor_div(instant_ms + CLOCK_LOCAL_OFFSET_MS, DAY_MS);
}

int64_t clock_day_start_ms(int64_t day)
{
	return day * DAY_MS - CLOCK_LOCAL_OFFSET_MS;
}

int clock_weekday(int64_t day)
{
	int64_t w = (day + 4) % 7; /* 1970-01-01 was a Thursday */

	return (int)(w < 0 ? w + 7 : w);
}

/* Days from civil and back: Howard Hinnant's proleptic Gregorian algorithms, eras of 400 years. */
int64_t clock_day_of(int year, int month, int day_of_month)
{
	int64_t y = year - (month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day_of_month - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void clock_date_of(int64_t day, int *year, int *month, int *day_of_month)
{
	int64_t z = day + 719468;
	int64_t era = floor_div(z, 146097);
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day_of_month = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

/* Exactly `count` digits at *p, which then points behind them. */
static bool digits(const char **p, int count, int *ret)
{
	int v = 0;

	for (int i = 0; i < count; i++) {
		char c = (*p)[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	*p += count;
	*ret = v;
	return true;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool parse_date(const char **p, int64_t *ret_day)
{
	int year, month, dom, y, m, d;

	if (!digits(p, 4, &year) || !literal(p, '-') || !digits(p, 2, &month) || !literal(p, '-') ||
	    !digits(p, 2, &dom))
		return false;
	if (year < 1900 || month < 1 || month > 12 || dom < 1 || dom > 31)
		return false;
	*ret_day = clock_day_of(year, month, dom);
	clock_date_of(*ret_day, &y, &m, &d);
	return m == month && d == dom; /* 02-30 would come back as 03-02 */
}

int clock_parse_day(const char *text, int64_t *ret_day)
{
	return parse_date(&text, ret_day) && *text == '\0' ? 0 : -EINVAL;
}

static bool parse_fraction(const char **p, int64_t *ms)
{
	int64_t weight = 100;

	if (!literal(p, '.'))
		return true;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; ++*p, weight /= 10)
		*ms += (**p - '0') * weight;
	return true;
}

static bool parse_offset(const char **p, int64_t *ret_ms)
{
	int hours, minutes, sign = **p == '-' ? -1 : 1;

	*ret_ms = 0;
	if (literal(p, 'Z') || literal(p, 'z'))
		return true;
	if (!literal(p, '+') && !literal(p, '-'))
		return false;
	if (!digits(p, 2, &hours) || !literal(p, ':') || !digits(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_ms = sign * (hours * HOUR_MS + minutes * MINUTE_MS);
	return true;
}

int clock_parse_time(const char *text, int64_t *ret_ms)
{
	int64_t day, offset, ms = 0;
	int hours, minutes, seconds;

	if (!parse_date(&text, &day) || (!literal(&text, 'T') && !literal(&text, 't')))
		return -EINVAL;
	if (!digits(&text, 2, &hours) || !literal(&text, ':') || !digits(&text, 2, &minutes) ||
	    !literal(&text, ':') || !digits(&text, 2, &seconds))
		return -EINVAL;
	if (day < 0 || hours > 23 || minutes > 59 || seconds > 60)
		return -EINVAL;
	if (!parse_fraction(&text, &ms) || !parse_offset(&text, &offset) || *text != '\0')
		return -EINVAL;
	if (seconds == 60) {
		seconds = 59;
		ms = 999;
	}
	*ret_ms = day * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS + ms - offset;
	return 0;
}

#define LAST_DAY INT64_C(2932896) /* 9999-12-31 */

/* By hand: every receipt has a time, an answer of a thousand days as many dates. */
static void put_digits(char *at, int v, int count)
{
	for (int i = count - 1; i >= 0; i--, v /= 10)
		at[i] = (char)('0' + v % 10);
}

const char *clock_format_day(int64_t day, char text[static CLOCK_TEXT_SIZE])
{
	int y, m, d;

	/* 9999-12-31T23:59:59-23:00, or a month after such a day: five digits would be no date, and "0000" would be long ago. */
	clock_date_of(MIN(day, LAST_DAY), &y, &m, &d);
	put_digits(text, y, 4);
	text[4] = '-';
	put_digits(text + 5, m, 2);
	text[7] = '-';
	put_digits(text + 8, d, 2);
	text[10] = '\0';
	return text;
}

const char *clock_format_time(int64_t instant_ms, char text[static CLOCK_TEXT_SIZE])
{
	int64_t day = floor_div(instant_ms, DAY_MS);
	int ms = (int)(instant_ms - day * DAY_MS);

	clock_format_day(day, text);
	text[10] = 'T';
	put_digits(text + 11, ms / (int)HOUR_MS, 2);
	text[13] = ':';
	put_digits(text + 14, ms / (int)MINUTE_MS % 60, 2);
	text[16] = ':';
	put_digits(text + 17, ms / (int)SECOND_MS % 60, 2);
	text[19] = '.';
	put_digits(text + 20, ms % (int)SECOND_MS, 3);
	text[23] = 'Z';
	text[24] = '\0';
	return text;
}
