/* SPDX-License-Identifier: MIT */
#include "frozen.h"

#include "clock.h"
#include "hash.h"
#include "months.h"

#include <errno.h>
#include <stdio.h>

#define ROW_DEPTH 6

/* ---- when ---- */

static int64_t due_at(const struct fold *f, int64_t month)
{
	int64_t next = months_next(month);

	return clock_day_start_ms(next + policy_freeze(f->policy, next - 1)->days_after_month_end);
}

static int freezes_at(struct fold *f, const char *unit, int64_t month, int64_t *ret)
{
	int64_t late = STORE_NULL;
	int r = store_get_int(f->store, &late,
			      "SELECT max(at) FROM late_month WHERE unit = ?1 AND (month = ?2 OR (onwards = 1 AND month < ?2))", "ti",
			      unit, month);

	*ret = due_at(f, month);
	if (r >= 0 && late != STORE_NULL && late >= *ret) /* of a row before that the month was not past yet */
		*ret = MAX(*ret, late + policy_freeze(f->policy, months_next(month) - 1)->quiet_ms);
	return MIN(r, 0);
}

int frozen_next_at(struct fold *f, int64_t after, int64_t *ret)
{
	int64_t day = clock_local_day(after), quiet_ms = policy_freeze(f->policy, day)->quiet_ms, late = STORE_NULL;
	int64_t month = months_first_day(day - policy_freeze(f->policy, day)->days_after_month_end - 1);
	int r = store_get_int(f->store, &late, "SELECT min(at) FROM late_month WHERE at > ?", "i", after - quiet_ms);

	while (due_at(f, month) <= after)
		month = months_next(month);
	*ret = due_at(f, month);
	if (r >= 0 && late != STORE_NULL)
		*ret = MIN(*ret, late + quiet_ms);
	return MIN(r, 0);
}

/* ---- writing ---- */

static void add_number(struct buf *b, const char *key, int64_t v)
{
	buf_printf(b, ",\"%s\":", key);
	if (v == STORE_NULL)
		buf_str(b, "null");
	else
		buf_int(b, v);
}

static void add_text(struct buf *b, const char *key, const char *text)
{
	buf_printf(b, ",\"%s\":", key);
	if (text)
		buf_json(b, text, -1);
	else
		buf_str(b, "null");
}

enum { INDICATOR, REVISION, NUMERATOR, DENOMINATOR, STATUS, REASON, COMPLETENESS_N, COMPLETENESS_D, STALE, MISSING, SOURCES, DETAIL };
static const char *const keys[] = { "indicator",      "revision", "numerator", "denominator", "status",  "reason", "completeness_n",
				    "completeness_d", "stale",    "missing",   "sources",     "detail" };
/* Which of them are texts. */
static bool is_text(size_t column)
{
	return column == INDICATOR || column == STATUS || column == REASON || column == SOURCES || column == DETAIL;
}

static int write_rows(struct fold *f, const char *unit, int64_t month, struct buf *out)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT indicator, revision, numerator, denominator, status, reason, completeness_n, completeness_d, stale,"
			    " missing, sources, detail FROM sample WHERE unit = ? AND period = 'month' AND as_of = ? AND final = 0"
			    " AND typeof(numerator) <> 'text' ORDER BY indicator",
			    "ti", unit, month);

	buf_char(out, '[');
	while (r >= 0 && (r = store_step(q)) > 0) {
		size_t start = out->len;

		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			if (is_text(i))
				add_text(out, keys[i], store_text(q, (int)i));
			else
				add_number(out, keys[i], store_int(q, (int)i));
		}
		out->p[start] = '{';
		buf_str(out, "},");
	}
	if (out->p[out->len - 1] == ',')
		out->len--;
	buf_char(out, ']');
	return r;
}

