/* SPDX-License-Identifier: MIT
 *
 * What happened, as far as it is known. Whatever is not known may be left out: a first report must never wait for a
 * figure. Source: CONTRACT §1, `incident`.
 */
#include "incident.h"

#include "../daemon/clock.h"
#include "../daemon/facts.h"
#include "../daemon/rules.h"
#include "../daemon/severity.h"
#include "../daemon/standing.h"
#include "fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOSS_YUAN_MAX INT64_C(1000000000000)
#define KNOWN_AFTER_SENT_MS (5 * MINUTE_MS)

const char *const incident_stage_words[STAGE_COUNT + 1] = {
	[STAGE_FIRST] = "first",
	[STAGE_FOLLOW_UP] = "follow_up",
	[STAGE_FINAL] = "final",
};

const char *const incident_type_words[INCIDENT_COUNT + 1] = {
	[INCIDENT_FALL] = "fall",
	[INCIDENT_BURN] = "burn",
	[INCIDENT_CHOKING] = "choking",
	[INCIDENT_POISONING] = "poisoning",
	[INCIDENT_FOOD_POISONING] = "food_poisoning",
	[INCIDENT_INFECTIOUS_CLUSTER] = "infectious_cluster",
	[INCIDENT_DROWNING] = "drowning",
	[INCIDENT_TRAFFIC] = "traffic",
	[INCIDENT_FIRE] = "fire",
	[INCIDENT_COLLAPSE] = "collapse",
	[INCIDENT_MISSING_CHILD] = "missing_child",
	[INCIDENT_WRONG_PICKUP] = "wrong_pickup",
	[INCIDENT_ABUSE_SUSPECTED] = "abuse_suspected",
	[INCIDENT_SEXUAL_ABUSE_SUSPECTED] = "sexual_abuse_suspected",
	[INCIDENT_INTRUSION] = "intrusion",
	[INCIDENT_ANIMAL] = "animal",
	[INCIDENT_MEDICAL] = "medical",
	[INCIDENT_SLEEP_DEATH] = "sleep_death",
	[INCIDENT_OTHER] = "other",
};

const char *const measure_words[MEASURE_COUNT + 1] = {
	[MEASURE_EVACUATED] = "evacuated",	     [MEASURE_CALLED_110] = "called_110",
	[MEASURE_CALLED_119] = "called_119",	     [MEASURE_CALLED_120] = "called_120",
	[MEASURE_GUARDIANS_TOLD] = "guardians_told", [MEASURE_SERVICES_STOPPED] = "services_stopped",
	[MEASURE_SCENE_KEPT] = "scene_kept",	     [MEASURE_OTHER] = "other",
};

#define EVENT_MAX 64

static bool event_valid(const char *text)
{
	size_t len = 0;

	for (; text[len]; len++) {
		char c = text[len];

		if (len == EVENT_MAX)
			return false;
		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '.' &&
		    c != '_' && c != '-')
			return false;
	}
	return len > 0;
}

#define AT(member) .offset = offsetof(struct incident, member)
#define COUNT_OR_NULL(key, member) { .name = key, AT(member), .max = COUNT_MAX, .presence = NULLABLE }

static const struct field children_fields[] = {
	COUNT_OR_NULL("dead", dead),
	COUNT_OR_NULL("critical", critical),
	COUNT_OR_NULL("serious", serious),
	COUNT_OR_NULL("minor", minor),
	COUNT_OR_NULL("missing", missing),
	{ 0 },
};

static const struct field adults_fields[] = {
	COUNT_OR_NULL("dead", adults_dead),
	COUNT_OR_NULL("serious", adults_serious),
	{ 0 },
};

