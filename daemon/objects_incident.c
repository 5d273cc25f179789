/* SPDX-License-Identifier: MIT
 *
 * An incident: what its counting message says, how bad the whole event is, and every stage of it.
 */
#include "objects.h"
#include "objects_row.h"
#include "severity.h"

#include "../collectors/incident.h"

#include <stdio.h>

static json *severity_word(store_stmt *q, int column)
{
	char text[24];

	if (store_is_null(q, column))
		return json_new_null();
	snprintf(text, sizeof text, "S%lld", (long long)store_int(q, column));
	return json_new_text(text);
}

static json *grade_word(store_stmt *q, int column)
{
	return row_word(q, column, grade_words, GRADE_EXCEPTIONAL + 1);
}

static json *measures(store_stmt *q, int column)
{
	int64_t bits = store_int(q, column);
	json *list;

	if (bits == STORE_NULL)
		return json_new_null();
	list = json_new_list();
	for (int i = 0; i < MEASURE_COUNT; i++)
		if (bits >> i & 1)
			json_push(list, json_new_text(measure_words[i]));
	return list;
}

enum {
	N, STAGE, TYPE, OCCURRED_AT, KNOWN_AT, DEAD, CRITICAL, SERIOUS, MINOR, MISSING, ADULTS_DEAD, ADULTS_SERIOUS,
	SICK, LOSS_YUAN, MEASURES, POLICE_AT, SERVICES_STOPPED, SEVERITY, CONFIRMED, GRADE, EPOCH, SEQ, RECEIVED_AT,
	SENT_AT, VOID, COUNTS,
};
#define MESSAGE_COLUMNS \
	"n, stage, type, occurred_at, known_at, dead, critical, serious, minor, missing, adults_dead, adults_serious," \
	" sick, loss_yuan, measures, police_at, services_stopped, severity, confirmed, grade, epoch, seq, received_at," \
	" sent_at, void, counts"

static json *children(store_stmt *q)
{
	json *o = json_new_object();

	json_set(o, "dead", row_int(q, DEAD));
	json_set(o, "critical", row_int(q, CRITICAL));
	json_set(o, "serious", row_int(q, SERIOUS));
	json_set(o, "minor", row_int(q, MINOR));
	json_set(o, "missing", row_int(q, MISSING));
	return o;
}

static json *adults(store_stmt *q)
{
	json *o = json_new_object();

	json_set(o, "dead", row_int(q, ADULTS_DEAD));
	json_set(o, "serious", row_int(q, ADULTS_SERIOUS));
	return o;
}

/* What a message says of the event, in the words it came in. */
static void set_said(json *o, store_stmt *q)
{
	json_set(o, "type", row_word(q, TYPE, incident_type_words, INCIDENT_COUNT));
	json_set(o, "stage", row_word(q, STAGE, incident_stage_words, STAGE_COUNT));
	json_set(o, "children", children(q));
	json_set(o, "adults", adults(q));
	json_set(o, "sick", row_int(q, SICK));
	json_set(o, "loss_yuan", row_int(q, LOSS_YUAN));
	json_set(o, "measures", measures(q, MEASURES));
	json_set(o, "police_at", row_time(q, POLICE_AT));
	json_set(o, "services_stopped", row_bool(q, SERVICES_STOPPED));
}

/* The counting message; of an event whose messages are all void, the last. */
static int set_counting(struct store *s, int64_t site, const char *event, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT " MESSAGE_COLUMNS " FROM incident_message WHERE site = ?1 AND event = ?2"
			    " ORDER BY counts DESC, epoch DESC, seq DESC, n LIMIT 1",
			    "it", site, event);

	if (r >= 0)
		r = store_step(q);
	if (r > 0)
		set_said(object, q);
	return r < 0 ? r : 0;
}

static json *stage(store_stmt *q)
{
	json *o = json_new_object();

	json_set(o, "n", row_int(q, N));
	json_set(o, "epoch", row_int(q, EPOCH));
	json_set(o, "seq", row_int(q, SEQ));
	json_set(o, "received_at", row_time(q, RECEIVED_AT));
	json_set(o, "sent_at", row_time(q, SENT_AT));
	json_set(o, "occurred_at", row_time(q, OCCURRED_AT));
	json_set(o, "known_at", row_time(q, KNOWN_AT));
	set_said(o, q);
	json_set(o, "severity", severity_word(q, SEVERITY));
	json_set(o, "confirmed", row_bool(q, CONFIRMED));
	json_set(o, "grade", grade_word(q, GRADE));
	json_set(o, "void", row_bool(q, VOID));
	json_set(o, "counts", row_bool(q, COUNTS));
	return o;
}

static int set_stages(struct store *s, int64_t site, const char *event, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q,
			    "SELECT " MESSAGE_COLUMNS " FROM incident_message WHERE site = ?1 AND event = ?2"
			    " ORDER BY epoch, seq, n",
			    "it", site, event);

	json_set(object, "stages", list);
	while (r >= 0 && (r = store_step(q)) > 0)
		json_push(list, stage(q));
	return r;
}

/* Of each kind the last one stands. */
static int set_findings(struct store *s, int64_t site, const char *event, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q,
			    "SELECT n, at, what, value, done_at, actor, reason, document FROM finding WHERE site = ? AND event = ? ORDER BY n", "it",
			    site, event);

	json_set(object, "findings", list);
	while (r >= 0 && (r = store_step(q)) > 0) {
		json *o = json_new_object();

		json_set(o, "n", row_int(q, 0));
		json_set(o, "at", row_time(q, 1));
		json_set(o, "act", row_text(q, 2));
		json_set(o, "finding", row_text(q, 3));
		json_set(o, "done_at", row_time(q, 4));
		json_set(o, "actor", row_text(q, 5));
		json_set(o, "reason", row_text(q, 6));
		json_set(o, "document", row_text(q, 7));
		json_push(list, o);
	}
	return r;
}

/* 1 found. */
static int set_event(struct store *s, int64_t site, const char *event, json *o)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT s.code, i.unit, i.division, i.event, i.severity, i.unconfirmed, i.grade,"
			    " i.occurred_at, i.known_at, i.first_received_at, i.live"
			    " FROM incident i JOIN site s ON s.id = i.site WHERE i.site = ?1 AND i.event = ?2",
			    "it", site, event);

	if (r >= 0)
		r = store_step(q);
	if (r <= 0)
		return r;
	json_set(o, "site", row_text(q, 0));
	json_set(o, "unit", row_text(q, 1));
	json_set(o, "division", row_text(q, 2));
	json_set(o, "event", row_text(q, 3));
	json_set(o, "severity", severity_word(q, 4));
	json_set(o, "unconfirmed", row_bool(q, 5));
	json_set(o, "grade", grade_word(q, 6));
	json_set(o, "occurred_at", row_time(q, 7));
	json_set(o, "known_at", row_time(q, 8));
	json_set(o, "first_received_at", row_time(q, 9));
	json_set(o, "live", row_bool(q, 10));
	return 1;
}

int object_incident(struct store *s, int64_t site, const char *event, bool alone, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	int r = set_event(s, site, event, o);

	*ret = NULL;
	if (r <= 0)
		return r < 0 ? r : OBJECT_NONE;
	r = set_counting(s, site, event, o);
	if (r >= 0 && alone)
		r = set_stages(s, site, event, o);
	if (r >= 0 && alone)
		r = set_findings(s, site, event, o);
	if (r < 0)
		return r;
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}
