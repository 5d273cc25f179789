/* SPDX-License-Identifier: MIT
 *
 * The encoder of line protocol: what a line looks like, byte for byte. tests/e2e/test_influx.py asks a real InfluxDB.
 */
#include "../../daemon/err.h"
#include "../../daemon/store.h"
#include "../../sinks/line_protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

static const struct {
	const char *value, *tag, *text; /* tag NULL: refused */
} texts[] = {
	{ "330100", "330100", "330100" },
	{ "", NULL, "" },
	{ " ", "\\ ", " " },
	{ "a b,c=d", "a\\ b\\,c\\=d", "a b,c=d" },
	{ "say \"x\"", "say\\ \"x\"", "say \\\"x\\\"" },
	{ "back\\", "back_", "back\\\\" },
	{ "a\\,b", "a_\\,b", "a\\\\,b" },
	{ "a\nincident dead=9i 1", "a_incident\\ dead\\=9i\\ 1", "a incident dead=9i 1" },
	{ "\r\t\x01\x7f", "____", "    " },
	{ "托育机构", "托育机构", "托育机构" },
};

static void tags_and_texts_are_escaped_and_can_not_end_a_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(buf_done) struct buf out = { 0 };
		char wanted[256];
		struct line l;

		line_start(&l, &out, "m");
		line_tag(&l, "t", texts[i].value);
		line_text(&l, "f", texts[i].value);
		assert_int_equal(line_end(&l, 7), texts[i].tag != NULL);
		snprintf(wanted, sizeof wanted, "m,t=%s f=\"%s\" 7\n", texts[i].tag, texts[i].text);
		assert_string_equal(out.p, texts[i].tag ? wanted : "");
	}
}

static const struct {
	double value;
	const char *text;
} floats[] = {
	{ 4.61, "4.61" },   { 0, "0" },         { 57625, "57625" },     { 0.1, "0.1" }, { 1.0 / 3, "0.3333333333333333" },
	{ 1e21, "1e+21" },  { 2.0 / 3 * 100, "66.66666666666666" },     { NAN, "-1" },  { INFINITY, "-1" }, { -INFINITY, "-1" },
};

static void floats_are_the_shortest_that_read_back_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(floats); i++) {
		_cleanup_(buf_done) struct buf out = { 0 };
		char wanted[64];
		struct line l;

		line_start(&l, &out, "m");
		line_float(&l, "f", floats[i].value);
		assert_true(line_end(&l, -1));
		snprintf(wanted, sizeof wanted, "m f=%s -1\n", floats[i].text);
		assert_string_equal(out.p, wanted);
	}
}

static void a_field_is_never_left_out_and_keeps_its_type(void **state)
{
	_cleanup_(buf_done) struct buf out = { 0 };
	struct line l;

	(void)state;
	line_start(&l, &out, "m");
	line_integer(&l, "known", 60);
	line_integer(&l, "unknown", STORE_NULL);
	line_bool(&l, "yes", true);
	line_bool(&l, "no", false);
	line_text(&l, "none", NULL);
	assert_true(line_end(&l, 1795449600000));
	assert_string_equal(out.p, "m known=60i,unknown=-1i,yes=true,no=false,none=\"\" 1795449600000\n");
}

static void a_line_that_is_refused_leaves_the_others_as_they_were(void **state)
{
	_cleanup_(buf_done) struct buf out = { 0 };
	struct line l;

	(void)state;
	line_start(&l, &out, "first");
	line_bool(&l, "f", true);
	assert_true(line_end(&l, 1));
	line_start(&l, &out, "without_a_field");
	assert_false(line_end(&l, 1));
	line_start(&l, &out, "tag_behind_a_field");
	line_bool(&l, "f", true);
	line_tag(&l, "t", "x");
	assert_false(line_end(&l, 1));
	assert_string_equal(out.p, "first f=true 1\n");
}

static void a_long_text_is_cut_between_two_characters(void **state)
{
	_cleanup_(buf_done) struct buf in = { 0 }, out = { 0 };
	struct line l;

	(void)state;
	for (int i = 0; i < LINE_TEXT_MAX / 3 + 2; i++)
		buf_str(&in, "托");
	line_start(&l, &out, "m");
	line_text(&l, "f", in.p);
	assert_true(line_end(&l, 1));
	assert_int_equal(out.len, strlen("m f=\"") + LINE_TEXT_MAX / 3 * 3 + strlen("\" 1\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_and_texts_are_escaped_and_can_not_end_a_line),
		cmocka_unit_test(floats_are_the_shortest_that_read_back_the_same),
		cmocka_unit_test(a_field_is_never_left_out_and_keeps_its_type),
		cmocka_unit_test(a_line_that_is_refused_leaves_the_others_as_they_were),
		cmocka_unit_test(a_long_text_is_cut_between_two_characters),
	};

	return cmocka_run_group_tests_name("line_protocol", tests, NULL, NULL);
}
