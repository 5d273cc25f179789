/* SPDX-License-Identifier: MIT
 *
 * A built report as HTML (one file, nothing from elsewhere, for A4) and as CSV. Both walk the kind's sections; no text
 * leaves here but through escape.h.
 */
#include "report.h"

#include "clock.h"
#include "escape.h"

#include <stdio.h>

/* ---- a cell ---- */

struct cell {
	struct buf main, small; /* the word, and its code or English */
	bool number;
};

static void cell_done(struct cell *c)
{
	buf_done(&c->main);
	buf_done(&c->small);
}

/* Shanghai's, as a person reads it; a text that is no time stays. */
static void put_time(const char *text, bool csv, struct buf *out)
{
	char local[CLOCK_TEXT_SIZE];
	int64_t at;

	if (strlen(text) <= 10 || clock_parse_time(text, &at) < 0) {
		buf_str(out, text);
		return;
	}
	clock_format_time(at + CLOCK_LOCAL_OFFSET_MS, local);
	local[19] = '\0';
	local[10] = csv ? 'T' : ' ';
	buf_printf(out, "%s%s", local, csv ? "+08:00" : "");
}

static void put_text(const struct report_column *column, const char *text, bool csv, struct cell *c)
{
	const char *word = column->say && *text ? column->say(text) : NULL;

	if (column->shown == SHOWN_TIME)
		put_time(text, csv, &c->main);
	else
		buf_str(&c->main, word ? word : text);
	if (word)
		buf_str(&c->small, text);
}

static void put_value(const struct report_column *column, const json *v, bool csv, struct cell *c);

static void join(struct buf *out, const struct buf *entry, const char *between)
{
	if (entry->len == 0)
		return;
	if (out->len > 0)
		buf_str(out, between);
	buf_add(out, entry->p, entry->len);
}

static void put_list(const struct report_column *column, const json *list, bool csv, struct cell *c)
{
	for (size_t i = 0; i < json_count(list); i++) {
		_cleanup_(cell_done) struct cell entry = { 0 };

		put_value(column, json_at(list, i), csv, &entry);
		join(&c->main, &entry.main, csv ? "; " : "\n");
		join(&c->small, &entry.small, csv ? "; " : "\n");
	}
}

static void put_value(const struct report_column *column, const json *v, bool csv, struct cell *c)
{
	switch (v ? json_kind(v) : JSON_KIND_NULL) {
	case JSON_KIND_NULL:
		break;
	case JSON_KIND_BOOL:
		buf_str(&c->main, json_bool(v) ? "是" : "否");
		buf_str(&c->small, json_bool(v) ? "yes" : "no");
		break;
	case JSON_KIND_INT:
		buf_int(&c->main, json_int(v));
		c->number = true;
		break;
	case JSON_KIND_REAL:
		buf_printf(&c->main, csv ? "%.15g" : "%.2f", json_real(v));
		c->number = true;
		break;
	case JSON_KIND_TEXT:
		put_text(column, json_text(v), csv, c);
		break;
	case JSON_KIND_LIST:
		put_list(column, v, csv, c);
		break;
	case JSON_KIND_OBJECT:
		buf_str(&c->main, report_text(v, "zh"));
		buf_str(&c->small, report_text(v, "en"));
		break;
	}
}

static const json *rows_of(const json *report, const struct report_section *s)
{
	const json *sections = json_get(report, "sections");

	for (size_t i = 0; i < json_count(sections); i++)
		if (strcmp(report_text(json_at(sections, i), "id"), s->id) == 0)
			return json_get(json_at(sections, i), "rows");
	return NULL;
}

/* ---- HTML ---- */

