/* SPDX-License-Identifier: MIT */
#include "api_events.h"

#include "api_route.h"

#include <errno.h>
#include <stdio.h>

#define EVENTS_PAGE 100     /* of each kind */
#define PASSED_OVER_MAX 2000 /* samples of history looked at in one page */

/* One answer in the making. */
struct page {
	struct api *api;
	struct province_sums sums;
	struct event_cursor *at;
	struct buf *out;
};

bool event_cursor_equal(const struct event_cursor *a, const struct event_cursor *b)
{
	return memcmp(a->at, b->at, sizeof a->at) == 0;
}

static void put_id(struct buf *out, const struct event_cursor *at)
{
	buf_str(out, "id: ");
	for (int k = 0; k < EVENT_KINDS; k++)
		buf_printf(out, "%s%lld", k ? "-" : "", (long long)at->at[k]);
	buf_char(out, '\n');
}

static void begin_event(struct page *p, const char *name)
{
	put_id(p->out, p->at);
	buf_printf(p->out, "event: %s\ndata: ", name);
}

static void put_event(struct page *p, const char *name, const json *object)
{
	begin_event(p, name);
	json_compact(object, p->out); /* in one line: line ends inside texts are escaped */
	buf_str(p->out, "\n\n");
}

/* --- alerts --- */

static int one_alert(struct page *p, int64_t id, bool last_of_its_row, int64_t n)
{
	_cleanup_(json_freep) json *alert = NULL;
	int r = object_alert(p->api->store, id, p->sums.inside, &alert);

	/* A row may change several: the cursor passes it with the last of them, so none is lost between. */
	if (last_of_its_row)
		p->at->at[EVENT_ALERT] = n;
	if (alert)
		put_event(p, "alert", alert);
	return MIN(r, 0);
}

static int alerts(struct page *p)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->api->store, &q,
			    "SELECT id, changed_n, lead(changed_n) OVER (ORDER BY changed_n, id) FROM alert WHERE changed_n > ?1"
			    " AND changed_n <= ifnull((SELECT changed_n FROM alert WHERE changed_n > ?1 ORDER BY changed_n"
			    " LIMIT 1 OFFSET ?2), 9e18) ORDER BY changed_n, id",
			    "ii", p->at->at[EVENT_ALERT], (int64_t)EVENTS_PAGE);

	while (r >= 0 && (r = store_step(q)) > 0)
		r = one_alert(p, store_int(q, 0), store_int(q, 2) != store_int(q, 1), store_int(q, 1));
	return r;
}

/* --- indicators --- */

static int one_indicator(struct page *p, store_stmt *q)
{
	size_t start = p->out->len;
	int r;

	begin_event(p, "indicator");
	r = object_indicator_text(p->api->store, &p->sums, store_text(q, 0), store_text(q, 1), "day", store_int(q, 2), p->out);
	if (r == 0)
		buf_str(p->out, "\n\n");
	else
		p->out->len = start;
	return MIN(r, 0);
}

static int indicator_changes(struct page *p)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int told = 0;
	int r = store_query(p->api->store, &q,
			    "SELECT s.unit, s.indicator, s.as_of, s.change, s.period = 'day' AND s.as_of = (SELECT max(as_of)"
			    " FROM sample l WHERE l.unit = s.unit AND l.indicator = s.indicator AND l.period = 'day')"
			    " FROM sample s WHERE s.change > ?1 ORDER BY s.change LIMIT ?2",
			    "ii", p->at->at[EVENT_INDICATOR], (int64_t)PASSED_OVER_MAX);

	while (r >= 0 && told < EVENTS_PAGE && (r = store_step(q)) > 0) {
		p->at->at[EVENT_INDICATOR] = store_int(q, 3);
		if (!store_int(q, 4))
			continue;
		r = one_indicator(p, q);
		told++;
	}
	return MIN(r, 0);
}

/* --- cases: for those with a role, as /cases is --- */

