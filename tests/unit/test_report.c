/* SPDX-License-Identifier: MIT
 *
 * A report of a kind of our own: sections, slices, and what HTML and CSV make of every kind of value.
 */
#include "../../daemon/report.h"
#include "../../daemon/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>

static int opened; /* transactions that a read was called in */

static int read_values(struct report *r, json *rows)
{
	json *row = json_new_object(), *list = json_new_list();

	(void)r;
	json_push(list, json_new_text("fire"));
	json_push(list, json_new_text("=1"));
	json_set(row, "text", json_new_text("<b>\"&'"));
	json_set(row, "word", json_new_text("fire"));
	json_set(row, "time", json_new_text("2026-11-23T17:30:00.123Z"));
	json_set(row, "day", json_new_text("2026-11-23"));
	json_set(row, "whole", json_new_int(-5));
	json_set(row, "real", json_new_real(-0.125));
	json_set(row, "yes", json_new_bool(true));
	json_set(row, "list", list);
	json_set(row, "said", report_said("=说", "said"));
	json_push(rows, row);
	return 0;
}

/* Three slices, each a transaction of its own: a second one can not begin inside. */
static int read_slices(struct report *r, json *rows)
{
	opened += store_begin(r->store) < 0;
	json_push(rows, json_new_object());
	return r->at < 2 ? REPORT_MORE : 0;
}

static int read_units(struct report *r, json *rows)
{
	json *row = json_new_object();

	json_set(row, "text", json_new_text(r->unit));
	json_push(rows, row);
	return 0;
}

static int read_late(struct report *r, json *rows)
{
	json *row = json_new_object();

	json_set(row, "text", json_new_text(opened == 3 ? r->subject : "too early"));
	json_push(rows, row);
	return 0;
}

static int open_own(struct report *r)
{
	static const char codes[][UNIT_SIZE] = { "330100", "330200" };

	if (strcmp(r->subject, "nothing") == 0)
		return REPORT_NONE;
	r->units = xcalloc(2, sizeof *r->units);
	memcpy(r->units, codes, sizeof codes);
	r->unit_count = 2;
	return 0;
}

static const struct report_column value_columns[] = {
	{ .key = "text", .zh = "文", .en = "text" },
	{ .key = "word", .zh = "词", .en = "word", .say = report_word },
	{ .key = "time", .zh = "时", .en = "time", .shown = SHOWN_TIME },
	{ .key = "day", .zh = "日", .en = "day", .shown = SHOWN_TIME },
	{ .key = "whole", .zh = "整", .en = "whole" },
	{ .key = "real", .zh = "小", .en = "real" },
	{ .key = "yes", .zh = "是", .en = "yes" },
	{ .key = "list", .zh = "列", .en = "list", .say = report_word },
	{ .key = "said", .zh = "说", .en = "said" },
	{ .key = "absent", .zh = "无", .en = "absent" },
	{ 0 },
};

static const struct report_column text_columns[] = { { .key = "text", .zh = "文", .en = "text" }, { 0 } };

static const struct report_section sections[] = {
	{ "late", "后读", "late", text_columns, .pairs = true, .late = true, .read = read_late },
	{ "values", "值", "values", value_columns, .read = read_values },
	{ "slices", "片", "slices", text_columns, .read = read_slices },
	{ "units", "单位", "units", text_columns, .each_unit = true, .read = read_units },
	{ 0 },
};

static const struct report_kind own = {
	.id = "own", .zh = "自用", .en = "own", .basis_zh = "无", .basis_en = "none", .sections = sections, .open = open_own,
};

static int build(const char *subject, json **ret)
{
	_cleanup_(store_freep) struct store *s = NULL;
	int r;

	assert_int_equal(store_open("", STORE_MEMORY, &s), 0);
	assert_int_equal(schema_migrate(s), 0);
	opened = 0;
	{
		_cleanup_(report_done) struct report report = { .store = s, .kind = &own, .subject = subject, .now = INT64_C(1795455000000) };

		r = report_build(&report, ret);
	}
	return r;
}

static void every_read_is_a_transaction_of_its_own_and_late_sections_come_last(void **state)
{
	_cleanup_(json_freep) json *report = NULL;

	(void)state;
	assert_int_equal(build("x", &report), 0);
	assert_int_equal(opened, 3);
	assert_int_equal(json_count(json_get(report, "sections")), 5);
	assert_string_equal(report_text(json_at(json_get(json_at(json_get(report, "sections"), 3), "rows"), 0), "text"), "x");
	assert_string_equal(report_text(json_at(json_get(report, "sections"), 4), "id"), "check");
}

static void what_is_not_there_makes_no_report(void **state)
{
	json *report = NULL;

	(void)state;
	assert_int_equal(build("nothing", &report), REPORT_NONE);
	assert_null(report);
}

static const char *const in_html[] = {
	"<td>&lt;b&gt;&quot;&amp;&#39;</td>", "<td>火灾<small>fire</small></td>", "<td class=\"t\">2026-11-24 01:30:00</td>",
	"<td class=\"t\">2026-11-23</td>", "<td class=\"n\">-5</td>", "<td class=\"n\">-0.12</td>", "<td>是<small>yes</small></td>",
	"<td>火灾\n=1<small>fire</small></td>", "<td>=说<small>said</small></td>", "<td>–</td>", "<th scope=\"col\">文<small>text</small></th>",
	"<tr><th scope=\"col\">文<small>text</small></th><td>x</td></tr>", "<tr><td>330200</td></tr>", "@page{size:A4;",
};

static const char csv[] =
	"late,文 text,,,,,,,,,\r\nlate,x,,,,,,,,,\r\n"
	"values,文 text,词 word,时 time,日 day,整 whole,小 real,是 yes,列 list,说 said,无 absent\r\n"
	"values,\"<b>\"\"&'\",火灾 fire,2026-11-24T01:30:00+08:00,2026-11-23,-5,-0.125,是 yes,火灾; =1 fire,'=说 said,\r\n"
	"slices,文 text,,,,,,,,,\r\nslices,,,,,,,,,,\r\nslices,,,,,,,,,,\r\nslices,,,,,,,,,,\r\n"
	"units,文 text,,,,,,,,,\r\nunits,330100,,,,,,,,,\r\nunits,330200,,,,,,,,,\r\ncheck,";

static void every_kind_of_value_has_its_form(void **state)
{
	_cleanup_(json_freep) json *report = NULL;
	_cleanup_(buf_done) struct buf html = { 0 }, text = { 0 };

	(void)state;
	assert_int_equal(build("x", &report), 0);
	report_html(&own, report, &html);
	for (size_t i = 0; i < ARRAY_SIZE(in_html); i++)
		if (!strstr(html.p, in_html[i]))
			fail_msg("not in the page: %s", in_html[i]);
	assert_true(strstr(html.p, "<h1>自用</h1>") && !strstr(html.p, "<b>"));
	report_csv(&own, report, &text);
	assert_non_null(strstr(text.p, csv));
	assert_memory_equal(text.p, "\xef\xbb\xbf", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_read_is_a_transaction_of_its_own_and_late_sections_come_last),
		cmocka_unit_test(what_is_not_there_makes_no_report),
		cmocka_unit_test(every_kind_of_value_has_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