static const char style[] =
	"html{font:10.5pt/1.5 \"Noto Sans CJK SC\",\"Source Han Sans SC\",\"PingFang SC\",\"Microsoft YaHei\",sans-serif;color:#1a1a1a;background:#fff}\n"
	"body{max-width:60em;margin:2em auto;padding:0 1.5em}body.wide{max-width:90em}\n"
	"header{border-bottom:2px solid #7a1f1f;margin-bottom:1.5em;padding-bottom:.6em}\n"
	"h1{font-size:1.6em;margin:0;line-height:1.3}h1+p{margin:.1em 0 .6em;color:#555}header p{margin:.2em 0}\n"
	"h2{font-size:1.1em;margin:1.8em 0 .4em;border-left:4px solid #7a1f1f;padding-left:.5em;break-after:avoid}\n"
	"h2 small,h1 small{font-weight:normal;color:#666;margin-left:.4em}small{color:#666;font-size:.85em}\n"
	"p.note{margin:.2em 0 .5em;color:#555;font-size:.9em;break-inside:avoid;break-after:avoid}\n"
	"table{border-collapse:collapse;width:100%;font-size:.9em}\n"
	"th,td{border:1px solid #c8c8c8;padding:.25em .45em;text-align:left;vertical-align:top;white-space:pre-line;overflow-wrap:break-word}\n"
	"th{background:#f3efe9;font-weight:600}th small{display:block;font-weight:normal}\n"
	"td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
	"td.t{white-space:nowrap}td small{display:block}section{overflow-x:auto}\n"
	"code,td.c{font-family:\"DejaVu Sans Mono\",\"Noto Sans Mono CJK SC\",monospace;font-size:.76em;word-break:break-all}\n"
	"body.wide td small{display:inline;margin-left:.35em}#check{break-inside:avoid}\n"
	"table.pairs th{width:16em}table.pairs th small,table.pairs td small{display:inline;margin-left:.5em}table.pairs td{text-align:left}\n"
	"tr{break-inside:avoid}thead{display:table-header-group}\n"
	"@media print{html{font-size:8.5pt}body,body.wide{max-width:none;margin:0;padding:0}section{overflow:visible}}\n";

static void tag(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "<%s>", name);
	escape_html(out, text);
	buf_printf(out, "</%s>", name);
}

static void html_head(const struct report_column *column, struct buf *out)
{
	buf_str(out, "<th scope=\"col\">");
	escape_html(out, column->zh);
	tag(out, "small", column->en);
	buf_str(out, "</th>");
}

static void html_cell(const struct report_column *column, const json *row, struct buf *out)
{
	_cleanup_(cell_done) struct cell c = { 0 };
	static const char *const classes[] = {
		[SHOWN_TEXT] = "", [SHOWN_LINE] = " class=\"t\"", [SHOWN_TIME] = " class=\"t\"", [SHOWN_NUMBER] = " class=\"n\"", [SHOWN_CODE] = " class=\"c\"",
	};

	put_value(column, json_get(row, column->key), false, &c);
	buf_printf(out, "<td%s>", classes[c.number ? SHOWN_NUMBER : column->shown]);
	escape_html(out, c.main.len ? c.main.p : "–");
	if (c.small.len)
		tag(out, "small", c.small.p);
	buf_str(out, "</td>");
}

static bool says_something(const json *v)
{
	enum json_type kind = v ? json_kind(v) : JSON_KIND_NULL;

	return kind != JSON_KIND_NULL && (kind != JSON_KIND_LIST || json_count(v) > 0);
}

static void html_pairs(const struct report_section *s, const json *row, struct buf *out)
{
	buf_str(out, "<table class=\"pairs\"><tbody>\n");
	for (const struct report_column *c = s->columns; c->key; c++) {
		if (!says_something(json_get(row, c->key)))
			continue;
		buf_str(out, "<tr>");
		html_head(c, out);
		html_cell(c, row, out);
		buf_str(out, "</tr>\n");
	}
	buf_str(out, "</tbody></table>\n");
}

static void html_table(const struct report_section *s, const json *rows, struct buf *out)
{
	buf_str(out, "<table><thead><tr>");
	for (const struct report_column *c = s->columns; c->key; c++)
		html_head(c, out);
	buf_str(out, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < json_count(rows); i++) {
		buf_str(out, "<tr>");
		for (const struct report_column *c = s->columns; c->key; c++)
			html_cell(c, json_at(rows, i), out);
		buf_str(out, "</tr>\n");
	}
	buf_str(out, "</tbody></table>\n");
}

static void html_section(const struct report_section *s, const json *report, struct buf *out)
{
	const json *rows = rows_of(report, s);

	buf_printf(out, "<section id=\"%s\"><h2>", s->id);
	escape_html(out, s->zh);
	tag(out, "small", s->en);
	buf_str(out, "</h2>\n");
	if (s->note_zh) {
		buf_str(out, "<p class=\"note\">");
		escape_html(out, s->note_zh);
		buf_char(out, ' ');
		escape_html(out, s->note_en);
		buf_str(out, "</p>\n");
	}
	if (json_count(rows) == 0)
		buf_str(out, "<p>无 none</p>\n");
	else if (s->pairs)
		html_pairs(s, json_at(rows, 0), out);
	else
		html_table(s, rows, out);
	buf_str(out, "</section>\n");
}

