/* SPDX-License-Identifier: MIT */
#include "points.h"

#include "../daemon/clock.h"
#include "../daemon/samples.h"
#include "../daemon/schema.h"
#include "points_table.h"

#include <stdio.h>

#define REFILL_ROWS 250        /* a slice */
#define REFILL_WHEN_BELOW 5000 /* the queue stays short while the walk goes on */
#define EVERYTHING INT64_MAX

const char *points_name(enum measurement m)
{
	return measurements[m].name;
}

/* ---- batches ---- */

void points_batch_clear(struct points_batch *b)
{
	buf_reset(&b->lines);
	b->count = 0;
	memset(b->position, 0, sizeof b->position);
	b->more = false;
}

void points_batch_done(struct points_batch *b)
{
	buf_done(&b->lines);
	free(b->ends);
	*b = (struct points_batch){ 0 };
}

static void note_line(struct points_batch *b, size_t before)
{
	if (b->lines.len == before)
		return;
	if (b->count == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 256;
		b->ends = xrealloc(b->ends, b->cap * sizeof *b->ends);
	}
	b->ends[b->count++] = b->lines.len;
}

static bool is_full(const struct points_batch *b, const struct points_limits *l)
{
	return b->count >= l->lines || b->lines.len >= l->bytes || clock_monotonic_ms() >= l->until;
}

/* At least one row, so that something is reached however little time there is. */
static int take_some(struct points *p, enum measurement m, const struct points_limits *limits, struct encoder *e,
		     struct points_batch *b)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t most = (int64_t)(limits->lines - b->count);
	int r = store_query(p->store, &q, measurements[m].select, "ii", p->taken[m], most);
	bool any = false;

	while (r >= 0 && (r = store_step(q)) > 0) {
		size_t before = b->lines.len;

		b->position[m] = store_int(q, 0);
		measurements[m].encode(e, q);
		note_line(b, before);
		any = true;
		if (is_full(b, limits)) {
			b->more = true;
			break;
		}
	}
	return r < 0 ? r : any;
}

int points_take(struct points *p, const struct points_limits *limits, struct points_batch *ret)
{
	struct encoder e = { .store = p->store, .out = &ret->lines, .readers = { .policies = limits->policies } };
	bool any = false;
	int r = 0;

	points_batch_clear(ret);
	for (int m = 0; r >= 0 && m < MEASUREMENT_COUNT && !ret->more; m++) {
		r = p->wanted[m] ? take_some(p, (enum measurement)m, limits, &e, ret) : 0;
		any = any || r > 0;
	}
	province_sums_done(&e.readers);
	if (r < 0)
		return r;
	for (int m = 0; m < MEASUREMENT_COUNT; m++)
		p->taken[m] = MAX(p->taken[m], ret->position[m]);
	return any;
}

void points_rewind(struct points *p)
{
	memcpy(p->taken, p->position, sizeof p->taken);
}

static int put_aside(struct points *p, const struct points_batch *b, const struct points_poison *poison, int64_t now)
{
	size_t from = poison->line ? b->ends[poison->line - 1] : 0;
	_cleanup_(buf_done) struct buf line = { 0 };
	int r;

	buf_add(&line, b->lines.p + from, b->ends[poison->line] - from - 1);
	r = store_run(p->store, "INSERT INTO poison_line(sink, at, line, answer) VALUES(?, ?, ?, ?)", "titt", p->sink, now,
		      line.p, poison->answer);
	return r < 0 ? r : store_run(p->store, "DELETE FROM poison_line WHERE id <= (SELECT max(id) FROM poison_line) - ?", "i",
				     (int64_t)POISON_KEPT);
}

static int write_reached(struct points *p, const struct points_batch *b, const struct points_poison *poison, size_t count,
			 int64_t now)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < count; i++)
		r = put_aside(p, b, &poison[i], now);
	for (int m = 0; r >= 0 && m < MEASUREMENT_COUNT; m++)
		if (b->position[m] > 0)
			r = store_run(p->store, measurements[m].reached, "it", b->position[m], p->sink);
	return r;
}

int points_acknowledge(struct points *p, const struct points_batch *b, const struct points_poison *poison, size_t count,
		       int64_t now)
{
	int r = store_begin(p->store);

	if (r < 0)
		return r;
	r = write_reached(p, b, poison, count, now);
	if (r < 0) {
		store_rollback(p->store);
		return r;
	}
	r = store_commit(p->store);
	for (int m = 0; r >= 0 && m < MEASUREMENT_COUNT; m++)
		p->position[m] = MAX(p->position[m], b->position[m]);
	return r;
}