/* "Every count" may be absent, so the objects that hold only counts may be, too. */
static const struct field incident_fields[] = {
	{ .name = "event", .type = FIELD_TEXT, AT(event), .size = sizeof(((struct incident *)0)->event),
	  .check = event_valid, .form = "[A-Za-z0-9._-]{1,64}" },
	{ .name = "stage", .type = FIELD_WORD, AT(stage), .words = incident_stage_words },
	{ .name = "occurred_at", .type = FIELD_TIME, AT(occurred_at) },
	{ .name = "known_at", .type = FIELD_TIME, AT(known_at) },
	{ .name = "type", .type = FIELD_WORD, AT(type), .words = incident_type_words, .other_allowed = true,
	  .otherwise = INCIDENT_OTHER },
	{ .name = "children", .type = FIELD_OBJECT, .presence = NULLABLE, .fields = children_fields },
	{ .name = "adults", .type = FIELD_OBJECT, .presence = NULLABLE, .fields = adults_fields },
	COUNT_OR_NULL("sick", sick),
	{ .name = "loss_yuan", .presence = NULLABLE, AT(loss_yuan), .max = LOSS_YUAN_MAX },
	{ .name = "measures", .type = FIELD_WORDS, .presence = NULLABLE, AT(measures),
	  .known = offsetof(struct incident, measures_known), .words = measure_words },
	{ .name = "police_at", .type = FIELD_TIME, .presence = NULLABLE, AT(police_at) },
	{ .name = "services_stopped", .type = FIELD_TRILEAN, .presence = NULLABLE, AT(services_stopped) },
	{ 0 },
};

static void check_order(const char *path, int64_t instant, int64_t latest, struct findings *f)
{
	char got[CLOCK_TEXT_SIZE], want[CLOCK_TEXT_SIZE + 3] = "<= ";

	if (instant == COUNT_UNKNOWN || latest == COUNT_UNKNOWN || instant <= latest)
		return;
	clock_format_time(instant, got);
	clock_format_time(latest, want + strlen(want));
	findings_add(f, W_TIME_RANGE, path, got, want);
}

static void decode(const json *body, int64_t received_day, struct message *m)
{
	const struct reading r = { .received_day = received_day, .findings = &m->findings };
	struct incident *i = &m->facts.incident;

	fields_read(incident_fields, body, &body_path, i, &r);
	check_order("/body/occurred_at", i->occurred_at, i->known_at, &m->findings);
	if (m->sent_at != COUNT_UNKNOWN)
		check_order("/body/known_at", i->known_at, m->sent_at + KNOWN_AFTER_SENT_MS, &m->findings);
}

/* ---- facts ---- */

#define EVENT_MESSAGES_MAX 512 /* of one event are judged together, the newest; the sector's longest has some dozens */

static int recount(struct fold *f, int64_t site, const char *event)
{
	return store_run(f->store,
			 "UPDATE incident_message SET counts = 1 - counts WHERE site = ?1 AND event = ?2 AND counts <>"
			 " (n = ifnull((SELECT n FROM incident_message WHERE site = ?1 AND event = ?2 AND void = 0"
			 " ORDER BY epoch DESC, seq DESC, n LIMIT 1), 0))",
			 "it", site, event);
}

static int insert(struct fold *f, const struct fold_row *row, const struct judged *j)
{
	const struct incident *i = &row->message->facts.incident;

	return store_run(f->store,
			 "INSERT INTO incident_message(site, event, epoch, seq, n, received_at, sent_at, void, counts, stage, type,"
			 " occurred_at, known_at, dead, critical, serious, minor, missing, adults_dead, adults_serious, sick,"
			 " loss_yuan, measures, police_at, services_stopped, severity, confirmed, grade)"
			 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 "itiiiiiiiiiiiiiiiiiiiiiiiii", row->site->id, i->event, row->message->epoch, row->message->seq, row->n,
			 row->received_at, row->message->sent_at, (int64_t)row->voided, (int64_t)i->stage, (int64_t)i->type,
			 i->occurred_at, i->known_at, i->dead, i->critical, i->serious, i->minor, i->missing, i->adults_dead,
			 i->adults_serious, i->sick, i->loss_yuan, i->measures_known ? (int64_t)i->measures : STORE_NULL,
			 i->police_at, tri(i->services_stopped), (int64_t)j->severity, (int64_t)!j->pending, (int64_t)j->grade);
}

