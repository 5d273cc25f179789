/* SPDX-License-Identifier: MIT
 *
 * The running deadlines of DOMAIN §3, each at its last millisecond and one later.
 */
#include "../../collectors/incident.h"
#include "../../daemon/casework.h"
#include "../../daemon/deadlines.h"
#include "../../daemon/policy_row.h"
#include "../../daemon/severity.h"
#include "api_fixture.h"

#define KNOWN (NOW_MS - 10 * MINUTE_MS)
#define OCCURRED (NOW_MS - 20 * MINUTE_MS)

static struct store *s;
static struct policy *policy;
static struct deadline list[DEADLINES_MAX];
static size_t count;

static int fresh(void **state)
{
	(void)state;
	s = fixture_open(NULL);
	add_sites(s);
	assert_int_equal(policy_row_newest(s, &policy), 1);
	return 0;
}

static int done(void **state)
{
	(void)state;
	policy_free(policy);
	store_free(s);
	return 0;
}

static void add_event(int64_t received_at, int grade, int type)
{
	run_sql(s, "INSERT INTO incident VALUES(1,'E',6,'330100','330102',1,0,%s,%lld,%lld,%lld,1)", grade ? (char[]){ '0' + (char)grade, 0 } : "NULL",
		(long long)OCCURRED, (long long)KNOWN, (long long)received_at);
	run_sql(s,
		"INSERT INTO incident_message VALUES(1,'E',1,1,6,%lld,NULL,0,1,0,%d,%lld,%lld,0,1,0,2,0,0,0,0,NULL,NULL,NULL,NULL,1,1,NULL)",
		(long long)received_at, type, (long long)OCCURRED, (long long)KNOWN);
}

static void add_message(int seq, int64_t at, int stage, const char *dead, const char *missing, int confirmed, int voided)
{
	run_sql(s, "INSERT INTO incident_message VALUES(1,'E',1,%d,%d,%lld,%lld,%d,0,%d,%d,%lld,%lld,%s,0,0,0,%s,0,0,0,NULL,NULL,NULL,NULL,1,%d,NULL)",
		seq, 6 + seq, (long long)at, (long long)at, voided, stage, INCIDENT_FALL, (long long)OCCURRED, (long long)KNOWN, dead, missing,
		confirmed);
}

static void tell(int n, const char *act, const char *level, int64_t at)
{
	run_sql(s, "INSERT INTO finding VALUES(1,'E','%s','%s',%d,%lld,%lld,'duty',NULL,'x')", act, level, n, (long long)at, (long long)at);
}

static const struct deadline *find(const char *id)
{
	assert_int_equal(deadlines_of(s, policy, 1, "E", list, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].kind->id, id) == 0)
			return &list[i];
	return NULL;
}

/* In time up to and including the millisecond it is due; after that `late`. */
static void ends_at(const char *id, int64_t due_at, enum deadline_state late)
{
	const struct deadline *d = find(id);

	assert_non_null(d);
	assert_int_equal(d->due_at, due_at);
	assert_int_equal(deadline_state(d, due_at), DEADLINE_RUNNING);
	assert_int_equal(deadline_state(d, due_at + 1), late);
}

static void the_nursery_has_an_hour_to_the_millisecond(void **state)
{
	static const struct {
		int64_t after;
		bool ours;
		enum deadline_state want;
	} cases[] = {
		{ HOUR_MS, false, DEADLINE_MET },	 { HOUR_MS + 1, false, DEADLINE_OVERDUE }, { 0, false, DEADLINE_MET },
		{ HOUR_MS + 1, true, DEADLINE_UNCLEAR }, { HOUR_MS, true, DEADLINE_MET },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct deadline *d;

		run_sql(s, "DELETE FROM incident; DELETE FROM incident_message; DELETE FROM interruption");
		add_event(KNOWN + cases[i].after, 0, INCIDENT_FALL);
		if (cases[i].ours) /* on its last moment */
			run_sql(s, "INSERT INTO interruption VALUES(%lld,3,'start')", (long long)(KNOWN + cases[i].after));
		d = find("nursery_to_county");
		assert_int_equal(d->due_at, KNOWN + HOUR_MS);
		assert_int_equal(deadline_state(d, KNOWN + DAY_MS), cases[i].want);
	}
}

