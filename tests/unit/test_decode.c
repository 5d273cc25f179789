/* SPDX-License-Identifier: MIT
 *
 * Bytes → facts or reasons. The files of tests/feeds/<feed>/{valid,invalid} say most of it: NAME.json is the payload,
 * NAME.expect its findings, a line "CODE path" each, in any order; a valid file without it has no findings. All are
 * received on the topic and at the instant below.
 */
#include "../../collectors/enrolment.h"
#include "../../collectors/fields.h"
#include "../../collectors/incident.h"
#include "../../collectors/registration.h"
#include "../../collectors/survey.h"
#include "../../daemon/clock.h"
#include "../../daemon/envelope.h"
#include "../../daemon/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <errno.h>
#include <glob.h>

#define SITE "52330106MJ0000018E"
#define TOPIC "nursery/v1/33/330106/" SITE "/up/"
#define RECEIVED_AT "2026-11-24T01:30:00+08:00"
#define TEXT_MAX 512

static int64_t instant(const char *text)
{
	int64_t ms;

	assert_int_equal(clock_parse_time(text, &ms), 0);
	return ms;
}

static bool only_hangzhou(void *context, const char *division)
{
	(void)context;
	return strncmp(division, "3301", 4) == 0;
}

static void decode(const char *topic_text, const char *payload, size_t len, struct decoded *ret)
{
	struct topic topic;

	assert_int_equal(topic_parse(topic_text, &topic), 0);
	envelope_decode(&topic, payload, len, instant(RECEIVED_AT), only_hangzhou, NULL, ret);
}

static void decode_text(const char *topic_text, const char *payload, struct decoded *ret)
{
	decode(topic_text, payload, strlen(payload), ret);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t sorted_lines(char *text, char **lines, size_t max)
{
	size_t count = 0;

	for (char *line = strtok(text, "\n"); line && count < max; line = strtok(NULL, "\n"))
		lines[count++] = line;
	qsort(lines, count, sizeof *lines, compare_lines);
	return count;
}

/* Both as sorted "CODE path" lines: a difference is printed whole. */
static void assert_findings(const char *name, const struct findings *f, char *expected)
{
	struct buf told = { 0 };
	char *want[FINDINGS_MAX], *got[FINDINGS_MAX];
	size_t want_count = sorted_lines(expected, want, FINDINGS_MAX), got_count, errors = 0;

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *finding = &f->items[i];

		errors += code_texts[finding->code].error;
		buf_printf(&told, "%s%s%s\n", code_texts[finding->code].name, *finding->path ? " " : "",
			   finding->path);
	}
	buf_reserve(&told, 1);
	got_count = told.len ? sorted_lines(told.p, got, FINDINGS_MAX) : 0;
	for (size_t i = 0; i < MAX(want_count, got_count); i++)
		if (i >= want_count || i >= got_count || strcmp(want[i], got[i]) != 0)
			fail_msg("%s: want \"%s\", got \"%s\"", name, i < want_count ? want[i] : "",
				 i < got_count ? got[i] : "");
	assert_int_equal(f->errors, errors);
	buf_done(&told);
}

static void read_file(const char *path, struct buf *ret)
{
	char chunk[4096];
	size_t len;
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	while ((len = fread(chunk, 1, sizeof chunk, file)) > 0)
		buf_add(ret, chunk, len);
	fclose(file);
}

static void check_file(const char *path, const char *feed, bool valid)
{
	struct buf payload = { 0 }, expected = { 0 };
	char text[TEXT_MAX];
	struct decoded d;

	read_file(path, &payload);
	snprintf(text, sizeof text, "%.*s.expect", (int)(strlen(path) - strlen(".json")), path);
	read_file(text, &expected);
	buf_reserve(&expected, 1);
	expected.p[expected.len] = '\0';
	snprintf(text, sizeof text, TOPIC "%s", feed);
	decode(text, payload.p, payload.len, &d);
	assert_findings(path, &d.message.findings, expected.p);
	if (valid && d.message.findings.errors > 0)
		fail_msg("%s has errors", path);
	if (!valid && d.message.findings.errors == 0)
		fail_msg("%s has no errors", path);
	decoded_done(&d);
	buf_done(&payload);
	buf_done(&expected);
}

