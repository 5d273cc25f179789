/* SPDX-License-Identifier: MIT
 *
 * The policy: what ships says what DOMAIN says; what is wrong in a file is named with its line and key; a ledger's older
 * rows are read as they were meant.
 */
#include "../../daemon/clock.h"
#include "../../daemon/err.h"
#include "../../daemon/hash.h"
#include "../../daemon/indicators.h"
#include "../../daemon/policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct policy *shipped_policy(struct buf *bytes)
{
	struct policy *p = NULL;
	struct buf errors = { 0 };

	if (policy_load("config/policy.conf", &p, bytes, &errors) < 0)
		fail_msg("%s", errors.p);
	buf_done(&errors);
	return p;
}

static void the_shipped_policy_says_what_domain_says(void **state)
{
	struct policy *p = shipped_policy(NULL);
	int64_t day = clock_day_of(2026, 11, 23);

	(void)state;
	assert_int_equal(policy_severity(p, day)->s1_children_serious, 3);
	assert_int_equal(policy_severity(p, day)->s1_sick_poisoning, 5);
	assert_int_equal(policy_severity(p, day)->s1_grade_from, POLICY_GRADE_LARGER);
	assert_int_equal(policy_severity(p, day)->s2_infectious_cluster_sick, 10);
	assert_int_equal(policy_severity(p, day)->missing_window_minutes, 30);
	assert_int_equal(policy_severity(p, day)->unconfirmed_window_minutes, 60);
	assert_int_equal(policy_grades(p, day)->exceptional.dead, 30);
	assert_int_equal(policy_grades(p, day)->exceptional.serious, 100);
	assert_int_equal(policy_grades(p, day)->exceptional.loss_yuan, 100000000);
	assert_int_equal(policy_grades(p, day)->major.loss_yuan, 50000000);
	assert_int_equal(policy_grades(p, day)->larger.dead, 3);
	assert_int_equal(policy_clocks(p, day)->nursery_to_county_ms, HOUR_MS);
	assert_int_equal(policy_clocks(p, day)->level_up_ms, 2 * HOUR_MS);
	assert_int_equal(policy_clocks(p, day)->supplement_ms, 30 * DAY_MS);
	assert_int_equal(policy_clocks(p, day)->supplement_fire_traffic_ms, 7 * DAY_MS);
	assert_int_equal(policy_clocks(p, day)->page_age_limit_ms, 7 * DAY_MS);
	assert_int_equal(policy_usability(p, day)->usable_days, 31);
	assert_int_equal(policy_usability(p, day)->fresh_days, 7);
	assert_int_equal(policy_reporting(p, day)->timely_by_ms, 18 * HOUR_MS);
	assert_int_equal(policy_groups(p, day)->infant.children, 10);
	assert_int_equal(policy_groups(p, day)->toddler.children_per_carer, 5);
	assert_int_equal(policy_groups(p, day)->older.children, 20);
	assert_int_equal(policy_groups(p, day)->mixed.children, 18);
	assert_int_equal(policy_groups(p, day)->family_point.children_per_carer, 3);
	assert_int_equal(policy_quota(p, day)->share_per_mille, 100);
	assert_true(policy_quota(p, day)->publication_day_counts);
	assert_int_equal(policy_province_average(p, day)->min_units_share_per_mille, 800);
	assert_int_equal(policy_province_average(p, day)->official_max_age_days, 366);
	assert_int_equal(policy_grades(p, clock_day_of(1990, 1, 1))->larger.serious, 10);
	policy_free(p);
}

