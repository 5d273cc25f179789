/* SPDX-License-Identifier: MIT */
#include "recompute.h"

#include "../collectors/registration.h"
#include "clock.h"
#include "indicators.h"

#include <errno.h>
#include <stdio.h>

/* Everything an indicator's SQL needs to know of a site on a day (DOMAIN §2), computed once for all of them:
 *
 *   operating  registered and operating             filed  filed, change_pending or licensed
 *   own_places not a kindergarten class or family point: those count their children under 36 months
 *   usable     its latest live enrolment is at most 31 days old; stale: older than 7
 *   under36, attending (full day + half day), counted (places): of the last open report; NULL without a usable one
 *   expected, reported  whether a report of this very day is expected, and is there
 */
static const char tables[] =
	"CREATE TEMP TABLE recent_day(back INTEGER PRIMARY KEY, day INTEGER NOT NULL);"
	"CREATE TEMP TABLE counted_site(site INTEGER PRIMARY KEY, operating INTEGER, filed INTEGER, own_places INTEGER,"
	" registered_places INTEGER, expected INTEGER, reported INTEGER, latest INTEGER, open INTEGER, source INTEGER,"
	" usable INTEGER, stale INTEGER, under36 INTEGER, attending INTEGER, counted INTEGER);";

static const char fill_sites[] =
	"INSERT INTO temp.counted_site(site, operating, filed, own_places, registered_places, expected, latest)"
	" SELECT s.id, r.registration = ?3 AND r.operation = ?4, r.filing IN (?5, ?6, ?7), r.facility NOT IN (?8, ?9),"
	"  r.places_infant + r.places_toddler + r.places_older + r.places_mixed,"
	"  ?10 AND r.registration = ?3 AND r.operation = ?4 AND s.expected_from <= ?2,"
	"  (SELECT x.day FROM temp.recent_day d CROSS JOIN enrolment x ON x.day = d.day AND x.site = s.id AND x.counts = 1"
	"   ORDER BY d.back LIMIT 1)"
	" FROM site s JOIN registration r ON r.site = s.id AND r.counts = 1 AND r.effective_on ="
	"  (SELECT max(effective_on) FROM registration WHERE site = s.id AND counts = 1 AND effective_on <= ?2)"
	" WHERE s.unit = ?1";

/* A closed day carries the figures of the last open report; without an earlier open one, its own. */
#define CARRY_DAYS_MAX "1200"
static const char find_source[] =
	"UPDATE temp.counted_site SET usable = 1, reported = latest = ?1, stale = latest < ?1 - ?2,"
	" open = (SELECT e.open FROM enrolment e WHERE e.day = latest AND e.site = counted_site.site AND e.counts = 1)"
	" WHERE latest IS NOT NULL";
static const char carry_open[] =
	"UPDATE temp.counted_site SET source = iif(open, latest, ifnull((WITH RECURSIVE back(day) AS"
	" (SELECT latest - 1 UNION ALL SELECT day - 1 FROM back WHERE day > max(?1, latest - " CARRY_DAYS_MAX "))"
	" SELECT x.day FROM back CROSS JOIN enrolment x ON x.day = back.day AND x.site = counted_site.site AND x.counts = 1"
	" AND x.open = 1 LIMIT 1), latest)) WHERE usable";
static const char fill_figures[] =
	"UPDATE temp.counted_site SET under36 = e.under12 + e.m12_23 + e.m24_35, attending = e.fullday + e.halfday,"
	" counted = iif(own_places, min(ifnull(e.places, registered_places), registered_places),"
	"  e.under12 + e.m12_23 + e.m24_35)"
	" FROM enrolment e WHERE e.day = source AND e.site = counted_site.site AND e.counts = 1";

int recompute_open(struct store *s, struct fold *f, struct recompute *ret)
{
	int r;

	*ret = (struct recompute){ .store = s, .fold = f };
	r = store_exec(s, tables);
	if (r >= 0)
		r = store_get_int(s, &ret->computed_n, "SELECT value FROM progress WHERE name = 'indicators_n'", "");
	if (r >= 0)
		r = store_get_int(s, &ret->change, "SELECT ifnull(max(change), 0) FROM sample", "");
	return MIN(r, 0);
}

static int is_working_day(struct store *s, int64_t day, bool *ret)
{
	int64_t work = STORE_NULL;
	int weekday = clock_weekday(day);
	int r = store_get_int(s, &work, "SELECT day = 'work' FROM workday WHERE date = ?", "i", day);

	*ret = work == STORE_NULL ? weekday >= 1 && weekday <= 5 : work == 1;
	return MIN(r, 0);
}

