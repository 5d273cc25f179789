/* SPDX-License-Identifier: MIT */
#include "../../daemon/rates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* after the above */
#include <cmocka.h>

static int taken(struct rates *r, const char *sender, int tries, int64_t now)
{
	int count = 0;

	for (int i = 0; i < tries; i++)
		count += rates_take(r, false, sender, now);
	return count;
}

static void a_bucket_holds_its_count_and_is_refilled_evenly(void **state)
{
	struct rates r = { 0 };

	(void)state;
	rates_configure(&r, 120, 60000);
	assert_int_equal(taken(&r, "a", 500, 1000), 120);
	assert_int_equal(taken(&r, "a", 10, 1499), 0);
	assert_int_equal(taken(&r, "a", 10, 1500), 1);
	assert_int_equal(taken(&r, "a", 100, 1500 + 10000), 20);
	assert_int_equal(taken(&r, "a", 500, 10000000), 120);
	rates_done(&r);
}

static void one_sender_takes_nothing_from_another_or_from_its_sandbox(void **state)
{
	struct rates r = { 0 };

	(void)state;
	rates_configure(&r, 3, 1000);
	assert_int_equal(taken(&r, "a", 10, 5), 3);
	assert_int_equal(taken(&r, "b", 10, 5), 3);
	assert_true(rates_take(&r, true, "a", 5));
	rates_done(&r);
}

static void what_a_rolled_back_batch_took_is_given_back(void **state)
{
	struct rates r = { 0 };

	(void)state;
	rates_configure(&r, 10, 1000);
	assert_int_equal(taken(&r, "a", 4, 7), 4);
	rates_commit(&r);
	assert_int_equal(taken(&r, "a", 100, 7), 6);
	rates_rollback(&r);
	assert_int_equal(taken(&r, "a", 100, 7), 6);
	rates_done(&r);
}

static void without_a_limit_everything_is_in_time(void **state)
{
	struct rates r = { 0 };

	(void)state;
	assert_int_equal(taken(&r, "a", 100000, 1), 100000);
	rates_configure(&r, 2, 1000);
	rates_configure(&r, 0, 0);
	assert_int_equal(taken(&r, "a", 100, 1), 100);
	rates_done(&r);
}

static void a_flood_is_not_forgotten_among_100000_others(void **state)
{
	struct rates r = { 0 };
	char name[16];

	(void)state;
	rates_configure(&r, 120, 60000);
	assert_int_equal(taken(&r, "flood", 200, 1), 120);
	for (int i = 0; i < 200000; i++) { /* 100,000 sites and their sandboxes */
		snprintf(name, sizeof name, "s%d", i / 2);
		assert_true(rates_take(&r, i % 2, name, 2));
	}
	assert_int_equal(taken(&r, "flood", 200, 3), 0);
	rates_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_holds_its_count_and_is_refilled_evenly),
		cmocka_unit_test(one_sender_takes_nothing_from_another_or_from_its_sandbox),
		cmocka_unit_test(what_a_rolled_back_batch_took_is_given_back),
		cmocka_unit_test(without_a_limit_everything_is_in_time),
		cmocka_unit_test(a_flood_is_not_forgotten_among_100000_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