static void check_folder(const char *feed, bool valid, size_t least)
{
	char pattern[TEXT_MAX];
	glob_t files;

	snprintf(pattern, sizeof pattern, "tests/feeds/%s/%s/*.json", feed, valid ? "valid" : "invalid");
	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= least);
	for (size_t i = 0; i < files.gl_pathc; i++)
		check_file(files.gl_pathv[i], feed, valid);
	globfree(&files);
}

static void every_valid_file_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < collector_count; i++)
		check_folder(collectors[i]->feed, true, 1);
}

static void every_invalid_file_is_told_all_its_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < collector_count; i++)
		check_folder(collectors[i]->feed, false, 5);
}

/* What a topic may look like and what the payload below is told under it. */
#define ENVELOPE(site, division, kind_and_body) \
	"{\"v\":1,\"site\":\"" site "\",\"division\":\"" division "\",\"seq\":7,\"sent_at\":\"" RECEIVED_AT "\"," \
	kind_and_body "}"
#define RETRACT "\"kind\":\"retract\",\"ref\":{\"seq\":1},\"reason\":\"x\""

static const struct {
	const char *topic, *payload, *findings;
	bool site_valid, identified;
} topics[] = {
	{ TOPIC "survey", ENVELOPE(SITE, "330106", RETRACT), "", true, true },
	{ "nursery-test/v1/33/330106/" SITE "/up/survey", ENVELOPE(SITE, "330106", RETRACT), "", true, true },
	{ "nursery/v1/33/330106/" SITE "-07/up/survey", ENVELOPE(SITE "-07", "330106", RETRACT), "", true, true },
	{ TOPIC "kitchen", ENVELOPE(SITE, "330106", RETRACT), "E_FEED", true, true },
	{ TOPIC "kitchen", ENVELOPE(SITE, "330106", "\"kind\":\"report\",\"body\":{\"tel\":13800138000}"),
	  "E_PII /body/tel", true, true },
	{ "nursery/v1/44/330106/" SITE "/up/survey", ENVELOPE(SITE, "330106", RETRACT), "E_TOPIC_MISMATCH /division",
	  true, true },
	{ TOPIC "survey", ENVELOPE(SITE, "330105", RETRACT), "E_TOPIC_MISMATCH /division", true, true },
	{ "nursery/v1/33/330206/" SITE "/up/survey", ENVELOPE(SITE, "330206", RETRACT), "W_DIVISION /division", true,
	  true },
	{ "nursery/v1/33/330100/" SITE "/up/survey", ENVELOPE(SITE, "330100", RETRACT), "E_DIVISION /division", true,
	  true },
	{ "nursery/v1/99/990106/" SITE "/up/survey", ENVELOPE(SITE, "990106", RETRACT), "E_DIVISION /division", true,
	  true },
	{ "nursery/v1/33/330106/52330106MJ0000018F/up/survey", ENVELOPE("52330106MJ0000018F", "330106", RETRACT),
	  "E_SITE_ID /site", false, true },
	{ "nursery/v1/33/330106/a/up/survey", ENVELOPE(SITE, "330106", RETRACT),
	  "E_SITE_ID /site\nE_TOPIC_MISMATCH /site", false, true },
	{ TOPIC "survey", "13800138000", "E_PII", true, false },
	{ TOPIC "survey", "null", "E_TYPE", true, false },
	{ TOPIC "survey", "", "E_JSON", true, false },
	{ TOPIC "survey", "{\"tel\":\"138 0013 8000\"", "E_PII", true, false },
};

