/* SPDX-License-Identifier: MIT
 *
 * Cells of reports, byte for byte: what strangers write is text in HTML and in a spreadsheet.
 */
#include "../../daemon/err.h"
#include "../../daemon/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static const struct {
	const char *text, *html, *csv;
} cases[] = {
	{ "", "", "" },
	{ "西湖区第一托育中心", "西湖区第一托育中心", "西湖区第一托育中心" },
	{ "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>" },
	{ "\" onload='x' &amp;", "&quot; onload=&#39;x&#39; &amp;amp;", "\"\"\" onload='x' &amp;\"" },
	{ "a,b", "a,b", "\"a,b\"" },
	{ "two\nlines", "two\nlines", "\"two\nlines\"" },
	{ "=1+1", "=1+1", "'=1+1" },
	{ "=HYPERLINK(\"http://x\",\"y\")", "=HYPERLINK(&quot;http://x&quot;,&quot;y&quot;)", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"" },
	{ "+86", "+86", "'+86" },
	{ "@SUM(A1)", "@SUM(A1)", "'@SUM(A1)" },
	{ "-2+3|cmd", "-2+3|cmd", "'-2+3|cmd" },
	{ "-", "-", "'-" },
	{ "--1", "--1", "'--1" },
	{ "-1", "-1", "-1" },
	{ "-4.50", "-4.50", "-4.50" },
	{ "-1e-05", "-1e-05", "-1e-05" },
	{ "-1-1", "-1-1", "'-1-1" },
	{ "\t=1", "\t=1", "\"'\t=1\"" },
	{ "\r=1", "\xef\xbf\xbd=1", "\"'\r=1\"" },
	{ "\n=1", "\n=1", "\"'\n=1\"" },
	{ "＝1", "＝1", "'＝1" },
	{ " x ", " x ", "\" x \"" },
	{ "a\x01\x7f\xc2\x85z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz" },
	{ "\xe2\x80\xae" "gpj.exe", "\xef\xbf\xbdgpj.exe", "\xef\xbf\xbdgpj.exe" },
	{ "a\xe2\x80\x8b" "b\xef\xbb\xbf", "a\xef\xbf\xbd" "b\xef\xbf\xbd", "a\xef\xbf\xbd" "b\xef\xbf\xbd" },
	{ "\xc2", "\xc2", "\xc2" }, /* cut UTF-8 ends where it ends */
};

static void what_strangers_write_is_text_in_html(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buf_done) struct buf out = { 0 };

		buf_str(&out, "");
		escape_html(&out, cases[i].text);
		assert_string_equal(out.p ? out.p : "", cases[i].html);
	}
}

static void a_cell_is_one_cell_and_no_formula(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buf_done) struct buf out = { 0 };

		escape_csv(&out, cases[i].text);
		assert_string_equal(out.p ? out.p : "", cases[i].csv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_strangers_write_is_text_in_html),
		cmocka_unit_test(a_cell_is_one_cell_and_no_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