static void the_shipped_policy_says_what_domain_says_of_alerts_and_surveys(void **state)
{
	struct policy *p = shipped_policy(NULL);
	int64_t day = clock_day_of(2026, 11, 23);
	const struct policy_satisfaction *s = policy_satisfaction(p, day);

	(void)state;
	assert_int_equal(policy_regress(p, day)->raise_at_most_per_mille, 950);
	assert_int_equal(policy_regress(p, day)->clear_at_least_per_mille, 980);
	assert_int_equal(policy_regress(p, day)->months, 2);
	assert_int_equal(policy_regress(p, day)->completeness_per_mille, 900);
	assert_int_equal(policy_ineffective(p, day)->rectifications_overdue_above_per_mille, 200);
	assert_int_equal(policy_ineffective(p, day)->inspections_done_below_per_mille, 900);
	assert_int_equal(policy_ineffective(p, day)->clear_overdue_below_per_mille, 100);
	assert_int_equal(policy_ineffective(p, day)->annual_inputs_overdue_days, 30);
	assert_int_equal(policy_ineffective(p, day)->months, 2);
	assert_int_equal(policy_falsification(p, day)->flags_above, 3);
	assert_int_equal(s->red_below_per_mille, 800);
	assert_int_equal(s->amber_below_per_mille, 850);
	assert_int_equal(s->clear_from_per_mille, 830);
	assert_int_equal(s->clear_rounds, 2);
	assert_int_equal(s->enough_answers, 100);
	assert_int_equal(s->enough_share_per_mille, 600);
	assert_int_equal(s->least_share_per_mille, 200);
	assert_int_equal(s->sites_share_per_mille, 300);
	assert_int_equal(s->institutions_share_per_mille, 600);
	assert_int_equal(s->suppressed_below, 5);
	assert_true(strtod(s->z, NULL) == 1.959963984540054);
	assert_int_equal(policy_worklist(p, day)->silent_working_days, 8);
	assert_int_equal(policy_worklist(p, day)->breach_open_days, 3);
	assert_int_equal(policy_worklist(p, day)->clean_open_days, 5);
	assert_int_equal(policy_escalation(p, day)->next_contact_ms, 5 * MINUTE_MS);
	assert_int_equal(policy_escalation(p, day)->province_ms, 15 * MINUTE_MS);
	assert_int_equal(policy_freeze(p, day)->days_after_month_end, 10);
	assert_int_equal(policy_freeze(p, day)->quiet_ms, DAY_MS);
	policy_free(p);
}

static void the_key_indicators_of_the_policy_exist(void **state)
{
	struct policy *p = shipped_policy(NULL);

	(void)state;
	for (char *const *id = policy_key_indicators(p, 20000)->indicators; *id; id++)
		assert_non_null(indicator_of(*id));
	policy_free(p);
}

static void eligibility_and_recommender_of_a_unit(void **state)
{
	static const struct {
		const char *unit;
		enum policy_answer answer;
		const char *by;
	} cases[] = {
		{ "330100", POLICY_YES, "33" }, { "110105", POLICY_YES, "11" }, { "500101", POLICY_YES, "50" },
		{ "429004", POLICY_NO, "42" },  { "441900", POLICY_ASK, "44" }, { "442000", POLICY_ASK, "44" },
		{ "620200", POLICY_ASK, "62" }, { "460400", POLICY_ASK, "46" }, { "659001", POLICY_NO, "兵团" },
		{ "650100", POLICY_YES, "65" },
	};
	struct policy *p = shipped_policy(NULL);
	char province[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(policy_eligible(p, 20000, cases[i].unit), cases[i].answer);
		assert_string_equal(policy_recommender(p, 20000, cases[i].unit, province), cases[i].by);
	}
	policy_free(p);
}

/* The shipped policy with one piece of its text exchanged. */
static int parse_changed(const char *from, const char *to, struct policy **ret, struct buf *errors)
{
	struct buf bytes = { 0 }, changed = { 0 };
	const char *at;
	int r;

	*ret = NULL;
	policy_free(shipped_policy(&bytes));
	at = strstr(bytes.p, from);
	if (!at)
		fail_msg("not in config/policy.conf: %s", from);
	buf_add(&changed, bytes.p, (size_t)(at - bytes.p));
	buf_str(&changed, to);
	buf_str(&changed, at + strlen(from));
	r = policy_parse(changed.p, changed.len, "policy.conf", ret, errors);
	buf_done(&bytes);
	buf_done(&changed);
	return r;
}

