/* SPDX-License-Identifier: MIT
 *
 * What is done little by little, so that one turn of the loop stays short however large the country is, and whose turn it is.
 */
#include "world.h"

#include "../../daemon/outlet.h"

static int64_t room_of(void *context, const char *unit)
{
	(void)context;
	return strcmp(unit, "330100") == 0 ? 2 : 30;
}

/* A large unit's days cost more than a small one's. */
static void test_so_many_days_are_taken_at_once_as_there_is_room_for_of_that_very_unit(void **state)
{
	static const struct dirty_room room = { room_of, NULL };
	struct dirty_turn turn = { 0 };
	struct dirty_days d;
	struct world w;
	int64_t left[2] = { 40, 40 };

	(void)state;
	open_world(&w);
	assert_int_equal(store_exec(w.store, "INSERT INTO dirty_range(started, unit, first, last) VALUES(0, '330100', 20001, 20040),"
					     " (0, '330400', 20001, 20040)"), 0);
	while (dirty_take(&turn, w.store, 20500, &room, &d) > 0) {
		int64_t *of_unit = &left[strcmp(d.unit, "330100") == 0 ? 0 : 1];
		int64_t most = of_unit == left ? 2 : 30;

		assert_int_equal(d.last, 20000 + *of_unit);
		assert_int_equal(d.last - d.first + 1, MIN(most, *of_unit));
		*of_unit -= d.last - d.first + 1;
	}
	assert_int_equal(left[0] + left[1], 0);
	close_world(&w);
}

static int64_t one_day(void *context, const char *unit)
{
	(void)context;
	(void)unit;
	return 1;
}

/* Of the whole country there are 160,000, and all are gone through behind every import of one. */
static void test_declared_items_are_gone_through_in_slices(void **state)
{
	_cleanup_(buf_done) struct buf csv = { 0 };
	struct world w;

	(void)state;
	open_world(&w);
	buf_str(&csv, "unit,item,period,numerator,denominator,document\n");
	for (int i = 0; i < 500; i++)
		buf_printf(&csv, "330100,item_%d,2026-01,%d,500,x\n", i, i);
	import(&w, 0, "declared", csv.p);
	assert_int_equal(recompute_step(&w.rc, w.in.ledger.head.n, 0), 1);
	assert_int_equal(number(&w, "SELECT count(*) FROM sample"), 200);
	assert_int_equal(recompute_step(&w.rc, w.in.ledger.head.n, 0), 1);
	import(&w, 0, "declared", "unit,item,period,numerator,denominator,document\n330100,item_0,2026-01,7,500,x\n");
	compute_all(&w);
	assert_int_equal(number(&w, "SELECT count(*) FROM sample"), 500);
	assert_int_equal(number(&w, "SELECT numerator FROM sample WHERE indicator = 'item_0'"), 7);
	assert_int_equal(number(&w, "SELECT sum(numerator) FROM sample"), 499 * 500 / 2 + 7);
	close_world(&w);
}

static void test_declared_items_are_what_a_rebuild_says(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	import(&w, 0, "declared", "unit,item,period,numerator,denominator,document\n330100,item,2026-01,7,500,x\n");
	assert_int_equal(store_exec(w.store, "UPDATE declared SET numerator = '8'"), 0);
	compute_all(&w);
	assert_int_equal(store_exec(w.store, "UPDATE declared SET numerator = '7'"), 0); /* so does the rebuild, and marks every day */
	must(dirty_refresh(&w.in.fold.dirty, w.store, "330100", FIRST_DAY), &w, "mark");
	recompute_distrust(&w.rc);
	compute_all(&w);
	assert_int_equal(number(&w, "SELECT numerator FROM sample WHERE indicator = 'item'"), 7);
	close_world(&w);
}

#define UNITS 340

struct told_units {
	int of[UNITS], all;
};

static int note_topic(void *context, const char *topic, const void *payload, size_t len, int qos, bool retain)
{
	struct told_units *told = context;
	int unit = 0;

	(void)payload;
	assert_true(len > 0 && qos == 1 && retain);
	assert_int_equal(sscanf(topic, "nurseryd/v1/indicator/%*2d/%6d/places_total", &unit), 1);
	told->of[unit - 330000]++;
	told->all++;
	usleep(2000);
	return 0;
}

/* 340 of them, 20 indicators each, took 0.4 s in one turn of the loop. */
static void test_after_a_connect_every_unit_is_told_once_in_more_than_one_turn(void **state)
{
	struct told_units told = { 0 };
	struct outlet o = { .publish = note_topic, .context = &told };
	struct world w;
	int turns = 0;

	(void)state;
	open_world(&w);
	o.store = w.store;
	assert_int_equal(store_exec(w.store, "WITH RECURSIVE u(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM u WHERE i < 339)"
					     " INSERT INTO site(code, first_n, unit) SELECT 'S' || i, 1, 330000 + i FROM u;"
					     "INSERT INTO sample SELECT unit, 'places_total', 'day', 20500, 1, NULL, 'ok', NULL, 1, 1, 0, 0, 1,"
					     " 0, '[]', 1, NULL FROM site"), 0);
	must(outlet_start(&o), &w, "start");
	assert_true(told.all < UNITS);
	for (; !o.all_told; turns++)
		must(outlet_indicators(&o, 50), &w, "indicators");
	must(outlet_indicators(&o, 50), &w, "indicators");
	assert_true(turns > 0);
	assert_int_equal(told.all, UNITS);
	for (int i = 0; i < UNITS; i++)
		assert_int_equal(told.of[i], 1);
	close_world(&w);
}

/* Under a stream that marks every unit's today again as soon as it was taken. */
static void test_no_unit_and_no_past_day_starves_while_today_is_marked_again_and_again(void **state)
{
	static const char *const units[] = { "110101", "330100", "659000" };
	static const struct dirty_room room = { one_day, NULL };
	struct dirty_turn turn = { 0 };
	struct dirty_days d;
	struct world w;
	int taken[3] = { 0 }, late = 0, history = 0;

	(void)state;
	open_world(&w);
	assert_int_equal(store_exec(w.store, "INSERT INTO dirty(day, unit) VALUES(20000, '330100');"
					     "INSERT INTO dirty_range(started, unit, first, last) VALUES(0, '440100', 20000, 20399)"), 0);
	for (int i = 0; i < 24; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(units); k++)
			assert_int_equal(dirty_refresh(&w.in.fold.dirty, w.store, units[k], 20500), 0);
		assert_int_equal(dirty_take(&turn, w.store, 20500, &room, &d), 1);
		dirty_forget(&w.in.fold.dirty);
		for (size_t k = 0; k < ARRAY_SIZE(units); k++)
			taken[k] += d.first == 20500 && strcmp(d.unit, units[k]) == 0;
		late += d.first == 20000;
		history += strcmp(d.unit, "440100") == 0;
	}
	assert_true(taken[0] >= 4 && taken[1] >= 4 && taken[2] >= 4);
	assert_int_equal(late, 1);
	assert_true(history >= 3);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_so_many_days_are_taken_at_once_as_there_is_room_for_of_that_very_unit),
		cmocka_unit_test(test_declared_items_are_gone_through_in_slices),
		cmocka_unit_test(test_declared_items_are_what_a_rebuild_says),
		cmocka_unit_test(test_after_a_connect_every_unit_is_told_once_in_more_than_one_turn),
		cmocka_unit_test(test_no_unit_and_no_past_day_starves_while_today_is_marked_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