/* Today's reports are expected once its `evening` row was folded. */
static int evening_passed(struct recompute *rc, int64_t day, bool *ret)
{
	int64_t pending = 0;
	int r = 0;

	if (day == rc->fold->dirty.today)
		r = store_get_int(rc->store, &pending, "SELECT 1 FROM due WHERE kind = 'evening' AND at >= ? AND at < ?", "ii",
				  clock_day_start_ms(day), clock_day_start_ms(day + 1));
	*ret = !pending;
	return MIN(r, 0);
}

/* Only days with reports: history before the first one costs nothing. */
static int fill_recent_days(struct store *s, int64_t day, int64_t usable_days)
{
	int r = store_run(s, "DELETE FROM temp.recent_day", "");

	for (int64_t back = 0; r >= 0 && back <= usable_days; back++)
		r = store_run(s,
			      "INSERT INTO temp.recent_day(back, day) SELECT ?1, ?2"
			      " WHERE EXISTS(SELECT 1 FROM enrolment WHERE day = ?2)",
			      "ii", back, day - back);
	return r;
}

static int prepare_day(struct recompute *rc, int64_t day, int64_t usable_days)
{
	bool working, evening;
	int r = is_working_day(rc->store, day, &working);

	if (r >= 0)
		r = evening_passed(rc, day, &evening);
	if (r >= 0)
		r = fill_recent_days(rc->store, day, usable_days);
	if (r >= 0)
		r = store_get_int(rc->store, &rc->first_day, "SELECT ifnull(min(day), 0) FROM enrolment", "");
	if (r < 0)
		return r;
	rc->expected = working && evening;
	rc->prepared = day;
	return 0;
}

static int fill_counted_sites(struct recompute *rc, const char *unit, int64_t day)
{
	const struct policy_usability *p = policy_usability(rc->fold->policy, day);
	int r = rc->prepared == day ? 0 : prepare_day(rc, day, p->usable_days);

	if (r >= 0)
		r = store_run(rc->store, "DELETE FROM temp.counted_site", "");
	if (r >= 0)
		r = store_run(rc->store, fill_sites, "tiiiiiiiii", unit, day, (int64_t)REGISTRATION_REGISTERED,
			      (int64_t)OPERATION_OPERATING, (int64_t)FILING_FILED, (int64_t)FILING_CHANGE_PENDING,
			      (int64_t)FILING_LICENSED, (int64_t)FACILITY_KINDERGARTEN_CLASS, (int64_t)FACILITY_FAMILY_POINT,
			      (int64_t)rc->expected);
	if (r >= 0)
		r = store_run(rc->store, find_source, "ii", day, p->fresh_days);
	/* Nobody looks for an open day before the first report of all. */
	if (r >= 0)
		r = store_run(rc->store, carry_open, "i", rc->first_day);
	return r < 0 ? r : store_run(rc->store, fill_figures, "");
}

/* How much of the unit stands behind its numbers. */
struct coverage {
	int64_t operating, usable, stale, expected, reported;
};

static int read_coverage(struct store *s, struct coverage *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT ifnull(sum(operating), 0), ifnull(sum(operating AND usable), 0),"
			    " ifnull(sum(operating AND usable AND stale), 0), ifnull(sum(expected), 0),"
			    " ifnull(sum(expected AND reported), 0) FROM temp.counted_site",
			    "");

	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	*ret = (struct coverage){ store_int(q, 0), store_int(q, 1), store_int(q, 2), store_int(q, 3), store_int(q, 4) };
	return 0;
}

static int population_source(struct store *s, const char *unit, int64_t day, const char *column, struct buf *out)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char text[CLOCK_TEXT_SIZE];
	int r = store_query(s, &q,
			    "SELECT reference_date, source FROM population WHERE division = ?1 AND reference_date <= ?2"
			    " AND iif(?3 = 'under3', under3, resident) IS NOT NULL ORDER BY reference_date DESC, n DESC LIMIT 1",
			    "tit", unit, day, column);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	buf_str(out, "{\"what\":\"population\",\"as_of\":\"");
	buf_str(out, clock_format_day(store_int(q, 0), text));
	buf_str(out, "\",\"document\":");
	buf_json(out, store_text(q, 1), -1);
	buf_char(out, '}');
	return 0;
}

static int sources_of(struct store *s, const struct indicator *i, const char *unit, int64_t day, struct buf *out)
{
	int r = 0;

	buf_char(out, '[');
	if (i->population)
		r = population_source(s, unit, day, i->population, out);
	buf_char(out, ']');
	return r;
}

static int query_measure(const struct indicator *i, const struct measuring *m, struct measured *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(m->store, &q, i->sql, i->population ? "ti" : "", m->unit, m->day);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	*ret = (struct measured){ .numerator = store_int(q, 0), .denominator = store_int(q, 1), .status = "ok" };
	if (ret->numerator == STORE_NULL ||
	    (!i->count && (ret->denominator == STORE_NULL || ret->denominator == 0))) {
		ret->status = "no_data";
		snprintf(ret->reason, sizeof ret->reason, "%s", store_text(q, 2));
	}
	return 0;
}

