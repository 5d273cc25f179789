/* SPDX-License-Identifier: MIT
 *
 * Hysteresis: what a run of months says of an alert (DOMAIN §4), case by case.
 */
#include "../../daemon/err.h"
#include "../../daemon/runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the four above first */
#include <cmocka.h>

/* months: newest first; B bad, G good, - between, 0 nothing. ends: their last days, newest first. */
static const struct {
	const char *months;
	int64_t ends[6];
	struct run_rule rule;
	enum run_verdict want;
} cases[] = {
	{ "BB", { 60, 31 }, { 2, 2, 0 }, RUN_RAISE },
	{ "B", { 60 }, { 2, 2, 0 }, RUN_STAYS },
	{ "B-B", { 90, 60, 31 }, { 2, 2, 0 }, RUN_STAYS },
	{ "B0B", { 90, 60, 31 }, { 2, 2, 0 }, RUN_STAYS },
	{ "-BB", { 90, 60, 31 }, { 2, 2, 0 }, RUN_STAYS },
	{ "GG", { 60, 31 }, { 2, 2, 0 }, RUN_CLEAR },
	{ "GB", { 60, 31 }, { 2, 2, 0 }, RUN_STAYS },
	{ "G-G", { 90, 60, 31 }, { 2, 2, 0 }, RUN_STAYS },
	{ "", { 0 }, { 1, 1, 0 }, RUN_STAYS },
	{ "B", { 31 }, { 1, 1, 31 }, RUN_RAISE },
	{ "G", { 31 }, { 1, 1, 31 }, RUN_STAYS },
	/* 31 days from last day to last day, both counted: February is too short */
	{ "GG", { 61, 31 }, { 1, 1, 31 }, RUN_CLEAR },
	{ "GG", { 59, 31 }, { 1, 1, 31 }, RUN_STAYS },
	{ "GGG", { 90, 59, 31 }, { 1, 1, 31 }, RUN_CLEAR },
};

static enum says says_of(char c)
{
	return c == 'B' ? SAYS_BAD : c == 'G' ? SAYS_GOOD : c == '-' ? SAYS_BETWEEN : SAYS_NOTHING;
}

static void a_run_of_months_raises_or_clears(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct said said[6];
		size_t count = strlen(cases[i].months);

		for (size_t k = 0; k < count; k++)
			said[k] = (struct said){ cases[i].ends[k], says_of(cases[i].months[k]) };
		if (run_judge(said, count, &cases[i].rule) != cases[i].want)
			fail_msg("row %zu: %s", i, cases[i].months);
	}
}

static void enough_months_are_looked_at(void **state)
{
	(void)state;
	assert_int_equal(run_months(&(struct run_rule){ 2, 2, 0 }), 2);
	assert_int_equal(run_months(&(struct run_rule){ 1, 1, 31 }), 3);
	assert_int_equal(run_months(&(struct run_rule){ 1, 1, 366 }), 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_of_months_raises_or_clears),
		cmocka_unit_test(enough_months_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