static void a_version_holds_from_its_day_on(void **state)
{
	struct buf errors = { 0 };
	struct policy *p;

	(void)state;
	assert_int_equal(parse_changed("\ttimely_by = \"18:00\";\n}",
				 "\ttimely_by = \"18:00\";\n}, { effective_on = \"2027-01-01\"; source = \"local rule\"; timely_by = "
				 "\"09:30\"; }", &p, &errors), 0);
	assert_int_equal(policy_reporting(p, clock_day_of(1999, 1, 1))->timely_by_ms, 18 * HOUR_MS);
	assert_int_equal(policy_reporting(p, clock_day_of(2026, 12, 31))->timely_by_ms, 18 * HOUR_MS);
	assert_int_equal(policy_reporting(p, clock_day_of(2027, 1, 1))->timely_by_ms, 9 * HOUR_MS + 30 * MINUTE_MS);
	assert_int_equal(policy_reporting(p, clock_day_of(2040, 1, 1))->timely_by_ms, 9 * HOUR_MS + 30 * MINUTE_MS);
	policy_free(p);
	buf_done(&errors);
}

static const struct {
	const char *from, *to, *says;
} bad_policies[] = {
	{ "s1_sick_poisoning = 5;", "s1_sick_poisoning = 99999999999;",
	  "severity.s1_sick_poisoning: found 99999999999, wanted a whole number from 1 to 1000000" },
	{ "s1_sick_poisoning = 5;", "s1_sick_poisoning = 4294967301;", "found 4294967301, wanted" },
	{ "s1_sick_poisoning = 5;", "s1_sick_poisoning = 99999999999999999999;", "found 99999999999999999999, wanted" },
	{ "s1_sick_poisoning = 5;", "s1_sick_poisoning = 0;", "severity.s1_sick_poisoning: found 0, wanted" },
	{ "s1_sick_poisoning = 5;", "s1_sick_poisoning = 5.0;", "severity.s1_sick_poisoning: found the fraction 5, wanted" },
	{ "s1_sick_poisoning = 5;", "s1_sick_poisoning = \"5\";", "severity.s1_sick_poisoning: found \"5\", wanted" },
	{ "s1_sick_poisoning = 5;", "", "policy.conf:12: severity.s1_sick_poisoning: is missing, wanted" },
	{ "s1_sick_poisoning = 5;", "s1_sick_poisonin = 5;", "did you mean severity.s1_sick_poisoning?" },
	{ "s1_grade_from = \"larger\"", "s1_grade_from = \"large\"", "severity.s1_grade_from: found \"large\", wanted one of" },
	{ "source = \"local rule\"", "source = \"\"", "severity.source: found \"\", wanted a text in quotes: the document" },
	{ "\teffective_on = \"2021-01-01\"", "\teffective_on = \"2021-02-30\"", "severity.effective_on: found \"2021-02-30\"" },
	{ "timely_by = \"18:00\"", "timely_by = \"24:00\"", "reporting.timely_by: found \"24:00\"" },
	{ "timely_by = \"18:00\"", "timely_by = \"18:0\"", "reporting.timely_by" },
	{ "z = \"1.959963984540054\"", "z = 1.96", "satisfaction.z: found the fraction 1.96, wanted a text" },
	{ "z = \"1.959963984540054\"", "z = \"1.\"", "satisfaction.z: found \"1.\", wanted" },
	{ "red_below_per_mille = 800", "red_below_per_mille = 1001", "satisfaction.red_below_per_mille: found 1001" },
	{ "\"enrolment_rate\" ]", "\"Enrolment\" ]", "key_indicators.indicators" },
	{ "next_contact = \"5m\"", "next_contact = \"5\"", "escalation.next_contact: found \"5\"" },
	{ "dead = 30;", "dead = -1;", "grades.exceptional.dead: found -1" },
	{ "dead = 30;", "", "grades.exceptional.dead: is missing" },
	{ "\"6590\"", "\"659o\"", "eligibility.corps_prefixes: found [ \"659o\" ]" },
	{ "\nquota = (", "\nquotas = (", "quotas: unknown group; did you mean quota?" },
	{ "\nquota = (", "\nquotas = (", "quota: is missing" },
	{ "\nquota = (", "\nquota = ( 5, ", "quota: version 1 is not a group" },
	{ "\nquota = (", "\nquota = ( ); x = (", "quota: wanted a list of versions" },
	{ "\ttimely_by = \"18:00\";\n}", "\ttimely_by = \"18:00\";\n}, { effective_on = \"2021-01-01\"; source = \"local "
	  "rule\"; timely_by = \"09:30\"; }", "reporting: each version's effective_on must be later" },
};