/* The event as its messages tell it. */
struct event {
	struct event_message messages[EVENT_MESSAGES_MAX]; /* the last `count` of the array are filled */
	size_t count;
	int64_t first_n, occurred_at, known_at, first_received_at;
	bool live;
};

static void add_message(struct event *e, store_stmt *q)
{
	struct event_message *m = &e->messages[EVENT_MESSAGES_MAX - ++e->count];
	bool counts = store_int(q, 12) == 1;

	*m = (struct event_message){
		.epoch = store_int(q, 0),
		.seq = store_int(q, 1),
		.sent_at = store_int(q, 2) == STORE_NULL ? store_int(q, 3) : store_int(q, 2),
		.severity = (int)store_int(q, 4),
		.pending = !store_int(q, 5),
		.complete = !store_is_null(q, 6) && !store_is_null(q, 7) && !store_is_null(q, 8),
		.missing = store_int(q, 8),
		.grade = (enum grade)store_int(q, 9),
	};
	e->first_n = MIN(e->first_n, store_int(q, 13));
	e->first_received_at = MIN(e->first_received_at, store_int(q, 3));
	e->known_at = MIN(e->known_at, store_int(q, 11));
	/* Of an event with no live message the last one's place in time stands. */
	if (counts || e->count == 1)
		e->occurred_at = store_int(q, 10);
	e->live = e->live || counts;
}

static int read_event(struct fold *f, int64_t site, const char *event, struct event *e)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT epoch, seq, sent_at, received_at, severity, confirmed, dead, critical, missing, grade,"
			    " occurred_at, known_at, counts, n FROM incident_message WHERE site = ? AND event = ?"
			    " ORDER BY epoch DESC, seq DESC, n LIMIT 512",
			    "it", site, event);

	e->count = 0;
	e->live = false;
	e->first_n = e->known_at = e->first_received_at = INT64_MAX;
	if (r < 0)
		return r;
	while ((r = store_step(q)) > 0)
		add_message(e, q);
	return r;
}

/* Of an event with more messages than are judged together: what the older ones led to stands. */
static int add_earlier(struct fold *f, int64_t site, const char *event, struct event *e, struct event_judged *j)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t occurred_at = STORE_NULL;
	int r;

	if (e->count < EVENT_MESSAGES_MAX)
		return 0;
	if (!e->live) {
		r = store_get_int(f->store, &occurred_at,
				  "SELECT occurred_at FROM incident_message WHERE site = ? AND event = ? AND counts = 1", "it", site, event);
		if (r < 0)
			return r;
		e->live = r > 0;
		e->occurred_at = r > 0 ? occurred_at : e->occurred_at;
	}
	r = store_query(f->store, &q,
			"SELECT n, known_at, first_received_at, iif(unconfirmed, 4, severity), ifnull(grade, 0) FROM incident"
			" WHERE site = ? AND event = ?",
			"it", site, event);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	e->first_n = MIN(e->first_n, store_int(q, 0));
	e->known_at = MIN(e->known_at, store_int(q, 1));
	e->first_received_at = MIN(e->first_received_at, store_int(q, 2));
	j->unconfirmed = j->unconfirmed && store_int(q, 3) != 1;
	j->severity = MIN(j->severity, (int)store_int(q, 3));
	j->grade = MAX(j->grade, (enum grade)store_int(q, 4));
	return 0;
}

/* Where a registered site's event belongs may change with its day; an unregistered one's stays where it was called. */
static int write_event(struct fold *f, const struct rule_event *r, const struct site *site, const struct event *e,
		       const struct event_judged *j)
{
	return store_run(f->store,
			 "INSERT INTO incident(site, event, n, unit, division, severity, unconfirmed, grade, occurred_at, known_at,"
			 " first_received_at, live) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO UPDATE SET"
			 " unit = iif(?13, excluded.unit, unit), division = iif(?13, excluded.division, division),"
			 " severity = excluded.severity, unconfirmed = excluded.unconfirmed, grade = excluded.grade,"
			 " occurred_at = excluded.occurred_at, known_at = excluded.known_at,"
			 " first_received_at = excluded.first_received_at, live = excluded.live",
			 "itittiiiiiiii", site->id, r->event, e->first_n, r->unit, r->division, (int64_t)j->severity,
			 (int64_t)j->unconfirmed, j->grade ? (int64_t)j->grade : STORE_NULL, e->occurred_at, e->known_at,
			 e->first_received_at, (int64_t)e->live, (int64_t)(site->unit[0] != '\0'));
}

