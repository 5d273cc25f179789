/* SPDX-License-Identifier: MIT */
#include "unit_days.h"

#include "../collectors/enrolment.h"
#include "../collectors/registration.h"
#include "../collectors/survey.h"
#include "clock.h"
#include "groups.h"

#include <errno.h>
#include <stdio.h>

#define CARRY_DAYS_MAX 1200 /* a closed day looks for the last open report so far back */

/* What a report tells later days. */
struct stock {
	int64_t day; /* 0: there is no report */
	bool open;
	int64_t places, under36, attending; /* places: STORE_NULL when unknown */
};

/* A registration, or a row of the official register: NULL columns are no statement. */
struct standing {
	int64_t from;
	int64_t facility, registration, operation, filing, places, inclusive, disclosed, insured_until;
};
struct statement {
	int64_t from, filing, registration, inclusive;
	char unit[UNIT_SIZE]; /* "" no statement */
};

struct span {
	size_t at, count;
};

struct member {
	int64_t id, expected_from;
	char unit[UNIT_SIZE]; /* of its earliest registration */
	struct span standings, statements;
	struct stock latest, carried; /* carried: the last open report; known once looked for */
	bool carried_known;
	/* of the day at hand */
	bool belongs, exists, reported; /* belongs to the unit, whether it exists already or not */
	struct standing now;
	struct stock today; /* its report of this very day */
	int64_t earliest;   /* receipt of the key's first message; INT64_MAX: none */
	int64_t attended;
};

struct happened {
	size_t member;
	int64_t day, severity;
	bool late, unclear, liable;
};

/* What a site's respondents said in a round (table survey_site), by question: policy, service. */
struct opinion {
	size_t member;
	int64_t round, respondent, ballots, left_out;
	int64_t ballot_good[2], ballot_all[2], tally_good[2], tally_all[2];
};

struct counted_people {
	int64_t from;
	struct population resident, under3;
};

struct unit_days {
	struct fold *f;
	char unit[UNIT_SIZE];
	int64_t first, last, first_report;
	int64_t begin; /* the first day on which a site of the unit exists */
	struct member *members; /* in rising id */
	size_t member_count;
	struct standing *standings;
	size_t standing_count;
	struct statement *statements;
	size_t statement_count;
	struct happened *events;
	size_t event_count;
	struct opinion *opinions;
	size_t opinion_count;
	struct counted_people *people;
	size_t people_count;
	struct population unknown;
};

/* Room for one more of a growing array; doubles. */
static void *grown(void *items, size_t count, size_t size)
{
	return (count & (count - 1)) == 0 ? xrealloc(items, MAX(count * 2, (size_t)1) * size) : items;
}

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

/* ---- loading ---- */

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

		u->statements = grown(u->statements, u->statement_count, sizeof *u->statements);
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

		u->members = grown(u->members, u->member_count, sizeof *u->members);
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
		u->standings = grown(u->standings, u->standing_count, sizeof *u->standings);
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
static int report_of(struct unit_days *u, int64_t site, int64_t day, struct stock *ret)
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
			r = report_of(u, m->id, d, &m->latest);
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

static struct member *member_of(struct unit_days *u, int64_t id)
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
		const struct member *m = member_of(u, store_int(q, 0));
		int64_t known_at = store_int(q, 3);
		int64_t clock_ms = policy_clocks(u->f->policy, clock_local_day(known_at))->nursery_to_county_ms;
		bool late = store_int(q, 4) - known_at > clock_ms;

		u->events = grown(u->events, u->event_count, sizeof *u->events);
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
	return (struct opinion){ .member = (size_t)(member_of(u, store_int(q, 0)) - u->members),
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
		u->opinions = grown(u->opinions, u->opinion_count, sizeof *u->opinions);
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

		u->people = grown(u->people, u->people_count, sizeof *u->people);
		u->people[u->people_count++] = (struct counted_people){
			.from = from,
			.resident = { resident, resident == STORE_NULL ? NULL : population_source(from, store_text(q, 3)) },
			.under3 = { under3, under3 == STORE_NULL ? NULL : population_source(from, store_text(q, 3)) },
		};
	}
	return r;
}