static void a_wrong_policy_is_refused_with_line_and_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_policies); i++) {
		struct buf errors = { 0 };
		struct policy *p;
		int r = parse_changed(bad_policies[i].from, bad_policies[i].to, &p, &errors);

		if (r != -EINVAL || p)
			fail_msg("taken: %s", bad_policies[i].to);
		if (!strstr(errors.p, bad_policies[i].says) || strncmp(errors.p, "policy.conf:", 12) != 0)
			fail_msg("%s says %s", bad_policies[i].to, errors.p);
		buf_done(&errors);
	}
}

/* The groups that were added after the first version, and the SHA-256 of the text that stands for each in older rows. Such a
 * text is frozen: a group with a new key gets it into its text's end and a new digest here; nothing else may change one. */
static const struct {
	const char *group, *sha256, *key, *key_line;
} added_groups[] = {
	{ "regress", "25b2c0c18a4779a41751ae924590670a1b4df8d3f3398c5ed026b8f7d96b5b81",
	   "months", "months = 2;" },
	{ "ineffective", "4e2ae6f1c8662da84a52f8d3197f6c7bbbdaf11d7411ce47aae84c7de334b14d",
	   "months", "months = 2;" },
	{ "falsification", "839b8e624b3fd5efd3cfd545edd240539d144fdda5200bfca75823dc453128d7",
	   "flags_above", "flags_above = 3;" },
	{ "key_indicators", "3e527eef48a4924aa29f54d17d3099f7ececa44bd7d8282f0b589c83e6d452d9",
	   "clear_days", "clear_days = 31;" },
	{ "satisfaction", "e8f66d6191f37fe03a387dc4d24357d3eef6466648c5f6a9c28492f74d11e607",
	   "clear_rounds", "clear_rounds = 2;" },
	{ "worklist", "4256b036d773089c47e909754b5919f6d21a56effb022e25cd8a0a7b055872b2",
	   "silent_working_days", "silent_working_days = 8;" },
	{ "escalation", "56c772b01335ec2d4db9a91b57770a24e770fffcb0babf05a1374fb24ff781c0",
	   "province", "province = \"15m\";" },
	{ "freeze", "df70b61e535ce6022ada0ff000bb59cb32754c15cb8b6cf167505be92898d287",
	   "quiet", "quiet = \"24h\";" },
};

/* The shipped policy without the text from `from` to the end of the first `to` behind it. */
static void shipped_without(const char *group, const char *key, const char *to, struct buf *ret)
{
	struct buf bytes = { 0 }, head = { 0 };
	char *start, *end;

	policy_free(shipped_policy(&bytes));
	buf_printf(&head, "\n%s = (", group);
	start = strstr(bytes.p, head.p);
	assert_non_null(start);
	start += key ? 0 : 1;
	if (key) {
		buf_reset(&head);
		buf_printf(&head, "\n\t%s = ", key);
		start = strstr(start, head.p);
		assert_non_null(start);
	}
	end = strstr(start + 1, to);
	assert_non_null(end);
	buf_add(ret, bytes.p, (size_t)(start - bytes.p));
	buf_str(ret, end + (key ? 0 : strlen(to)));
	buf_done(&bytes);
	buf_done(&head);
}

static void a_ledger_row_older_than_a_group_is_read_as_the_group_was_introduced(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(added_groups); i++) {
		struct buf old = { 0 }, errors = { 0 };
		const char *since = policy_since(added_groups[i].group);
		struct policy *p = NULL;

		assert_non_null(since);
		shipped_without(added_groups[i].group, NULL, "} );\n", &old);
		assert_int_equal(policy_parse(old.p, old.len, "policy.conf", &p, &errors), -EINVAL);
		if (!strstr(errors.p, since) || !strstr(errors.p, ": is missing"))
			fail_msg("no lines to paste for %s: %s", added_groups[i].group, errors.p);
		buf_reset(&errors);
		assert_int_equal(policy_parse_row(old.p, old.len, &p, &errors), 0);
		policy_free(p);
		buf_str(&old, since);
		if (policy_parse(old.p, old.len, "policy.conf", &p, &errors) < 0)
			fail_msg("pasted: %s", errors.p);
		policy_free(p);
		buf_done(&old);
		buf_done(&errors);
	}
}

