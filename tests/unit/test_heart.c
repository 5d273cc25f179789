/* SPDX-License-Identifier: MIT
 *
 * Corners of the fold and of recomputation that random histories (test_histories) meet too seldom: what moves with the
 * official register, replays and memory, very long events, reused identities, policies of two versions.
 */
#include "world.h"

#include "../../daemon/replay.h"

#define SITE nurseries[0].code
#define HANGZHOU "330106"

/* One message of the first nursery; day: of FIRST_DAY. */
static void tell(struct world *w, int feed, int64_t day, int64_t seq, const char *more, const char *body)
{
	_cleanup_(freep) char *topic = text_of("nursery/v1/33/" HANGZHOU "/%s/up/%s", SITE, feeds[feed]);
	_cleanup_(freep) char *payload =
		text_of("{\"v\":1,\"site\":\"%s\",\"division\":\"" HANGZHOU "\",\"epoch\":1,\"seq\":%lld,\"sent_at\":\"%s\",%s%s%s}", SITE,
			(long long)seq, time_of(at_noon(day)), more, body ? ",\"body\":" : "", body ? body : "");
	struct incoming m = { topic, payload, strlen(payload), at_noon(day) };

	must(ingest_batch(&w->in, &m, 1, m.received_at), w, "batch");
	assert_int_equal(w->in.out_count, 1);
}

#define REPORT "\"kind\":\"report\""
#define REASON "\"reason\":\"x\""

static void register_nursery(struct world *w, int64_t day, int64_t seq, int64_t effective_on)
{
	_cleanup_(freep) char *body =
		text_of("{\"effective_on\":\"%s\",\"name\":\"x\",\"facility\":\"nursery\",\"registrar\":\"civil\",\"registration\":\"registered\","
			"\"filing\":\"filed\",\"operation\":\"operating\",\"places\":{\"infant\":9,\"toddler\":9,\"older\":9,\"mixed\":0}}",
			date_of(FIRST_DAY + effective_on));

	tell(w, REGISTRATION, day, seq, REPORT, body);
}

static void report(struct world *w, int64_t day, int64_t seq, const char *more, int64_t as_of, bool open)
{
	_cleanup_(freep) char *body =
		text_of("{\"as_of\":\"%s\",\"open\":%s,\"enrolled\":{\"under12\":1,\"m12_23\":2,\"m24_35\":3,\"over36\":0},"
			"\"mode\":{\"fullday\":6,\"halfday\":0,\"hourly\":0,\"temporary\":0}}",
			date_of(FIRST_DAY + as_of), open ? "true" : "false");

	tell(w, ENROLMENT, day, seq, more, body);
}

static void hurt_another(struct world *w, const char *event, int64_t day, int64_t seq, const char *stage, const char *counts)
{
	_cleanup_(freep) char *body = text_of("{\"event\":\"%s\",\"stage\":\"%s\",\"occurred_at\":\"%s\",\"known_at\":\"%s\",\"type\":\"fall\","
					      "\"children\":{%s}}",
					      event, stage, time_of(at_noon(day)), time_of(at_noon(day)), counts);

	tell(w, INCIDENT, day, seq, REPORT, body);
}

static void hurt_child(struct world *w, int64_t day, int64_t seq, const char *stage, const char *counts)
{
	hurt_another(w, "E", day, seq, stage, counts);
}

#define ALL_BUT_DEAD "\"critical\":0,\"serious\":0,\"minor\":1,\"missing\":0"

static void turn_to(struct world *w, int64_t day)
{
	int count;

	must(ingest_due(&w->in, at_noon(day), &count), w, "due");
}

static int64_t sample(struct world *w, const char *unit, const char *indicator, int64_t day)
{
	_cleanup_(freep) char *sql = text_of("SELECT numerator FROM sample WHERE unit = '%s' AND indicator = '%s' AND period = 'day'"
					     " AND as_of = %lld",
					     unit, indicator, (long long)(FIRST_DAY + day));

	return number(w, sql);
}