static void topic_and_envelope_must_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
		_cleanup_(freep) char *expected = xstrdup(topics[i].findings);
		struct decoded d;

		decode_text(topics[i].topic, topics[i].payload, &d);
		assert_findings(topics[i].payload, &d.message.findings, expected);
		assert_int_equal(d.site_valid, topics[i].site_valid);
		assert_int_equal(d.message.identified, topics[i].identified);
		decoded_done(&d);
	}
}

static void only_our_topics_are_taken_apart(void **state)
{
	static const char *const strangers[] = {
		"", "nursery", "nursery/v1/33/330106/" SITE "/up", "nursery/v1/33/330106/" SITE "/up/",
		"nursery/v1/33/330106/" SITE "/down/receipt", "nursery/v1/33/330106/" SITE "/up/survey/x",
		"nursery/v2/33/330106/" SITE "/up/survey", "nurseryd/v1/33/330106/" SITE "/up/survey",
	};
	struct topic topic;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		assert_int_equal(topic_parse(strangers[i], &topic), -EINVAL);
	assert_int_equal(topic_parse("nursery-test/v1/33/330106/" SITE "/up/survey", &topic), 0);
	assert_true(topic.sandbox);
	assert_string_equal(topic.province, "33");
	assert_string_equal(topic.division, "330106");
	assert_string_equal(topic.site, SITE);
	assert_string_equal(topic.feed, "survey");
	/* what is longer than anything valid is cut between two characters: the receipt repeats the feed */
	assert_int_equal(topic_parse("nursery/v1/33/330106/" SITE "/up/托托托托托托托托托托托", &topic), 0);
	assert_string_equal(topic.feed, "托托托托托托托托托托");
	assert_int_equal(topic.site_len, strlen("nursery/v1/33/330106/" SITE));
}

static void too_many_bytes_are_not_parsed(void **state)
{
	struct buf payload = { 0 };
	struct decoded d;

	(void)state;
	while (payload.len <= PAYLOAD_MAX)
		buf_char(&payload, ' ');
	decode(TOPIC "survey", payload.p, PAYLOAD_MAX, &d);
	assert_true(findings_has(&d.message.findings, E_JSON));
	decoded_done(&d);
	decode(TOPIC "survey", payload.p, PAYLOAD_MAX + 1, &d);
	assert_true(findings_has(&d.message.findings, E_TOO_LARGE));
	assert_int_equal(d.state, PAYLOAD_UNREADABLE);
	decoded_done(&d);
	buf_done(&payload);
}

static void decode_file(const char *feed, const char *path, struct message *ret)
{
	struct buf payload = { 0 };

	read_file(path, &payload);
	assert_true(payload.len > 0);
	assert_int_equal(envelope_facts(collector_of(feed), payload.p, payload.len, instant(RECEIVED_AT), ret), 0);
	buf_done(&payload);
}