/* ---- filling the queue ---- */

static int walk_slice(struct points *p, enum measurement m, int64_t *day, int64_t *site)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t from_day = *day, from_site = *site;
	int r = store_query(p->store, &q, measurements[m].walk, "iii", from_day, from_site, (int64_t)REFILL_ROWS);
	bool any = false;

	while (r >= 0 && (r = store_step(q)) > 0) {
		*day = store_int(q, 0);
		*site = store_int(q, 1);
		any = true;
		if (!store_is_null(q, 2)) /* a nursery without registration counts nowhere */
			r = store_run(p->store, measurements[m].queue, m == POINT_INCIDENT ? "iitt" : "iit", *day, *site,
				      store_text(q, 2), m == POINT_INCIDENT ? store_text(q, 3) : NULL);
	}
	if (r >= 0 && !any)
		*day = *site = 0;
	return MIN(r, 0);
}

static int read_walk(struct points *p, enum measurement m, int64_t *day, int64_t *site)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->store, &q, "SELECT refill_day, refill_site FROM sink_cursor WHERE sink = ? AND measurement = ?",
			    "tt", p->sink, measurements[m].name);

	*day = *site = 0;
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*day = store_int(q, 0);
	*site = store_int(q, 1);
	return 0;
}

static int queue_is_short(struct points *p, enum measurement m)
{
	int64_t waiting = 0;
	int r = store_get_int(p->store, &waiting, measurements[m].waiting, "ii", INT64_C(0), (int64_t)REFILL_WHEN_BELOW);

	return r < 0 ? r : waiting < REFILL_WHEN_BELOW;
}

static int walk_on(struct points *p, enum measurement m, int64_t until)
{
	int64_t day, site;
	int r = read_walk(p, m, &day, &site);

	if (r < 0 || (day == 0 && site == 0))
		return MIN(r, 0);
	p->refilling = true;
	r = queue_is_short(p, m);
	if (r <= 0)
		return r;
	do
		r = walk_slice(p, m, &day, &site);
	while (r >= 0 && (day || site) && clock_monotonic_ms() < until);
	return r < 0 ? r :
		       store_run(p->store,
				 "UPDATE sink_cursor SET refill_day = ?, refill_site = ? WHERE sink = ? AND measurement = ?", "iitt",
				 day, site, p->sink, measurements[m].name);
}

/* One seek for each day that has reports: the table is keyed day first. */
static int queue_site(struct points *p, int64_t site, const char *old_unit, int64_t first)
{
	const char *queue = measurements[POINT_SITE_ENROLMENT].queue;
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->store, &q,
			    "WITH RECURSIVE days(day) AS (SELECT min(day) FROM enrolment WHERE day >= ?2 UNION ALL"
			    " SELECT (SELECT min(day) FROM enrolment WHERE day > days.day) FROM days WHERE days.day IS NOT NULL)"
			    " SELECT day, (SELECT " STANDING_UNIT("days.day") " FROM site s WHERE s.id = ?1 AND s.unit IS NOT NULL)"
			    " FROM days WHERE day IS NOT NULL"
			    " AND EXISTS(SELECT 1 FROM enrolment e WHERE e.day = days.day AND e.site = ?1)",
			    "ii", site, first);

	while (r >= 0 && (r = store_step(q)) > 0) {
		if (old_unit[0])
			r = store_run(p->store, queue, "iit", store_int(q, 0), site, old_unit);
		if (r >= 0 && !store_is_null(q, 1))
			r = store_run(p->store, queue, "iit", store_int(q, 0), site, store_text(q, 1));
	}
	return r;
}

static int next_moved_site(struct points *p, int64_t *site, char unit[static 8], int64_t *first)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->store, &q, "SELECT site, unit, first FROM point_site LIMIT 1", "");

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*site = store_int(q, 0);
	snprintf(unit, 8, "%s", store_text(q, 1));
	*first = store_int(q, 2);
	return 1;
}

static int queue_moved_sites(struct points *p, int64_t until)
{
	int64_t site, first;
	char unit[8];
	int r;

	while ((r = next_moved_site(p, &site, unit, &first)) > 0) {
		r = queue_site(p, site, unit, first);
		if (r >= 0)
			r = store_run(p->store, "DELETE FROM point_site WHERE site = ? AND unit = ? AND first = ?", "iti", site, unit,
				      first);
		if (r < 0 || clock_monotonic_ms() >= until)
			return r;
	}
	return r;
}

