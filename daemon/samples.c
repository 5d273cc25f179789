/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include "buf.h"
#include "months.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                                           \
	"unit, indicator, period, as_of, numerator, denominator, status, reason, completeness_n, completeness_d, stale,"  \
	" missing, revision, final, sources, change, detail"
#define UPSERT                                                                                                            \
	"INSERT INTO sample(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)" \
	" ON CONFLICT DO UPDATE SET numerator = excluded.numerator, denominator = excluded.denominator,"                  \
	" status = excluded.status, reason = excluded.reason, completeness_n = excluded.completeness_n,"                  \
	" completeness_d = excluded.completeness_d, stale = excluded.stale, missing = excluded.missing,"                  \
	" revision = excluded.revision, final = excluded.final, sources = excluded.sources, change = excluded.change,"    \
	" detail = excluded.detail"                                                                                         \
	" WHERE (numerator, denominator, status, reason, completeness_n, completeness_d, stale, missing, revision, final," \
	" sources, detail) IS NOT (excluded.numerator, excluded.denominator, excluded.status, excluded.reason,"            \
	" excluded.completeness_n, excluded.completeness_d, excluded.stale, excluded.missing, excluded.revision,"         \
	" excluded.final, excluded.sources, excluded.detail)"

static const char upsert[] = UPSERT;

static int write_decimals(struct store *s, const struct sample_row *v, int64_t change)
{
	return store_run(s, upsert, "tttitttt" "iiiiiitit", v->unit, v->indicator, v->period, v->as_of, v->numerator.text,
			 v->denominator.text, v->status, v->reason, v->completeness_n, v->completeness_d, v->stale, v->missing,
			 v->revision, (int64_t)v->final, v->sources, change, v->detail);
}

static int write_integers(struct store *s, const struct sample_row *v, int64_t change)
{
	return store_run(s, upsert, "tttiiitt" "iiiiiitit", v->unit, v->indicator, v->period, v->as_of, v->numerator.number,
			 v->denominator.number, v->status, v->reason, v->completeness_n, v->completeness_d, v->stale, v->missing,
			 v->revision, (int64_t)v->final, v->sources, change, v->detail);
}

int sample_write(struct store *s, const struct sample_row *row, int64_t *change)
{
	int r = row->decimal ? write_decimals(s, row, *change + 1) : write_integers(s, row, *change + 1);

	if (r >= 0 && store_changes(s) > 0)
		++*change;
	return r;
}

static int forget(struct store *s, const char *unit, const char *indicator, const char *period, int64_t as_of, int64_t *change)
{
	int r = store_run(s, "DELETE FROM sample WHERE unit = ? AND indicator = ? AND period = ? AND as_of = ?", "ttti", unit, indicator,
			  period, as_of);

	if (r < 0 || store_changes(s) == 0)
		return r;
	return store_run(s,
			 "INSERT INTO sample_gone(unit, indicator, period, as_of, change) VALUES(?, ?, ?, ?, ?)"
			 " ON CONFLICT DO UPDATE SET change = excluded.change",
			 "tttii", unit, indicator, period, as_of, ++*change);
}

int samples_forget(struct store *s, const char *unit, int64_t day, int64_t *change)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < indicator_count; i++)
		r = forget(s, unit, indicators[i].id, "day", day, change);
	return r;
}

int samples_last_change(struct store *s, int64_t *ret)
{
	*ret = 0;
	return store_get_int(s, ret,
			     "SELECT max((SELECT ifnull(max(change), 0) FROM sample), (SELECT ifnull(max(change), 0) FROM sample_gone))",
			     "");
}

/* ---- months ---- */

/* Of the last day, and Σ over all days. */
struct month_sums {
	int64_t days, numerator, denominator, completeness_n, completeness_d;
};

static int add_days(struct store *s, const char *unit, const char *indicator, int64_t first, int64_t last,
		    struct month_sums *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT count(*), sum(numerator), sum(denominator), sum(completeness_n), sum(completeness_d) FROM sample"
			    " WHERE unit = ? AND indicator = ? AND period = 'day' AND as_of BETWEEN ? AND ?",
			    "ttii", unit, indicator, first, last);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*ret = (struct month_sums){ store_int(q, 0), store_int(q, 1), store_int(q, 2), store_int(q, 3), store_int(q, 4) };
	return 1;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

