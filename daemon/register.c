/* SPDX-License-Identifier: MIT */
#include "register.h"

#include "../collectors/incident.h"
#include "casework_doing.h"
#include "clock.h"
#include "ids.h"
#include "procedures.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>

int register_state(struct fold *f, int64_t n, const struct register_statement *s)
{
	const struct site *site = streams_find(&f->streams, s->site);
	char unit[UNIT_SIZE] = "";
	int r;

	if (s->division)
		ids_unit_of(s->division, unit);
	/* A later row of the same site and day fills its own columns and leaves the others as they were. */
	r = store_run(f->store,
		      "INSERT INTO register(site, effective_on, division, unit, filing, registration, inclusive, source, n)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET"
		      " division = ifnull(excluded.division, division), unit = ifnull(excluded.unit, unit),"
		      " filing = ifnull(excluded.filing, filing), registration = ifnull(excluded.registration, registration),"
		      " inclusive = ifnull(excluded.inclusive, inclusive), source = excluded.source, n = excluded.n",
		      "tittiiiti", s->site, s->effective_on, s->division, unit[0] ? unit : NULL, s->filing, s->registration,
		      s->inclusive, s->source, n);
	f->streams.sites_move = f->streams.sites_move || unit[0];
	if (r >= 0)
		r = standing_changed(f, s->site, s->effective_on);
	return r < 0 || !unit[0] || !site || !site->unit[0] ? r : incident_settle(f, n, f->dirty.now, site);
}

static int move(struct doing *d, const char *site)
{
	const char *document = doing_text(d, "document");
	struct register_statement s = { .site = site, .division = doing_text(d, "division"), .filing = STORE_NULL,
					 .registration = STORE_NULL, .inclusive = STORE_NULL,
					 .source = document ? document : body_text(d->body, "reason") };

	if (!s.division || clock_parse_day(body_text(d->body, "effective_on"), &s.effective_on) < 0)
		return -EUCLEAN;
	snprintf(d->state, sizeof d->state, "%.6s", s.division);
	return register_state(d->f, d->n, &s);
}

int register_fold_act(struct fold *f, const struct ledger_row *row, const char *site)
{
	_cleanup_(doing_done) struct doing d = { 0 };
	int r = doing_begin(f, row, &d);

	if (r >= 0)
		r = move(&d, site);
	return r < 0 ? r : doing_note(&d, row);
}
