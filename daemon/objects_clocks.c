/* SPDX-License-Identifier: MIT
 *
 * The clocks of an incident (DOMAIN §3): what is due by when, and whether it was met. What levels above did is known from
 * officers' acts alone; without one such a clock runs, then is overdue.
 */
#include "casework.h"
#include "objects.h"
#include "objects_row.h"
#include "policy_row.h"
#include "severity.h"

#include "../collectors/incident.h"

struct event_times {
	int64_t site, known_at, occurred_at, first_received_at, grade, type;
	const char *event;
};

/* met_at: STORE_NULL while it is not known to be met. */
static void push(json *list, const char *id, int64_t from, int64_t due, int64_t met_at, bool unclear, int64_t now)
{
	char text[CLOCK_TEXT_SIZE];
	bool met = met_at != STORE_NULL && met_at <= due, late = met_at != STORE_NULL ? met_at > due : now > due;
	json *o = json_new_object();

	json_set(o, "id", json_new_text(id));
	json_set(o, "from", json_new_text(clock_format_time(from, text)));
	json_set(o, "due_at", json_new_text(clock_format_time(due, text)));
	json_set(o, "met_at", met_at == STORE_NULL ? json_new_null() : json_new_text(clock_format_time(met_at, text)));
	json_set(o, "state", json_new_text(met ? "met" : !late ? "running" : unclear ? "unclear" : "overdue"));
	json_push(list, o);
}

/* 1 found; the type is the counting message's, else the last one's. */
static int read_times(struct store *s, struct event_times *e)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT i.known_at, i.occurred_at, i.first_received_at, ifnull(i.grade, 0),"
			    " (SELECT type FROM incident_message WHERE site = ?1 AND event = ?2"
			    " ORDER BY counts DESC, epoch DESC, seq DESC, n LIMIT 1)"
			    " FROM incident i WHERE i.site = ?1 AND i.event = ?2",
			    "it", e->site, e->event);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	e->known_at = store_int(q, 0);
	e->occurred_at = store_int(q, 1);
	e->first_received_at = store_int(q, 2);
	e->grade = store_int(q, 3);
	e->type = store_int(q, 4);
	return 1;
}

static int set_county(struct store *s, const struct event_times *e, const struct policy_clocks *p, int64_t now, json *list)
{
	int64_t ours = 0;
	int r = store_get_int(s, &ours, "SELECT 1 FROM interruption WHERE at >= ? AND at <= ? LIMIT 1", "ii", e->known_at,
			      e->first_received_at);

	push(list, "nursery_to_county", e->known_at, e->known_at + p->nursery_to_county_ms, e->first_received_at, ours, now);
	return MIN(r, 0);
}

/* The last that officers said of the level: when it was told, or STORE_NULL. */
static int read_told(struct store *s, const struct event_times *e, const char *level, int64_t *ret_at)
{
	*ret_at = STORE_NULL;
	return MIN(store_get_int(s, ret_at,
				 "SELECT iif(what = 'reported_up', done_at, NULL) FROM finding WHERE site = ? AND event = ? AND value = ?"
				 " AND what IN ('reported_up', 'not_reported_up') ORDER BY n DESC LIMIT 1",
				 "itt", e->site, e->event, level),
		   0);
}

/* 一般 → city, 较大 → province, 重大 and above → State Council. Each level's clock starts when it was told; while nobody
 * says when that was, when it was due at the latest. */
static int set_levels(struct store *s, const struct event_times *e, const struct policy_clocks *p, int64_t now, json *list)
{
	static const struct {
		const char *id, *level;
		enum grade from;
	} levels[] = {
		{ "county_to_city", LEVEL_CITY, GRADE_ORDINARY },
		{ "city_to_province", LEVEL_PROVINCE, GRADE_LARGER },
		{ "province_to_state_council", LEVEL_NATION, GRADE_MAJOR },
	};
	int64_t from = e->first_received_at, told_at;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(levels) && e->grade >= (int64_t)levels[i].from; i++) {
		r = read_told(s, e, levels[i].level, &told_at);
		push(list, levels[i].id, from, from + p->level_up_ms, told_at, false, now);
		from = told_at != STORE_NULL ? told_at : from + p->level_up_ms;
	}
	return r;
}

