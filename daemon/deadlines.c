/* SPDX-License-Identifier: MIT */
#include "deadlines.h"

#include "casework.h"
#include "clock.h"
#include "severity.h"

#include "../collectors/incident.h"

const char *const deadline_words[] = { "running", "met", "overdue", "unclear" };

/* What levels above the county did is known from officers' acts alone (reported_up). */
enum kind { COUNTY, CITY, PROVINCE, NATION, SUPPLEMENT, UNCONFIRMED, MISSING };
static const struct deadline_kind kinds[] = {
	[COUNTY] = { "nursery_to_county", false, "机构 → 县级", "nursery → county" },
	[CITY] = { "county_to_city", false, "县级 → 市级", "county → city" },
	[PROVINCE] = { "city_to_province", false, "市级 → 省级", "city → province" },
	[NATION] = { "province_to_state_council", false, "省级 → 国务院", "province → State Council" },
	[SUPPLEMENT] = { "supplement", false, "伤亡变化可补报至", "casualty changes may be supplemented until" },
	[UNCONFIRMED] = { "unconfirmed", true, "未明伤亡视为属实", "unknown casualties count as confirmed" },
	[MISSING] = { "missing_child", true, "儿童失联视为重大", "a child still missing is S1" },
};

struct event {
	struct store *store;
	int64_t site, known_at, occurred_at, first_received_at, grade, type;
	const char *id;
	struct deadline *list;
	size_t count;
};

static void push(struct event *e, enum kind kind, int64_t from, int64_t length_ms, int64_t met_at, bool ours)
{
	e->list[e->count++] = (struct deadline){ &kinds[kind], from, from + length_ms, met_at, ours };
}

/* 1 found; the type is the counting message's, else the last one's. */
static int read_event(struct event *e)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(e->store, &q,
			    "SELECT i.known_at, i.occurred_at, i.first_received_at, ifnull(i.grade, 0),"
			    " (SELECT type FROM incident_message WHERE site = ?1 AND event = ?2"
			    " ORDER BY counts DESC, epoch DESC, seq DESC, n LIMIT 1)"
			    " FROM incident i WHERE i.site = ?1 AND i.event = ?2",
			    "it", e->site, e->id);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	e->known_at = store_int(q, 0);
	e->occurred_at = store_int(q, 1);
	e->first_received_at = store_int(q, 2);
	e->grade = store_int(q, 3);
	e->type = store_int(q, 4);
	return 1;
}

static int add_county(struct event *e, const struct policy_clocks *p)
{
	int64_t ours = 0;
	int r = store_get_int(e->store, &ours, "SELECT 1 FROM interruption WHERE at >= ? AND at <= ? LIMIT 1", "ii", e->known_at,
			      e->first_received_at);

	push(e, COUNTY, e->known_at, p->nursery_to_county_ms, e->first_received_at, ours);
	return MIN(r, 0);
}

/* The last that officers said of the level: when it was told, or STORE_NULL. */
static int read_told(struct event *e, const char *level, int64_t *ret_at)
{
	int r;

	*ret_at = STORE_NULL;
	r = store_get_int(e->store, ret_at,
			  "SELECT iif(what = 'reported_up', done_at, NULL) FROM finding WHERE site = ? AND event = ? AND value = ?"
			  " AND what IN ('reported_up', 'not_reported_up') ORDER BY n DESC LIMIT 1",
			  "itt", e->site, e->id, level);
	return MIN(r, 0);
}

/* 一般 → city, 较大 → province, 重大 and above → State Council. Each level's clock starts when it was told; while nobody
 * says when that was, when it was due at the latest. */
static int add_levels(struct event *e, const struct policy_clocks *p)
{
	static const struct {
		enum kind kind;
		const char *level;
		enum grade from;
	} levels[] = {
		{ CITY, LEVEL_CITY, GRADE_ORDINARY },
		{ PROVINCE, LEVEL_PROVINCE, GRADE_LARGER },
		{ NATION, LEVEL_NATION, GRADE_MAJOR },
	};
	int64_t from = e->first_received_at, told_at;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(levels) && e->grade >= (int64_t)levels[i].from; i++) {
		r = read_told(e, levels[i].level, &told_at);
		push(e, levels[i].kind, from, p->level_up_ms, told_at, false);
		from = told_at != STORE_NULL ? told_at : from + p->level_up_ms;
	}
	return r;
}

