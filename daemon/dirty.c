/* SPDX-License-Identifier: MIT */
#include "dirty.h"

#include "clock.h"
#include "ids.h"

#include <stdio.h>
#include <uthash.h>

struct dirty_mark {
	struct {
		int64_t day;
		char unit[8];
	} key;
	UT_hash_handle hh;
};

static int mark_day(struct dirty *d, struct store *s, const char *unit, int64_t day)
{
	struct dirty_mark *m, *old;

	m = xcalloc(1, sizeof *m);
	m->key.day = day;
	snprintf(m->key.unit, sizeof m->key.unit, "%s", unit);
	HASH_FIND(hh, d->marks, &m->key, sizeof m->key, old);
	if (old) {
		free(m);
		return 0;
	}
	HASH_ADD(hh, d->marks, key, sizeof m->key, m);
	return store_run(s, "INSERT OR IGNORE INTO dirty(day, unit) VALUES(?, ?)", "it", day, unit);
}

int dirty_mark(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last)
{
	last = MIN(last, d->today);
	for (int64_t day = first; unit[0] && day <= last; day++) {
		int r = mark_day(d, s, unit, day);

		if (r < 0)
			return r;
	}
	return 0;
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
