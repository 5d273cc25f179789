/* SPDX-License-Identifier: MIT
 *
 * Deadlines as JSON (deadlines.h): all of an event, the next one of an event, an alert or a case. They depend on the time of
 * asking, so they are put beside an object and are no part of its version (etag.h).
 */
#include "objects.h"
#include "objects_row.h"

#include "deadlines.h"

static void set_time(json *o, const char *key, int64_t at)
{
	char text[CLOCK_TEXT_SIZE];

	json_set(o, key, at == STORE_NULL ? json_new_null() : json_new_text(clock_format_time(at, text)));
}

/* NULL: null. */
static json *next_object(const struct deadline *d, int64_t now)
{
	json *o;

	if (!d)
		return json_new_null();
	o = json_new_object();
	json_set(o, "id", json_new_text(d->kind->id));
	json_set(o, "zh", json_new_text(d->kind->zh));
	json_set(o, "en", json_new_text(d->kind->en));
	set_time(o, "due_at", d->due_at);
	json_set(o, "state", json_new_text(deadline_words[deadline_state(d, now)]));
	return o;
}

static json *clock_object(const struct deadline *d, const char *subject, int64_t now)
{
	json *o = next_object(d, now);

	if (subject)
		json_set(o, "subject", json_new_text(subject));
	set_time(o, "from", d->from);
	set_time(o, "met_at", d->met_at);
	return o;
}

/* Takes over next and clocks, which may be NULL. */
static void set_clocks(json *object, bool alone, json *clocks, json *next)
{
	if (alone)
		json_set(object, "clocks", clocks);
	else
		json_free(clocks);
	json_set(object, "next_clock", next ? next : json_new_null());
}

int object_incident_clocks(struct store *s, const struct policy *p, int64_t site, const char *event, bool alone, int64_t now, json *object)
{
	struct deadline list[DEADLINES_MAX] = { 0 };
	json *clocks = json_new_list();
	size_t count = 0;
	int r = p ? deadlines_of(s, p, site, event, list, &count) : 0;

	for (size_t i = 0; r >= 0 && i < count; i++)
		json_push(clocks, clock_object(&list[i], NULL, now));
	set_clocks(object, alone, clocks, next_object(deadline_next(list, count, now), now));
	return MIN(r, 0);
}

/* Of the events that q names (site's row, event, subject): all clocks, and the next one of all. */
static int of_events(struct store *s, const struct policy *p, store_stmt *q, int64_t now, json *clocks, json **ret_next)
{
	_cleanup_(json_freep) json *soonest = NULL;
	int64_t soonest_at = 0;
	int r;

	while ((r = store_step(q)) > 0) {
		struct deadline list[DEADLINES_MAX] = { 0 };
		const struct deadline *next;
		size_t count = 0;

		r = deadlines_of(s, p, store_int(q, 0), store_text(q, 1), list, &count);
		if (r < 0)
			break;
		next = deadline_next(list, count, now);
		if (next && (!soonest || next->due_at < soonest_at)) {
			json_free(soonest);
			soonest = next_object(next, now);
			soonest_at = next->due_at;
		}
		for (size_t i = 0; clocks && i < count; i++)
			json_push(clocks, clock_object(&list[i], store_text(q, 2), now));
	}
	*ret_next = soonest;
	soonest = NULL; /* ownership moved to the caller */
	return r;
}

int object_alert_clocks(struct store *s, const struct policy *p, int64_t id, int64_t now, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *next = NULL;
	int r = store_query(s, &q,
			    "SELECT i.site, i.event, a.subject FROM alert a JOIN site t ON t.code = a.site JOIN incident i ON i.site = t.id"
			    " AND a.subject = t.code || '/' || i.event WHERE a.id = ?",
			    "i", id);

	if (r >= 0 && p)
		r = of_events(s, p, q, now, NULL, &next);
	set_clocks(object, false, NULL, next);
	return r;
}

int object_case_clocks(struct store *s, const struct policy *p, const char *id, bool alone, int64_t now, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *next = NULL, *clocks = json_new_list();
	int r = store_query(s, &q,
			    "SELECT i.site, i.event, a.subject FROM alert_case c JOIN alert a ON a.id = c.alert JOIN site t ON t.code = a.site"
			    " JOIN incident i ON i.site = t.id AND a.subject = t.code || '/' || i.event WHERE c.case_id = ? ORDER BY a.id",
			    "t", id);

	if (r >= 0 && p)
		r = of_events(s, p, q, now, clocks, &next);
	set_clocks(object, alone, clocks, next);
	return r;
}