static void a_ledger_row_older_than_a_key_is_read_as_the_key_was_introduced(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(added_groups); i++) {
		struct buf old = { 0 }, errors = { 0 };
		struct policy *p = NULL;

		shipped_without(added_groups[i].group, added_groups[i].key, "\n", &old);
		assert_int_equal(policy_parse(old.p, old.len, "policy.conf", &p, &errors), -EINVAL);
		if (!strstr(errors.p, added_groups[i].key_line))
			fail_msg("no line to paste for %s: %s", added_groups[i].key, errors.p);
		buf_reset(&errors);
		assert_int_equal(policy_parse_row(old.p, old.len, &p, &errors), 0);
		assert_int_equal(policy_worklist(p, clock_day_of(2026, 1, 1))->silent_working_days, 8);
		policy_free(p);
		buf_done(&old);
		buf_done(&errors);
	}
}

static void what_a_group_meant_when_it_was_introduced_is_frozen(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(added_groups); i++) {
		const char *since = policy_since(added_groups[i].group);
		uint8_t sha[HASH_SIZE];
		char hex[HASH_HEX_SIZE];

		hash_sha256(since, strlen(since), sha);
		hash_hex(sha, hex);
		if (strcmp(hex, added_groups[i].sha256) != 0)
			fail_msg("the text of %s was changed: %s", added_groups[i].group, hex);
	}
	assert_null(policy_since("severity"));
}

static void what_was_there_from_the_beginning_is_never_taken_for_granted(void **state)
{
	struct buf old = { 0 }, errors = { 0 };
	struct policy *p = NULL;

	(void)state;
	shipped_without("clocks", NULL, "} );\n", &old);
	assert_int_equal(policy_parse_row(old.p, old.len, &p, &errors), -EINVAL);
	assert_non_null(strstr(errors.p, "clocks: is missing"));
	buf_done(&old);
	buf_done(&errors);
}

static void an_empty_or_missing_policy_is_an_error(void **state)
{
	struct buf errors = { 0 };
	struct policy *p = NULL;

	(void)state;
	assert_int_equal(policy_parse("", 0, "x", &p, &errors), -EINVAL);
	assert_non_null(strstr(errors.p, "x:1: severity: is missing"));
	assert_non_null(strstr(errors.p, "x:1: province_average: is missing"));
	assert_int_equal(policy_load("/nonexistent/policy.conf", &p, NULL, &errors), -ENOENT);
	assert_non_null(strstr(errors.p, "the policy cannot be read"));
	buf_done(&errors);
}

/* A cut file must be refused or taken, never crash: the sanitizers watch. */
static void every_prefix_of_the_policy_is_survived(void **state)
{
	struct buf bytes = { 0 };

	(void)state;
	policy_free(shipped_policy(&bytes));
	for (size_t n = 0; n < bytes.len; n += 7) {
		struct buf errors = { 0 };
		struct policy *p = NULL;

		policy_parse(bytes.p, n, "x", &p, &errors);
		policy_free(p);
		buf_done(&errors);
	}
	buf_done(&bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_policy_says_what_domain_says),
		cmocka_unit_test(the_shipped_policy_says_what_domain_says_of_alerts_and_surveys),
		cmocka_unit_test(the_key_indicators_of_the_policy_exist),
		cmocka_unit_test(eligibility_and_recommender_of_a_unit),
		cmocka_unit_test(a_version_holds_from_its_day_on),
		cmocka_unit_test(a_wrong_policy_is_refused_with_line_and_key),
		cmocka_unit_test(a_ledger_row_older_than_a_group_is_read_as_the_group_was_introduced),
		cmocka_unit_test(a_ledger_row_older_than_a_key_is_read_as_the_key_was_introduced),
		cmocka_unit_test(what_a_group_meant_when_it_was_introduced_is_frozen),
		cmocka_unit_test(what_was_there_from_the_beginning_is_never_taken_for_granted),
		cmocka_unit_test(an_empty_or_missing_policy_is_an_error),
		cmocka_unit_test(every_prefix_of_the_policy_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