static void the_contract_examples_become_these_facts(void **state)
{
	static struct message m;

	(void)state;
	memset(&m, 0xa5, sizeof m); /* nothing may rest on zeroed memory */
	decode_file("registration", "tests/feeds/registration/valid/contract-example.json", &m);
	assert_string_equal(m.facts.registration.name, "西湖区第一托育中心");
	assert_int_equal(m.facts.registration.registrar, REGISTRAR_CIVIL);
	assert_int_equal(m.facts.registration.places[2], 35);
	assert_int_equal(m.facts.registration.fee_halfday, 1100);
	assert_int_equal(m.facts.registration.effective_on, clock_day_of(2026, 11, 23));
	decode_file("enrolment", "tests/feeds/enrolment/valid/contract-example.json", &m);
	assert_string_equal(m.site, SITE);
	assert_string_equal(m.division, "330106");
	assert_string_equal(m.province, "33");
	assert_int_equal(m.seq, 207);
	assert_int_equal(m.facts.enrolment.mode[MODE_HALFDAY], 4);
	assert_int_equal(m.facts.enrolment.class_count, 4);
	assert_int_equal(m.facts.enrolment.classes[1].type, CLASS_TODDLER);
	assert_int_equal(m.facts.enrolment.classes[3].carers, 2);
	assert_int_equal(m.facts.enrolment.guards, 1);
	decode_file("incident", "tests/feeds/incident/valid/contract-example.json", &m);
	assert_int_equal(m.facts.incident.type, INCIDENT_FIRE);
	assert_int_equal(m.facts.incident.measures,
			 1 << MEASURE_EVACUATED | 1 << MEASURE_CALLED_119 | 1 << MEASURE_CALLED_120);
	assert_int_equal(m.facts.incident.services_stopped, TRI_YES);
	assert_true(m.facts.incident.police_at == COUNT_UNKNOWN);
	decode_file("survey", "tests/feeds/survey/valid/contract-example-of-a-tally.json", &m);
	assert_int_equal(m.facts.survey.form, FORM_TALLY);
	assert_int_equal(m.facts.survey.tally[QUESTION_POLICY][4], 10);
	assert_true(m.facts.survey.tally[QUESTION_PRICE][0] == COUNT_UNKNOWN);
	assert_string_equal(m.facts.survey.token, "");
}

static void what_is_unknown_is_never_zero(void **state)
{
	static struct message m;

	(void)state;
	memset(&m, 0, sizeof m);
	decode_file("incident", "tests/feeds/incident/valid/every-count-may-be-unknown.json", &m);
	assert_true(m.facts.incident.dead == COUNT_UNKNOWN && m.facts.incident.missing == COUNT_UNKNOWN);
	assert_true(m.facts.incident.adults_dead == COUNT_UNKNOWN && m.facts.incident.sick == COUNT_UNKNOWN);
	assert_false(m.facts.incident.measures_known);
	assert_int_equal(m.facts.incident.services_stopped, TRI_UNKNOWN);
	decode_file("incident", "tests/feeds/incident/valid/an-unknown-type-is-taken-as-other.json", &m);
	assert_int_equal(m.facts.incident.type, INCIDENT_OTHER);
	decode_file("enrolment", "tests/feeds/enrolment/valid/what-may-be-unknown-is-null.json", &m);
	assert_true(m.facts.enrolment.places == COUNT_UNKNOWN && m.facts.enrolment.carers == COUNT_UNKNOWN);
	assert_false(m.facts.enrolment.classes_known);
	decode_file("enrolment", "tests/feeds/enrolment/valid/an-absent-epoch-is-one.json", &m);
	assert_int_equal(m.epoch, 1);
	assert_int_equal(envelope_facts(&collector_survey, "{", 1, 0, &m), -EINVAL);
}

static const struct finding *finding_of(const struct decoded *d, enum code code)
{
	for (size_t i = 0; i < d->message.findings.count; i++)
		if (d->message.findings.items[i].code == code)
			return &d->message.findings.items[i];
	fail_msg("%s is missing", code_texts[code].name);
	return NULL;
}

static void a_finding_says_what_it_got_and_wants(void **state)
{
	static const char payload[] = ENVELOPE(
		SITE, "330106",
		"\"kind\":\"report\",\"body\":{\"as_of\":\"2026-11-23\",\"open\":true,\"places\":\"60\","
		"\"waiting\":-1,\"enrolled\":{\"under12\":42,\"m12_23\":0,\"m24_35\":0,\"over36\":0},"
		"\"mode\":{\"fullday\":41,\"halfday\":0,\"hourly\":0,\"temporary\":0}}");
	const struct finding *finding;
	struct decoded d;

	(void)state;
	decode_text(TOPIC "enrolment", payload, &d);
	finding = finding_of(&d, E_SUM_MISMATCH);
	assert_string_equal(finding->got, "41");
	assert_string_equal(finding->want, "42");
	assert_string_equal(finding->zh, "分托类人数之和应等于在托人数之和");
	finding = finding_of(&d, E_TYPE);
	assert_string_equal(finding->got, "string");
	assert_string_equal(finding->want, "integer");
	finding = finding_of(&d, E_RANGE);
	assert_string_equal(finding->got, "-1");
	assert_string_equal(finding->want, "0..1000000");
	decoded_done(&d);
}

