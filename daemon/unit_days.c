/* SPDX-License-Identifier: MIT
 *
 * One day after the other: where each site stands, its report or the one that is carried on, and what they add up to.
 */
#include "unit_days_parts.h"

#include "../collectors/registration.h"
#include "../collectors/survey.h"
#include "clock.h"
#include "groups.h"

#define CARRY_DAYS_MAX 1200 /* a closed day looks for the last open report so far back */

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

void unit_days_set_begin(struct unit_days *u)
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
	struct member *m = unit_days_member(u, store_int(q, SITE));

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

		r = unit_days_report(u, m->id, d, &s);
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

/* What the latest report says, or of a closed day what the last open one said. How far back that lies may be no matter of where the
 * run of days began. */
static const struct stock *stock_on(const struct member *m)
{
	bool carries = !m->latest.open && m->carried.day && m->latest.day - m->carried.day <= CARRY_DAYS_MAX;

	return carries ? &m->carried : &m->latest;
}

static void add_stock(const struct unit_days *u, const struct member *m, int64_t day, struct unit_sums *sums)
{
	const struct policy_usability *p = policy_usability(u->f->policy, day);
	const struct stock *s = stock_on(m);

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
