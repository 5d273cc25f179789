/* SPDX-License-Identifier: MIT */
#include "api_fixture.h"

static struct store *s;
static struct api api;
static struct api_live live;

static int open_store(void **state)
{
	(void)state;
	s = fixture_open(NULL);
	add_divisions(s);
	add_sites(s);
	add_incident(s);
	add_ledger(s, 2500);
	api_live_init(&live);
	api = (struct api){ .store = s, .live = &live, .db_path = "/var/lib/x.db" };
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	api_live_done(&live);
	api_done(&api);
	store_free(s);
	return 0;
}

struct reply {
	struct api_response rs;
	json *value;
};

static void reply_done(struct reply *r)
{
	json_free(r->value);
	api_response_done(&r->rs);
}

static struct reply ask(const char *method, const char *target, bool trusted)
{
	const struct api_request rq = {
		.method = method, .target = target, .trusted = trusted, .local = trusted, .now_ms = NOW_MS,
	};
	struct reply r = { 0 };
	size_t offset;

	api_answer(&api, &rq, &r.rs);
	if (r.rs.body.len > 0)
		(void)json_parse(r.rs.body.p, r.rs.body.len, 32, &r.value, &offset);
	return r;
}

static void expect_status(const char *method, const char *target, bool trusted, int status)
{
	_cleanup_(reply_done) struct reply r = ask(method, target, trusted);

	if (r.rs.status != status)
		fail_msg("%s %s: %d, wanted %d: %s", method, target, r.rs.status, status, r.rs.body.p);
}