static void a_refused_value_is_never_shown(void **state)
{
	static const char payload[] =
		ENVELOPE(SITE, "330106",
			 "\"kind\":\"report\",\"sw\":\"\\t13800138000\",\"body\":{\"note\":\"secret\","
			 "\"form\":\"secret 13800138000\"}");
	struct decoded d;

	(void)state;
	decode_text(TOPIC "survey", payload, &d);
	assert_null(finding_of(&d, E_UNKNOWN_FIELD)->got);
	for (size_t i = 0; i < d.message.findings.count; i++)
		assert_true(!d.message.findings.items[i].got ||
			    !strstr(d.message.findings.items[i].got, "13800138000"));
	decoded_done(&d);
}

static void got_is_cut_between_characters(void **state)
{
	struct findings f = { 0 };
	struct buf text = { 0 };

	(void)state;
	for (int i = 0; i < GOT_MAX + 1; i++)
		buf_str(&text, "托");
	findings_add(&f, E_ENUM, "", text.p, NULL);
	assert_int_equal(strlen(f.items[0].got), GOT_MAX * strlen("托"));
	findings_done(&f);
	buf_done(&text);
}

static void warnings_never_crowd_out_an_error(void **state)
{
	struct findings f = { 0 };

	(void)state;
	for (int i = 0; i < FINDINGS_MAX + 10; i++)
		findings_add(&f, W_UNKNOWN_FIELD, "/x", NULL, NULL);
	assert_int_equal(f.count, FINDINGS_MAX);
	assert_int_equal(f.errors, 0);
	for (int i = 0; i < FINDINGS_MAX + 10; i++)
		findings_add(&f, E_TYPE, "/x", NULL, NULL);
	assert_int_equal(f.count, FINDINGS_MAX);
	assert_int_equal(f.errors, FINDINGS_MAX);
	findings_add(&f, E_PII, "/x", NULL, NULL);
	findings_keep_pii(&f);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.errors, 1);
	assert_int_equal(f.items[0].code, E_PII);
	findings_done(&f);
}

static void every_code_says_how_to_mend_it(void **state)
{
	(void)state;
	for (int code = 0; code < CODE_COUNT; code++) {
		assert_non_null(code_texts[code].name);
		assert_int_equal(code_of(code_texts[code].name), code);
		assert_true(*code_texts[code].zh && *code_texts[code].en && *code_texts[code].fix);
	}
	assert_int_equal(code_of("E_NOTHING"), -1);
}

static void every_word_and_number_names_one_feed(void **state)
{
	(void)state;
	for (size_t i = 0; i < collector_count; i++) {
		assert_ptr_equal(collector_of(collectors[i]->feed), collectors[i]);
		assert_ptr_equal(collector_numbered(collectors[i]->number), collectors[i]);
	}
	assert_null(collector_of("status"));
	assert_null(collector_numbered(0));
	assert_true(collector_of("incident")->never_silent);
}

/* Pairs of payloads and whether the second is a repeat of the first. */
static const struct {
	const char *a, *b;
	bool same;
} repeats[] = {
	{ "{\"kind\":\"report\",\"body\":{\"a\":1,\"b\":[2]}}", "{\"body\":{\"b\":[2],\"a\":1},\"kind\":\"report\"}", true },
	{ "{\"kind\":\"report\",\"seq\":1}", "{\"kind\":\"report\",\"seq\":1,\"sent_at\":\"x\"}", true },
	{ "{\"kind\":\"report\",\"body\":{}}", "{\"kind\":\"amend\",\"body\":{}}", false },
	{ "{\"body\":{\"a\":1}}", "{\"body\":{\"a\":2}}", false },
	{ "{\"ref\":{\"seq\":1}}", "{\"ref\":{\"seq\":2}}", false },
	{ "{\"body\":null}", "{}", false },
};

