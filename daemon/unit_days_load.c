/* SPDX-License-Identifier: MIT
 *
 * A unit's facts are read once for a run of days: who belongs to it and when, standings, events, answers, people.
 */
#include "unit_days_parts.h"

#include "../collectors/survey.h"
#include "clock.h"

#include <stdio.h>

void unit_days_free(struct unit_days *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->people_count; i++) {
		free(u->people[i].resident.source);
		free(u->people[i].under3.source);
	}
	free(u->members);
	free(u->standings);
	free(u->statements);
	free(u->events);
	free(u->opinions);
	free(u->people);
	free(u);
}

void unit_days_freep(struct unit_days **u)
{
	unit_days_free(*u);
}

static const char members_sql[] =
	"SELECT id, code, unit, ifnull(expected_from, 0) FROM site WHERE unit = ?1 UNION"
	" SELECT s.id, s.code, s.unit, ifnull(s.expected_from, 0) FROM register g CROSS JOIN site s ON s.code = g.site"
	" WHERE g.unit = ?1 AND s.unit IS NOT NULL ORDER BY 1";

static int load_statements(struct unit_days *u, struct member *m, const char *code)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(u->f->store, &q,
			    "SELECT effective_on, filing, registration, inclusive, unit FROM register WHERE site = ?"
			    " AND effective_on <= ? ORDER BY effective_on",
			    "ti", code, u->last);

	m->statements.at = u->statement_count;
	while (r >= 0 && (r = store_step(q)) > 0) {
		struct statement *s;

		u->statements = xgrow_only(u->statements, u->statement_count, sizeof *u->statements);
		s = &u->statements[u->statement_count++];
		*s = (struct statement){ store_int(q, 0), store_int(q, 1), store_int(q, 2), store_int(q, 3), "" };
		if (!store_is_null(q, 4))
			snprintf(s->unit, sizeof s->unit, "%s", store_text(q, 4));
		m->statements.count++;
	}
	return r;
}

static int load_members(struct unit_days *u)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t stated = 0;
	int r = store_get_int(u->f->store, &stated, "SELECT 1 FROM register LIMIT 1", "");

	if (r >= 0)
		r = store_query(u->f->store, &q, members_sql, "t", u->unit);
	while (r >= 0 && (r = store_step(q)) > 0) {
		struct member *m;

		u->members = xgrow_only(u->members, u->member_count, sizeof *u->members);
		m = &u->members[u->member_count++];
		*m = (struct member){ .id = store_int(q, 0), .expected_from = store_int(q, 3) };
		snprintf(m->unit, sizeof m->unit, "%s", store_text(q, 2));
		r = stated ? load_statements(u, m, store_text(q, 1)) : 1;
	}
	return r;
}

static int load_standings_of(struct unit_days *u, struct member *m)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(u->f->store, &q,
			    "SELECT effective_on, facility, registration, operation, filing,"
			    " places_infant + places_toddler + places_older + places_mixed, inclusive, disclosed, insured_until"
			    " FROM registration WHERE site = ? AND effective_on <= ? AND counts = 1 ORDER BY effective_on",
			    "ii", m->id, u->last);

	m->standings.at = u->standing_count;
	while (r >= 0 && (r = store_step(q)) > 0) {
		u->standings = xgrow_only(u->standings, u->standing_count, sizeof *u->standings);
		u->standings[u->standing_count++] =
			(struct standing){ store_int(q, 0), store_int(q, 1), store_int(q, 2), store_int(q, 3), store_int(q, 4),
					   store_int(q, 5), store_int(q, 6), store_int(q, 7), store_int(q, 8) };
		m->standings.count++;
	}
	return r;
}

static struct stock stock_of(store_stmt *q, int64_t day)
{
	return (struct stock){ day, store_int(q, 0) == 1, store_int(q, 1), store_int(q, 2), store_int(q, 3) };
}

/* The site's live report of a day: 1 and the stock, 0 none. */
int unit_days_report(struct unit_days *u, int64_t site, int64_t day, struct stock *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(u->f->store, &q,
			    "SELECT open, places, under12 + m12_23 + m24_35, fullday + halfday FROM enrolment"
			    " WHERE day = ? AND site = ? AND counts = 1",
			    "ii", day, site);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*ret = stock_of(q, day);
	return 1;
}

