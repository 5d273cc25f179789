/* SPDX-License-Identifier: MIT */
#include "api_fixture.h"

#include "../../daemon/objects.h"

static struct store *s;

static int open_store(void **state)
{
	(void)state;
	s = fixture_open(NULL);
	add_divisions(s);
	add_sites(s);
	add_incident(s);
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	store_free(s);
	return 0;
}

/* Nothing is remembered from one object to the next. */
static int alone(const char *unit, const char *id, const char *period, int64_t as_of, json **ret)
{
	_cleanup_(province_sums_done) struct province_sums sums = { 0 };

	return object_indicator(s, &sums, unit, id, period, as_of, ret);
}

static json *indicator(const char *unit, const char *id)
{
	json *o = NULL;

	assert_int_equal(alone(unit, id, "day", DAY, &o), 0);
	return o;
}

static void expect(const json *o, const char *canonical)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	assert_non_null(o);
	json_canonical(o, &text);
	assert_string_equal(text.p, canonical);
}

static void the_value_is_the_nearest_double_and_unrounded(void **state)
{
	_cleanup_(json_freep) json *o = NULL;

	(void)state;
	add_sample(s, "330100", "places_per_1000", "day", DAY, "57625", "12500000", "ok");
	o = indicator("330100", "places_per_1000");
	assert_true(json_real(json_get(o, "value")) == 4.61);
	assert_int_equal(json_int(json_get(o, "scale")), 1000);
	assert_true(json_real(json_get(o, "completeness")) == 75.0 / 76.0);
	expect(json_get(o, "as_of"), "\"2026-11-23\"");
	expect(json_get(o, "sources"), "[{\"what\":\"population\"}]");
}

static void without_a_datum_the_value_is_null_and_never_zero(void **state)
{
	_cleanup_(json_freep) json *o = NULL;

	(void)state;
	add_sample(s, "330100", "places_per_1000", "day", DAY, "100", "NULL", "no_data");
	run_sql(s, "INSERT INTO target VALUES('','places_per_1000',%lld,'4.5','x')", (long long)DAY);
	o = indicator("330100", "places_per_1000");
	expect(json_get(o, "value"), "null");
	expect(json_get(json_get(o, "target"), "met"), "null");
	expect(json_get(json_get(o, "province"), "above"), "null");
}

static void counts_have_no_denominator_and_no_above(void **state)
{
	_cleanup_(json_freep) json *o = NULL;

	(void)state;
	for (int i = 1; i <= 5; i++) {
		char unit[16];

		snprintf(unit, sizeof unit, "330%d00", i);
		add_sample(s, unit, "places_total", "day", DAY, "10", "NULL", "ok");
	}
	o = indicator("330100", "places_total");
	expect(json_get(o, "value"), "10");
	expect(json_get(o, "denominator"), "null");
	expect(json_get(json_get(o, "province"), "value"), "50");
	assert_null(json_get(json_get(o, "province"), "above"));
}

/* Of five units four are 80 %, three are not. */
static void a_province_needs_80_percent_of_its_units(void **state)
{
	_cleanup_(json_freep) json *before = NULL, *after = NULL;

	(void)state;
	add_sample(s, "330100", "places_per_1000", "day", DAY, "5", "1000", "ok");
	add_sample(s, "330200", "places_per_1000", "day", DAY, "3", "1000", "ok");
	add_sample(s, "330300", "places_per_1000", "day", DAY, "3", "1000", "ok");
	add_sample(s, "330400", "places_per_1000", "day", DAY - 1, "3", "1000", "ok"); /* another day */
	add_sample(s, "330500", "places_per_1000", "day", DAY, "3", "NULL", "no_data");
	before = indicator("330100", "places_per_1000");
	expect(json_get(before, "province"),
	       "{\"above\":null,\"source\":\"computed\",\"status\":\"insufficient\",\"value\":null}");
	add_sample(s, "330400", "places_per_1000", "day", DAY, "3", "1000", "ok");
	after = indicator("330100", "places_per_1000");
	expect(json_get(json_get(after, "province"), "value"), "3.5");
	expect(json_get(json_get(after, "province"), "above"), "true");
}

static void expect_province(const char *unit, const char *text)
{
	_cleanup_(json_freep) json *o = indicator(unit, "utilisation");

	expect(json_get(json_get(o, "province"), "value"), text);
}