/* Casualty changes may be supplemented until then; a live final report ends the window. */
static int set_supplement(struct store *s, const struct event_times *e, const struct policy_clocks *p, int64_t now, json *list)
{
	bool short_one = e->type == INCIDENT_FIRE || e->type == INCIDENT_TRAFFIC;
	int64_t final = STORE_NULL;
	int r = store_get_int(s, &final,
			      "SELECT min(received_at) FROM incident_message WHERE site = ? AND event = ? AND stage = ? AND void = 0", "iti",
			      e->site, e->event, (int64_t)STAGE_FINAL);

	push(list, "supplement", e->occurred_at,
	     e->occurred_at + (short_one ? p->supplement_fire_traffic_ms : p->supplement_ms), final, false, now);
	return MIN(r, 0);
}

/* From the first message that was not whole to the first later one that is. */
static int set_unconfirmed(struct store *s, const struct event_times *e, int64_t window_ms, int64_t now, json *list)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT p.received_at, (SELECT min(m.received_at) FROM incident_message m WHERE m.site = ?1 AND m.event = ?2"
			    " AND (m.epoch, m.seq) > (p.epoch, p.seq) AND m.dead IS NOT NULL AND m.critical IS NOT NULL"
			    " AND m.missing IS NOT NULL) FROM incident_message p WHERE p.site = ?1 AND p.event = ?2 AND p.confirmed = 0"
			    " ORDER BY p.epoch, p.seq, p.n LIMIT 1",
			    "it", e->site, e->event);

	if (r >= 0 && (r = store_step(q)) > 0)
		push(list, "unconfirmed", store_int(q, 0), store_int(q, 0) + window_ms, store_int(q, 1), false, now);
	return MIN(r, 0);
}

/* A missing child: from the first message that says so to a later one that says 0, by the time they were sent. */
static int set_missing(struct store *s, const struct event_times *e, int64_t window_ms, int64_t now, json *list)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT ifnull(p.sent_at, p.received_at), (SELECT min(ifnull(m.sent_at, m.received_at)) FROM incident_message m"
			    " WHERE m.site = ?1 AND m.event = ?2 AND (m.epoch, m.seq) > (p.epoch, p.seq) AND m.missing = 0)"
			    " FROM incident_message p WHERE p.site = ?1 AND p.event = ?2 AND p.missing > 0"
			    " ORDER BY p.epoch, p.seq, p.n LIMIT 1",
			    "it", e->site, e->event);

	if (r >= 0 && (r = store_step(q)) > 0)
		push(list, "missing_child", store_int(q, 0), store_int(q, 0) + window_ms, store_int(q, 1), false, now);
	return MIN(r, 0);
}

int object_incident_clocks(struct store *s, int64_t site, const char *event, int64_t now, json *object)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct event_times e = { .site = site, .event = event };
	json *list = json_new_list();
	const struct policy_severity *severity;
	const struct policy_clocks *clocks;
	int r = policy_row_newest(s, &p);

	json_set(object, "clocks", list);
	if (r <= 0 || (r = read_times(s, &e)) <= 0)
		return MIN(r, 0);
	clocks = policy_clocks(p, clock_local_day(e.known_at));
	severity = policy_severity(p, clock_local_day(e.known_at));
	r = set_county(s, &e, clocks, now, list);
	if (r >= 0)
		r = set_levels(s, &e, clocks, now, list);
	if (r >= 0)
		r = set_supplement(s, &e, clocks, now, list);
	if (r >= 0)
		r = set_unconfirmed(s, &e, severity->unconfirmed_window_minutes * MINUTE_MS, now, list);
	return r < 0 ? r : set_missing(s, &e, severity->missing_window_minutes * MINUTE_MS, now, list);
}