/* An event counts on one day; a message may move it to another. */
static int mark_days(struct fold *f, const struct site *site, const char *event, int64_t occurred_at)
{
	int64_t before = occurred_at;
	int r = store_get_int(f->store, &before, "SELECT occurred_at FROM incident WHERE site = ? AND event = ?", "it", site->id,
			      event);

	if (r >= 0)
		r = standing_mark(f, site, clock_local_day(before), clock_local_day(before));
	return r < 0 ? r : standing_mark(f, site, clock_local_day(occurred_at), clock_local_day(occurred_at));
}

/* Judges the event again after one of its messages or the time changed, and tells the rules. told: a message just came. */
static int refresh(struct fold *f, int64_t n, int64_t now, const struct site *site, const char *event, const char *division, bool told)
{
	_cleanup_(freep) struct event *e = xcalloc(1, sizeof *e);
	char unit[UNIT_SIZE], place[7];
	struct event_judged j;
	struct rule_event r = { .n = n, .now = now, .site_id = site->id, .site = site->code, .event = event, .unit = unit, .division = division,
			       .told = told };
	const struct policy_severity *p;
	int err = read_event(f, site->id, event, e);

	if (err < 0 || e->count == 0)
		return err;
	p = policy_severity(f->policy, clock_local_day(e->occurred_at));
	severity_of_event(e->messages + EVENT_MESSAGES_MAX - e->count, e->count, p->missing_window_minutes * MINUTE_MS, now, &j);
	err = add_earlier(f, site->id, event, e, &j);
	if (err < 0)
		return err;
	/* A site without registration counts nowhere, but its incidents call people for the topic's division. */
	if (site->unit[0]) {
		err = standing_place(f->store, &f->streams, site, clock_local_day(e->occurred_at), place, unit);
		r.division = place;
	} else {
		ids_unit_of(r.division, unit);
	}
	if (err < 0)
		return err;
	r.severity = j.severity;
	r.unconfirmed = j.unconfirmed;
	r.occurred_at = e->occurred_at;
	r.known_at = e->known_at;
	r.first_received_at = e->first_received_at;
	err = mark_days(f, site, event, e->occurred_at);
	if (err >= 0)
		err = write_event(f, &r, site, e, &j);
	if (err >= 0 && j.ask_again) {
		_cleanup_(buf_done) struct buf subject = { 0 };

		buf_printf(&subject, "%s/%s", site->code, event);
		err = fold_ask_due(f, j.ask_again, "incident", subject.p);
	}
	return err < 0 ? err : rules_event(f, &r);
}

static int apply(struct fold *f, const struct fold_row *row)
{
	const struct incident *i = &row->message->facts.incident;
	struct judged j;
	int r;

	severity_judge(i, f->policy, clock_local_day(i->occurred_at), &j);
	r = insert(f, row, &j);
	if (r >= 0)
		r = recount(f, row->site->id, i->event);
	if (r >= 0)
		r = refresh(f, row->by_n, row->now, row->site, i->event, row->message->division, row->by_n == row->n);
	return r < 0 ? r : rules_incident_readable(f, row->by_n, row->now, row->site->code);
}

/* The division that the event was reported under. */
static int reported_division(struct fold *f, int64_t site, const char *event, char division[static 7])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q, "SELECT division FROM incident WHERE site = ? AND event = ?", "it", site, event);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	snprintf(division, 7, "%s", store_text(q, 0));
	return 1;
}

int incident_refresh(struct fold *f, int64_t n, int64_t now, const struct site *site, const char *event)
{
	char division[7];
	int r = reported_division(f, site->id, event, division);

	return r <= 0 ? r : refresh(f, n, now, site, event, division, false);
}

