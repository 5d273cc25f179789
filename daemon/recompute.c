/* SPDX-License-Identifier: MIT */
#include "recompute.h"

#include "clock.h"
#include "indicators.h"
#include "months.h"
#include "samples.h"
#include "unit_days.h"
#include "workdays.h"

#include <errno.h>
#include <stdio.h>

#define ITEMS_AT_ONCE 200  /* declared ones: a millisecond or two */
#define RUN_DAYS_MAX 400   /* days of a unit begun at once */
#define FIRST_SITE_NS 5000 /* before anything was measured */
#define OPEN_DAYS 4        /* opening a unit costs about as much as so many days, */
#define UNIT_SITES 150     /* and writing a day's samples about as much as so many sites (measured) */

int recompute_open(struct store *s, struct fold *f, struct recompute *ret)
{
	int r;

	*ret = (struct recompute){ .store = s, .fold = f, .site_ns = FIRST_SITE_NS };
	r = store_get_int(s, &ret->computed_n, "SELECT value FROM progress WHERE name = 'indicators_n'", "");
	if (r >= 0)
		r = samples_last_change(s, &ret->change);
	return MIN(r, 0);
}

/* ---- the calendar ---- */

/* Today's reports are expected once its `evening` row was folded. */
static int is_expected(struct recompute *rc, int64_t day, bool *ret)
{
	int64_t pending = 0;
	int r = workdays_expected(rc->store, day, ret);

	if (r >= 0 && *ret && day == rc->fold->dirty.today)
		r = store_get_int(rc->store, &pending, "SELECT 1 FROM due WHERE kind = 'evening' AND at >= ? AND at < ?", "ii",
				  clock_day_start_ms(day), clock_day_start_ms(day + 1));
	*ret = *ret && !pending;
	return MIN(r, 0);
}

/* ---- a day of a unit ---- */

static int write_measured(struct recompute *rc, const struct indicator *i, const struct measuring *m, struct measured *v)
{
	_cleanup_(buf_done) struct buf sources = { 0 };
	struct sample_row row = {
		.unit = m->unit,
		.indicator = i->id,
		.period = "day",
		.as_of = m->day,
		.numerator.number = v->numerator,
		.denominator.number = i->count ? STORE_NULL : v->denominator,
		.status = v->status,
		.reason = v->reason[0] ? v->reason : NULL,
		.completeness_n = v->completeness_n,
		.completeness_d = v->completeness_d,
		.stale = m->sums->stale,
		.missing = m->sums->operating - m->sums->usable,
		.revision = 1,
		.detail = v->detail[0] ? v->detail : NULL,
	};

	buf_char(&sources, '[');
	buf_add(&sources, v->sources->p, v->sources->len);
	buf_char(&sources, ']');
	row.sources = sources.p;
	return sample_write(rc->store, &row, &rc->change);
}

static int measure_all(struct recompute *rc, struct measuring *m)
{
	_cleanup_(buf_done) struct buf sources = { 0 };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < indicator_count; i++) {
		struct measured v = { .sources = &sources };

		buf_reset(&sources);
		m->cell = indicators[i].cell;
		r = indicator_measure(&indicators[i], m, &v);
		if (r >= 0)
			r = write_measured(rc, &indicators[i], m, &v);
	}
	return r;
}

static int compute_day(struct recompute *rc, struct unit_days *u, const char *unit, int64_t day)
{
	struct unit_sums sums;
	bool expected;
	int r = is_expected(rc, day, &expected);

	if (r >= 0)
		r = unit_days_next(u, day, expected, &sums);
	if (r < 0)
		return r;
	rc->days++;
	return measure_all(rc, &(struct measuring){ .store = rc->store,
						    .policy = rc->fold->policy,
						    .unit = unit,
						    .day = day,
						    .sums = &sums,
						    .resident = unit_days_resident(u, day),
						    .under3 = unit_days_under3(u, day) });
}

/* ---- a run of days ---- */

/* Did the running month get a new last day? Then the day that just turned has no sample yet. */
static int day_turned(struct recompute *rc, const struct dirty_days *d, bool *ret)
{
	int64_t any = 0;
	int r = 0;

	if (d->last == rc->fold->dirty.today)
		r = store_get_int(rc->store, &any,
				  "SELECT 1 FROM sample WHERE unit = ? AND indicator = 'places_total' AND period = 'day' AND as_of = ?",
				  "ti", d->unit, d->last);
	*ret = d->last == rc->fold->dirty.today && !any;
	return MIN(r, 0);
}