/* The sums are kept by triggers, so whoever writes a sample changes them. */
static void a_provinces_sums_follow_every_change_of_a_sample(void **state)
{
	char unit[16];

	(void)state;
	for (int i = 1; i <= 5; i++) {
		snprintf(unit, sizeof unit, "330%d00", i);
		add_sample(s, unit, "utilisation", "day", DAY, "1", "100", "ok");
	}
	expect_province("330100", "1.0");
	run_sql(s, "UPDATE sample SET numerator = 6 WHERE unit = '330500'");
	expect_province("330100", "2.0");
	run_sql(s, "UPDATE sample SET status = 'no_data' WHERE unit = '330500'");
	expect_province("330100", "1.0");
	run_sql(s, "UPDATE sample SET status = 'ok', denominator = 200 WHERE unit = '330500'");
	expect_province("330100", "1.6666666666666667");
	run_sql(s, "DELETE FROM sample WHERE unit = '330500'");
	expect_province("330100", "1.0");
	run_sql(s, "DELETE FROM sample WHERE unit >= '330300'");
	expect_province("330100", "null"); /* two of five */
}

/* A nursery may stand in a division that nobody imported; the province's figure is of the units that the divisions know. */
static void a_unit_that_the_divisions_do_not_know_is_in_no_average(void **state)
{
	char unit[16];

	(void)state;
	for (int i = 1; i <= 4; i++) {
		snprintf(unit, sizeof unit, "330%d00", i);
		add_sample(s, unit, "utilisation", "day", DAY, "1", "100", "ok");
	}
	add_sample(s, "339900", "utilisation", "day", DAY, "99", "100", "ok");
	expect_province("330100", "1.0");
	run_sql(s, "DELETE FROM sample WHERE unit = '330400'");
	expect_province("330100", "null"); /* three of five: the stranger does not make up the number */
}

/* 1/3 each: as doubles, sums of thirds may come out on either side. */
static void above_the_province_is_strict_and_exact(void **state)
{
	_cleanup_(json_freep) json *equal = NULL, *above = NULL;
	char unit[16];

	(void)state;
	for (int i = 1; i <= 5; i++) {
		snprintf(unit, sizeof unit, "330%d00", i);
		add_sample(s, unit, "utilisation", "day", DAY, "333333333333", "999999999999", "ok");
		add_sample(s, unit, "enrolment_rate", "day", DAY, i == 1 ? "333333333334" : "333333333333", "999999999999",
			   "ok");
	}
	equal = indicator("330100", "utilisation");
	expect(json_get(json_get(equal, "province"), "above"), "false");
	above = indicator("330100", "enrolment_rate");
	expect(json_get(json_get(above, "province"), "above"), "true");
}

static void an_official_average_in_force_stands_before_the_sum(void **state)
{
	_cleanup_(json_freep) json *o = NULL, *old = NULL;

	(void)state;
	add_sample(s, "330100", "places_per_1000", "day", DAY, "412", "100000", "ok"); /* 4.12 */
	run_sql(s, "INSERT INTO average VALUES('33','places_per_1000',%lld,'4.12','公报')", (long long)DAY - 366);
	o = indicator("330100", "places_per_1000");
	expect(json_get(json_get(o, "province"), "source"), "\"official\"");
	expect(json_get(json_get(o, "province"), "above"), "false"); /* equal is not above */
	run_sql(s, "UPDATE average SET reference_date = %lld", (long long)DAY - 367);
	old = indicator("330100", "places_per_1000");
	expect(json_get(json_get(old, "province"), "source"), "\"computed\"");
}

/* The thresholds are the policy's: three of five units are enough for 600 per mille; a version holds from its day. */
static void the_policy_says_how_a_provinces_average_is_formed(void **state)
{
	_cleanup_(json_freep) json *enough = NULL, *official = NULL, *too_old = NULL;

	(void)state;
	add_policy(s, 2, "min_units_share_per_mille = 800", "min_units_share_per_mille = 600");
	for (int i = 1; i <= 3; i++) {
		char unit[16];

		snprintf(unit, sizeof unit, "330%d00", i);
		add_sample(s, unit, "places_per_1000", "day", DAY, "7", "2000", "ok");
	}
	enough = indicator("330100", "places_per_1000");
	expect(json_get(json_get(enough, "province"), "value"), "3.5");
	run_sql(s, "INSERT INTO average VALUES('33','places_per_1000',%lld,'4.12','公报')", (long long)DAY - 31);
	official = indicator("330100", "places_per_1000");
	expect(json_get(json_get(official, "province"), "source"), "\"official\"");
	add_policy(s, 3, "official_max_age_days = 366;", "official_max_age_days = 366; }, { effective_on = \"2026-11-23\";"
		   " source = \"local rule\"; min_units_share_per_mille = 600; official_max_age_days = 30;");
	too_old = indicator("330100", "places_per_1000");
	expect(json_get(json_get(too_old, "province"), "source"), "\"computed\"");
}

