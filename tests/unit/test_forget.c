/* SPDX-License-Identifier: MIT
 *
 * What an erase leaves of a message: the same facts, and nothing that a person may have written. Every valid example of
 * every feed is a case.
 */
#include "../../daemon/buf.h"
#include "../../daemon/envelope.h"
#include "../../daemon/outcome.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants <stddef.h> and <stdint.h>, too, which the headers above bring */
#include <cmocka.h>

#define RECEIVED_AT INT64_C(1795500000000)

static void read_whole(const char *path, struct buf *ret)
{
	FILE *f = fopen(path, "rb");
	char chunk[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(ret, chunk, n);
	fclose(f);
}

static struct message *facts_of(const struct collector *c, const struct buf *payload)
{
	struct message *m = xcalloc(1, sizeof *m);

	assert_int_equal(envelope_facts(c, payload->p, payload->len, RECEIVED_AT, m), 0);
	if (c == collector_of("registration") && m->kind != KIND_RETRACT)
		memset(m->facts.registration.name, 0, sizeof m->facts.registration.name);
	return m;
}

static void check_same_facts(const struct collector *c, const char *path)
{
	_cleanup_(buf_done) struct buf payload = { 0 }, kept = { 0 };
	_cleanup_(json_freep) json *root = NULL, *forgotten = NULL;
	_cleanup_(freep) struct message *before = NULL, *after = NULL;
	size_t offset;

	read_whole(path, &payload);
	assert_int_equal(json_parse(payload.p, payload.len, DEPTH_MAX, &root, &offset), 0);
	forgotten = envelope_forget(c, root);
	json_canonical(forgotten, &kept);
	before = facts_of(c, &payload);
	after = facts_of(c, &kept);
	assert_int_equal(before->epoch, after->epoch);
	assert_int_equal(before->seq, after->seq);
	assert_int_equal(before->kind, after->kind);
	assert_int_equal(before->ref_seq, after->ref_seq);
	assert_int_equal(before->sent_at, after->sent_at);
	if (memcmp(&before->facts, &after->facts, sizeof before->facts) != 0)
		fail_msg("%s: other facts after an erase: %s", path, kept.p);
	assert_null(json_get(forgotten, "sw"));
}

static void every_valid_example_keeps_its_facts(void **state)
{
	size_t cases = 0;

	(void)state;
	for (size_t i = 0; i < collector_count; i++) {
		char pattern[128];
		glob_t found;

		snprintf(pattern, sizeof pattern, "tests/feeds/%s/valid/*.json", collectors[i]->feed);
		assert_int_equal(glob(pattern, 0, NULL, &found), 0);
		for (size_t k = 0; k < found.gl_pathc; k++, cases++)
			check_same_facts(collectors[i], found.gl_pathv[k]);
		globfree(&found);
	}
	assert_true(cases > 10);
}

static void what_a_person_wrote_goes(void **state)
{
	static const char said[] =
		"{\"v\":1,\"site\":\"52330106MJ0000018E\",\"division\":\"330106\",\"epoch\":1,\"seq\":2,\"kind\":\"amend\","
		"\"sent_at\":\"2026-11-23T17:30:00+08:00\",\"ref\":{\"epoch\":1,\"seq\":1,\"SECRET\":1},\"reason\":\"SECRET\","
		"\"sw\":\"SECRET\",\"SECRET\":null,\"body\":{\"event\":\"E\",\"type\":\"SECRET\",\"SECRET\":3,"
		"\"children\":{\"dead\":1,\"SECRET\":2}}}";
	_cleanup_(json_freep) json *root = NULL, *forgotten = NULL;
	_cleanup_(buf_done) struct buf kept = { 0 };
	size_t offset;

	(void)state;
	assert_int_equal(json_parse(said, sizeof said - 1, DEPTH_MAX, &root, &offset), 0);
	forgotten = envelope_forget(collector_of("incident"), root);
	json_canonical(forgotten, &kept);
	assert_null(strstr(kept.p, "SECRET"));
	assert_non_null(strstr(kept.p, "\"reason\":\"erased\""));
	assert_non_null(strstr(kept.p, "\"type\":\"other\""));
	assert_non_null(strstr(kept.p, "\"dead\":1"));
}

static void an_outcome_keeps_verdict_and_codes_alone(void **state)
{
	static const char outcome[] = "{\"epoch\":1,\"errors\":[{\"code\":\"E_SEQ_JUMP\",\"got\":\"SECRET\",\"path\":\"/SECRET\"}],"
				      "\"fold\":1,\"replay_of\":7,\"replay_received_at\":8,\"seq\":2,\"status\":\"rejected\","
				      "\"warnings\":[]}";
	_cleanup_(outcome_done) struct outcome o = { 0 };
	_cleanup_(buf_done) struct buf kept = { 0 };

	(void)state;
	assert_int_equal(outcome_forget(outcome, sizeof outcome - 1, &kept), 0);
	assert_null(strstr(kept.p, "SECRET"));
	assert_int_equal(outcome_read(kept.p, kept.len, &o), 0);
	assert_int_equal(o.status, STATUS_REJECTED);
	assert_true(o.jump_refused && o.identified && o.replay_of == 7 && o.replay_received_at == 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_valid_example_keeps_its_facts),
		cmocka_unit_test(what_a_person_wrote_goes),
		cmocka_unit_test(an_outcome_keeps_verdict_and_codes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