#define EVENTS_AT_ONCE 256

struct happened {
	char event[65], division[7];
	int64_t at;
};

static int events_of(struct fold *f, int64_t site, const char *after, struct happened *events, size_t *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT event, division, occurred_at FROM incident WHERE site = ? AND event > ? ORDER BY event LIMIT 256", "it",
			    site, after);

	*ret = 0;
	while (r >= 0 && (r = store_step(q)) > 0) {
		snprintf(events[*ret].event, sizeof events->event, "%s", store_text(q, 0));
		snprintf(events[*ret].division, sizeof events->division, "%s", store_text(q, 1));
		events[(*ret)++].at = store_int(q, 2);
	}
	return r;
}

/* Another unit may have another title: the rules are asked again. */
static int settle_event(struct fold *f, int64_t n, int64_t now, const struct site *site, const struct happened *e)
{
	char division[7], unit[UNIT_SIZE];
	int r = standing_place(f->store, &f->streams, site, clock_local_day(e->at), division, unit);

	return r < 0 || strcmp(division, e->division) == 0 ? r : incident_refresh(f, n, now, site, e->event);
}

int incident_settle(struct fold *f, int64_t n, int64_t now, const struct site *site)
{
	_cleanup_(freep) struct happened *events = xcalloc(EVENTS_AT_ONCE, sizeof *events);
	char after[65] = "";
	size_t count;
	int r = 0;

	do {
		r = events_of(f, site->id, after, events, &count);
		for (size_t i = 0; r >= 0 && i < count; i++)
			r = settle_event(f, n, now, site, &events[i]);
		if (count > 0)
			snprintf(after, sizeof after, "%s", events[count - 1].event);
	} while (r >= 0 && count == EVENTS_AT_ONCE);
	return MIN(r, 0);
}

/* One identity may hold several messages, even of several events (CONTRACT: "a ref voids every message of that
 * identity"). */
static int void_message(struct fold *f, const struct site *site, int64_t epoch, int64_t seq, int64_t n, int64_t now)
{
	for (;;) {
		_cleanup_(store_resetp) store_stmt *q = NULL;
		char event[65];
		int r = store_query(f->store, &q,
				    "SELECT event FROM incident_message WHERE site = ? AND epoch = ? AND seq = ? AND void = 0"
				    " ORDER BY event LIMIT 1",
				    "iii", site->id, epoch, seq);

		if (r < 0 || (r = store_step(q)) <= 0)
			return r;
		snprintf(event, sizeof event, "%s", store_text(q, 0));
		r = store_run(f->store,
			      "UPDATE incident_message SET void = 1, counts = 0 WHERE site = ? AND epoch = ? AND seq = ?"
			      " AND event = ?",
			      "iiit", site->id, epoch, seq, event);
		if (r >= 0)
			r = recount(f, site->id, event);
		if (r >= 0)
			r = incident_refresh(f, n, now, site, event);
		if (r < 0)
			return r;
	}
}

/* ---- another policy ---- */

/* A message that it judges otherwise than was written down. */
struct rejudged {
	char event[65], code[SITE_ID_SIZE];
	int64_t site, epoch, seq, n;
	struct judged judged;
};
struct rejudged_list {
	struct rejudged *items;
	size_t count;
};

static void rejudged_list_done(struct rejudged_list *l)
{
	free(l->items);
}

static struct incident incident_of(store_stmt *q)
{
	return (struct incident){ .stage = (int)store_int(q, 6), .type = (int)store_int(q, 7), .occurred_at = store_int(q, 8),
				  .dead = store_int(q, 9), .critical = store_int(q, 10), .serious = store_int(q, 11),
				  .minor = store_int(q, 12), .missing = store_int(q, 13), .adults_dead = store_int(q, 14),
				  .adults_serious = store_int(q, 15), .sick = store_int(q, 16), .loss_yuan = store_int(q, 17) };
}