/* ---- the official register ---- */

static void test_a_unit_that_only_the_register_names_is_computed_every_day(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	register_nursery(&w, 1, 1, 0);
	report(&w, 1, 1, REPORT, 1, true);
	import(&w, 2, "register", "site,effective_on,division,filing,registration,inclusive,source\n"
				  "52330106MJ0000018E,2026-02-04,330203,,,,x\n");
	compute_all(&w);
	turn_to(&w, 5);
	compute_all(&w);
	assert_int_equal(sample(&w, "330200", "places_total", 5), 27);
	close_world(&w);
}

static void test_an_event_that_moves_to_a_named_city_is_told_the_rules(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	import(&w, 0, "designations", "unit,name,cycle,status,effective_on,document\n330200,x,2025,named,2026-01-01,x\n");
	hurt_child(&w, 1, 1, "follow_up", "\"dead\":1," ALL_BUT_DEAD);
	assert_int_equal(number(&w, "SELECT count(*) FROM alert WHERE rule = 'severe-incident' AND unit = '330100'"), 1);
	register_nursery(&w, 2, 1, 0);
	assert_int_equal(number(&w, "SELECT count(*) FROM alert"), 1); /* it stays where it was */
	import(&w, 3, "register", "site,effective_on,division,filing,registration,inclusive,source\n"
				  "52330106MJ0000018E,2026-02-01,330203,,,,x\n");
	assert_int_equal(number(&w, "SELECT count(*) FROM alert WHERE rule = 'art5-1' AND unit = '330200'"), 1);
	assert_int_equal(number(&w, "SELECT count(*) FROM case_file WHERE unit = '330200'"), 1);
	close_world(&w);
}

/* ---- identity and memory ---- */

static void test_a_replayed_amend_voids_what_comes_after_a_restart(void **state)
{
	struct replayed replayed;
	struct world w;

	(void)state;
	open_world(&w);
	report(&w, 1, 1, REPORT, 1, true);
	/* Refused because of the seventh day; then it is mended by hand, as a mended decoder would. */
	tell(&w, ENROLMENT, 2, 3, "\"kind\":\"retract\",\"ref\":{\"epoch\":1,\"seq\":2}," REASON, "{}");
	assert_int_equal(store_exec(w.store, "DROP TRIGGER ledger_is_never_changed; UPDATE ledger SET payload = CAST(replace("
					     "CAST(payload AS TEXT), ',\"body\":{}', '') AS BLOB) WHERE n = (SELECT max(n) FROM ledger)"),
			 0);
	assert_int_equal(replay_row(&w.in, w.in.ledger.head.n, "uid:1", at_noon(3), &replayed), 0);
	assert_true(replayed.effect);
	buf_done(&replayed.receipt);
	check_memory(&w);
	must(ingest_reload(&w.in), &w, "reload");
	report(&w, 4, 2, REPORT, 2, true);
	assert_int_equal(number(&w, "SELECT void FROM enrolment WHERE seq = 2"), 1);
	close_world(&w);
}

/* Somebody wrote into the ledger, or the disk forgot a row: verify says so, and messages are taken (docs/readings.md). */
static void test_a_repeat_of_a_row_that_nobody_can_read_any_more_holds_up_no_other_message(void **state)
{
	static const char *const damages[] = { "outcome = '{'", "hash = x'00'", "payload = CAST('{' AS BLOB)" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		_cleanup_(freep) char *sql = text_of("DROP TRIGGER ledger_is_never_changed; UPDATE ledger SET %s"
						     " WHERE n = (SELECT max(n) FROM ledger)", damages[i]);
		struct world w;

		open_world(&w);
		hurt_child(&w, 1, 1, "follow_up", "\"dead\":0," ALL_BUT_DEAD);
		assert_int_equal(store_exec(w.store, sql), 0);
		for (int repeats = 0; repeats < 3; repeats++)
			hurt_child(&w, 1, 1, "follow_up", "\"dead\":0," ALL_BUT_DEAD);
		assert_int_equal(number(&w, "SELECT count(*) FROM refused WHERE status = 'fault'"), 1);
		assert_int_equal(number(&w, "SELECT count(*) FROM alert WHERE rule = 'incident-unreadable' AND state = 'open'"), 1);
		hurt_child(&w, 1, 2, "follow_up", "\"dead\":0," ALL_BUT_DEAD);
		assert_int_equal(number(&w, "SELECT count(*) FROM incident_message"), 2);
		check_memory(&w);
		close_world(&w);
	}
}