static int one_case(struct page *p, const char *id, bool last_of_its_row, int64_t n)
{
	_cleanup_(json_freep) json *object = NULL;
	int r = p->sums.inside ? object_case(p->api->store, id, false, &object) : 0;

	if (last_of_its_row)
		p->at->at[EVENT_CASE] = n;
	if (object)
		put_event(p, "case", object);
	return MIN(r, 0);
}

static int cases(struct page *p)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->api->store, &q,
			    "SELECT id, changed_n, lead(changed_n) OVER (ORDER BY changed_n, id) FROM case_file WHERE changed_n > ?1"
			    " AND changed_n <= ifnull((SELECT changed_n FROM case_file WHERE changed_n > ?1 ORDER BY changed_n"
			    " LIMIT 1 OFFSET ?2), 9e18) ORDER BY changed_n, id",
			    "ii", p->at->at[EVENT_CASE], (int64_t)EVENTS_PAGE);

	while (r >= 0 && (r = store_step(q)) > 0)
		r = one_case(p, store_text(q, 0), store_int(q, 2) != store_int(q, 1), store_int(q, 1));
	return r;
}

/* One row a kind; head: where a reader who asks for nothing older begins. */
static const struct {
	int (*tell)(struct page *p);
	const char *head;
} kinds[EVENT_KINDS] = {
	[EVENT_ALERT] = { alerts, "SELECT ifnull(max(changed_n), 0) FROM alert" },
	[EVENT_INDICATOR] = { indicator_changes, "SELECT max((SELECT ifnull(max(change), 0) FROM sample),"
					    " (SELECT ifnull(max(change), 0) FROM sample_gone))" },
	[EVENT_CASE] = { cases, "SELECT ifnull(max(changed_n), 0) FROM case_file" },
};

/* --- cursors --- */

static int heads(struct api *api, struct event_cursor *ret)
{
	int r = 0;

	for (int k = 0; r >= 0 && k < EVENT_KINDS; k++)
		r = store_get_int(api->store, &ret->at[k], kinds[k].head, "");
	return MIN(r, 0);
}

int api_events_head(struct api *api, struct event_cursor *ret)
{
	int r = store_begin(api->store);

	if (r < 0)
		return r;
	r = heads(api, ret);
	store_rollback(api->store);
	return r;
}

/* "12-345", as many numbers as there are kinds. */
static bool parse(const char *text, struct event_cursor *ret)
{
	for (int k = 0; k < EVENT_KINDS; k++) {
		size_t digits = strspn(text, "0123456789");

		if (digits == 0 || digits > 15 || text[digits] != (k + 1 < EVENT_KINDS ? '-' : '\0'))
			return false;
		ret->at[k] = atoll(text);
		text += digits + 1;
	}
	return true;
}

static bool beyond(const struct event_cursor *at, const struct event_cursor *head)
{
	for (int k = 0; k < EVENT_KINDS; k++)
		if (at->at[k] > head->at[k])
			return true;
	return false;
}

static void reset(struct event_cursor *at, const struct event_cursor *head, struct buf *out)
{
	*at = *head;
	put_id(out, at);
	buf_str(out, "event: reset\ndata: {}\n\n");
}

int api_events_resume(struct api *api, const char *last_event_id, struct event_cursor *ret, struct buf *out)
{
	struct event_cursor head;
	int r = api_events_head(api, &head);

	if (r >= 0 && !parse(last_event_id, ret))
		reset(ret, &head, out);
	return r;
}

static void page_done(struct page *p)
{
	province_sums_done(&p->sums);
}

int api_events(struct api *api, bool inside, struct event_cursor *at, struct buf *out)
{
	_cleanup_(page_done) struct page p = { .api = api, .sums = { .inside = inside, .policies = &api->policies }, .at = at, .out = out };
	struct event_cursor head;
	int r = store_begin(api->store);

	if (r < 0)
		return r;
	r = heads(api, &head);
	if (r >= 0 && beyond(at, &head)) /* the numbers began anew */
		reset(at, &head, out);
	for (int k = 0; r >= 0 && k < EVENT_KINDS; k++)
		r = kinds[k].tell(&p);
	store_rollback(api->store);
	return r;
}
