/* SPDX-License-Identifier: MIT */
#include "dirty.h"

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

/* Ranges are remembered by their negative first day: no day of ours is before 1970. */
static int mark_range(struct dirty *d, struct store *s, const char *unit, int64_t first)
{
	if (remember(d, unit, -first))
		return 0;
	return store_run(s,
			 "INSERT INTO dirty_range(unit, period, first, last) VALUES(?, 0, ?, ?) ON CONFLICT DO UPDATE SET"
			 " first = min(first, excluded.first), last = max(last, excluded.last)",
			 "tii", unit, first, d->today);
}

/* Both ends in one number, far below the ranges up to today; days of ours have five digits. */
static int64_t remembered_period(int64_t first, int64_t last)
{
	return -last * 10000000 - first;
}

int dirty_mark_period(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last)
{
	if (!unit[0] || first > MIN(last, d->today))
		return 0;
	if (first <= 0 || last >= d->today)
		return dirty_mark(d, s, unit, first, last);
	if (remember(d, unit, remembered_period(first, last)))
		return 0;
	return store_run(s,
			 "INSERT INTO dirty_range(unit, period, first, last) VALUES(?1, ?3, ?2, ?3) ON CONFLICT DO UPDATE SET"
			 " first = min(first, excluded.first), last = max(last, excluded.last)",
			 "tii", unit, first, last);
}

int dirty_mark(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last)
{
	if (!unit[0])
		return 0;
	if (first > 0 && first < d->today && last >= d->today)
		return mark_range(d, s, unit, first);
	last = MIN(last, d->today);
	for (int64_t day = first; day <= last; day++) {
		int r = mark_day(d, s, unit, day);

		if (r < 0)
			return r;
	}
	return 0;
}

static int newest_day(struct store *s, int64_t *ret_day, char unit[static UNIT_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT * FROM (SELECT day, unit FROM dirty ORDER BY day DESC, unit LIMIT 1)"
			    " UNION ALL SELECT * FROM (SELECT last, unit FROM dirty_range ORDER BY last DESC, unit LIMIT 1)"
			    " ORDER BY 1 DESC LIMIT 1",
			    "");

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*ret_day = store_int(q, 0);
	snprintf(unit, UNIT_SIZE, "%s", store_text(q, 1));
	return 1;
}

int dirty_take(struct store *s, int64_t *ret_day, char unit[static UNIT_SIZE])
{
	int r = newest_day(s, ret_day, unit);

	if (r <= 0)
		return r;
	/* The day may be marked both ways: it is computed once. */
	r = store_run(s, "DELETE FROM dirty WHERE day = ? AND unit = ?", "it", *ret_day, unit);
	if (r >= 0)
		r = store_run(s, "DELETE FROM dirty_range WHERE unit = ?1 AND first >= ?2", "ti", unit, *ret_day);
	if (r >= 0)
		r = store_run(s, "UPDATE dirty_range SET last = last - 1 WHERE unit = ?1 AND last = ?2", "ti", unit, *ret_day);
	return r < 0 ? r : 1;
}

int dirty_mark_all(struct dirty *d, struct store *s, int64_t first, int64_t last)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT DISTINCT unit FROM site WHERE unit IS NOT NULL", "");

	if (r < 0)
		return r;
	while ((r = store_step(q)) > 0) {
		r = dirty_mark(d, s, store_text(q, 0), first, last);
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