static int write_payload(struct fold *f, const char *unit, int64_t month, int64_t at, struct buf *payload)
{
	_cleanup_(buf_done) struct buf rows = { 0 };
	uint8_t sha[HASH_SIZE];
	char day[CLOCK_TEXT_SIZE], hex[HASH_HEX_SIZE];
	int r = write_rows(f, unit, month, &rows);

	hash_sha256(rows.p, rows.len, sha);
	buf_printf(payload, "{\"at\":%lld,\"subject\":\"%s/%.7s\",\"sha256\":\"%s\",\"rows\":", (long long)at, unit,
		   clock_format_day(month, day), hash_hex(sha, hex));
	buf_add(payload, rows.p, rows.len);
	buf_char(payload, '}');
	return r;
}

/* The next month with a sample that is not final; the statement must not stay open while a row is folded. */
static int next_open(struct fold *f, struct frozen_walk *walk)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT month, unit FROM open_month WHERE month < ?1 AND (month, unit) > (?2, ?3)"
			    " ORDER BY month, unit LIMIT 1",
			    "iit", f->dirty.past_before, walk->month, walk->unit);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	walk->month = store_int(q, 0);
	snprintf(walk->unit, sizeof walk->unit, "%s", store_text(q, 1));
	return 1;
}

int frozen_next(struct fold *f, struct frozen_walk *walk, int64_t now, struct buf *topic, struct buf *payload,
		int64_t *ret_at)
{
	int r;

	while ((r = next_open(f, walk)) > 0) {
		r = freezes_at(f, walk->unit, walk->month, ret_at);
		if (r < 0)
			return r;
		if (*ret_at > now)
			continue;
		buf_reset(topic);
		buf_reset(payload);
		buf_str(topic, "act/due/month");
		r = write_payload(f, walk->unit, walk->month, *ret_at, payload);
		return r < 0 ? r : 1;
	}
	return r;
}

/* ---- folding ---- */

static int64_t number_of(const json *row, const char *key)
{
	const json *v = json_get(row, key);

	return v && json_kind(v) == JSON_KIND_INT ? json_int(v) : STORE_NULL;
}

static const char *text_of(const json *row, const char *key)
{
	const json *v = json_get(row, key);

	return v && json_kind(v) == JSON_KIND_TEXT ? json_text(v) : NULL;
}

static int fold_value(struct fold *f, const json *row, const char *unit, int64_t month, int64_t n)
{
	return store_run(f->store,
			 "INSERT OR REPLACE INTO frozen(unit, month, indicator, revision, numerator, denominator, status, reason,"
			 " completeness_n, completeness_d, stale, missing, sources, detail, n)"
			 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 "titiiittiiiitti", unit, month, text_of(row, keys[INDICATOR]), number_of(row, keys[REVISION]),
			 number_of(row, keys[NUMERATOR]), number_of(row, keys[DENOMINATOR]), text_of(row, keys[STATUS]),
			 text_of(row, keys[REASON]), number_of(row, keys[COMPLETENESS_N]), number_of(row, keys[COMPLETENESS_D]),
			 number_of(row, keys[STALE]), number_of(row, keys[MISSING]), text_of(row, keys[SOURCES]),
			 text_of(row, keys[DETAIL]), n);
}

int frozen_fold(struct fold *f, const struct ledger_row *row, const char *subject, char unit[static UNIT_SIZE],
		int64_t *ret_month)
{
	_cleanup_(json_freep) json *payload = NULL;
	const json *rows;
	char day[16];
	size_t offset;
	int r = json_parse(row->payload, row->payload_len, ROW_DEPTH, &payload, &offset);

	snprintf(unit, UNIT_SIZE, "%.6s", subject);
	snprintf(day, sizeof day, "%.7s-01", strlen(subject) == 14 ? subject + 7 : "");
	if (r < 0 || clock_parse_day(day, ret_month) < 0)
		return -EUCLEAN;
	rows = json_get(payload, "rows");
	for (size_t i = 0; r >= 0 && i < json_count(rows); i++)
		r = fold_value(f, json_at(rows, i), unit, *ret_month, row->n);
	return MIN(r, 0);
}
