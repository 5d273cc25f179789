/* SPDX-License-Identifier: MIT
 *
 * What an outlet is told: escapers, signatures, the line, and that outside hears nothing more than it may.
 */
#include "../../daemon/clock.h"
#include "../../daemon/err.h"
#include "../../daemon/rules.h"
#include "../../sinks/outlets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka.h needs the three above */
#include <cmocka.h>

static struct brief a_fire(void)
{
	struct brief b = { .alert = 7, .id = "A-000007", .rule = "severe-incident", .unit = "330100", .severity = "S1", .state = "open",
			   .raised_at = 0, .closed_at = STORE_NULL, .place = "杭州西湖", .name = "某园", .site = "52330106MJ0000018E",
			   .event = "INC-1", .incident = true, .type = INCIDENT_FIRE, .services_stopped = 1, .case_id = "C-2026-017",
			   .counts = { 0, 1, 0, 2, 0, 0, 0, 0, 20000 } };

	clock_parse_time("2026-11-24T01:10:00+08:00", &b.occurred_at);
	clock_parse_time("2026-11-24T01:20:00+08:00", &b.known_at);
	return b;
}

static void the_line_is_the_one_of_domain(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(buf_done) struct buf errors = { 0 }, line = { 0 }, drill = { 0 }, outside = { 0 };
	struct brief b = a_fire();
	struct brief_moment m = { 0 };

	(void)state;
	assert_int_equal(policy_load("config/policy.conf", &policy, NULL, &errors), 0);
	m.policy = policy;
	clock_parse_time("2026-11-24T02:05:00+08:00", &m.now);
	brief_line(&b, BRIEF_ZH, &m, &line);
	assert_string_equal(line.p, "【S1】杭州西湖 某园 01:10 火灾 儿童危重1 轻伤2|已停园|1小时时限剩15分|案 C-2026-017|回 ACK");
	m.drill = true;
	brief_line(&b, BRIEF_EN, &m, &drill);
	assert_string_equal(drill.p, "[DRILL][S1] 杭州西湖 某园 01:10 fire children critical 1 minor 2|closed|1 h clock: 15 min left|case "
				     "C-2026-017|reply ACK");
	brief_line_outside(&b, BRIEF_ZH, false, &outside);
	assert_string_equal(outside.p, "【S1】330100|案 C-2026-017");
}

static void outside_hears_severity_unit_and_case_alone(void **state)
{
	static const int kinds[] = { NOTIFY_ALERTMANAGER, NOTIFY_WEBHOOK, NOTIFY_WECOM, NOTIFY_DINGTALK, NOTIFY_FEISHU, NOTIFY_MAIL };
	static const char *const secrets[] = { "某园", "杭州", "52330106", "INC-1", "A-000007", "severe", "fire", "火灾" };
	struct brief b = a_fire();
	struct brief_moment m = { .now = b.occurred_at };
	struct page page = { .id = 1, .alert = 7, .key = "0123" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct notify_sink sink = { .name = (char *)"x", .kind = kinds[i], .trust = NOTIFY_OUTSIDE, .urls = { (char *)"http://h" },
					    .from = (char *)"a@b", .to = { (char *)"c@d" }, .resolve_timeout_ms = MINUTE_MS };
		struct outlet_request r = { 0 };

		assert_int_equal(outlet_encode(&(struct outlet_page){ .sink = &sink, .page = &page, .brief = &b, .moment = &m, .address = "",
								      .secret = "k", .token = "" }, 0, &r), 0);
		for (size_t k = 0; k < ARRAY_SIZE(secrets); k++) {
			assert_null(strstr(r.body.p, secrets[k]));
			for (size_t h = 0; h < r.header_count; h++)
				assert_null(strstr(r.headers[h].p, secrets[k]));
		}
		outlet_request_done(&r);
	}
}

static void escapers_leave_nothing_to_obey(void **state)
{
	_cleanup_(buf_done) struct buf robot = { 0 }, header = { 0 }, mail = { 0 };

	(void)state;
	outlet_escape_robot("<at user_id=\"all\">x</at>", &robot);
	assert_string_equal(robot.p, "＜at user_id=\"all\"＞x＜/at＞");
	outlet_escape_header("a\r\nBcc: everybody@example.org 某某某某某某某某某某某某某某某某某某某某某某", &header);
	for (char *line = header.p, *end; line; line = end ? end + 3 : NULL) {
		end = strstr(line, "\r\n ");
		assert_true((end ? (size_t)(end - line) : strlen(line)) <= 75);
		assert_memory_equal(line, "=?UTF-8?B?", 10);
	}
	assert_null(strstr(header.p, "Bcc"));
	outlet_escape_mail("\r\n.\r\nQUIT\r\n", &mail);
	assert_string_equal(mail.p, "DQouDQpRVUlUDQo=\r\n");
}

static void an_answer_is_taken_later_or_refused(void **state)
{
	static const struct {
		int kind, status;
		const char *body;
		enum outlet_verdict verdict;
	} cases[] = {
		{ NOTIFY_WEBHOOK, 200, "", OUTLET_TAKEN },	  { NOTIFY_WEBHOOK, 204, "", OUTLET_TAKEN },
		{ NOTIFY_WEBHOOK, 302, "", OUTLET_REFUSED },	  { NOTIFY_WEBHOOK, 400, "", OUTLET_REFUSED },
		{ NOTIFY_WEBHOOK, 429, "", OUTLET_LATER },	  { NOTIFY_WEBHOOK, 503, "", OUTLET_LATER },
		{ NOTIFY_WEBHOOK, 0, "", OUTLET_LATER },	  { NOTIFY_WECOM, 200, "{\"errcode\":0}", OUTLET_TAKEN },
		{ NOTIFY_WECOM, 200, "{\"errcode\":45009}", OUTLET_REFUSED }, { NOTIFY_WECOM, 200, "", OUTLET_REFUSED },
		{ NOTIFY_FEISHU, 200, "{\"code\":0}", OUTLET_TAKEN }, { NOTIFY_FEISHU, 200, "{\"code\":19021}", OUTLET_REFUSED },
		{ NOTIFY_MAIL, 250, "", OUTLET_TAKEN },		  { NOTIFY_MAIL, 451, "", OUTLET_LATER },
		{ NOTIFY_MAIL, 550, "", OUTLET_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct httpc_answer a = { .status = cases[i].status, .why = "" };

		snprintf(a.body, sizeof a.body, "%s", cases[i].body);
		assert_int_equal(outlet_judge(cases[i].kind, &a), cases[i].verdict);
	}
}

static void a_route_may_name_every_rule_there_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < rule_count; i++) {
		bool known = false;

		for (size_t k = 0; notify_rules[k]; k++)
			known = known || strcmp(notify_rules[k], rules[i].id) == 0;
		if (!known)
			fail_msg("%s", rules[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_the_one_of_domain),
		cmocka_unit_test(outside_hears_severity_unit_and_case_alone),
		cmocka_unit_test(escapers_leave_nothing_to_obey),
		cmocka_unit_test(a_route_may_name_every_rule_there_is),
		cmocka_unit_test(an_answer_is_taken_later_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