/* ---- events ---- */

static void test_the_newest_message_of_a_very_long_event_is_judged(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	hurt_child(&w, 1, 1, "first", "\"dead\":0,\"critical\":0,\"serious\":1,\"minor\":1,\"missing\":0");
	for (int64_t seq = 2; seq < 520; seq++)
		hurt_child(&w, 1, seq, "follow_up", "\"dead\":0," ALL_BUT_DEAD);
	assert_int_equal(number(&w, "SELECT severity FROM incident"), 2); /* the first one's, though it is long ago */
	hurt_child(&w, 2, 520, "follow_up", "\"dead\":1," ALL_BUT_DEAD);
	assert_int_equal(number(&w, "SELECT severity FROM incident"), 1);
	assert_int_equal(number(&w, "SELECT count(*) FROM alert WHERE rule = 'severe-incident'"), 1);
	close_world(&w);
}

static void test_of_two_messages_with_one_identity_neither_is_the_later_one(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	hurt_child(&w, 1, 1, "follow_up", "\"dead\":0," ALL_BUT_DEAD);
	hurt_child(&w, 1, 1, "first", "\"dead\":null," ALL_BUT_DEAD); /* W_SEQ_REUSED */
	assert_int_equal(number(&w, "SELECT unconfirmed FROM incident"), 1);
	hurt_child(&w, 1, 2, "follow_up", "\"dead\":0," ALL_BUT_DEAD);
	assert_int_equal(number(&w, "SELECT unconfirmed FROM incident"), 0);
	close_world(&w);
}

static void test_what_is_unknown_again_counts_as_confirmed_an_hour_later(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	import(&w, 0, "designations", "unit,name,cycle,status,effective_on,document\n330100,x,2025,named,2026-01-01,x\n");
	hurt_child(&w, 1, 1, "first", "\"dead\":null," ALL_BUT_DEAD);
	hurt_child(&w, 1, 2, "follow_up", "\"dead\":0," ALL_BUT_DEAD);
	turn_to(&w, 2);
	assert_int_equal(number(&w, "SELECT count(*) FROM case_file"), 0);
	hurt_child(&w, 2, 3, "first", "\"dead\":null," ALL_BUT_DEAD);
	turn_to(&w, 3);
	assert_int_equal(number(&w, "SELECT count(*) FROM case_file"), 1);
	close_world(&w);
}

static void test_what_an_officer_resolved_is_no_evidence_because_another_unit_got_a_title(void **state)
{
	static const char resolve[] = "{\"act\":\"resolve\",\"reason\":\"x\"}";
	struct world w;

	(void)state;
	open_world(&w);
	import(&w, 0, "designations", "unit,name,cycle,status,effective_on,document\n330100,x,2025,named,2026-01-01,x\n");
	hurt_another(&w, "E", 1, 1, "first", "\"dead\":null," ALL_BUT_DEAD);
	must(ingest_act(&w.in, "act/alert/A-000001", resolve, strlen(resolve), "uid:1", at_noon(1), NULL), &w, "resolve");
	turn_to(&w, 2);
	hurt_another(&w, "F", 2, 2, "first", "\"dead\":1," ALL_BUT_DEAD);
	assert_int_equal(number(&w, "SELECT count(*) FROM case_evidence"), 1);
	import(&w, 3, "designations", "unit,name,cycle,status,effective_on,document\n330200,x,2025,named,2026-01-01,x\n");
	assert_int_equal(number(&w, "SELECT count(*) FROM case_evidence"), 1);
	assert_int_equal(number(&w, "SELECT count(*) FROM alert WHERE state = 'closed'"), 1);
	assert_int_equal(number(&w, "SELECT count(*) FROM due WHERE kind = 'unconfirmed'"), 0);
	close_world(&w);
}

