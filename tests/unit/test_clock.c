/* SPDX-License-Identifier: MIT
 *
 * Days, instants, Shanghai's midnight.
 */
#include "../../daemon/clock.h"
#include "../../daemon/err.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants <stddef.h> and <stdint.h>, too, which clock.h brings */
#include <cmocka.h>

#define REFUSED INT64_MIN

static void check(const char *text, int result, int64_t got, int64_t want)
{
	if (want == REFUSED ? result == 0 : result != 0 || got != want)
		fail_msg("\"%s\": %d, %lld", text, result, (long long)got);
}

static const struct {
	const char *text;
	int64_t day;
} days[] = {
	{ "1970-01-01", 0 },	     { "1970-01-02", 1 },	{ "1969-12-31", -1 },	   { "2000-02-29", 11016 },
	{ "2024-02-29", 19782 },     { "2024-03-01", 19783 },	{ "1900-01-01", -25567 },  { "9999-12-31", 2932896 },
	{ "1900-02-29", REFUSED },   { "2026-02-29", REFUSED }, { "2100-02-29", REFUSED }, { "2026-02-30", REFUSED },
	{ "2026-04-31", REFUSED },   { "2026-00-10", REFUSED }, { "2026-13-01", REFUSED }, { "2026-01-00", REFUSED },
	{ "2026-01-32", REFUSED },   { "1899-12-31", REFUSED }, { "2026-1-01", REFUSED },  { "2026/01/01", REFUSED },
	{ "2026-01-01 ", REFUSED },  { "", REFUSED },		{ "20260101", REFUSED },   { "+026-01-01", REFUSED },
	{ "2026-01-01T", REFUSED },
};

static void only_days_that_exist_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
		int64_t day = 0;
		int r = clock_parse_day(days[i].text, &day);

		check(days[i].text, r, day, days[i].day);
	}
}

static void every_day_comes_back_as_itself(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (int64_t day = -25567; day <= 2932896; day++) {
		int year, month, day_of_month;

		clock_date_of(day, &year, &month, &day_of_month);
		assert_int_equal(clock_day_of(year, month, day_of_month), day);
	}
	assert_string_equal(clock_format_day(19782, text), "2024-02-29");
	assert_string_equal(clock_format_day(-25567, text), "1900-01-01");
}

static const struct {
	const char *text;
	int64_t ms;
} instants[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01T08:00:00+08:00", 0 },
	{ "2026-11-23T09:30:01.123Z", INT64_C(1795426201123) },
	{ "2026-11-23T17:30:01.123+08:00", INT64_C(1795426201123) },
	{ "2026-11-23T17:30:01.1239999999+08:00", INT64_C(1795426201123) },
	{ "2026-11-23t04:00:01.1-05:30", INT64_C(1795426201100) },
	{ "2016-12-31T23:59:60Z", INT64_C(1483228799999) },
	{ "2026-11-23T09:30:01", REFUSED },
	{ "2026-11-23 09:30:01Z", REFUSED },
	{ "2026-11-23T24:00:00Z", REFUSED },
	{ "2026-11-23T09:60:00Z", REFUSED },
	{ "2026-11-23T09:30:61Z", REFUSED },
	{ "2026-11-23T09:30Z", REFUSED },
	{ "2026-11-23T09:30:01.Z", REFUSED },
	{ "2026-11-23T09:30:01+0800", REFUSED },
	{ "2026-11-23T09:30:01+24:00", REFUSED },
	{ "2026-11-23T09:30:01+08:60", REFUSED },
	{ "2026-11-23T09:30:01Z ", REFUSED },
	{ "2026-02-29T09:30:01Z", REFUSED },
	{ "1969-12-31T23:59:59Z", REFUSED },
	{ "", REFUSED },
};

static void an_instant_has_an_offset(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(instants); i++) {
		int64_t ms = 0;
		int r = clock_parse_time(instants[i].text, &ms);

		check(instants[i].text, r, ms, instants[i].ms);
	}
	assert_string_equal(clock_format_time(INT64_C(1795426201123), text), "2026-11-23T09:30:01.123Z");
}

/* What a stranger may write lies beyond what four digits can say; it must come back as a time, and as a late one. */
static void behind_the_year_9999_there_is_no_year_0000(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t ms, again;

	(void)state;
	assert_int_equal(clock_parse_time("9999-12-31T23:59:59-23:59", &ms), 0);
	assert_int_equal(clock_parse_time(clock_format_time(ms + 30 * DAY_MS, text), &again), 0);
	assert_true(again <= ms && again > ms - 2 * DAY_MS);
	assert_string_equal(clock_format_day(clock_local_day(ms) + 1, text), "9999-12-31");
}

static void a_day_begins_at_midnight_in_shanghai(void **state)
{
	int64_t midnight, day;

	(void)state;
	assert_int_equal(clock_parse_time("2026-11-24T00:00:00+08:00", &midnight), 0);
	assert_int_equal(clock_parse_day("2026-11-24", &day), 0);
	assert_int_equal(clock_local_day(midnight), day);
	assert_int_equal(clock_local_day(midnight - 1), day - 1);
	assert_int_equal(clock_local_day(midnight + DAY_MS - 1), day);
	assert_int_equal(clock_day_start_ms(day), midnight);
	assert_int_equal(clock_local_day(-CLOCK_LOCAL_OFFSET_MS - 1), -1);
	assert_int_equal(clock_local_day(-CLOCK_LOCAL_OFFSET_MS), 0);
}

static void weeks_have_seven_days(void **state)
{
	(void)state;
	assert_int_equal(clock_weekday(0), 4); /* a Thursday */
	assert_int_equal(clock_weekday(clock_day_of(2026, 11, 23)), 1);
	assert_int_equal(clock_weekday(clock_day_of(2026, 2, 28)), 6);
	assert_int_equal(clock_weekday(-5), 6);
}

static void a_clock_that_is_set_jumps_and_one_that_passes_does_not(void **state)
{
	struct clock_watch w = { 0 };
	int64_t wall = 1795478400000, monotonic = 1000;

	(void)state;
	assert_int_equal(clock_jump(&w, wall, monotonic), 0); /* nothing to compare with */
	assert_int_equal(clock_jump(&w, wall + DAY_MS, monotonic + DAY_MS), 0);
	for (int i = 1; i <= 100; i++) /* slewed by 4 s a look */
		assert_int_equal(clock_jump(&w, wall + DAY_MS + i * 4 * SECOND_MS, monotonic + DAY_MS), 0);
	wall += DAY_MS + 400 * SECOND_MS;
	monotonic += DAY_MS;
	assert_int_equal(clock_jump(&w, wall + CLOCK_JUMP_MS, monotonic), 0);
	assert_int_equal(clock_jump(&w, wall + 2 * CLOCK_JUMP_MS + 1, monotonic), CLOCK_JUMP_MS + 1);
	assert_int_equal(clock_jump(&w, wall - DAY_MS, monotonic), -DAY_MS - 2 * CLOCK_JUMP_MS - 1);
	assert_int_equal(clock_jump(&w, wall - DAY_MS, monotonic), 0); /* once */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_days_that_exist_are_read),
		cmocka_unit_test(every_day_comes_back_as_itself),
		cmocka_unit_test(an_instant_has_an_offset),
		cmocka_unit_test(behind_the_year_9999_there_is_no_year_0000),
		cmocka_unit_test(a_day_begins_at_midnight_in_shanghai),
		cmocka_unit_test(weeks_have_seven_days),
		cmocka_unit_test(a_clock_that_is_set_jumps_and_one_that_passes_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