static void target_is(const char *canonical)
{
	_cleanup_(json_freep) json *o = indicator("330100", "places_per_1000");

	expect(json_get(o, "target"), canonical);
}

static void the_units_target_comes_first_then_the_provinces_then_everyones(void **state)
{
	(void)state;
	add_sample(s, "330100", "places_per_1000", "day", DAY, "45", "10000", "ok"); /* 4.5 */
	target_is("null");
	run_sql(s, "INSERT INTO target VALUES('','places_per_1000',%lld,'4.51','x')", (long long)DAY + 3);
	target_is("{\"by\":\"2026-11-26\",\"met\":false,\"value\":\"4.51\"}");
	run_sql(s, "INSERT INTO target VALUES('330000','places_per_1000',%lld,'4.50','x')", (long long)DAY + 3);
	target_is("{\"by\":\"2026-11-26\",\"met\":true,\"value\":\"4.50\"}");
	run_sql(s, "INSERT INTO target VALUES('330100','places_per_1000',%lld,'1','last')", (long long)DAY - 9);
	target_is("{\"by\":\"2026-11-14\",\"met\":true,\"value\":\"1\"}");
	run_sql(s, "INSERT INTO target VALUES('330100','places_per_1000',%lld,'2','x')", (long long)DAY - 1);
	target_is("{\"by\":\"2026-11-22\",\"met\":true,\"value\":\"2\"}");
	run_sql(s, "INSERT INTO target VALUES('330100','places_per_1000',%lld,'8','later')", (long long)DAY + 9);
	target_is("{\"by\":\"2026-12-02\",\"met\":false,\"value\":\"8\"}");
	run_sql(s, "INSERT INTO target VALUES('330100','places_per_1000',%lld,'4.500000000000000001','on the day')", (long long)DAY);
	target_is("{\"by\":\"2026-11-23\",\"met\":false,\"value\":\"4.500000000000000001\"}"); /* no double sees it */
	run_sql(s, "UPDATE target SET value = 'four' WHERE by = %lld", (long long)DAY);
	target_is("{\"by\":\"2026-11-23\",\"met\":null,\"value\":\"four\"}");
}

static void a_month_is_named_by_itself(void **state)
{
	_cleanup_(json_freep) json *o = NULL;

	(void)state;
	add_sample(s, "330100", "completeness", "month", DAY + 7, "3", "4", "ok"); /* 2026-11-30 */
	assert_int_equal(alone("330100", "completeness", "month", DAY + 7, &o), 0);
	expect(json_get(o, "as_of"), "\"2026-11\"");
}

#define OCTOBER (DAY - 53) /* its first day is how a month is kept */
#define NOVEMBER (DAY - 22)

/* From value, numerator and denominator of a difference the hidden operands could be computed. */
static void a_difference_from_few_answers_is_told_inside_alone(void **state)
{
	static const char cell[] = "satisfaction_family_policy";
	struct province_sums outside = { 0 }, inside = { .inside = true };
	_cleanup_(json_freep) json *told = NULL, *hidden = NULL;

	(void)state;
	add_sample(s, "330100", cell, "month", OCTOBER, "3", "4", "ok");
	add_sample(s, "330100", cell, "month", NOVEMBER, "7", "9", "ok");
	run_sql(s, "UPDATE sample SET revision = 2 WHERE as_of = %lld", (long long)NOVEMBER);
	run_sql(s, "INSERT INTO frozen VALUES('330100',%lld,'%s',1,2,3,'ok',NULL,1,1,0,0,'[]',NULL,1)",
		(long long)NOVEMBER, cell);
	assert_int_equal(object_indicator(s, &inside, "330100", cell, "month", NOVEMBER, &told), 0);
	assert_int_equal(object_indicator(s, &outside, "330100", cell, "month", NOVEMBER, &hidden), 0);
	assert_non_null(json_get(told, "trend"));
	assert_non_null(json_get(told, "change"));
	expect(json_get(hidden, "numerator"), "7");
	assert_null(json_get(hidden, "trend"));
	assert_null(json_get(hidden, "change"));
	province_sums_done(&inside);
	province_sums_done(&outside);
}

