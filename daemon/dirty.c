/* SPDX-License-Identifier: MIT */
#include "dirty.h"

#include "months.h"

#include <stdio.h>
#include <uthash.h>

struct dirty_mark {
	struct {
		int64_t day;
		char unit[8];
	} key;
	UT_hash_handle hh;
};

/* 1: the table holds this mark already. */
static int remember(struct dirty *d, const char *unit, int64_t day)
{
	struct dirty_mark wanted = { .key.day = day }, *m;

	snprintf(wanted.key.unit, sizeof wanted.key.unit, "%s", unit);
	HASH_FIND(hh, d->marks, &wanted.key, sizeof wanted.key, m);
	if (m)
		return 1;
	m = xcalloc(1, sizeof *m);
	m->key = wanted.key;
	HASH_ADD(hh, d->marks, key, sizeof m->key, m);
	return 0;
}

static int mark_day(struct dirty *d, struct store *s, const char *unit, int64_t day)
{
	if (remember(d, unit, day))
		return 0;
	return store_run(s, "INSERT OR IGNORE INTO dirty(day, unit) VALUES(?, ?)", "it", day, unit);
}

/* Ranges are remembered by their negative first day: no day of ours is before 1970. Today's numbers do not wait for
 * history's. */
static int wait_range(struct store *s, const char *unit, int64_t first, int64_t last)
{
	return store_run(s,
			 "INSERT INTO dirty_range(started, unit, first, last) VALUES(0, ?, ?, ?) ON CONFLICT DO UPDATE SET"
			 " first = min(first, excluded.first), last = max(last, excluded.last)",
			 "tii", unit, first, last);
}

static int mark_range(struct dirty *d, struct store *s, const char *unit, int64_t first)
{
	int r;

	if (remember(d, unit, -first))
		return 0;
	r = wait_range(s, unit, first, d->today);
	return r < 0 ? r : mark_day(d, s, unit, d->today);
}

/* Both ends in one number, far below the ranges up to today; days of ours have five digits. */
static int64_t remembered_period(int64_t first, int64_t last)
{
	return -last * 10000000 - first;
}

/* ---- months that are past their freezing (DOMAIN §2: 24 h without new rows) ---- */

static int note_late(struct dirty *d, struct store *s, const char *unit, int64_t month, bool onwards)
{
	return store_run(s,
			 "INSERT INTO late_month(unit, month, onwards, at) VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
			 " at = excluded.at",
			 "tiii", unit, month, (int64_t)onwards, d->now);
}

static int mark_late(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last)
{
	int64_t month = months_first_day(first);
	int r = 0;

	if (last >= d->past_before - 1)
		return note_late(d, s, unit, month, true);
	for (; r >= 0 && month <= last; month = months_next(month))
		r = note_late(d, s, unit, month, false);
	return r;
}

int dirty_mark(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last)
{
	int r = 0;

	first = MAX(first, INT64_C(0)); /* no day of ours is before 1970 */
	if (!unit[0] || first > last)
		return 0;
	if (first < d->past_before)
		r = mark_late(d, s, unit, first, last);
	if (r < 0)
		return r;
	if (first < d->today && last >= d->today)
		return mark_range(d, s, unit, first);
	last = MIN(last, d->today);
	for (int64_t day = first; r >= 0 && day <= last; day++)
		r = mark_day(d, s, unit, day);
	return r;
}

int dirty_mark_period(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last)
{
	int r = 0;

	if (!unit[0] || first > MIN(last, d->today))
		return 0;
	if (first <= 0 || last >= d->today)
		return dirty_mark(d, s, unit, first, last);
	if (first < d->past_before)
		r = mark_late(d, s, unit, first, last);
	if (r < 0 || remember(d, unit, remembered_period(first, last)))
		return r;
	return wait_range(s, unit, first, last);
}

int dirty_refresh(struct dirty *d, struct store *s, const char *unit, int64_t day)
{
	return mark_day(d, s, unit, day);
}

/* ---- taking ---- */

