/* SPDX-License-Identifier: MIT */
#include "standing.h"

#include "clock.h"

#include <stdio.h>

int standing_load(struct fold *f)
{
	int64_t any = 0;
	int r = store_get_int(f->store, &any, "SELECT 1 FROM register WHERE unit IS NOT NULL LIMIT 1", "");

	f->streams.sites_move = any != 0;
	return MIN(r, 0);
}

int standing_place(struct store *s, const struct streams *t, const struct site *site, int64_t day,
		   char division[static 7], char unit[static UNIT_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r;

	snprintf(division, 7, "%s", site->division);
	snprintf(unit, UNIT_SIZE, "%s", site->unit);
	if (!t->sites_move || !site->unit[0])
		return 0;
	r = store_query(s, &q,
			"SELECT division, unit FROM register WHERE site = ? AND effective_on <= ? AND unit IS NOT NULL"
			" ORDER BY effective_on DESC LIMIT 1",
			"ti", site->code, day);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	snprintf(division, 7, "%s", store_text(q, 0));
	snprintf(unit, UNIT_SIZE, "%s", store_text(q, 1));
	return 0;
}

typedef int (*mark_fn)(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last);

static int mark_moves(struct fold *f, const struct site *site, int64_t first, int64_t last, mark_fn mark)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q, "SELECT DISTINCT unit FROM register WHERE site = ? AND unit IS NOT NULL", "t",
			    site->code);

	while (r >= 0 && (r = store_step(q)) > 0)
		r = mark(&f->dirty, f->store, store_text(q, 0), first, last);
	return r;
}

static int mark_units(struct fold *f, const struct site *site, int64_t first, int64_t last, mark_fn mark)
{
	int r = mark(&f->dirty, f->store, site->unit, first, last);

	/* A site without registration counts nowhere, whatever the register says. */
	return r < 0 || !f->streams.sites_move || !site->unit[0] ? r : mark_moves(f, site, first, last, mark);
}

int standing_mark(struct fold *f, const struct site *site, int64_t first, int64_t last)
{
	return mark_units(f, site, first, last, dirty_mark);
}

int standing_mark_period(struct fold *f, const struct site *site, int64_t first, int64_t last)
{
	return mark_units(f, site, first, last, dirty_mark_period);
}

int standing_changed(struct fold *f, const char *code, int64_t effective_on)
{
	const struct site *site = streams_find(&f->streams, code);

	/* A site counts from its registration on, which marks its days. */
	return site && site->unit[0] ? standing_mark(f, site, effective_on, f->dirty.today) : 0;
}