static void add_rejudged(struct rejudged_list *l, store_stmt *q, const struct judged *j)
{
	struct rejudged *m;

	l->items = xgrow_only(l->items, l->count, sizeof *l->items);
	m = &l->items[l->count++];
	*m = (struct rejudged){ .site = store_int(q, 0), .epoch = store_int(q, 3), .seq = store_int(q, 4), .n = store_int(q, 5) };
	snprintf(m->code, sizeof m->code, "%s", store_text(q, 1));
	snprintf(m->event, sizeof m->event, "%s", store_text(q, 2));
	if (j)
		m->judged = *j;
}

static int find_rejudged(struct fold *f, struct rejudged_list *l)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT m.site, s.code, m.event, m.epoch, m.seq, m.n, m.stage, m.type, m.occurred_at, m.dead, m.critical,"
			    " m.serious, m.minor, m.missing, m.adults_dead, m.adults_serious, m.sick, m.loss_yuan, m.severity,"
			    " m.confirmed, m.grade FROM incident_message m JOIN site s ON s.id = m.site ORDER BY m.site, m.event", "");

	while (r >= 0 && (r = store_step(q)) > 0) {
		struct incident i = incident_of(q);
		struct judged j;

		severity_judge(&i, f->policy, clock_local_day(i.occurred_at), &j);
		if (j.severity != store_int(q, 18) || j.pending == store_int(q, 19) || (int64_t)j.grade != store_int(q, 20))
			add_rejudged(l, q, &j);
	}
	return r;
}

static int write_rejudged(struct fold *f, const struct rejudged *m)
{
	return store_run(f->store,
			 "UPDATE incident_message SET severity = ?, confirmed = ?, grade = ? WHERE site = ? AND event = ? AND epoch = ?"
			 " AND seq = ? AND n = ?",
			 "iiiitiii", (int64_t)m->judged.severity, (int64_t)!m->judged.pending, (int64_t)m->judged.grade, m->site, m->event,
			 m->epoch, m->seq, m->n);
}

/* Late by the new clock, and nobody was told. */
static int find_late(struct fold *f, struct rejudged_list *l)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT i.site, s.code, i.event, 0, 0, i.n, i.known_at, i.first_received_at FROM incident i"
			    " JOIN site s ON s.id = i.site WHERE i.first_received_at > i.known_at AND NOT EXISTS(SELECT 1 FROM alert a"
			    " WHERE a.subject = s.code || '/' || i.event AND a.rule = 'late-report') ORDER BY i.site, i.event", "");

	while (r >= 0 && (r = store_step(q)) > 0)
		if (store_int(q, 7) - store_int(q, 6) >
		    policy_clocks(f->policy, clock_local_day(store_int(q, 6)))->nursery_to_county_ms)
			add_rejudged(l, q, NULL);
	return r;
}

static int refresh_all(struct fold *f, const struct rejudged_list *l, int64_t n, int64_t now)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < l->count; i++) {
		const struct rejudged *m = &l->items[i];
		const struct site *site = streams_find(&f->streams, m->code);

		if (i > 0 && m->site == m[-1].site && strcmp(m->event, m[-1].event) == 0)
			continue;
		r = site ? incident_refresh(f, n, now, site, m->event) : -EUCLEAN;
	}
	return r;
}

int incident_judge_again(struct fold *f, int64_t n, int64_t now)
{
	_cleanup_(rejudged_list_done) struct rejudged_list changed = { 0 }, late = { 0 };
	int r = find_rejudged(f, &changed);

	for (size_t i = 0; r >= 0 && i < changed.count; i++)
		r = write_rejudged(f, &changed.items[i]);
	if (r >= 0)
		r = refresh_all(f, &changed, n, now);
	if (r >= 0)
		r = find_late(f, &late);
	return r < 0 ? r : refresh_all(f, &late, n, now);
}

static const struct field *fields_of(const json *body)
{
	(void)body;
	return incident_fields;
}

const struct collector collector_incident = {
	.feed = "incident",
	.number = 3,
	.never_silent = true,
	.decode = decode,
	.fields = fields_of,
	.apply = apply,
	.void_message = void_message,
};