static int measure(struct recompute *rc, const struct indicator *i, const char *unit, int64_t day, struct measured *ret)
{
	const struct measuring m = { rc->store, rc->fold->policy, unit, day, i->cell };

	return i->measure ? i->measure(&m, ret) : query_measure(i, &m, ret);
}

/* Only a value that differs gets a new change number: an outlet is sent nothing twice. */
static int write_sample(struct recompute *rc, const struct indicator *i, const char *unit, int64_t day,
			const struct measured *v, const struct coverage *c)
{
	_cleanup_(buf_done) struct buf sources = { 0 };
	int r = sources_of(rc->store, i, unit, day, &sources);

	if (r < 0)
		return r;
	r = store_run(rc->store,
		      "INSERT INTO sample(unit, indicator, period, as_of, numerator, denominator, status, reason, completeness_n,"
		      " completeness_d, stale, missing, revision, final, sources, change, detail)"
		      " VALUES(?1, ?2, 'day', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, 0, ?12, ?13, ?14) ON CONFLICT DO UPDATE SET"
		      " numerator = excluded.numerator, denominator = excluded.denominator, status = excluded.status,"
		      " reason = excluded.reason, completeness_n = excluded.completeness_n,"
		      " completeness_d = excluded.completeness_d, stale = excluded.stale, missing = excluded.missing,"
		      " sources = excluded.sources, change = excluded.change, detail = excluded.detail"
		      " WHERE (numerator, denominator, status, reason, completeness_n, completeness_d, stale, missing, sources, detail)"
		      " IS NOT (excluded.numerator, excluded.denominator, excluded.status, excluded.reason,"
		      " excluded.completeness_n, excluded.completeness_d, excluded.stale, excluded.missing, excluded.sources,"
		      " excluded.detail)",
		      "ttiiittiiiitit", unit, i->id, day, v->numerator, i->count ? STORE_NULL : v->denominator,
		      v->status, v->reason[0] ? v->reason : NULL, i->flow ? c->reported : c->usable,
		      i->flow ? c->expected : c->operating, c->stale, c->operating - c->usable, sources.p, rc->change + 1,
		      v->detail[0] ? v->detail : NULL);
	if (r >= 0 && store_changes(rc->store) > 0)
		rc->change++;
	return r;
}

static int compute_day(struct recompute *rc, const char *unit, int64_t day)
{
	struct coverage c;
	int r = fill_counted_sites(rc, unit, day);

	if (r >= 0)
		r = read_coverage(rc->store, &c);
	for (size_t i = 0; r >= 0 && i < indicator_count; i++) {
		struct measured v;

		r = measure(rc, &indicators[i], unit, day, &v);
		if (r >= 0)
			r = write_sample(rc, &indicators[i], unit, day, &v, &c);
	}
	rc->days++;
	return r;
}

static int note_progress(struct recompute *rc, int64_t head_n)
{
	int r;

	if (rc->computed_n == head_n)
		return 0;
	r = store_run(rc->store,
		      "INSERT INTO progress(name, value) VALUES('indicators_n', ?)"
		      " ON CONFLICT DO UPDATE SET value = excluded.value",
		      "i", head_n);
	return r;
}

static int work(struct recompute *rc, int64_t head_n, int64_t until)
{
	char unit[UNIT_SIZE];
	int64_t day;
	int r;

	while ((r = dirty_take(rc->store, &day, unit)) > 0) {
		r = compute_day(rc, unit, day);
		if (r < 0)
			return r;
		if (clock_monotonic_ms() >= until)
			return 1;
	}
	return r < 0 ? r : note_progress(rc, head_n);
}

int recompute_step(struct recompute *rc, int64_t head_n, int64_t budget_ms)
{
	int64_t change = rc->change, marked = 0;
	int more, r = store_get_int(rc->store, &marked, "SELECT 1 FROM dirty UNION ALL SELECT 1 FROM dirty_range LIMIT 1", "");

	if (r < 0 || (!marked && rc->computed_n == head_n))
		return MIN(r, 0);
	r = store_begin(rc->store);
	if (r < 0)
		return r;
	rc->prepared = 0;
	more = work(rc, head_n, clock_monotonic_ms() + budget_ms);
	if (more < 0)
		store_rollback(rc->store);
	r = more < 0 ? more : store_commit(rc->store);
	/* The rows are out of the table (or back in it): the set in memory no longer knows. */
	dirty_forget(&rc->fold->dirty);
	if (r < 0) {
		rc->change = change;
		return r;
	}
	if (!more)
		rc->computed_n = head_n;
	return more;
}