/* Casualty changes may be supplemented until then; a live final report ends the window. */
static int add_supplement(struct event *e, const struct policy_clocks *p)
{
	bool short_one = e->type == INCIDENT_FIRE || e->type == INCIDENT_TRAFFIC;
	int64_t final = STORE_NULL;
	int r = store_get_int(e->store, &final,
			      "SELECT min(received_at) FROM incident_message WHERE site = ? AND event = ? AND stage = ? AND void = 0", "iti",
			      e->site, e->id, (int64_t)STAGE_FINAL);

	push(e, SUPPLEMENT, e->occurred_at, short_one ? p->supplement_fire_traffic_ms : p->supplement_ms, final, false);
	return MIN(r, 0);
}

/* sql: from when, and when it ended. */
static int add_window(struct event *e, enum kind kind, int64_t minutes, const char *sql)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(e->store, &q, sql, "it", e->site, e->id);

	if (r >= 0 && (r = store_step(q)) > 0)
		push(e, kind, store_int(q, 0), minutes * MINUTE_MS, store_int(q, 1), false);
	return MIN(r, 0);
}

/* From the first message that was not whole to the first later one that is. */
static const char unconfirmed_sql[] =
	"SELECT p.received_at, (SELECT min(m.received_at) FROM incident_message m WHERE m.site = ?1 AND m.event = ?2"
	" AND (m.epoch, m.seq) > (p.epoch, p.seq) AND m.dead IS NOT NULL AND m.critical IS NOT NULL"
	" AND m.missing IS NOT NULL) FROM incident_message p WHERE p.site = ?1 AND p.event = ?2 AND p.confirmed = 0"
	" ORDER BY p.epoch, p.seq, p.n LIMIT 1";

/* A missing child: from the first message that says so to a later one that says 0, by the time they were sent. */
static const char missing_sql[] =
	"SELECT ifnull(p.sent_at, p.received_at), (SELECT min(ifnull(m.sent_at, m.received_at)) FROM incident_message m"
	" WHERE m.site = ?1 AND m.event = ?2 AND (m.epoch, m.seq) > (p.epoch, p.seq) AND m.missing = 0)"
	" FROM incident_message p WHERE p.site = ?1 AND p.event = ?2 AND p.missing > 0"
	" ORDER BY p.epoch, p.seq, p.n LIMIT 1";

int deadlines_of(struct store *s, const struct policy *p, int64_t site, const char *event, struct deadline ret[static DEADLINES_MAX],
		 size_t *ret_count)
{
	struct event e = { .store = s, .site = site, .id = event, .list = ret };
	const struct policy_severity *severity;
	const struct policy_clocks *clocks;
	int r = read_event(&e);

	*ret_count = 0;
	if (r <= 0)
		return r;
	clocks = policy_clocks(p, clock_local_day(e.known_at));
	severity = policy_severity(p, clock_local_day(e.known_at));
	r = add_county(&e, clocks);
	if (r >= 0)
		r = add_levels(&e, clocks);
	if (r >= 0)
		r = add_supplement(&e, clocks);
	if (r >= 0)
		r = add_window(&e, UNCONFIRMED, severity->unconfirmed_window_minutes, unconfirmed_sql);
	if (r >= 0)
		r = add_window(&e, MISSING, severity->missing_window_minutes, missing_sql);
	*ret_count = e.count;
	return r;
}

enum deadline_state deadline_state(const struct deadline *d, int64_t now)
{
	bool known = d->met_at != STORE_NULL;

	if (known && d->met_at <= d->due_at)
		return DEADLINE_MET;
	if (!known && now <= d->due_at)
		return DEADLINE_RUNNING;
	return d->ours ? DEADLINE_UNCLEAR : DEADLINE_OVERDUE;
}

const struct deadline *deadline_next(const struct deadline *list, size_t count, int64_t now)
{
	const struct deadline *next = NULL;

	for (size_t i = 0; i < count; i++) {
		bool waits = list[i].met_at == STORE_NULL && (!list[i].kind->window || now <= list[i].due_at);

		if (waits && (!next || list[i].due_at < next->due_at))
			next = &list[i];
	}
	return next;
}