static void set_begin(struct unit_days *u);

static int load(struct unit_days *u)
{
	int r = load_members(u);

	for (size_t i = 0; r >= 0 && i < u->member_count; i++)
		r = load_standings_of(u, &u->members[i]);
	set_begin(u);
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

/* ---- a site on a day ---- */

static const struct standing *standing_on(const struct unit_days *u, const struct member *m, int64_t day)
{
	for (size_t i = m->standings.count; i > 0; i--)
		if (u->standings[m->standings.at + i - 1].from <= day)
			return &u->standings[m->standings.at + i - 1];
	return NULL;
}

/* Later statements are walked last: each fills its own columns. Returns whether the site belongs to the unit. */
static bool overlay(const struct unit_days *u, const struct member *m, int64_t day, struct standing *now)
{
	const char *unit = m->unit;

	for (size_t i = 0; i < m->statements.count; i++) {
		const struct statement *s = &u->statements[m->statements.at + i];

		if (s->from > day)
			break;
		now->filing = s->filing == STORE_NULL ? now->filing : s->filing;
		now->registration = s->registration == STORE_NULL ? now->registration : s->registration;
		now->inclusive = s->inclusive == STORE_NULL ? now->inclusive : s->inclusive;
		unit = s->unit[0] ? s->unit : unit;
	}
	return strcmp(unit, u->unit) == 0;
}

static int64_t begin_of(const struct unit_days *u, const struct member *m)
{
	int64_t registered, best = INT64_MAX;
	struct standing scratch = { 0 };

	if (m->standings.count == 0)
		return INT64_MAX;
	registered = u->standings[m->standings.at].from;
	if (overlay(u, m, registered, &scratch))
		return registered;
	for (size_t i = 0; i < m->statements.count; i++) {
		int64_t from = u->statements[m->statements.at + i].from;

		if (from > registered && overlay(u, m, from, &scratch))
			best = MIN(best, from);
	}
	return best;
}

/* Answers are data on the days on which they are shown (add_opinions). */
bool unit_days_has_data(const struct unit_days *u, int64_t day)
{
	int64_t round = survey_round_of_day(day);
	struct standing scratch = { 0 };

	if (day >= u->begin)
		return true;
	for (size_t i = 0; i < u->opinion_count; i++)
		if (u->opinions[i].round == round && overlay(u, &u->members[u->opinions[i].member], day, &scratch))
			return true;
	return false;
}

static void set_begin(struct unit_days *u)
{
	u->begin = INT64_MAX;
	for (size_t i = 0; i < u->member_count; i++) {
		int64_t from = begin_of(u, &u->members[i]);

		u->begin = MIN(u->begin, from);
	}
}

static void set_members(struct unit_days *u, int64_t day)
{
	for (size_t i = 0; i < u->member_count; i++) {
		struct member *m = &u->members[i];
		const struct standing *s = standing_on(u, m, day);

		m->reported = false;
		m->earliest = INT64_MAX;
		m->attended = STORE_NULL;
		m->now = s ? *s : (struct standing){ 0 };
		m->belongs = overlay(u, m, day, &m->now);
		m->exists = s && m->belongs;
	}
}

/* ---- a day's reports ---- */

static void count_groups(const struct unit_days *u, const struct member *m, int64_t day, const char *text,
			 struct unit_sums *sums)
{
	struct groups_said said;

	groups_judge(policy_groups(u->f->policy, day), m->now.facility == FACILITY_FAMILY_POINT, text, &said);
	sums->groups += said.groups;
	sums->groups_ok += said.ok;
}

enum { SITE, COUNTS, RECEIVED_AT, OPEN, PLACES, UNDER36, ATTENDING, ATTENDED, CLASSES };
static const char reports_sql[] =
	"SELECT e.site, e.counts, e.received_at, e.open, e.places, e.under12 + e.m12_23 + e.m24_35, e.fullday + e.halfday,"
	" e.attended, e.classes FROM temp.unit_member m CROSS JOIN enrolment e ON e.day = ?1 AND e.site = m.site";

static void read_report(struct unit_days *u, store_stmt *q, int64_t day, struct unit_sums *sums)
{
	struct member *m = member_of(u, store_int(q, SITE));

	m->earliest = MIN(m->earliest, store_int(q, RECEIVED_AT));
	if (!store_int(q, COUNTS))
		return;
	m->reported = true;
	m->today = (struct stock){ day, store_int(q, OPEN) == 1, store_int(q, PLACES), store_int(q, UNDER36),
				   store_int(q, ATTENDING) };
	if (!m->exists)
		return;
	if (store_int(q, ATTENDED) != STORE_NULL)
		sums->child_days += store_int(q, ATTENDED);
	if (m->today.open)
		count_groups(u, m, day, store_text(q, CLASSES), sums);
}

static int find_carried(struct unit_days *u, struct member *m, int64_t day)
{
	int r = 0;

	for (int64_t d = day - 1; d >= MAX(u->first_report, day - CARRY_DAYS_MAX) && r >= 0; d--) {
		struct stock s;

		r = report_of(u, m->id, d, &s);
		if (r > 0 && s.open) {
			m->carried = s;
			break;
		}
	}
	m->carried_known = true;
	return MIN(r, 0);
}

/* An open report is carried from now on; a closed one asks for what to carry. */
static int carry(struct unit_days *u, struct member *m)
{
	if (m->reported) {
		m->latest = m->today;
		if (m->today.open) {
			m->carried = m->today;
			m->carried_known = true;
		}
	}
	return m->latest.day && !m->carried_known ? find_carried(u, m, m->latest.day) : 0;
}

static int read_reports(struct unit_days *u, int64_t day, struct unit_sums *sums)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(u->f->store, &q, reports_sql, "i", day);

	while (r >= 0 && (r = store_step(q)) > 0)
		read_report(u, q, day, sums);
	for (size_t i = 0; r >= 0 && i < u->member_count; i++)
		r = carry(u, &u->members[i]);
	return r;
}