static void an_interruption_outside_of_the_hour_makes_nothing_unclear(void **state)
{
	(void)state;
	add_event(KNOWN + 2 * HOUR_MS, 0, INCIDENT_FALL);
	run_sql(s, "INSERT INTO interruption VALUES(%lld,3,'stop'),(%lld,4,'start')", (long long)KNOWN - 1, (long long)(KNOWN + 2 * HOUR_MS + 1));
	assert_int_equal(deadline_state(find("nursery_to_county"), NOW_MS + DAY_MS), DEADLINE_OVERDUE);
	run_sql(s, "INSERT INTO interruption VALUES(%lld,5,'start')", (long long)KNOWN);
	assert_int_equal(deadline_state(find("nursery_to_county"), NOW_MS + DAY_MS), DEADLINE_UNCLEAR);
}

static void the_grade_says_how_far_up_it_goes(void **state)
{
	static const char *const levels[] = { "county_to_city", "city_to_province", "province_to_state_council" };
	static const struct {
		int grade;
		size_t levels;
	} cases[] = { { 0, 0 }, { GRADE_ORDINARY, 1 }, { GRADE_LARGER, 2 }, { GRADE_MAJOR, 3 }, { GRADE_EXCEPTIONAL, 3 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run_sql(s, "DELETE FROM incident; DELETE FROM incident_message");
		add_event(NOW_MS, cases[i].grade, INCIDENT_FALL);
		for (size_t k = 0; k < ARRAY_SIZE(levels); k++)
			if (k < cases[i].levels)
				ends_at(levels[k], NOW_MS + (int64_t)(k + 1) * 2 * HOUR_MS, DEADLINE_OVERDUE);
			else
				assert_null(find(levels[k]));
	}
}

static void a_level_that_was_told_stops_its_clock_and_starts_the_next(void **state)
{
	const struct deadline *d;

	(void)state;
	add_event(NOW_MS, GRADE_MAJOR, INCIDENT_FALL);
	tell(20, "reported_up", LEVEL_CITY, NOW_MS + 2 * HOUR_MS);
	d = find("county_to_city");
	assert_int_equal(deadline_state(d, NOW_MS + DAY_MS), DEADLINE_MET);
	ends_at("city_to_province", NOW_MS + 4 * HOUR_MS, DEADLINE_OVERDUE);
	/* corrected: a millisecond late, and half an hour earlier */
	tell(21, "reported_up", LEVEL_CITY, NOW_MS + 2 * HOUR_MS + 1);
	assert_int_equal(deadline_state(find("county_to_city"), NOW_MS), DEADLINE_OVERDUE);
	tell(22, "reported_up", LEVEL_CITY, NOW_MS + 90 * MINUTE_MS);
	assert_int_equal(deadline_state(find("county_to_city"), NOW_MS + DAY_MS), DEADLINE_MET);
	ends_at("city_to_province", NOW_MS + 210 * MINUTE_MS, DEADLINE_OVERDUE);
	tell(23, "not_reported_up", LEVEL_CITY, NOW_MS + 95 * MINUTE_MS);
	ends_at("county_to_city", NOW_MS + 2 * HOUR_MS, DEADLINE_OVERDUE);
	tell(24, "reported_up", LEVEL_NATION, NOW_MS + 3 * HOUR_MS); /* beyond the levels between */
	assert_int_equal(deadline_state(find("province_to_state_council"), NOW_MS + DAY_MS), DEADLINE_MET);
	ends_at("city_to_province", NOW_MS + 4 * HOUR_MS, DEADLINE_OVERDUE);
}

static void casualties_are_supplemented_for_30_days_of_fire_and_traffic_7(void **state)
{
	static const struct {
		int type, days;
	} cases[] = { { INCIDENT_FALL, 30 }, { INCIDENT_COLLAPSE, 30 }, { INCIDENT_OTHER, 30 }, { INCIDENT_FIRE, 7 }, { INCIDENT_TRAFFIC, 7 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run_sql(s, "DELETE FROM incident; DELETE FROM incident_message");
		add_event(NOW_MS, 0, cases[i].type);
		ends_at("supplement", OCCURRED + cases[i].days * DAY_MS, DEADLINE_OVERDUE);
	}
}

static void a_live_final_report_ends_the_supplement(void **state)
{
	(void)state;
	add_event(NOW_MS, 0, INCIDENT_FALL);
	add_message(2, NOW_MS + DAY_MS, STAGE_FINAL, "0", "0", 1, 1);
	assert_int_equal(deadline_state(find("supplement"), NOW_MS + 2 * DAY_MS), DEADLINE_RUNNING); /* void */
	add_message(3, OCCURRED + 30 * DAY_MS, STAGE_FINAL, "0", "0", 1, 0);
	assert_int_equal(deadline_state(find("supplement"), NOW_MS + 40 * DAY_MS), DEADLINE_MET);
	run_sql(s, "UPDATE incident_message SET received_at = received_at + 1 WHERE seq = 3");
	assert_int_equal(deadline_state(find("supplement"), NOW_MS + 40 * DAY_MS), DEADLINE_OVERDUE);
}

static void unknown_casualties_count_after_an_hour_and_a_missing_child_after_half(void **state)
{
	(void)state;
	add_event(NOW_MS, 0, INCIDENT_FALL);
	assert_null(find("unconfirmed"));
	assert_null(find("missing_child"));
	add_message(2, NOW_MS, STAGE_FIRST, "NULL", "0", 0, 0);
	ends_at("unconfirmed", NOW_MS + HOUR_MS, DEADLINE_OVERDUE);
	add_message(3, NOW_MS + HOUR_MS, STAGE_FOLLOW_UP, "0", "1", 1, 0);
	assert_int_equal(deadline_state(find("unconfirmed"), NOW_MS + DAY_MS), DEADLINE_MET);
	ends_at("missing_child", NOW_MS + 90 * MINUTE_MS, DEADLINE_OVERDUE);
	add_message(4, NOW_MS + 90 * MINUTE_MS, STAGE_FOLLOW_UP, "0", "0", 1, 0);
	assert_int_equal(deadline_state(find("missing_child"), NOW_MS + DAY_MS), DEADLINE_MET);
}

static void the_next_is_the_earliest_not_met_and_a_window_only_while_it_runs(void **state)
{
	(void)state;
	add_event(NOW_MS, GRADE_LARGER, INCIDENT_FALL);
	add_message(2, NOW_MS, STAGE_FIRST, "NULL", "0", 0, 0);
	(void)find("");
	assert_string_equal(deadline_next(list, count, NOW_MS + HOUR_MS)->kind->id, "unconfirmed");
	assert_string_equal(deadline_next(list, count, NOW_MS + HOUR_MS + 1)->kind->id, "county_to_city");
	assert_string_equal(deadline_next(list, count, NOW_MS + DAY_MS)->kind->id, "county_to_city"); /* overdue: still to be done */
	tell(20, "reported_up", LEVEL_CITY, NOW_MS);
	(void)find("");
	assert_string_equal(deadline_next(list, count, NOW_MS + DAY_MS)->kind->id, "city_to_province");
	tell(21, "reported_up", LEVEL_PROVINCE, NOW_MS);
	add_message(3, NOW_MS + HOUR_MS, STAGE_FINAL, "0", "0", 1, 0);
	(void)find("");
	assert_null(deadline_next(list, count, NOW_MS + DAY_MS));
}

static void of_an_unknown_event_there_is_none(void **state)
{
	(void)state;
	assert_null(find("nursery_to_county"));
	assert_int_equal(count, 0);
	assert_null(deadline_next(list, 0, NOW_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_nursery_has_an_hour_to_the_millisecond, fresh, done),
		cmocka_unit_test_setup_teardown(an_interruption_outside_of_the_hour_makes_nothing_unclear, fresh, done),
		cmocka_unit_test_setup_teardown(the_grade_says_how_far_up_it_goes, fresh, done),
		cmocka_unit_test_setup_teardown(a_level_that_was_told_stops_its_clock_and_starts_the_next, fresh, done),
		cmocka_unit_test_setup_teardown(casualties_are_supplemented_for_30_days_of_fire_and_traffic_7, fresh, done),
		cmocka_unit_test_setup_teardown(a_live_final_report_ends_the_supplement, fresh, done),
		cmocka_unit_test_setup_teardown(unknown_casualties_count_after_an_hour_and_a_missing_child_after_half, fresh, done),
		cmocka_unit_test_setup_teardown(the_next_is_the_earliest_not_met_and_a_window_only_while_it_runs, fresh, done),
		cmocka_unit_test_setup_teardown(of_an_unknown_event_there_is_none, fresh, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