static void every_wrong_parameter_is_named_with_what_was_found_and_wanted(void **state)
{
	static const struct {
		const char *target, *parameter, *found;
	} cases[] = {
		{ "/api/v1/units?limit=0", "limit", "0" },
		{ "/api/v1/units?limit=1001", "limit", "1001" },
		{ "/api/v1/units?limit=+5", "limit", "+5" },
		{ "/api/v1/units?limit=", "limit", "" },
		{ "/api/v1/units?province=3", "province", "3" },
		{ "/api/v1/units?province=99", "province", "99" },
		{ "/api/v1/units?provinc=33", "provinc", "provinc" },
		{ "/api/v1/units?outcome=accepted", "outcome", "outcome" }, /* another call's */
		{ "/api/v1/sites?unit=33010", "unit", "33010" },
		{ "/api/v1/sites?after=x", "after", "x" },
		{ "/api/v1/messages?outcome=nice", "outcome", "nice" },
		{ "/api/v1/messages?after=-1", "after", "-1" },
		{ "/api/v1/incidents?severity=S5", "severity", "S5" },
		{ "/api/v1/incidents?since=yesterday", "since", "yesterday" },
		{ "/api/v1/incidents?after=1", "after", "1" },
		{ "/api/v1/alerts?state=closed", "state", "closed" },
		{ "/api/v1/units/330100/indicators/completeness?period=year", "period", "year" },
		{ "/api/v1/units/330100/indicators/completeness?from=2026-02-30", "from", "2026-02-30" },
		{ "/api/v1/units/330100/indicators/completeness?period=month&to=2026-11-01", "to", "2026-11-01" },
		{ "/healthz?x=1", "x", "x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(reply_done) struct reply r = ask("GET", cases[i].target, true);
		const json *error = json_at(json_get(r.value, "errors"), 0);

		if (r.rs.status != 400 || !error)
			fail_msg("%s: %d %s", cases[i].target, r.rs.status, r.rs.body.p);
		assert_string_equal(r.rs.content_type, "application/problem+json");
		assert_string_equal(json_text(json_get(error, "parameter")), cases[i].parameter);
		assert_string_equal(json_text(json_get(error, "found")), cases[i].found);
		assert_true(json_text_len(json_get(error, "wanted")) > 5);
	}
}

static void paths_methods_and_roles_are_told_apart(void **state)
{
	static const struct {
		const char *method, *target;
		bool trusted;
		int status;
	} cases[] = {
		{ "GET", "/api/v1/units", false, 200 },
		{ "HEAD", "/api/v1/units", false, 200 },
		{ "GET", "/api/v1/units/", false, 404 },
		{ "GET", "/api/v1/nothing", false, 404 },
		{ "GET", "/api/v1", false, 404 },
		{ "GET", "/units", false, 404 },
		{ "GET", "/api/v1/a/b/c/d/e/f/g/h/i/j/k", false, 404 },
		{ "GET", "/api/v1/units/%", false, 404 },
		{ "GET", "/api/v1/units/33%30100", false, 200 },
		{ "GET", "/api/v1/units/330100%00", false, 404 },
		{ "GET", "/api/v1/units/330199", false, 404 },
		{ "GET", "/api/v1/units/x", false, 404 },
		{ "GET", "/api/v1/units/330100/indicators/nonsense", false, 404 },
		{ "GET", "/api/v1/provinces/33", false, 200 },
		{ "GET", "/api/v1/provinces/44", false, 404 },
		{ "DELETE", "/api/v1/units", false, 405 },
		{ "GET", "/api/v1/backup", true, 405 },
		{ "POST", "/api/v1/backup", true, 503 },
		{ "GET", "/api/v1/sites/" SITE_A, false, 200 },
		{ "GET", "/api/v1/sites/91330106MA0000029X", false, 404 },
		{ "GET", "/api/v1/incidents", false, 401 },
		{ "GET", "/api/v1/incidents", true, 200 },
		{ "GET", "/api/v1/incidents/" SITE_A "/INC-1", false, 401 },
		{ "GET", "/api/v1/incidents/" SITE_A "/INC-1", true, 200 },
		{ "GET", "/api/v1/incidents/" SITE_A "/INC-2", true, 404 },
		{ "GET", "/api/v1/store", false, 404 },
		{ "GET", "/api/v1/store", true, 200 },
		{ "GET", "/api/v1/messages/1", false, 200 },
		{ "GET", "/api/v1/messages/0", false, 404 },
		{ "GET", "/api/v1/messages/99999", false, 404 },
		{ "GET", "/api/v1/messages/1x", false, 404 },
		{ "GET", "/healthz", false, 200 },
		{ "GET", "/api/v1/healthz", false, 404 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_status(cases[i].method, cases[i].target, cases[i].trusted, cases[i].status);
}

static void a_405_says_what_is_allowed(void **state)
{
	_cleanup_(reply_done) struct reply get = ask("PUT", "/api/v1/units", false);
	_cleanup_(reply_done) struct reply post = ask("GET", "/api/v1/imports/targets", false);

	(void)state;
	assert_string_equal(get.rs.allow, "GET, HEAD");
	assert_string_equal(post.rs.allow, "POST");
}

static size_t items_of(const struct reply *r)
{
	return json_count(json_get(r->value, "items"));
}

/* Every row once, in ascending n, whatever the page size; returns how many. */
static size_t walk(const char *target, int limit)
{
	char next[64] = "", url[256];
	size_t total = 0;
	int64_t last = 0;
	bool more = true;

	while (more) {
		snprintf(url, sizeof url, "%s%climit=%d%s%s", target, strchr(target, '?') ? '&' : '?', limit,
			 *next ? "&after=" : "", next);
		_cleanup_(reply_done) struct reply r = ask("GET", url, true);

		assert_int_equal(r.rs.status, 200);
		assert_true(items_of(&r) <= (size_t)limit);
		for (size_t i = 0; i < items_of(&r); i++) {
			int64_t n = json_int(json_get(json_at(json_get(r.value, "items"), i), "n"));

			assert_true(n > last);
			last = n;
		}
		total += items_of(&r);
		more = json_kind(json_get(r.value, "next")) == JSON_KIND_TEXT;
		if (more)
			snprintf(next, sizeof next, "%s", json_text(json_get(r.value, "next")));
	}
	return total;
}

static void pages_hold_every_row_once(void **state)
{
	static const int limits[] = { 2, 100, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		assert_int_equal(walk("/api/v1/messages", limits[i]), 2504);
	assert_int_equal(walk("/api/v1/messages?site=" SITE_A, 2), 3);
	assert_int_equal(walk("/api/v1/messages?site=" SITE_A "&feed=enrolment", 100), 2);
	assert_int_equal(walk("/api/v1/messages?feed=enrolment", 1000), 2502);
	assert_int_equal(walk("/api/v1/messages?outcome=accepted", 1000), 2502);
	assert_int_equal(walk("/api/v1/messages?outcome=rejected", 1), 1);
	assert_int_equal(walk("/api/v1/messages?outcome=fault", 1), 0);
}

static void the_last_full_page_has_no_next(void **state)
{
	_cleanup_(reply_done) struct reply r = ask("GET", "/api/v1/messages?after=2404&limit=100", true);
	_cleanup_(reply_done) struct reply usual = ask("GET", "/api/v1/messages", true);

	(void)state;
	assert_int_equal(items_of(&r), 100);
	assert_int_equal(json_kind(json_get(r.value, "next")), JSON_KIND_NULL);
	assert_int_equal(items_of(&usual), 100);
	assert_string_equal(json_text(json_get(usual.value, "next")), "100");
}

static void a_message_alone_shows_its_payload_and_the_hashed_outcome(void **state)
{
	_cleanup_(reply_done) struct reply kept = ask("GET", "/api/v1/messages/2", false);
	_cleanup_(reply_done) struct reply refused = ask("GET", "/api/v1/messages/3", false);
	_cleanup_(reply_done) struct reply act = ask("GET", "/api/v1/messages/4", false);

	(void)state;
	assert_string_equal(json_text(json_get(kept.value, "payload")), "{\"v\":1}");
	assert_true(json_bool(json_get(kept.value, "payload_kept")));
	assert_string_equal(json_text(json_get(kept.value, "outcome_json")), REJECTED);
	assert_string_equal(json_text(json_get(kept.value, "outcome")), "rejected");
	assert_string_equal(json_text(json_get(kept.value, "site")), SITE_A);
	assert_int_equal(json_int(json_get(kept.value, "seq")), 2);
	assert_false(json_bool(json_get(refused.value, "payload_kept")));
	assert_int_equal(json_kind(json_get(act.value, "site")), JSON_KIND_NULL);
}

static void units_of_a_province_come_sorted_and_paged(void **state)
{
	_cleanup_(reply_done) struct reply all = ask("GET", "/api/v1/units?province=33", false);
	_cleanup_(reply_done) struct reply page = ask("GET", "/api/v1/units?province=33&limit=2&after=330200", false);

	(void)state;
	assert_int_equal(items_of(&all), 5);
	assert_string_equal(json_text(json_get(json_at(json_get(page.value, "items"), 0), "unit")), "330300");
	assert_string_equal(json_text(json_get(page.value, "next")), "330400");
	assert_int_equal(json_int(json_get(json_at(json_get(all.value, "items"), 0), "open_alerts")), 1);
	expect_status("GET", "/api/v1/units/110101", false, 200); /* a municipality's district is a unit itself */
	expect_status("GET", "/api/v1/units/110100", false, 404);
}

static void an_indicator_is_listed_from_and_to_inclusive(void **state)
{
	(void)state;
	for (int64_t day = DAY - 20; day <= DAY; day++)
		add_sample(s, "330100", "completeness", "day", day, "1", "2", "ok");
	add_sample(s, "330100", "completeness", "month", DAY + 7, "1", "2", "ok");
	_cleanup_(reply_done) struct reply r =
		ask("GET", "/api/v1/units/330100/indicators/completeness?from=2026-11-10&to=2026-11-12", false);
	_cleanup_(reply_done) struct reply all =
		ask("GET", "/api/v1/units/330100/indicators/completeness?limit=5&after=20765", false);
	_cleanup_(reply_done) struct reply month = ask(
		"GET", "/api/v1/units/330100/indicators/completeness?period=month&from=2026-11&to=2026-11", false);

	assert_int_equal(items_of(&r), 3);
	assert_string_equal(json_text(json_get(json_at(json_get(r.value, "items"), 2), "as_of")), "2026-11-12");
	assert_int_equal(items_of(&all), 5);
	assert_string_equal(json_text(json_get(all.value, "next")), "20770");
	assert_int_equal(items_of(&month), 1);
}

static void alerts_over_tcp_name_no_site(void **state)
{
	_cleanup_(reply_done) struct reply tcp = ask("GET", "/api/v1/alerts", false);
	_cleanup_(reply_done) struct reply inside = ask("GET", "/api/v1/alerts?state=all", true);

	(void)state;
	assert_int_equal(items_of(&tcp), 1);
	assert_null(strstr(tcp.rs.body.p, SITE_A));
	assert_null(strstr(tcp.rs.body.p, "INC-1"));
	assert_int_equal(items_of(&inside), 2);
	assert_non_null(strstr(inside.rs.body.p, SITE_A));
}

#define MISSPELT_INCIDENT \
	"{\"epoch\":1,\"errors\":[{\"code\":\"E_ENUM\",\"got\":\"firstt\",\"path\":\"/body/stage\"}],\"fold\":1,\"seq\":4," \
	"\"status\":\"rejected\",\"warnings\":[{\"code\":\"W_ENUM\",\"got\":\"stabbing\",\"path\":\"/body/type\"}]}"
#define ACT_OF_LI "{\"actor\":\"li.wei\",\"errors\":[],\"status\":\"accepted\",\"warnings\":[]}"

/* What /incidents asks a role for must not stand open in what a finding quotes, nor in who acted upon which event. */
static void a_closed_row_is_not_quoted_to_readers_without_a_role(void **state)
{
	static const char *const secrets[] = { "firstt", "stabbing", "li.wei", "INC-7" };
	static const char *const targets[] = { "/api/v1/messages?after=2504", "/api/v1/messages/2505", "/api/v1/messages/2506" };
	_cleanup_(buf_done) struct buf outside = { 0 }, inside = { 0 };
	struct ledger l;

	(void)state;
	assert_int_equal(ledger_open(s, &l), 0);
	append(&l, NOW_MS + 5000, "nursery/v1/33/330102/" SITE_A "/up/incident", "{\"v\":1}", MISSPELT_INCIDENT);
	append(&l, NOW_MS + 5001, "act/incident/" SITE_A "/INC-7", "{\"act\":\"note\"}", ACT_OF_LI);
	ledger_commit(&l);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		_cleanup_(reply_done) struct reply closed = ask("GET", targets[i], false), open = ask("GET", targets[i], true);

		assert_int_equal(closed.rs.status, 200);
		buf_add(&outside, closed.rs.body.p, closed.rs.body.len);
		buf_add(&inside, open.rs.body.p, open.rs.body.len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		assert_null(strstr(outside.p, secrets[i]));
		assert_non_null(strstr(inside.p, secrets[i]));
	}
	assert_non_null(strstr(outside.p, "E_ENUM"));
	assert_non_null(strstr(outside.p, "/body/stage"));
}

/* Parsed anew for every answer it would also be lost with every answer. */
static void the_policy_is_read_once_for_many_answers(void **state)
{
	const struct policy *first;

	(void)state;
	expect_status("GET", "/api/v1/cases", true, 200);
	first = api.policies.policy;
	assert_non_null(first);
	expect_status("GET", "/api/v1/incidents", true, 200);
	assert_ptr_equal(api.policies.policy, first);
}

static void incidents_are_filtered(void **state)
{
	static const struct {
		const char *target;
		size_t count;
	} cases[] = {
		{ "/api/v1/incidents", 1 },
		{ "/api/v1/incidents?unit=330100&severity=S1", 1 },
		{ "/api/v1/incidents?unit=330200", 0 },
		{ "/api/v1/incidents?severity=S2", 0 },
		{ "/api/v1/incidents?since=2026-11-23", 1 },
		{ "/api/v1/incidents?since=2026-11-23T12:00:00+08:00", 1 },
		{ "/api/v1/incidents?since=2026-11-23T12:00:01%2B08:00", 0 },
		{ "/api/v1/incidents?after=1:INC-1", 0 },
		{ "/api/v1/incidents?after=1:INC-0", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(reply_done) struct reply r = ask("GET", cases[i].target, true);

		if (items_of(&r) != cases[i].count)
			fail_msg("%s: %s", cases[i].target, r.rs.body.p);
	}
}

static void an_unchanged_answer_is_304(void **state)
{
	_cleanup_(reply_done) struct reply first = ask("GET", "/api/v1/ledger/head", false);
	const struct api_request again = {
		.method = "GET", .target = "/api/v1/ledger/head", .if_none_match = first.rs.etag, .now_ms = NOW_MS,
	};
	struct api_response rs = { 0 };

	(void)state;
	assert_int_equal(json_int(json_get(first.value, "n")), 2504);
	api_answer(&api, &again, &rs);
	assert_int_equal(rs.status, 304);
	assert_int_equal(rs.body.len, 0);
	api_response_done(&rs);
}

static void ready_is_subscribed_and_writable(void **state)
{
	struct api_facts f = { .subscribed = true };

	(void)state;
	api_live_set(&live, &f);
	expect_status("GET", "/readyz", false, 503);
	f.store_writable = true;
	api_live_set(&live, &f);
	expect_status("GET", "/readyz", false, 200);
}

static void metrics_have_help_and_type_once_a_name(void **state)
{
	struct api_facts f = { .wal_bytes = 4096 };

	(void)state;
	api_facts_count(&f, "nurseryd_messages_total", "outcome=\"accepted\"", "Messages by outcome.", 7);
	api_facts_count(&f, "nurseryd_messages_total", "outcome=\"rejected\"", "Messages by outcome.", 2);
	api_live_set(&live, &f);
	_cleanup_(reply_done) struct reply r = ask("GET", "/metrics", false);

	assert_non_null(strstr(r.rs.body.p, "# HELP nurseryd_messages_total Messages by outcome.\n"
					    "# TYPE nurseryd_messages_total counter\n"
					    "nurseryd_messages_total{outcome=\"accepted\"} 7\n"
					    "nurseryd_messages_total{outcome=\"rejected\"} 2\n"));
	assert_non_null(strstr(r.rs.body.p, "# TYPE nurseryd_wal_bytes gauge\nnurseryd_wal_bytes 4096\n"));
}

static void acts_and_their_sizes_are_known_by_route(void **state)
{
	(void)state;
	assert_true(api_is_act("POST", "/api/v1/imports/targets"));
	assert_true(api_is_act("POST", "/api/v1/alerts/A-000001/actions"));
	assert_false(api_is_act("GET", "/api/v1/imports"));
	assert_false(api_is_act("POST", "/api/v1/units"));
	assert_int_equal(api_body_max("POST", "/api/v1/imports/targets"), 16 * 1024 * 1024);
	assert_int_equal(api_body_max("POST", "/api/v1/alerts/A-1/actions"), 64 * 1024);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(every_wrong_parameter_is_named_with_what_was_found_and_wanted),
		TEST(paths_methods_and_roles_are_told_apart),
		TEST(a_405_says_what_is_allowed),
		TEST(pages_hold_every_row_once),
		TEST(the_last_full_page_has_no_next),
		TEST(a_message_alone_shows_its_payload_and_the_hashed_outcome),
		TEST(units_of_a_province_come_sorted_and_paged),
		TEST(an_indicator_is_listed_from_and_to_inclusive),
		TEST(a_closed_row_is_not_quoted_to_readers_without_a_role),
		TEST(the_policy_is_read_once_for_many_answers),
		TEST(alerts_over_tcp_name_no_site),
		TEST(incidents_are_filtered),
		TEST(an_unchanged_answer_is_304),
		TEST(ready_is_subscribed_and_writable),
		TEST(metrics_have_help_and_type_once_a_name),
		TEST(acts_and_their_sizes_are_known_by_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