/* ---- sums ---- */

static bool is_filed(int64_t filing)
{
	return filing == FILING_FILED || filing == FILING_CHANGE_PENDING || filing == FILING_LICENSED;
}

static void add_places(const struct member *m, const struct stock *s, struct unit_sums *sums)
{
	bool own = m->now.facility != FACILITY_KINDERGARTEN_CLASS && m->now.facility != FACILITY_FAMILY_POINT;
	int64_t places = s->under36;

	if (own)
		places = s->places == STORE_NULL ? m->now.places : MIN(s->places, m->now.places);
	sums->places += places;
	if (m->now.inclusive == TRI_YES)
		sums->inclusive_places += places;
	if (own) {
		sums->own_places += places;
		sums->own_children += s->under36;
	}
}

static void add_stock(const struct unit_days *u, const struct member *m, int64_t day, struct unit_sums *sums)
{
	const struct policy_usability *p = policy_usability(u->f->policy, day);
	const struct stock *s = m->latest.open || !m->carried.day ? &m->latest : &m->carried;

	if (!m->latest.day || day - m->latest.day > p->usable_days)
		return;
	sums->usable++;
	sums->stale += day - m->latest.day > p->fresh_days;
	sums->attending += MIN(s->attending, s->under36);
	sums->under36 += s->under36;
	if (is_filed(m->now.filing))
		add_places(m, s, sums);
}