static void html_header(const struct report_kind *kind, const json *report, struct buf *out)
{
	const json *title = json_get(report, "title");
	struct buf at = { 0 };

	put_time(report_text(report, "generated_at"), false, &at);
	buf_str(out, "<header>");
	tag(out, "h1", report_text(title, "zh"));
	tag(out, "p", report_text(title, "en"));
	buf_str(out, "\n<p>");
	escape_html(out, kind->basis_zh);
	buf_str(out, " <small>");
	escape_html(out, kind->basis_en);
	buf_str(out, "</small></p>\n<p>生成时间 <small>generated at</small> ");
	escape_html(out, at.p);
	buf_str(out, "（北京时间，下同 <small>Beijing time, as are all times below</small>）</p></header>\n");
	buf_done(&at);
}

void report_html(const struct report_kind *kind, const json *report, struct buf *out)
{
	buf_str(out, "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
	tag(out, "title", report_text(json_get(report, "title"), "zh"));
	buf_printf(out, "\n<style>\n%s@page{size:A4%s;margin:15mm 12mm}\n</style></head>\n<body%s>\n", style,
		   kind->wide ? " landscape" : "", kind->wide ? " class=\"wide\"" : "");
	html_header(kind, report, out);
	for (const struct report_section *s = kind->sections; s->id; s++)
		html_section(s, report, out);
	html_section(&report_check, report, out);
	buf_str(out, "</body></html>\n");
}

/* ---- CSV ----
 *
 * Blocks of equally wide records: the first field names the section, the first record of a section holds its headings. */

static size_t columns_of(const struct report_section *s)
{
	size_t count = 0;

	while (s->columns[count].key)
		count++;
	return count;
}

static size_t widest(const struct report_kind *kind)
{
	size_t most = columns_of(&report_check);

	for (const struct report_section *s = kind->sections; s->id; s++)
		most = MAX(most, columns_of(s));
	return most;
}

static void end_record(size_t count, size_t width, struct buf *out)
{
	for (; count < width; count++)
		buf_char(out, ',');
	buf_str(out, "\r\n");
}

static void csv_heads(const struct report_section *s, size_t width, struct buf *out)
{
	escape_csv(out, s->id);
	for (const struct report_column *c = s->columns; c->key; c++) {
		char text[192];

		snprintf(text, sizeof text, "%s %s", c->zh, c->key);
		buf_char(out, ',');
		escape_csv(out, text);
	}
	end_record(columns_of(s), width, out);
}

static void csv_row(const struct report_section *s, const json *row, size_t width, struct buf *out)
{
	escape_csv(out, s->id);
	for (const struct report_column *column = s->columns; column->key; column++) {
		_cleanup_(cell_done) struct cell c = { 0 };

		put_value(column, json_get(row, column->key), true, &c);
		if (c.small.len)
			buf_printf(&c.main, "%s%s", c.main.len ? " " : "", c.small.p);
		buf_char(out, ',');
		escape_csv(out, c.main.len ? c.main.p : "");
	}
	end_record(columns_of(s), width, out);
}

static void csv_section(const struct report_section *s, const json *report, size_t width, struct buf *out)
{
	const json *rows = rows_of(report, s);

	csv_heads(s, width, out);
	for (size_t i = 0; i < json_count(rows); i++)
		csv_row(s, json_at(rows, i), width, out);
}

void report_csv(const struct report_kind *kind, const json *report, struct buf *out)
{
	size_t width = widest(kind);

	buf_str(out, "\xef\xbb\xbf"); /* or Excel takes it for the system's old encoding */
	buf_str(out, "report,");
	escape_csv(out, report_text(json_get(report, "title"), "zh"));
	buf_char(out, ',');
	put_time(report_text(report, "generated_at"), true, out);
	end_record(2, width, out);
	for (const struct report_section *s = kind->sections; s->id; s++)
		csv_section(s, report, width, out);
	csv_section(&report_check, report, width, out);
}
