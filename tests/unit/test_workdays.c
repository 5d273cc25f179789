/* SPDX-License-Identifier: MIT
 *
 * Working days on the shipped calendar: the vectors of DOMAIN §1.
 */
#include "../../daemon/clock.h"
#include "../../daemon/config.h"
#include "../../daemon/schema.h"
#include "../../daemon/workdays.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct store *calendar(void)
{
	struct store *s = NULL;
	FILE *f = fopen("config/data/workdays.csv", "re");
	char text[256], day[11], kind[8];
	int64_t date;

	assert_non_null(f);
	assert_int_equal(store_open("", STORE_MEMORY, &s), 0);
	assert_int_equal(schema_migrate(s), 0);
	while (fgets(text, sizeof text, f))
		if (sscanf(text, "%10[0-9-],%7[a-z]", day, kind) == 2 && clock_parse_day(day, &date) == 0)
			assert_int_equal(store_run(s, "INSERT INTO workday(date, day, reason) VALUES(?, ?, '')", "it", date, kind), 0);
	fclose(f);
	return s;
}

static void ten_working_days_end_as_the_domain_says(void **state)
{
	static const struct {
		const char *first, *end;
		bool first_counts;
	} cases[] = {
		{ "2026-02-10", "2026-02-28", true },  /* a Saturday that is made up */
		{ "2026-02-10", "2026-03-02", false },
		{ "2026-09-18", "2026-10-08", true },
		{ "2026-09-24", "2026-10-14", true },
	};
	struct store *s = calendar();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[CLOCK_TEXT_SIZE];
		int64_t first, end;

		assert_int_equal(clock_parse_day(cases[i].first, &first), 0);
		assert_int_equal(workdays_end(s, first, 10, cases[i].first_counts, &end, NULL), 0);
		assert_string_equal(clock_format_day(end, text), cases[i].end);
	}
	store_free(s);
}

static void a_year_without_a_calendar_is_unknown_and_named(void **state)
{
	struct store *s = calendar();
	int64_t first, end = 0;
	int year = 0;

	(void)state;
	assert_int_equal(clock_parse_day("2026-12-21", &first), 0);
	assert_int_equal(workdays_end(s, first, 10, true, &end, &year), WORKDAYS_UNKNOWN);
	assert_int_equal(year, 2027);
	assert_int_equal(end, 0);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_working_days_end_as_the_domain_says),
		cmocka_unit_test(a_year_without_a_calendar_is_unknown_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