static void what_is_not_there_is_none(void **state)
{
	json *o = (json *)&o;

	(void)state;
	assert_int_equal(alone("330100", "nonsense", "day", DAY, &o), OBJECT_NONE);
	assert_null(o);
	assert_int_equal(alone("330100", "completeness", "day", DAY, &o), OBJECT_NONE);
	assert_int_equal(object_alert(s, 9, true, &o), OBJECT_NONE);
	assert_int_equal(object_site(s, 9, DAY, true, &o), OBJECT_NONE);
	assert_int_equal(object_incident(s, 1, "INC-9", true, &o), OBJECT_NONE);
}

static void an_alert_outside_has_no_site_and_no_subject(void **state)
{
	_cleanup_(json_freep) json *inside = NULL, *outside = NULL;

	(void)state;
	assert_int_equal(object_alert(s, 123, true, &inside), 0);
	expect(json_get(inside, "id"), "\"A-000123\"");
	expect(json_get(inside, "site"), "\"" SITE_A "\"");
	expect(json_get(inside, "subject"), "\"INC-1\"");
	expect(json_get(inside, "provisional"), "true");
	assert_int_equal(object_alert(s, 123, false, &outside), 0);
	assert_null(json_get(outside, "site"));
	assert_null(json_get(outside, "subject"));
	expect(json_get(outside, "severity"), "\"S1\"");
}

static void a_site_shows_the_registration_in_force_and_its_last_enrolment(void **state)
{
	_cleanup_(json_freep) json *o = NULL, *bare = NULL;

	(void)state;
	assert_int_equal(object_site(s, 1, DAY, true, &o), 0);
	expect(json_get(json_get(o, "registration"), "name"), "\"第一园\"");
	expect(json_get(json_get(o, "registration"), "filing"), "\"filed\"");
	expect(json_get(json_get(o, "registration"), "disclosed"), "null");
	expect(json_get(o, "standing"),
	       "{\"counted\":true,\"exists\":true,\"filed\":true,\"operating\":true,\"registered\":true}");
	expect(json_get(json_get(o, "enrolment"), "as_of"), "\"2026-11-21\"");
	expect(json_get(json_get(o, "enrolment"), "waiting"), "null");
	expect(json_get(o, "next_seq"), "{\"enrolment\":207,\"incident\":1,\"registration\":1,\"survey\":1}");
	expect(json_get(o, "status"), "\"online\"");
	assert_int_equal(object_site(s, 2, DAY, true, &bare), 0);
	expect(json_get(bare, "unit"), "null");
	expect(json_get(bare, "registration"), "null");
	expect(json_get(json_get(bare, "standing"), "exists"), "false");
}

static void an_incident_shows_its_counting_message_and_all_stages(void **state)
{
	_cleanup_(json_freep) json *o = NULL;

	(void)state;
	assert_int_equal(object_incident(s, 1, "INC-1", true, &o), 0);
	expect(json_get(o, "severity"), "\"S1\"");
	expect(json_get(o, "grade"), "\"ordinary\"");
	expect(json_get(o, "type"), "\"fire\"");
	expect(json_get(o, "stage"), "\"follow_up\"");
	expect(json_get(o, "children"), "{\"critical\":1,\"dead\":0,\"minor\":2,\"missing\":null,\"serious\":0}");
	expect(json_get(o, "measures"), "[\"evacuated\",\"called_119\"]");
	assert_int_equal(json_count(json_get(o, "stages")), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_value_is_the_nearest_double_and_unrounded),
		TEST(without_a_datum_the_value_is_null_and_never_zero),
		TEST(counts_have_no_denominator_and_no_above),
		TEST(a_province_needs_80_percent_of_its_units),
		TEST(a_provinces_sums_follow_every_change_of_a_sample),
		TEST(a_unit_that_the_divisions_do_not_know_is_in_no_average),
		TEST(above_the_province_is_strict_and_exact),
		TEST(the_policy_says_how_a_provinces_average_is_formed),
		TEST(an_official_average_in_force_stands_before_the_sum),
		TEST(the_units_target_comes_first_then_the_provinces_then_everyones),
		TEST(a_month_is_named_by_itself),
		TEST(a_difference_from_few_answers_is_told_inside_alone),
		TEST(what_is_not_there_is_none),
		TEST(an_alert_outside_has_no_site_and_no_subject),
		TEST(a_site_shows_the_registration_in_force_and_its_last_enrolment),
		TEST(an_incident_shows_its_counting_message_and_all_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