static int prepare(struct points *p, int64_t until)
{
	int r = queue_moved_sites(p, until);

	p->refilling = false;
	for (int m = 0; r >= 0 && m < MEASUREMENT_COUNT; m++)
		if (p->wanted[m] && measurements[m].walk)
			r = walk_on(p, (enum measurement)m, until);
	return r;
}

/* Usually nothing is to be queued, and nothing is written then. */
static int something_to_prepare(struct points *p)
{
	int64_t any = 0;
	int r = store_get_int(p->store, &any,
			      "SELECT EXISTS(SELECT 1 FROM point_site) OR EXISTS(SELECT 1 FROM sink_cursor WHERE sink = ?"
			      " AND (refill_day, refill_site) <> (0, 0))",
			      "t", p->sink);

	return r < 0 ? r : any != 0;
}

int points_prepare(struct points *p, int64_t until)
{
	int r = something_to_prepare(p);

	if (r <= 0) {
		p->refilling = false;
		return r;
	}
	r = store_begin(p->store);
	if (r < 0)
		return r;
	r = prepare(p, until);
	if (r < 0) {
		store_rollback(p->store);
		return r;
	}
	return store_commit(p->store);
}

/* ---- beginning and end ---- */

static int open_cursor(struct points *p, enum measurement m)
{
	bool walks = measurements[m].walk != NULL;
	int64_t start = walks ? EVERYTHING : 0;
	int r;

	if (!p->wanted[m])
		return store_run(p->store, "DELETE FROM sink_cursor WHERE sink = ? AND measurement = ?", "tt", p->sink,
				 measurements[m].name);
	r = store_run(p->store,
		      "INSERT OR IGNORE INTO sink_cursor(sink, measurement, position, refill_day, refill_site)"
		      " VALUES(?, ?, 0, ?, ?)",
		      "ttii", p->sink, measurements[m].name, start, start);
	return r < 0 ? r : store_get_int(p->store, &p->position[m],
					 "SELECT position FROM sink_cursor WHERE sink = ? AND measurement = ?", "tt", p->sink,
					 measurements[m].name);
}

/* A cursor beyond the last change: the samples were computed anew from the beginning (rebuild). */
static int distrust_cursor(struct points *p)
{
	int64_t last = 0;
	int r = samples_last_change(p->store, &last);

	if (r >= 0 && p->position[POINT_UNIT_INDICATOR] > last)
		p->position[POINT_UNIT_INDICATOR] = 0;
	return MIN(r, 0);
}

static int open_cursors(struct points *p)
{
	int r = 0;

	for (int m = 0; r >= 0 && m < MEASUREMENT_COUNT; m++)
		r = open_cursor(p, (enum measurement)m);
	if (r >= 0 && !p->wanted[POINT_SITE_ENROLMENT])
		r = store_run(p->store, "DELETE FROM point_enrolment", "");
	if (r >= 0)
		r = distrust_cursor(p);
	points_rewind(p);
	return r;
}

int points_open(struct store *s, const char *sink, bool sites, struct points *ret)
{
	int r = store_begin(s);

	*ret = (struct points){ .store = s, .sink = sink };
	for (int m = 0; m < MEASUREMENT_COUNT; m++)
		ret->wanted[m] = measurements[m].select && (m != POINT_SITE_ENROLMENT || sites);
	if (r < 0)
		return r;
	r = open_cursors(ret);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	return store_commit(s);
}

int points_forget(struct store *s, const char *sink)
{
	static const char *const queues[] = { "DELETE FROM point_enrolment", "DELETE FROM point_incident",
					      "DELETE FROM point_site" };
	int64_t any = 0;
	int r = store_get_int(s, &any, "SELECT 1 FROM sink_cursor WHERE sink = ? LIMIT 1", "t", sink);

	if (r <= 0)
		return r;
	r = store_run(s, "DELETE FROM sink_cursor WHERE sink = ?", "t", sink);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(queues); i++)
		r = store_run(s, queues[i], "");
	return r;
}

int points_refill(struct store *s, const char *sink)
{
	return store_run(s, "DELETE FROM sink_cursor WHERE sink = ?", "t", sink);
}

int points_waiting(struct points *p, enum measurement m, int64_t *ret)
{
	*ret = 0;
	if (!p->wanted[m])
		return 0;
	return MIN(store_get_int(p->store, ret, measurements[m].waiting, "ii", p->position[m], (int64_t)POINTS_WAITING_MAX), 0);
}