/* The running month ends with yesterday. */
static int compute_months(struct recompute *rc, const struct dirty_days *d, bool turned)
{
	int64_t yesterday = rc->fold->dirty.today - 1;
	int64_t last = MIN(d->last, yesterday), first = MIN(d->first, turned ? yesterday : d->first);
	int r = 0;

	for (int64_t month = months_first_day(first); r >= 0 && month <= last; month = months_next(month))
		r = samples_write_month(rc->store, d->unit, month, yesterday, &rc->change);
	return r;
}

/* A day before the first datum. It is read all the same: what was reported on it is usable on the days that follow. */
static int forget_day(struct recompute *rc, struct unit_days *u, const char *unit, int64_t day)
{
	struct unit_sums unused;
	int r = unit_days_next(u, day, false, &unused);

	return r < 0 ? r : samples_forget(rc->store, unit, day, &rc->change);
}

static int compute_run(struct recompute *rc, const struct dirty_days *d)
{
	_cleanup_(unit_days_freep) struct unit_days *u = NULL;
	bool turned;
	int r = day_turned(rc, d, &turned);

	if (r >= 0)
		r = unit_days_open(rc->fold, d->unit, d->first, d->last, &u);
	if (r < 0)
		return r;
	for (int64_t day = d->first; r >= 0 && day <= d->last; day++)
		r = unit_days_has_data(u, day) ? compute_day(rc, u, d->unit, day) : forget_day(rc, u, d->unit, day);
	return r < 0 ? r : compute_months(rc, d, turned);
}

/* The time that is left, for a unit of so many sites. */
struct room {
	const struct recompute *rc;
	int64_t left_ms, sites;
};

/* So many days as the time that is left allows, by what a site's day took lately: ten days of a city cost as much as a year of a
 * county. */
static int64_t days_within(void *context, const char *unit)
{
	struct room *room = context;
	int64_t sites = 0, days;
	int r = store_get_int(room->rc->store, &sites,
			      "SELECT (SELECT count(*) FROM site WHERE unit = ?1) + (SELECT count(*) FROM register WHERE unit = ?1)", "t", unit);

	room->sites = sites + UNIT_SITES;
	days = room->left_ms * 1000000 / (room->rc->site_ns * room->sites) - OPEN_DAYS;
	return r < 0 ? r : MAX(INT64_C(1), MIN(days, (int64_t)RUN_DAYS_MAX));
}

/* What took no whole millisecond took half a one. */
static void learn_cost(struct recompute *rc, int64_t sites, int64_t days, int64_t took_ms)
{
	int64_t site_ns = (took_ms * 1000000 + 500000) / (sites * (days + OPEN_DAYS));

	rc->site_ns = MAX((3 * rc->site_ns + site_ns) / 4, INT64_C(1));
}

static int compute_some(struct recompute *rc, int64_t left_ms)
{
	struct room room = { .rc = rc, .left_ms = left_ms };
	struct dirty_days d;
	int64_t started = clock_monotonic_ms();
	int r = dirty_take(&rc->turn, rc->store, rc->fold->dirty.today, &(struct dirty_room){ days_within, &room }, &d);

	if (r <= 0)
		return r;
	r = compute_run(rc, &d);
	learn_cost(rc, room.sites, d.last - d.first + 1, clock_monotonic_ms() - started);
	return r < 0 ? r : 1;
}

/* ---- declared items ---- */

/* "45" → 45; 0 for anything with a point, or too long to be one. */
static bool whole(const char *text, int64_t *ret)
{
	size_t len = text ? strlen(text) : 0;

	*ret = text ? strtoll(text, NULL, 10) : STORE_NULL;
	return len <= 15 && (!text || strspn(text, "0123456789") == len);
}

static void set_operands(struct sample_row *row, const char *numerator, const char *denominator)
{
	int64_t upper, lower;
	bool integers = whole(numerator, &upper);

	integers = whole(denominator, &lower) && integers;
	row->decimal = !integers;
	if (integers) {
		row->numerator.number = upper;
		row->denominator.number = lower;
	} else {
		row->numerator.text = numerator;
		row->denominator.text = denominator;
	}
}