static void add_expected(const struct unit_days *u, const struct member *m, int64_t day, struct unit_sums *sums)
{
	int64_t in_time = clock_day_start_ms(day) + policy_reporting(u->f->policy, day)->timely_by_ms;

	sums->expected++;
	if (!m->reported)
		return;
	sums->reported++;
	sums->timely += m->earliest <= in_time;
}

static void add_operating(const struct unit_days *u, const struct member *m, int64_t day, bool expected,
			  struct unit_sums *sums)
{
	sums->operating++;
	sums->filed += is_filed(m->now.filing);
	sums->disclosed += m->now.disclosed == TRI_YES;
	sums->insured += m->now.insured_until != STORE_NULL && m->now.insured_until >= day;
	if (expected && m->expected_from <= day)
		add_expected(u, m, day, sums);
	add_stock(u, m, day, sums);
}

static void add_events(const struct unit_days *u, int64_t day, struct unit_sums *sums)
{
	for (size_t i = 0; i < u->event_count; i++) {
		const struct happened *e = &u->events[i];

		if (e->day != day || !u->members[e->member].exists)
			continue;
		sums->harmed += e->severity <= 3;
		sums->severe += e->severity == 1;
		sums->liable += e->liable;
		sums->events += !e->unclear;
		sums->late += e->late && !e->unclear;
	}
}

/* A site with ballots is told by them alone (DOMAIN §5). */
static void add_opinion(const struct opinion *o, int question, struct answers *a)
{
	bool ballots = o->ballots > 0;
	int64_t all = ballots ? o->ballot_all[question] : o->tally_all[question];

	a->good += ballots ? o->ballot_good[question] : o->tally_good[question];
	a->all += all;
	a->sites += all > 0;
	a->ballots_good += ballots ? o->ballot_good[question] : 0;
	a->ballots_all += ballots ? all : 0;
	a->ballots_sites += ballots && all > 0;
	a->left_out += o->left_out;
}

static void add_opinions(const struct unit_days *u, int64_t day, struct unit_sums *sums)
{
	int64_t round = survey_round_of_day(day);

	for (size_t i = 0; i < u->opinion_count; i++) {
		const struct opinion *o = &u->opinions[i];
		bool family = o->respondent == RESPONDENT_FAMILY;

		if (o->round != round || !u->members[o->member].belongs)
			continue;
		add_opinion(o, 0, &sums->answers[family ? ANSWERS_FAMILY_POLICY : ANSWERS_INSTITUTION_POLICY]);
		add_opinion(o, 1, &sums->answers[family ? ANSWERS_FAMILY_SERVICE : ANSWERS_INSTITUTION_SERVICE]);
	}
}

int unit_days_next(struct unit_days *u, int64_t day, bool expected, struct unit_sums *ret)
{
	int r;

	*ret = (struct unit_sums){ 0 };
	set_members(u, day);
	r = read_reports(u, day, ret);
	if (r < 0)
		return r;
	for (size_t i = 0; i < u->member_count; i++) {
		const struct member *m = &u->members[i];

		if (m->exists && m->now.registration == REGISTRATION_REGISTERED && m->now.operation == OPERATION_OPERATING)
			add_operating(u, m, day, expected, ret);
	}
	add_events(u, day, ret);
	add_opinions(u, day, ret);
	return 0;
}

/* ---- population ---- */

const struct population *unit_days_resident(struct unit_days *u, int64_t day)
{
	for (size_t i = u->people_count; i > 0; i--)
		if (u->people[i - 1].from <= day && u->people[i - 1].resident.count != STORE_NULL)
			return &u->people[i - 1].resident;
	return &u->unknown;
}

const struct population *unit_days_under3(struct unit_days *u, int64_t day)
{
	for (size_t i = u->people_count; i > 0; i--)
		if (u->people[i - 1].from <= day && u->people[i - 1].under3.count != STORE_NULL)
			return &u->people[i - 1].under3;
	return &u->unknown;
}