/* ---- late data ---- */

static void expect_marked(struct world *w, int64_t first, int64_t last)
{
	_cleanup_(freep) char *missing = text_of("SELECT count(*) FROM dirty WHERE unit = '330100' AND day BETWEEN %lld AND %lld",
						 (long long)(FIRST_DAY + first), (long long)(FIRST_DAY + last));

	assert_int_equal(number(w, "SELECT count(*) FROM dirty_range"), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM dirty"), last - first + 1);
	assert_int_equal(number(w, missing), last - first + 1);
}

static void test_late_data_marks_the_days_it_touches_and_nothing_else(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	register_nursery(&w, 1, 1, 0);
	turn_to(&w, 60);
	compute_all(&w);
	report(&w, 60, 1, REPORT, 3, true); /* t … t + 31 */
	expect_marked(&w, 3, 34);
	compute_all(&w);
	report(&w, 60, 2, REPORT, 10, true); /* the same: there is no later one */
	expect_marked(&w, 10, 41);
	compute_all(&w);
	report(&w, 60, 3, REPORT, 4, true); /* up to the next open report */
	expect_marked(&w, 4, 9);
	compute_all(&w);
	report(&w, 60, 4, REPORT, 20, false); /* a closed one of its own */
	expect_marked(&w, 20, 51);
	compute_all(&w);
	report(&w, 60, 5, REPORT, 12, true); /* as far as the closed one carries it */
	expect_marked(&w, 12, 51);
	compute_all(&w);
	import(&w, 60, "population", "division,reference_date,resident,under3,source\n330106,2026-02-04,1000,,x\n330000,2026-02-04,1,,x\n");
	assert_int_equal(number(&w, "SELECT count(*) FROM dirty UNION ALL SELECT count(*) FROM dirty_range ORDER BY 1 DESC"), 0);
	close_world(&w);
}

/* People answered of a nursery that is still to come: its unit has no other day yet. */
static void test_what_an_import_changes_is_computed_on_days_that_only_have_answers(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	register_nursery(&w, 1, 1, 60);
	tell(&w, SURVEY, 1, 1, REPORT,
	     "{\"round\":\"2026H1\",\"form\":\"ballot\",\"respondent\":\"family\",\"token\":\"K7Q29M4XTT1A06PD\","
	     "\"answers\":{\"policy\":4,\"service\":5,\"safety\":5,\"price\":3,\"overall\":5}}");
	compute_all(&w);
	assert_int_equal(sample(&w, "330100", "satisfaction_family_policy", 1), 1);
	import(&w, 1, "population", "division,reference_date,resident,under3,source\n330100,2026-01-01,1000,,x\n");
	compute_all(&w);
	assert_int_equal(number(&w, "SELECT count(DISTINCT denominator) FROM sample WHERE indicator = 'places_per_1000'"), 1);
	assert_int_equal(number(&w, "SELECT count(*) FROM sample WHERE indicator = 'places_per_1000' AND denominator IS NULL"), 0);
	close_world(&w);
}

static void closed_without_children(struct world *w, int64_t day, int64_t seq)
{
	_cleanup_(freep) char *body =
		text_of("{\"as_of\":\"%s\",\"open\":false,\"enrolled\":{\"under12\":0,\"m12_23\":0,\"m24_35\":0,\"over36\":0},"
			"\"mode\":{\"fullday\":0,\"halfday\":0,\"hourly\":0,\"temporary\":0}}",
			date_of(FIRST_DAY + day));

	tell(w, ENROLMENT, day, seq, REPORT, body);
}

/* 1,200 days are looked back (docs/readings.md). */
static void test_how_far_a_closed_day_looks_back_is_no_matter_of_which_days_are_computed_together(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	register_nursery(&w, 0, 1, 0);
	report(&w, 0, 1, REPORT, 0, true);
	closed_without_children(&w, 1195, 2);
	compute_all(&w);
	closed_without_children(&w, 1205, 3);
	compute_all(&w);
	assert_int_equal(sample(&w, "330100", "utilisation", 1200), 6);
	assert_int_equal(sample(&w, "330100", "utilisation", 1205), 0);
	must(dirty_mark(&w.in.fold.dirty, w.store, "330100", FIRST_DAY, FIRST_DAY + 1205), &w, "mark");
	compute_all(&w);
	assert_int_equal(sample(&w, "330100", "utilisation", 1200), 6);
	assert_int_equal(sample(&w, "330100", "utilisation", 1205), 0);
	close_world(&w);
}

/* ---- freezing ---- */

#define FEBRUARY (FIRST_DAY - 3)
#define MARCH_11 35 /* of FIRST_DAY */

static int64_t frozen_on(struct world *w, int64_t month)
{
	_cleanup_(freep) char *sql = text_of("SELECT max(l.received_at) FROM frozen f JOIN ledger l ON l.n = f.n WHERE f.month = %lld",
					     (long long)month);

	return number(w, sql);
}

/* Whoever corrects January on March 10 holds up January for a day: February is over on the 11th as ever. */
static void test_a_month_that_was_not_past_yet_is_frozen_in_time_whatever_was_learnt_of_earlier_ones(void **state)
{
	int64_t midnight = clock_day_start_ms(FIRST_DAY + MARCH_11);
	struct world w;

	(void)state;
	open_world(&w);
	register_nursery(&w, 1, 1, 0);
	freeze(&w, midnight - 13 * HOUR_MS);
	register_nursery(&w, MARCH_11 - 1, 2, -20);
	freeze(&w, midnight + HOUR_MS);
	assert_int_equal(frozen_on(&w, FEBRUARY), midnight);
	assert_int_equal(frozen_on(&w, FEBRUARY - 31), STORE_NULL);
	freeze(&w, midnight + 13 * HOUR_MS);
	assert_int_equal(frozen_on(&w, FEBRUARY - 31), midnight + NOON);
	close_world(&w);
}

static void test_a_month_that_our_code_cannot_freeze_keeps_no_other_from_it(void **state)
{
	struct world w;
	int count;

	(void)state;
	open_world(&w);
	register_nursery(&w, 1, 1, 0);
	import(&w, 2, "register", "site,effective_on,division,filing,registration,inclusive,source\n"
				  "52330106MJ0000018E,2026-02-05,330203,,,,x\n");
	assert_int_equal(store_exec(w.store, "CREATE TRIGGER fault BEFORE INSERT ON frozen WHEN NEW.unit = '330100'"
					     " BEGIN SELECT raise(ABORT, 'a fault'); END"), 0);
	freeze(&w, clock_day_start_ms(FIRST_DAY + MARCH_11));
	assert_true(number(&w, "SELECT count(*) FROM frozen WHERE unit = '330200'") > 0);
	assert_int_equal(store_exec(w.store, "DROP TRIGGER fault"), 0);
	must(ingest_freeze(&w.in, clock_day_start_ms(FIRST_DAY + MARCH_11), 500, &count), &w, "freeze");
	assert_int_equal(count, 1);
	check_memory(&w);
	close_world(&w);
}

static void test_a_report_that_a_later_version_of_the_policy_makes_usable_again_is_found(void **state)
{
	_cleanup_(buf_done) struct buf policy = { 0 };
	struct world w;

	(void)state;
	open_world(&w);
	policy_bytes(true, &policy);
	must(ingest_policy(&w.in, &policy, "test", at_noon(0)), &w, "policy");
	register_nursery(&w, 1, 1, 0);
	report(&w, 20, 1, REPORT, 20, true); /* 2026-02-24; usable for 9 days, from 2026-03-10 on for 31 */
	turn_to(&w, 40);
	compute_all(&w);
	assert_int_equal(store_exec(w.store, "DELETE FROM sample; INSERT INTO dirty_range(started, unit, first, last) VALUES(0, '330100', 20520, 20528)"), 0);
	compute_all(&w);
	assert_int_equal(sample(&w, "330100", "places_total", 33), STORE_NULL); /* 2026-03-09 */
	assert_int_equal(sample(&w, "330100", "places_total", 34), 27);
	close_world(&w);
}

static void test_a_month_before_the_first_datum_is_taken_back_from_the_outlets(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	register_nursery(&w, 1, 2, -20);
	compute_all(&w);
	assert_int_equal(number(&w, "SELECT count(*) > 0 FROM sample WHERE period = 'month' AND as_of = 20454"), 1); /* 2026-01-01 */
	tell(&w, REGISTRATION, 2, 3, "\"kind\":\"retract\",\"ref\":{\"epoch\":1,\"seq\":2}," REASON, NULL);
	register_nursery(&w, 2, 4, 0);
	compute_all(&w);
	assert_int_equal(number(&w, "SELECT count(*) FROM sample WHERE period = 'month' AND as_of = 20454"), 0);
	assert_int_equal(number(&w, "SELECT count(*) > 0 FROM sample_gone WHERE period = 'month' AND as_of = 20454"), 1);
	close_world(&w);
}

static void test_a_due_time_that_our_code_cannot_fold_keeps_no_message_out(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	register_nursery(&w, 1, 1, 0);
	assert_int_equal(store_exec(w.store, "INSERT INTO due(at, kind, subject) VALUES(1, 'incident', 'NOBODY/E'), (2, 'nonsense', '')"), 0);
	must(ingest_reload(&w.in), &w, "reload");
	report(&w, 2, 1, REPORT, 2, true);
	assert_int_equal(number(&w, "SELECT count(*) FROM ledger WHERE topic LIKE 'act/due/%' AND outcome LIKE '%\"fault\"%'"), 2);
	assert_int_equal(number(&w, "SELECT count(*) FROM due WHERE at < 3"), 0);
	assert_int_equal(number(&w, "SELECT count(*) FROM enrolment"), 1);
	check_memory(&w);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_unit_that_only_the_register_names_is_computed_every_day),
		cmocka_unit_test(test_an_event_that_moves_to_a_named_city_is_told_the_rules),
		cmocka_unit_test(test_a_replayed_amend_voids_what_comes_after_a_restart),
		cmocka_unit_test(test_a_repeat_of_a_row_that_nobody_can_read_any_more_holds_up_no_other_message),
		cmocka_unit_test(test_the_newest_message_of_a_very_long_event_is_judged),
		cmocka_unit_test(test_of_two_messages_with_one_identity_neither_is_the_later_one),
		cmocka_unit_test(test_what_is_unknown_again_counts_as_confirmed_an_hour_later),
		cmocka_unit_test(test_what_an_officer_resolved_is_no_evidence_because_another_unit_got_a_title),
		cmocka_unit_test(test_what_an_import_changes_is_computed_on_days_that_only_have_answers),
		cmocka_unit_test(test_how_far_a_closed_day_looks_back_is_no_matter_of_which_days_are_computed_together),
		cmocka_unit_test(test_a_month_that_was_not_past_yet_is_frozen_in_time_whatever_was_learnt_of_earlier_ones),
		cmocka_unit_test(test_a_month_that_our_code_cannot_freeze_keeps_no_other_from_it),
		cmocka_unit_test(test_late_data_marks_the_days_it_touches_and_nothing_else),
		cmocka_unit_test(test_a_report_that_a_later_version_of_the_policy_makes_usable_again_is_found),
		cmocka_unit_test(test_a_due_time_that_our_code_cannot_fold_keeps_no_message_out),
		cmocka_unit_test(test_a_month_before_the_first_datum_is_taken_back_from_the_outlets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
