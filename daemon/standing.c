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

static int mark_moves(struct fold *f, const struct site *site, int64_t first, int64_t last)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q, "SELECT DISTINCT unit FROM register WHERE site = ? AND unit IS NOT NULL", "t",
			    site->code);

	while (r >= 0 && (r = store_step(q)) > 0)
		r = dirty_mark(&f->dirty, f->store, store_text(q, 0), first, last);
	return r;
}

int standing_mark(struct fold *f, const struct site *site, int64_t first, int64_t last)
{
	int r = dirty_mark(&f->dirty, f->store, site->unit, first, last);

	/* A site without registration counts nowhere, whatever the register says. */
	return r < 0 || !f->streams.sites_move || !site->unit[0] ? r : mark_moves(f, site, first, last);
}

#define EVENTS_AT_ONCE 256

struct occurred {
	char event[65];
	int64_t at;
};

static int events_of(struct fold *f, int64_t site, const char *after, struct occurred *events, size_t *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT event, occurred_at FROM incident WHERE site = ? AND event > ? ORDER BY event LIMIT 256", "it",
			    site, after);

	*ret = 0;
	while (r >= 0 && (r = store_step(q)) > 0) {
		snprintf(events[*ret].event, sizeof events->event, "%s", store_text(q, 0));
		events[(*ret)++].at = store_int(q, 1);
	}
	return r;
}

static int settle_event(struct fold *f, const struct site *site, const struct occurred *e)
{
	char division[7], unit[UNIT_SIZE];
	int r = standing_place(f->store, &f->streams, site, clock_local_day(e->at), division, unit);

	return r < 0 ? r : store_run(f->store, "UPDATE incident SET division = ?, unit = ? WHERE site = ? AND event = ?", "ttit",
				     division, unit, site->id, e->event);
}

int standing_settle_incidents(struct fold *f, const struct site *site)
{
	_cleanup_(freep) struct occurred *events = xcalloc(EVENTS_AT_ONCE, sizeof *events);
	char after[65] = "";
	size_t count;
	int r = 0;

	do {
		r = events_of(f, site->id, after, events, &count);
		for (size_t i = 0; r >= 0 && i < count; i++)
			r = settle_event(f, site, &events[i]);
		if (count > 0)
			snprintf(after, sizeof after, "%s", events[count - 1].event);
	} while (r >= 0 && count == EVENTS_AT_ONCE);
	return MIN(r, 0);
}

int standing_changed(struct fold *f, const char *code, int64_t effective_on)
{
	const struct site *site = streams_find(&f->streams, code);
	int r;

	if (!site || !site->unit[0])
		return 0; /* it counts from its registration on, which marks its days */
	r = standing_mark(f, site, effective_on, f->dirty.today);
	return r < 0 || !f->streams.sites_move ? r : standing_settle_incidents(f, site);
}
