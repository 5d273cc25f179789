/* SPDX-License-Identifier: MIT
 *
 * The door against personal data: what must be refused, and the look-alikes that must not be (codes of Hebei begin
 * with 13 like a mobile number; an all-digit USCC can look like an identity number).
 */
#include "../../collectors/collector.h"
#include "../../daemon/clock.h"
#include "../../daemon/err.h"
#include "../../daemon/privacy.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants <stddef.h> and <stdint.h>, too, which the headers above bring */
#include <cmocka.h>

#define IDENTITY "11010519491231002X"	   /* the example of GB 11643 */
#define LOOKALIKE_SITE "123301201503100948" /* a USCC that is an identity number by all three tests */

static int64_t today(void)
{
	return clock_day_of(2026, 11, 24);
}

struct verdict {
	const char *text;
	bool refused;
};

static const struct verdict identity_numbers[] = {
	{ IDENTITY, true },
	{ "11010519491231002x", true },
	{ "身份" IDENTITY "号", true },
	{ "id=" IDENTITY ";", true },
	{ "-" IDENTITY "-", true },
	{ "330106202611240018", true },	      /* born today */
	{ "330106190001010017", true },	      /* the first day */
	{ "330106202402290019", true },	      /* a leap day */
	{ "330106202611250013", false },      /* born tomorrow */
	{ "330106189912310012", false },      /* before 1900 */
	{ "330106202302300013", false },      /* no such day */
	{ "110105194912310021", false },      /* wrong check digit */
	{ "11010519491231002", false },	      /* too short */
	{ "1" IDENTITY, false },	      /* part of a longer run */
	{ IDENTITY "1", false },
	{ "A" IDENTITY, false },
	{ IDENTITY "a", false },
	{ "52330106MJ0000018E", false },
	{ "110105 19491231 002X", false },
	{ "", false },
};

static void an_identity_number_has_a_date_and_a_check_digit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(identity_numbers); i++) {
		const char *text = identity_numbers[i].text;

		if (privacy_has_identity_number(text, strlen(text), today()) != identity_numbers[i].refused)
			fail_msg("%s", text);
	}
}

static const struct verdict mobile_numbers[] = {
	{ "13800138000", true },
	{ "19912345678", true },
	{ "电话13800138000。", true },
	{ "138 0013 8000", true },
	{ "138-0013-8000", true },
	{ "1 3 8 0 0 1 3 8 0 0 0", true },
	{ "+8613800138000", true },
	{ "+86 138 0013 8000", true },
	{ "0086-13800138000", true },
	{ "8613800138000", true },
	{ "tel:13800138000x", true },
	{ "13800138000,13900139000", true },
	{ "13800138000 13900139000", true },
	{ "2 children 13800138000", true },
	{ "138\xe3\x80\x80" "0013\xe3\x80\x80" "8000", true }, /* the wide space of a Chinese keyboard */
	{ "138\xe2\x80\x93" "0013\xef\xbc\x8d" "8000", true }, /* hyphens of a text program */
	{ "138\xc2\xa0" "00138000", true },
	{ "13800138000\xe3\x80\x80" "2026", true },
	{ "115\xef\xbc\x8d" "19491281002", true }, /* a wide hyphen may also be an end */
	{ "138 0013 8000\xef\xbc\x8d" "55", true },
	{ "115-19491281002", false },
	{ "138\xe3\x80\x82" "00138000", false }, /* a full stop */
	{ "12800138000", false },
	{ "23800138000", false },
	{ "1380013800", false },
	{ "1234567890123456789012345678901234567890", false },
	{ "138001380001", false },	 /* part of a longer run */
	{ "8713800138000", false },
	{ "330106-2023-0042", false },	 /* a filing number */
	{ "130102-2023-0042", false },	 /* one of Hebei */
	{ "1301022023004", false },
	{ "130102", false },
	{ "2026-11-24 2026-11-25", false },
	{ "12330106000000035P", false }, /* a USCC; its digits are 17 */
	{ "12330106000000035", false },
	{ "138.0013.8000", false },
	{ "", false },
};

static void a_mobile_number_has_eleven_digits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mobile_numbers); i++) {
		const char *text = mobile_numbers[i].text;

		if (privacy_has_mobile(text, strlen(text)) != mobile_numbers[i].refused)
			fail_msg("%s", text);
	}
}

static const struct verdict keys[] = {
	{ "childname", true },	 { "ChildName", true },	     { "child_name", true }, { "Child Name", true },
	{ "CHILD-NAME", true },	 { "childrenname", true },   { "guardian", true },   { "parent", true },
	{ "parent_name", true }, { "idcard", true },	     { "ID_Number", true },  { "passport", true },
	{ "phone", true },	 { "mobile", true },	     { "Tele-phone", true }, { "birthday", true },
	{ "birth_date", true },	 { "home address", true },   { "photo", true },	     { "diagnosis", true },
	{ "姓名", true },	 { "家长", true },	     { "监护人", true },     { "身份证", true },
	{ "身份证号", true },	 { "护照", true },	     { "电话", true },	     { "联系电话", true },
	{ "手机", true },	 { "手机号", true },	     { "住址", true },	     { "家庭住址", true },
	{ "生日", true },	 { "出生日期", true },	     { "照片", true },	     { "诊断", true },
	{ "姓\xe3\x80\x80名", true }, { "id\tcard", true }, { "birth\xe2\x80\x91" "day", true },
	{ "_p_h_o_n_e_", true }, { "name", false },	     { "phones", false },    { "parents", false },
	{ "children", false },	 { "guardians_told", false }, { "photograph", false }, { "姓名1", false },
	{ "", false },		 { "___", false },	     { "a_very_long_key_that_is_no_such_word", false },
};