struct texts {
	char *status, *reason, *sources, *detail;
};

static void texts_done(struct texts *t)
{
	free(t->status);
	free(t->reason);
	free(t->sources);
	free(t->detail);
}

/* The last day's sample, as the month's: 1 found. */
static int take_last_day(struct store *s, struct sample_row *row, int64_t last, struct texts *t)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT numerator, denominator, status, reason, completeness_n, completeness_d, stale, missing, sources,"
			    " detail FROM sample WHERE unit = ? AND indicator = ? AND period = 'day' AND as_of = ?",
			    "tti", row->unit, row->indicator, last);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*t = (struct texts){ copy(store_text(q, 2)), copy(store_text(q, 3)), copy(store_text(q, 8)), copy(store_text(q, 9)) };
	row->numerator.number = store_int(q, 0);
	row->denominator.number = store_int(q, 1);
	row->status = t->status;
	row->reason = t->reason;
	row->completeness_n = store_int(q, 4);
	row->completeness_d = store_int(q, 5);
	row->stale = store_int(q, 6);
	row->missing = store_int(q, 7);
	row->sources = t->sources;
	row->detail = t->detail;
	return 1;
}

static void take_sums(const struct indicator *i, struct sample_row *row, const struct month_sums *m)
{
	bool known = i->count || (m->denominator != STORE_NULL && m->denominator > 0);

	row->numerator.number = m->numerator;
	row->denominator.number = i->count ? STORE_NULL : m->denominator;
	row->status = known ? "ok" : "no_data";
	row->reason = known ? NULL : i->lacking;
	if (i->completeness == COMPLETE_FLOW) {
		row->completeness_n = m->completeness_n;
		row->completeness_d = m->completeness_d;
	}
}

/* ---- revisions ---- */

static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_as_frozen(const struct sample_row *v, store_stmt *q)
{
	return v->numerator.number == store_int(q, 1) && v->denominator.number == store_int(q, 2) &&
	       same_text(v->status, store_text(q, 3)) && same_text(v->reason, store_text(q, 4)) &&
	       v->completeness_n == store_int(q, 5) && v->completeness_d == store_int(q, 6) && v->stale == store_int(q, 7) &&
	       v->missing == store_int(q, 8) && same_text(v->sources, store_text(q, 9)) &&
	       same_text(v->detail, store_text(q, 10));
}

/* What the revision before said: revision 0: the month was not frozen yet. */
static int set_revision(struct store *s, struct sample_row *row)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT revision, numerator, denominator, status, reason, completeness_n, completeness_d, stale, missing,"
			    " sources, detail FROM frozen WHERE unit = ? AND month = ? AND indicator = ?"
			    " ORDER BY revision DESC LIMIT 1",
			    "tit", row->unit, row->as_of, row->indicator);

	row->revision = 1;
	row->final = false;
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	row->final = same_as_frozen(row, q);
	row->revision = store_int(q, 0) + !row->final;
	return 0;
}

/* *open: the sample waits for its freezing. */
static int write_month(struct store *s, const struct indicator *i, const char *unit, int64_t month, int64_t last,
		       int64_t *change, bool *open)
{
	_cleanup_(texts_done) struct texts t = { 0 };
	struct sample_row row = { .unit = unit, .indicator = i->id, .period = "month", .as_of = month };
	struct month_sums sums = { 0 };
	int r = take_last_day(s, &row, last, &t);

	if (r == 0)
		return forget(s, unit, i->id, "month", month, change);
	if (r >= 0 && i->flow)
		r = add_days(s, unit, i->id, month, last, &sums);
	if (r < 0)
		return r;
	if (i->flow)
		take_sums(i, &row, &sums);
	r = set_revision(s, &row);
	*open = *open || !row.final;
	return r < 0 ? r : sample_write(s, &row, change);
}

int samples_write_month(struct store *s, const char *unit, int64_t month, int64_t last, int64_t *change)
{
	bool open = false;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < indicator_count; i++)
		r = write_month(s, &indicators[i], unit, month, MIN(last, months_next(month) - 1), change, &open);
	if (r < 0)
		return r;
	return store_run(s, open ? "INSERT OR IGNORE INTO open_month(month, unit) VALUES(?, ?)" :
				   "DELETE FROM open_month WHERE month = ? AND unit = ?",
			 "it", month, unit);
}