static int write_item(struct recompute *rc, store_stmt *q)
{
	_cleanup_(buf_done) struct buf sources = { 0 };
	const char *denominator = store_text(q, 5);
	struct sample_row row;
	bool known = !denominator || strspn(denominator, "0.") != strlen(denominator);

	buf_str(&sources, "[{\"what\":\"declared\",\"document\":");
	buf_json(&sources, store_text(q, 6), -1);
	buf_str(&sources, "}]");
	row = (struct sample_row){ .unit = store_text(q, 0),
				   .indicator = store_text(q, 1),
				   .period = store_text(q, 2),
				   .as_of = store_int(q, 3),
				   .status = known ? "ok" : "no_data",
				   .reason = known ? NULL : "denominator",
				   .completeness_n = 1,
				   .completeness_d = 1,
				   .revision = store_int(q, 7),
				   .final = true,
				   .sources = sources.p };
	set_operands(&row, store_text(q, 4), denominator);
	return sample_write(rc->store, &row, &rc->change);
}

/* The next of them in the order of their key: how many. */
static int write_items(struct recompute *rc)
{
	struct declared_walk *w = &rc->declared, from = *w; /* bound, so it must not change */
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int count = 0;
	int r = store_query(rc->store, &q,
			    "SELECT unit, item, period, as_of, numerator, denominator, document, revision FROM declared"
			    " WHERE (unit, item, period, as_of) > (?1, ?2, ?3, ?4) ORDER BY unit, item, period, as_of LIMIT ?5",
			    "tttii", from.unit, from.item, from.period, from.as_of, (int64_t)ITEMS_AT_ONCE);

	for (; r >= 0 && (r = store_step(q)) > 0; count++) {
		r = write_item(rc, q);
		if (count + 1 < ITEMS_AT_ONCE)
			continue;
		snprintf(w->unit, sizeof w->unit, "%s", store_text(q, 0));
		snprintf(w->item, sizeof w->item, "%s", store_text(q, 1));
		snprintf(w->period, sizeof w->period, "%s", store_text(q, 2));
		w->as_of = store_int(q, 3);
	}
	return r < 0 ? r : count;
}

/* They change only with an import, and then all are gone through: 1 there are more. */
static int compute_declared(struct recompute *rc, int64_t until)
{
	int64_t n = 0;
	int r = store_get_int(rc->store, &n, "SELECT ifnull(max(n), 0) FROM import WHERE kind = 'declared'", "");

	if (r < 0 || n == rc->declared_n)
		return MIN(r, 0);
	if (rc->declared.n != n)
		rc->declared = (struct declared_walk){ .n = n };
	do
		r = write_items(rc);
	while (r == ITEMS_AT_ONCE && clock_monotonic_ms() < until);
	if (r < 0 || r == ITEMS_AT_ONCE)
		return MIN(r, 1);
	rc->declared_n = n;
	return 0;
}

void recompute_distrust(struct recompute *rc)
{
	rc->declared_n = -1;
	rc->declared = (struct declared_walk){ 0 };
}

/* ---- steps ---- */

static int note_progress(struct recompute *rc, int64_t head_n)
{
	if (rc->computed_n == head_n)
		return 0;
	return store_run(rc->store,
			 "INSERT INTO progress(name, value) VALUES('indicators_n', ?)"
			 " ON CONFLICT DO UPDATE SET value = excluded.value",
			 "i", head_n);
}

static int work(struct recompute *rc, int64_t head_n, int64_t until)
{
	int64_t left;
	int r = compute_declared(rc, until);

	if (r > 0)
		return 1;
	while (r >= 0 && (left = until - clock_monotonic_ms()) > 0)
		if ((r = compute_some(rc, left)) <= 0)
			return r < 0 ? r : note_progress(rc, head_n);
	return r < 0 ? r : 1;
}

int recompute_step(struct recompute *rc, int64_t head_n, int64_t budget_ms)
{
	struct recompute before = *rc;
	int64_t marked = 0;
	int more, r = store_get_int(rc->store, &marked, "SELECT 1 FROM dirty UNION ALL SELECT 1 FROM dirty_range LIMIT 1", "");

	if (r < 0 || (!marked && rc->computed_n == head_n))
		return MIN(r, 0);
	r = store_begin(rc->store);
	if (r < 0)
		return r;
	more = work(rc, head_n, clock_monotonic_ms() + budget_ms);
	if (more < 0)
		store_rollback(rc->store);
	r = more < 0 ? more : store_commit(rc->store);
	/* The rows are out of the table (or back in it): the set in memory no longer knows. */
	dirty_forget(&rc->fold->dirty);
	if (r < 0) {
		*rc = before;
		return r;
	}
	if (!more)
		rc->computed_n = head_n;
	return more;
}