static void forbidden_keys_are_compared_whole_and_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (privacy_key_forbidden(keys[i].text) != keys[i].refused)
			fail_msg("%s", keys[i].text);
}

/* A document, the topic's site, and the one path that is refused; NULL: none. */
static const struct {
	const char *text, *site, *path;
} documents[] = {
	{ "{\"body\":{\"list\":[0,{\"Phone\":null}]}}", NULL, "/body/list/1/Phone" },
	{ "{\"sw\":\"" IDENTITY "\"}", NULL, "/sw" },
	{ "\"" IDENTITY "\"", NULL, "" },
	{ "{\"a\":{\"" IDENTITY "\":{\"b\":1}}}", NULL, "/a" },
	{ "{\"a\":\"13800138000\"}", NULL, NULL }, /* only free texts and unknown fields, which the tables know */
	{ "{\"site\":\"" LOOKALIKE_SITE "\"}", LOOKALIKE_SITE, NULL },
	{ "{\"site\":\"" LOOKALIKE_SITE "\"}", LOOKALIKE_SITE "-01", NULL },
	{ "{\"site\":\"" LOOKALIKE_SITE "-01\"}", LOOKALIKE_SITE "-01", NULL },
	{ "{\"site\":\"" LOOKALIKE_SITE "-02\"}", LOOKALIKE_SITE "-01", "/site" },
	{ "{\"site\":\"" LOOKALIKE_SITE "\"}", "52330106MJ0000018E", "/site" },
	{ "{\"site\":\"" LOOKALIKE_SITE "\"}", NULL, "/site" },
	{ "{\"note\":\"x " LOOKALIKE_SITE "\"}", LOOKALIKE_SITE, "/note" },
	{ "{\"site\":\"123301201503100052\"}", NULL, NULL }, /* all digits, but no identity number */
	{ "{\"filing_no\":\"130102-2023-0042\",\"n\":13010220230,\"ok\":true}", NULL, NULL },
};

static void check_path(const char *text, const struct findings *f, const char *path)
{
	if (f->count != (path ? 1U : 0U) || (path && strcmp(f->items[0].path, path) != 0))
		fail_msg("%s: %s", text, f->count ? f->items[0].path : "accepted");
	if (path) {
		assert_int_equal(f->items[0].code, E_PII);
		assert_null(f->items[0].got);
	}
}

static json *parsed(const char *text)
{
	json *value;
	size_t offset;

	assert_int_equal(json_parse(text, strlen(text), DEPTH_MAX, &value, &offset), 0);
	return value;
}

static void the_whole_payload_is_looked_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		_cleanup_(json_freep) json *root = parsed(documents[i].text);
		struct findings f = { 0 };

		privacy_check(root, documents[i].site, today(), &f);
		check_path(documents[i].text, &f, documents[i].path);
		findings_done(&f);
	}
}

static const struct {
	const char *text, *path;
} unknown_values[] = {
	{ "13800138000", "/x" },
	{ "13800138000.0", "/x" },
	{ "1.3800138e10", "/x" },
	{ "8613800138000", "/x" },
	{ "110105194912310029", NULL }, /* 18 digits, wrong check digit */
	{ "330106202611240018", "/x" }, /* an identity number without quotation marks */
	{ "[1,\"138 0013 8000\"]", "/x/1" },
	{ "{\"13800138000\":1}", "/x" },
	{ "{\"a\":{\"b\":13800138000}}", "/x/a/b" },
	{ "{\"a\":[true,null,12,\"130102-2023-0042\"]}", NULL },
};

static void an_unknown_field_is_looked_through_for_numbers(void **state)
{
	const struct json_path path = { .key = "x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown_values); i++) {
		_cleanup_(json_freep) json *value = parsed(unknown_values[i].text);
		struct findings f = { 0 };

		privacy_check_unknown(value, &path, today(), &f);
		check_path(unknown_values[i].text, &f, unknown_values[i].path);
		findings_done(&f);
	}
}

static void broken_bytes_are_suspicious_by_the_same_rules(void **state)
{
	static const char bytes[] = "{\"site\":\"" LOOKALIKE_SITE "\",\0";

	(void)state;
	assert_true(privacy_bytes_suspicious(bytes, sizeof bytes, NULL, today()));
	assert_false(privacy_bytes_suspicious(bytes, sizeof bytes, LOOKALIKE_SITE "-01", today()));
	assert_true(privacy_bytes_suspicious("\xff\0 13800138000", 14, NULL, today()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_identity_number_has_a_date_and_a_check_digit),
		cmocka_unit_test(a_mobile_number_has_eleven_digits),
		cmocka_unit_test(forbidden_keys_are_compared_whole_and_plain),
		cmocka_unit_test(the_whole_payload_is_looked_through),
		cmocka_unit_test(an_unknown_field_is_looked_through_for_numbers),
		cmocka_unit_test(broken_bytes_are_suspicious_by_the_same_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