/* The last report before the first day, as far back as one may be usable, whatever the policy says of which day. */
static int load_latest(struct unit_days *u, int64_t day)
{
	size_t missing = u->member_count;
	int r = 0;

	for (int64_t d = day - 1; d >= MAX(day - USABLE_DAYS_MAX, u->first_report) && missing > 0; d--) {
		int64_t any = 0;

		r = store_get_int(u->f->store, &any, "SELECT 1 FROM enrolment WHERE day = ? LIMIT 1", "i", d);
		for (size_t i = 0; r >= 0 && any && i < u->member_count; i++) {
			struct member *m = &u->members[i];

			if (m->latest.day)
				continue;
			r = unit_days_report(u, m->id, d, &m->latest);
			missing -= r > 0;
		}
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < u->member_count; i++) {
		struct member *m = &u->members[i];

		m->carried_known = m->latest.day && m->latest.open;
		if (m->carried_known)
			m->carried = m->latest;
	}
	return 0;
}

struct member *unit_days_member(struct unit_days *u, int64_t id)
{
	size_t low = 0, high = u->member_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (u->members[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < u->member_count && u->members[low].id == id ? &u->members[low] : NULL;
}

/* The unit's sites as a table, so that a day's reports are one statement. */
static int fill_members(struct unit_days *u)
{
	int r = store_exec(u->f->store, "CREATE TEMP TABLE IF NOT EXISTS unit_member(site INTEGER PRIMARY KEY)");

	if (r >= 0)
		r = store_run(u->f->store, "DELETE FROM temp.unit_member", "");
	for (size_t i = 0; r >= 0 && i < u->member_count; i++)
		r = store_run(u->f->store, "INSERT INTO temp.unit_member(site) VALUES(?)", "i", u->members[i].id);
	return r;
}

static const char events_sql[] =
	"SELECT i.site, i.occurred_at, i.severity, i.known_at, i.first_received_at,"
	" EXISTS(SELECT 1 FROM interruption t WHERE t.at >= i.known_at AND t.at <= i.first_received_at),"
	" EXISTS(SELECT 1 FROM liability l WHERE l.site = i.site AND l.event = i.event AND l.liable = 'nursery')"
	" FROM temp.unit_member m CROSS JOIN incident i ON i.site = m.site"
	" WHERE i.live = 1 AND i.unconfirmed = 0 AND i.occurred_at >= ? AND i.occurred_at < ?";

/* Live events only; an S1 that is not confirmed counts in no indicator (DOMAIN §3). */
static int load_events(struct unit_days *u)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(u->f->store, &q, events_sql, "ii", clock_day_start_ms(u->first), clock_day_start_ms(u->last + 1));

	while (r >= 0 && (r = store_step(q)) > 0) {
		const struct member *m = unit_days_member(u, store_int(q, 0));
		int64_t known_at = store_int(q, 3);
		int64_t clock_ms = policy_clocks(u->f->policy, clock_local_day(known_at))->nursery_to_county_ms;
		bool late = store_int(q, 4) - known_at > clock_ms;

		u->events = xgrow_only(u->events, u->event_count, sizeof *u->events);
		u->events[u->event_count++] = (struct happened){ .member = (size_t)(m - u->members),
								  .day = clock_local_day(store_int(q, 1)),
								  .severity = store_int(q, 2),
								  .late = late,
								  .unclear = late && store_int(q, 5),
								  .liable = store_int(q, 6) };
	}
	return r;
}

/* A row from which everything was taken back is no answer: in another order of arrival it would not be there. */
static const char opinions_sql[] =
	"SELECT s.site, s.round, s.respondent, s.ballots, s.left_out, s.policy_good, s.service_good, s.policy_all, s.service_all,"
	" s.tally_policy_good, s.tally_service_good, s.tally_policy_all, s.tally_service_all"
	" FROM temp.unit_member m CROSS JOIN survey_site s ON s.round = ?1 AND s.site = m.site"
	" WHERE s.ballots > 0 OR s.tally_policy_all > 0 OR s.tally_service_all > 0";

static struct opinion opinion_of(struct unit_days *u, store_stmt *q)
{
	return (struct opinion){ .member = (size_t)(unit_days_member(u, store_int(q, 0)) - u->members),
				 .round = store_int(q, 1),
				 .respondent = store_int(q, 2),
				 .ballots = store_int(q, 3),
				 .left_out = store_int(q, 4),
				 .ballot_good = { store_int(q, 5), store_int(q, 6) },
				 .ballot_all = { store_int(q, 7), store_int(q, 8) },
				 .tally_good = { store_int(q, 9), store_int(q, 10) },
				 .tally_all = { store_int(q, 11), store_int(q, 12) } };
}

static int load_round(struct unit_days *u, int64_t round)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t any = 0;
	int r = store_get_int(u->f->store, &any, "SELECT 1 FROM survey_site WHERE round = ? LIMIT 1", "i", round);