static json *parsed(const char *text)
{
	json *value;
	size_t offset;

	assert_int_equal(json_parse(text, strlen(text), DEPTH_MAX, &value, &offset), 0);
	return value;
}

static void a_repeat_has_equal_kind_ref_and_body(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(repeats); i++) {
		_cleanup_(json_freep) json *a = parsed(repeats[i].a), *b = parsed(repeats[i].b);
		struct buf a_text = { 0 }, b_text = { 0 };

		envelope_canonical(a, &a_text);
		envelope_canonical(b, &b_text);
		assert_int_equal(envelope_same(a, b), repeats[i].same);
		assert_int_equal(strcmp(a_text.p, b_text.p) == 0, repeats[i].same);
		buf_done(&a_text);
		buf_done(&b_text);
	}
}

static const struct {
	const char *text;
	size_t len;
	int max_depth, result;
	size_t offset; /* of what is refused */
} texts[] = {
	{ "\"a\"", 3, 1, 0, 0 },
	{ "[[1]]", 5, 2, 0, 0 },
	{ "[[1]]", 5, 1, -EINVAL, 1 },
	{ "[\"[[\\\"[\"]", 9, 1, 0, 0 },
	{ "{}x", 3, 1, -EINVAL, 3 },
	{ "{}\0", 3, 1, -EINVAL, 3 },
	{ "\0{}", 3, 1, -EINVAL, 1 },
	{ "\xEF\xBB\xBF{}", 5, 1, -EINVAL, 0 },
	{ "NaN", 3, 1, -EINVAL, 3 },
	{ "[1,]", 4, 1, -EINVAL, 4 },
	{ "\"\\ud800\"", 8, 1, -EINVAL, 8 },
	{ "\"\\u0000\"", 8, 1, -EINVAL, 8 },
	{ "\"\n\"", 3, 1, -EINVAL, 1 },
	{ "[01]", 4, 1, -EINVAL, 2 },
	{ "{\"a\":1,\"a\":1}", 13, 1, -EINVAL, 10 },
	{ "1e999", 5, 1, -EINVAL, 5 },
	{ "9223372036854775808", 19, 1, -EINVAL, 19 },
};

static void json_is_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json *value;
		size_t offset;
		int r = json_parse(texts[i].text, texts[i].len, texts[i].max_depth, &value, &offset);

		if (r != texts[i].result || (r < 0 && (value || offset != texts[i].offset)))
			fail_msg("%s: %d at %zu", texts[i].text, r, offset);
		json_free(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_valid_file_is_accepted),
		cmocka_unit_test(every_invalid_file_is_told_all_its_errors),
		cmocka_unit_test(topic_and_envelope_must_agree),
		cmocka_unit_test(only_our_topics_are_taken_apart),
		cmocka_unit_test(too_many_bytes_are_not_parsed),
		cmocka_unit_test(the_contract_examples_become_these_facts),
		cmocka_unit_test(what_is_unknown_is_never_zero),
		cmocka_unit_test(a_finding_says_what_it_got_and_wants),
		cmocka_unit_test(a_refused_value_is_never_shown),
		cmocka_unit_test(got_is_cut_between_characters),
		cmocka_unit_test(warnings_never_crowd_out_an_error),
		cmocka_unit_test(every_code_says_how_to_mend_it),
		cmocka_unit_test(every_word_and_number_names_one_feed),
		cmocka_unit_test(a_repeat_has_equal_kind_ref_and_body),
		cmocka_unit_test(json_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