/* The newest marked day before one. */
static int newest_day(struct store *s, int64_t before, int64_t *ret_day, char unit[static UNIT_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT day, unit FROM dirty WHERE day < ? ORDER BY day DESC, unit LIMIT 1", "i", before);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*ret_day = store_int(q, 0);
	snprintf(unit, UNIT_SIZE, "%s", store_text(q, 1));
	return 1;
}

static int unmark(struct store *s, const char *unit, int64_t day)
{
	int r = store_run(s, "DELETE FROM dirty WHERE day = ? AND unit = ?", "it", day, unit);

	return r < 0 ? r : store_changes(s) > 0;
}

/* Days in a row that are marked, downwards from ret->last. */
static int take_downwards(struct store *s, const struct dirty_room *room, struct dirty_days *ret)
{
	int64_t most = room->days(room->context, ret->unit);
	int r = 0;

	if (most < 0)
		return (int)most;
	for (ret->first = ret->last; ret->last - ret->first < most; ret->first--)
		if ((r = unmark(s, ret->unit, ret->first)) <= 0)
			break;
	ret->first++;
	return r < 0 ? r : 1;
}

static int take_days(struct store *s, int64_t before, const struct dirty_room *room, struct dirty_days *ret)
{
	int r = newest_day(s, before, &ret->last, ret->unit);

	return r <= 0 ? r : take_downwards(s, room, ret);
}

/* The next unit's marks of today or yesterday: under a stream of messages the first units would always be marked again
 * before the last ones' turn. */
static int take_current(struct dirty_turn *t, struct store *s, int64_t today, const struct dirty_room *room, struct dirty_days *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT unit, max(day) FROM dirty WHERE day >= ? GROUP BY unit ORDER BY unit <= ?, unit LIMIT 1", "it",
			    today - 1, t->current);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	snprintf(ret->unit, sizeof ret->unit, "%s", store_text(q, 0));
	ret->last = store_int(q, 1);
	store_reset(q);
	q = NULL;
	memcpy(t->current, ret->unit, sizeof t->current);
	return take_downwards(s, room, ret);
}

/* The range being computed, or the waiting one of the next unit behind the last, which is then begun. */
static int current_range(struct dirty_turn *t, struct store *s, struct dirty_days *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	bool started;
	int r = store_query(s, &q,
			    "SELECT unit, first, last, started FROM dirty_range ORDER BY started DESC, unit <= ?, unit LIMIT 1", "t",
			    t->unit);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	snprintf(ret->unit, sizeof ret->unit, "%s", store_text(q, 0));
	ret->first = store_int(q, 1);
	ret->last = store_int(q, 2);
	started = store_int(q, 3) == 1;
	store_reset(q);
	q = NULL;
	if (!started)
		r = store_run(s, "UPDATE dirty_range SET started = 1 WHERE started = 0 AND unit = ?", "t", ret->unit);
	memcpy(t->unit, ret->unit, sizeof t->unit);
	return r < 0 ? r : 1;
}

static int take_range(struct dirty_turn *t, struct store *s, const struct dirty_room *room, struct dirty_days *ret)
{
	int r = current_range(t, s, ret);
	int64_t most;
	bool all;

	if (r <= 0)
		return r;
	most = room->days(room->context, ret->unit);
	if (most < 0)
		return (int)most;
	all = ret->last - ret->first < most;
	if (all)
		r = store_run(s, "DELETE FROM dirty_range WHERE started = 1 AND unit = ?", "t", ret->unit);
	else
		r = store_run(s, "UPDATE dirty_range SET last = ? WHERE started = 1 AND unit = ?", "it", ret->last - most, ret->unit);
	if (!all)
		ret->first = ret->last - most + 1;
	for (int64_t day = ret->first; r >= 0 && day <= ret->last; day++)
		r = unmark(s, ret->unit, day);
	return r < 0 ? r : 1;
}

/* Late reports' days and history, by turns. */
static int take_past(struct dirty_turn *t, struct store *s, int64_t before, const struct dirty_room *room, struct dirty_days *ret)
{
	int r;

	t->single = !t->single;
	r = t->single ? take_days(s, before, room, ret) : take_range(t, s, room, ret);
	if (r == 0)
		r = t->single ? take_range(t, s, room, ret) : take_days(s, before, room, ret);
	return r;
}

int dirty_take(struct dirty_turn *t, struct store *s, int64_t today, const struct dirty_room *room, struct dirty_days *ret)
{
	int r = ++t->takes % 4 == 0 ? take_past(t, s, today - 1, room, ret) : 0;

	if (r == 0)
		r = take_current(t, s, today, room, ret);
	return r == 0 ? take_past(t, s, today - 1, room, ret) : r;
}

int dirty_next_unit(struct store *s, char unit[static UNIT_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT min(unit) FROM (SELECT min(unit) AS unit FROM site WHERE unit > ?1 UNION ALL"
			    " SELECT min(unit) FROM register WHERE unit > ?1)",
			    "t", unit);

	if (r < 0 || (r = store_step(q)) <= 0 || store_is_null(q, 0))
		return MIN(r, 0);
	snprintf(unit, UNIT_SIZE, "%s", store_text(q, 0));
	return 1;
}

int dirty_mark_all(struct dirty *d, struct store *s, int64_t first, int64_t last)
{
	char unit[UNIT_SIZE] = "";
	int r;

	while ((r = dirty_next_unit(s, unit)) > 0) {
		r = dirty_mark(d, s, unit, first, last);
		if (r < 0)
			return r;
	}
	return r;
}

void dirty_forget(struct dirty *d)
{
	struct dirty_mark *m, *next;

	HASH_ITER(hh, d->marks, m, next) {
		HASH_DEL(d->marks, m);
		free(m);
	}
}
