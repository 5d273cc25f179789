/* SPDX-License-Identifier: MIT
 *
 * Building a report: section after section, slice after slice.
 */
#include "report.h"

#include "clock.h"

#include <stdio.h>

#define KEY_MAX 32

/* ---- for the sections ---- */

void report_entitle(struct report *r, const char *zh, const char *en)
{
	json_free(r->title);
	r->title = report_said(zh, en);
}

void report_remember(struct report *r, int64_t n)
{
	if (n <= 0)
		return;
	r->rows = xgrow(r->rows, r->row_count, &r->row_cap, sizeof *r->rows);
	r->rows[r->row_count++] = n;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void report_rows_settle(struct report *r)
{
	size_t kept = 0;

	if (r->row_count == 0)
		return;
	qsort(r->rows, r->row_count, sizeof *r->rows, by_number);
	for (size_t i = 0; i < r->row_count; i++)
		if (kept == 0 || r->rows[kept - 1] != r->rows[i])
			r->rows[kept++] = r->rows[i];
	r->row_count = kept;
}

static void take_one(json *row, const json *object, const char *word, size_t len)
{
	char to[KEY_MAX], from[KEY_MAX];
	const char *equals = memchr(word, '=', len);
	size_t to_len = equals ? (size_t)(equals - word) : len;
	json *value;

	snprintf(to, sizeof to, "%.*s", (int)to_len, word);
	snprintf(from, sizeof from, "%.*s", (int)(equals ? len - to_len - 1 : len), equals ? equals + 1 : word);
	value = object ? json_get(object, from) : NULL;
	json_set(row, to, value ? json_keep(value) : NULL);
}

void report_take(json *row, const json *object, const char *keys)
{
	while (*keys) {
		size_t len = strcspn(keys, " ");

		take_one(row, object, keys, len);
		keys += len + (keys[len] == ' ');
	}
}

int64_t report_int(const json *object, const char *key)
{
	const json *v = object ? json_get(object, key) : NULL;

	return v && json_kind(v) == JSON_KIND_INT ? json_int(v) : 0;
}

const char *report_text(const json *object, const char *key)
{
	const json *v = object ? json_get(object, key) : NULL;

	return v && json_kind(v) == JSON_KIND_TEXT ? json_text(v) : "";
}

json *report_said(const char *zh, const char *en)
{
	json *o = json_new_object();

	json_set(o, "zh", json_new_text(zh));
	json_set(o, "en", json_new_text(en));
	return o;
}

/* ---- the ledger's head, read last: it covers every row that was spoken of ---- */

static int read_check(struct report *r, json *rows)
{
	struct ledger_head head = { 0 };
	char hash[HASH_HEX_SIZE], text[128], time[CLOCK_TEXT_SIZE];
	json *row = json_new_object();
	int error = ledger_last(r->store, &head);

	json_push(rows, row);
	snprintf(text, sizeof text, "%lld:%s", (long long)head.n, hash_hex(head.hash, hash));
	json_set(row, "head", json_new_text(text));
	json_set(row, "head_at", head.n ? json_new_text(clock_format_time(head.received_at, time)) : NULL);
	snprintf(text, sizeof text, "nurseryctl verify --head %lld:%s", (long long)head.n, hash);
	json_set(row, "command", json_new_text(text));
	return MIN(error, 0);
}

static const struct report_column check_columns[] = {
	{ .key = "head", .zh = "账本末行（行号:哈希）", .en = "ledger head (n:hash)", .shown = SHOWN_CODE },
	{ .key = "head_at", .zh = "末行时间", .en = "head received at", .shown = SHOWN_TIME },
	{ .key = "command", .zh = "核验命令", .en = "how to check", .shown = SHOWN_CODE },
	{ 0 },
};

const struct report_section report_check = {
	.id = "check", .zh = "核验", .en = "How anybody can check this later", .columns = check_columns, .pairs = true, .read = read_check,
	.note_zh = "保存本页的账本末行；日后对任一副本运行核验命令，可发现此前各行的任何修改、删除、调换或截断。",
	.note_en = "Keep the head. Run the command against any copy of the ledger, at any time: it finds every edit, deletion, swap or cut of the rows before it.",
};

/* ---- building ---- */

/* One short transaction around one call. */
static int slice(struct report *r, int (*read)(struct report *, json *), json *rows)
{
	int error = store_begin(r->store);

	if (error < 0)
		return error;
	error = read(r, rows);
	store_rollback(r->store);
	r->at++;
	return error;
}

static int read_section(struct report *r, const struct report_section *s, json *rows)
{
	size_t times = s->each_unit ? r->unit_count : 1;
	int error = 0;

	for (size_t i = 0; error >= 0 && i < times; i++) {
		r->unit = s->each_unit ? r->units[i] : NULL;
		r->at = 0;
		do
			error = slice(r, s->read, rows);
		while (error == REPORT_MORE);
	}
	return error;
}

static int add_section(struct report *r, const struct report_section *s, json *sections)
{
	json *o = json_new_object(), *rows = json_new_list();

	json_set(o, "id", json_new_text(s->id));
	json_set(o, "rows", rows);
	json_push(sections, o);
	return read_section(r, s, rows);
}

static int add_sections(struct report *r, bool late, json *sections)
{
	int error = 0;

	for (const struct report_section *s = r->kind->sections; error >= 0 && s->id; s++)
		if (s->late == late)
			error = add_section(r, s, sections);
	return error;
}

static int open_report(struct report *r, json *rows)
{
	(void)rows;
	return r->kind->open(r);
}

int report_build(struct report *r, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	json *sections = json_new_list();
	char text[CLOCK_TEXT_SIZE];
	int error;

	*ret = NULL;
	json_set(o, "report", json_new_text(r->kind->id));
	json_set(o, "subject", json_new_text(r->subject));
	json_set(o, "generated_at", json_new_text(clock_format_time(r->now, text)));
	json_set(o, "sections", sections);
	r->kept = json_new_object();
	error = slice(r, open_report, NULL);
	if (error != 0)
		return error;
	error = add_sections(r, false, sections);
	if (error >= 0)
		error = add_sections(r, true, sections);
	if (error >= 0)
		error = add_section(r, &report_check, sections);
	if (error < 0)
		return error;
	json_set(o, "title", r->title ? json_keep(r->title) : report_said(r->kind->zh, r->kind->en));
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}

void report_done(struct report *r)
{
	policy_free(r->policy);
	province_sums_done(&r->sums);
	json_free(r->title);
	json_free(r->about);
	json_free(r->kept);
	free(r->units);
	free(r->rows);
}