	if (r < 0 || !any)
		return r; /* nobody has been asked yet */
	r = store_query(u->f->store, &q, opinions_sql, "i", round);
	while (r >= 0 && (r = store_step(q)) > 0) {
		u->opinions = xgrow_only(u->opinions, u->opinion_count, sizeof *u->opinions);
		u->opinions[u->opinion_count++] = opinion_of(u, q);
	}
	return r;
}

static int load_opinions(struct unit_days *u)
{
	int r = 0;

	for (int64_t round = survey_round_of_day(u->first); r >= 0 && round <= survey_round_of_day(u->last); round++)
		r = load_round(u, round);
	return r;
}

static char *population_source(int64_t day, const char *document)
{
	struct buf b = { 0 };
	char text[CLOCK_TEXT_SIZE];

	buf_str(&b, "{\"what\":\"population\",\"as_of\":\"");
	buf_str(&b, clock_format_day(day, text));
	buf_str(&b, "\",\"document\":");
	buf_json(&b, document, -1);
	buf_char(&b, '}');
	return buf_take(&b);
}

/* Same date: the last import. */
static int load_people(struct unit_days *u)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(u->f->store, &q,
			    "SELECT reference_date, resident, under3, source FROM population WHERE division = ?"
			    " AND reference_date <= ? ORDER BY reference_date, n",
			    "ti", u->unit, u->last);

	u->unknown = (struct population){ STORE_NULL, NULL };
	while (r >= 0 && (r = store_step(q)) > 0) {
		int64_t from = store_int(q, 0), resident = store_int(q, 1), under3 = store_int(q, 2);

		u->people = xgrow_only(u->people, u->people_count, sizeof *u->people);
		u->people[u->people_count++] = (struct counted_people){
			.from = from,
			.resident = { resident, resident == STORE_NULL ? NULL : population_source(from, store_text(q, 3)) },
			.under3 = { under3, under3 == STORE_NULL ? NULL : population_source(from, store_text(q, 3)) },
		};
	}
	return r;
}

static int load(struct unit_days *u)
{
	int r = load_members(u);

	for (size_t i = 0; r >= 0 && i < u->member_count; i++)
		r = load_standings_of(u, &u->members[i]);
	unit_days_set_begin(u);
	if (r >= 0)
		r = store_get_int(u->f->store, &u->first_report, "SELECT ifnull(min(day), 0) FROM enrolment", "");
	if (r >= 0)
		r = load_latest(u, u->first);
	if (r >= 0)
		r = fill_members(u);
	if (r >= 0)
		r = load_events(u);
	if (r >= 0)
		r = load_opinions(u);
	return r < 0 ? r : load_people(u);
}

int unit_days_open(struct fold *f, const char *unit, int64_t first, int64_t last, struct unit_days **ret)
{
	_cleanup_(unit_days_freep) struct unit_days *u = xcalloc(1, sizeof *u);
	int r;

	u->f = f;
	u->first = first;
	u->last = last;
	snprintf(u->unit, sizeof u->unit, "%s", unit);
	r = load(u);
	if (r < 0)
		return r;
	*ret = u;
	u = NULL; /* ownership moved to the caller */
	return 0;
}
