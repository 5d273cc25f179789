/* SPDX-License-Identifier: MIT
 *
 * Counts of answers → interval and verdict: the golden values of DOMAIN §5 and every boundary of its rules.
 */
#include "../../daemon/err.h"
#include "../../daemon/satisfaction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define Z 1.959963984540054

static char z[] = "1.959963984540054";
static const struct policy_satisfaction rules = {
	.enough_answers = 100,
	.enough_share_per_mille = 600,
	.least_share_per_mille = 200,
	.sites_share_per_mille = 300,
	.institutions_share_per_mille = 600,
	.red_below_per_mille = 800,
	.amber_below_per_mille = 850,
	.z = z,
};

static const struct {
	int64_t good, n, entitled;
	double low, high, within;
} intervals[] = {
	/* DOMAIN §5; nobody entitled is known: no correction */
	{ 170, 200, 0, 0.7939, 0.8929, 5e-5 },
	{ 170, 200, 400, 0.8116, 0.8817, 5e-5 },
	{ 10, 10, 0, 0.7225, 1, 5e-5 },
	{ 0, 10, 0, 0, 0.2775, 5e-5 },
	/* n = N: the share itself; n > N: as if nobody had been counted */
	{ 170, 200, 200, 0.85, 0.85, 0 },
	{ 0, 1, 1, 0, 0, 0 },
	{ 1, 1, 1, 1, 1, 0 },
	{ 170, 200, 199, 0.7939, 0.8929, 5e-5 },
	/* one ballot of many, and of two: 1 / (1 + z²/n*), n* = 1 */
	{ 1, 1, 0, 0.20654, 1, 5e-5 },
	{ 1, 1, 2, 0.20654, 1, 5e-5 },
	{ 0, 1, 1000000, 0, 0.79346, 5e-5 },
	/* all but one have answered: n* = n (N−1) / 1 */
	{ 9, 9, 10, 0.95472, 1, 5e-5 },
};

static void test_the_interval_is_wilsons_with_finite_correction(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		struct satisfaction_interval got =
			satisfaction_interval(intervals[i].good, intervals[i].n, intervals[i].entitled, Z);

		if (got.low < intervals[i].low - intervals[i].within || got.low > intervals[i].low + intervals[i].within ||
		    got.high < intervals[i].high - intervals[i].within || got.high > intervals[i].high + intervals[i].within)
			fail_msg("row %zu: got %.6f to %.6f", i, got.low, got.high);
	}
}

static void test_an_end_of_the_scale_is_reached_exactly(void **state)
{
	(void)state;
	for (int64_t n = 1; n < 2000; n++) {
		assert_true(satisfaction_interval(0, n, 3000, Z).low == 0);
		assert_true(satisfaction_interval(n, n, 3000, Z).high == 1);
	}
}

static const struct {
	bool institutions;
	int64_t n, entitled, answering, sites;
	bool insufficient;
} shares[] = {
	/* n < min(100, 0.6 N): 0.6 × 400 > 100 */
	{ false, 99, 400, 10, 10, true },
	{ false, 100, 400, 10, 10, false },
	/* 0.6 × 101 = 60.6 */
	{ false, 60, 101, 10, 10, true },
	{ false, 61, 101, 10, 10, false },
	/* 0.6 × 5 = 3, exactly */
	{ false, 2, 5, 1, 1, true },
	{ false, 3, 5, 1, 1, false },
	/* n < 0.2 N */
	{ false, 199, 1000, 10, 10, true },
	{ false, 200, 1000, 10, 10, false },
	{ false, 200, 1001, 10, 10, true },
	/* answering < 0.3 of the sites */
	{ false, 200, 400, 2, 10, true },
	{ false, 200, 400, 3, 10, false },
	{ false, 200, 400, 3, 11, true },
	/* nobody is known to be entitled */
	{ false, 1, 0, 1, 0, false },
	/* institutions: n < 0.6 N, and nothing else */
	{ true, 5, 10, 5, 10, true },
	{ true, 6, 10, 6, 10, false },
	{ true, 119, 200, 119, 200, true },
	{ true, 120, 200, 120, 200, false },
	{ true, 3, 5, 0, 5, false },
};

static void test_too_few_answers_are_known_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		const struct satisfaction_cell c = { .institutions = shares[i].institutions,
						     .n = shares[i].n,
						     .entitled = shares[i].entitled,
						     .answering = shares[i].answering,
						     .sites = shares[i].sites };

		if (satisfaction_insufficient(&c, &rules) != shares[i].insufficient)
			fail_msg("row %zu", i);
	}
}

static const struct {
	int64_t good, n, ballots_good, ballots_n, entitled;
	enum satisfaction_verdict verdict;
} verdicts[] = {
	{ 170, 200, 170, 200, 0, SATISFACTION_OK }, /* 0.85 is not below 0.85 */
	{ 169, 200, 169, 200, 0, SATISFACTION_AMBER },
	{ 16999999, 20000000, 0, 0, 0, SATISFACTION_AMBER },
	/* the upper bound of 148/200 is 0.7958, of 149/200 0.8003 */
	{ 148, 200, 148, 200, 0, SATISFACTION_RED },
	{ 149, 200, 149, 200, 0, SATISFACTION_AMBER },
	/* everybody has answered: the bound is the share */
	{ 159, 200, 159, 200, 200, SATISFACTION_RED },
	{ 160, 200, 160, 200, 200, SATISFACTION_AMBER },
	/* tallies alone are never red; ballots are, whatever tallies say, when they are enough themselves */
	{ 0, 200, 0, 0, 0, SATISFACTION_AMBER },
	{ 300, 400, 100, 200, 400, SATISFACTION_RED },
	{ 170, 220, 0, 20, 400, SATISFACTION_AMBER },
	{ 99, 99, 99, 99, 400, SATISFACTION_INSUFFICIENT },
	{ 0, 99, 0, 99, 400, SATISFACTION_INSUFFICIENT },
};

static void test_the_verdict_is_red_by_ballots_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		const struct satisfaction_cell c = { .good = verdicts[i].good,
						     .n = verdicts[i].n,
						     .ballots_good = verdicts[i].ballots_good,
						     .ballots_n = verdicts[i].ballots_n,
						     .entitled = verdicts[i].entitled,
						     .sites = 10,
						     .answering = 10,
						     .ballots_answering = 10 };
		enum satisfaction_verdict got = satisfaction_verdict(&c, &rules);

		if (got != verdicts[i].verdict)
			fail_msg("row %zu: %s", i, satisfaction_verdict_words[got]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_interval_is_wilsons_with_finite_correction),
		cmocka_unit_test(test_an_end_of_the_scale_is_reached_exactly),
		cmocka_unit_test(test_too_few_answers_are_known_exactly),
		cmocka_unit_test(test_the_verdict_is_red_by_ballots_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
