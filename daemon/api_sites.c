/* SPDX-License-Identifier: MIT
 *
 * Nurseries, incidents, alerts.
 */
#include "api_route.h"

#include "clock.h"
#include "ids.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>

/* Ids of one column, read before the objects are: one more than the limit tells whether there is a next page. */
static int read_ids(store_stmt *q, int64_t *ids, size_t *ret_count)
{
	int r;

	*ret_count = 0;
	while ((r = store_step(q)) > 0)
		ids[(*ret_count)++] = store_int(q, 0);
	store_reset(q);
	return r;
}

/* --- sites --- */

static int site_ids(struct api_call *c, int64_t after, int64_t *ids, size_t max, size_t *ret_count)
{
	const char *unit = c->params[PARAM_UNIT];
	store_stmt *q;
	int r;

	if (unit)
		r = store_query(c->api->store, &q, "SELECT id FROM " STANDING_SITES("?1", "?4") " AND id > ?2 ORDER BY id LIMIT ?3",
				"tiii", unit, after, (int64_t)max, c->today);
	else
		r = store_query(c->api->store, &q, "SELECT id FROM site WHERE id > ?1 ORDER BY id LIMIT ?2", "ii",
				after, (int64_t)max);
	return r < 0 ? r : read_ids(q, ids, ret_count);
}

static int list_sites(struct api_call *c, json **ret)
{
	int64_t ids[API_LIMIT_MAX + 1], after;
	int64_t deadline = clock_monotonic_ms() + API_ANSWER_BUDGET_MS;
	size_t limit = api_limit(c), count, i;
	_cleanup_(json_freep) json *items = json_new_list();
	int r;

	if (api_after_int(c, &after) < 0)
		return 0;
	r = site_ids(c, after, ids, limit + 1, &count);
	for (i = 0; r >= 0 && i < MIN(count, limit) && (i == 0 || clock_monotonic_ms() < deadline); i++) {
		json *site = NULL;

		r = object_site(c->api->store, ids[i], c->today, false, &site);
		if (site)
			json_push(items, site);
	}
	if (r < 0)
		return r;
	*ret = api_list_int(json_keep(items), i < count && i > 0 ? ids[i - 1] : 0);
	return 0;
}

static int site_id(struct api_call *c, const char *code, int64_t *ret)
{
	return store_get_int(c->api->store, ret, "SELECT id FROM site WHERE code = ?1", "t", code);
}

static int one_site(struct api_call *c, json **ret)
{
	_cleanup_(json_freep) json *moves = NULL;
	int64_t id;
	int r = site_id(c, c->holes[0], &id);

	if (r <= 0)
		return r < 0 ? r : API_NOT_FOUND;
	r = object_site_moves(c->api->store, id, &moves);
	if (r != 0)
		return r;
	api_version(c, moves);
	return object_site(c->api->store, id, c->today, true, ret);
}

/* --- incidents: in the order (site, event), the key of the table --- */

#define EVENT_SIZE 65

struct event_key {
	int64_t site;
	char event[EVENT_SIZE];
};

/* `after` is "site id:event". */
static bool parse_key(const char *text, struct event_key *ret)
{
	char *end;

	ret->site = strtoll(text, &end, 10);
	if (end == text || *end != ':' || strlen(end + 1) >= EVENT_SIZE)
		return false;
	snprintf(ret->event, EVENT_SIZE, "%s", end + 1);
	return true;
}

static int64_t since_ms(const char *text)
{
	int64_t v;

	if (!text)
		return INT64_MIN + 1; /* INT64_MIN is the store's NULL */
	if (clock_parse_time(text, &v) == 0)
		return v;
	return clock_parse_day(text, &v) == 0 ? clock_day_start_ms(v) : 0;
}

static int event_keys(struct api_call *c, const struct event_key *after, struct event_key *keys, size_t max,
		      size_t *ret_count)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const char *severity = c->params[PARAM_SEVERITY];
	int r = store_query(c->api->store, &q,
			    "SELECT site, event FROM incident WHERE (site, event) > (?1, ?2)"
			    " AND (?3 IS NULL OR unit = ?3) AND (?4 IS NULL OR severity = ?4) AND occurred_at >= ?5"
			    " ORDER BY site, event LIMIT ?6",
			    "ittiii", after->site, after->event, c->params[PARAM_UNIT],
			    severity ? (int64_t)(severity[1] - '0') : STORE_NULL, since_ms(c->params[PARAM_SINCE]),
			    (int64_t)max);

	*ret_count = 0;
	while (r >= 0 && (r = store_step(q)) > 0) {
		struct event_key *k = &keys[(*ret_count)++];

		k->site = store_int(q, 0);
		snprintf(k->event, EVENT_SIZE, "%s", store_text(q, 1));
	}
	return r;
}

static int incident_items(struct api_call *c, const struct event_key *keys, size_t count, json **ret)
{
	int64_t deadline = clock_monotonic_ms() + API_ANSWER_BUDGET_MS;
	_cleanup_(json_freep) json *items = json_new_list();
	size_t limit = api_limit(c), i;
	char next[EVENT_SIZE + 24];
	const struct policy *policy;
	int r = api_policy(c, &policy);

	for (i = 0; r >= 0 && i < MIN(count, limit) && (i == 0 || clock_monotonic_ms() < deadline); i++) {
		json *incident = NULL;

		r = object_incident(c->api->store, keys[i].site, keys[i].event, false, &incident);
		if (incident)
			json_push(items, incident);
		if (r == 0)
			r = object_incident_clocks(c->api->store, policy, keys[i].site, keys[i].event, false, c->now, incident);
	}
	if (r < 0)
		return r;
	if (i < count && i > 0)
		snprintf(next, sizeof next, "%lld:%s", (long long)keys[i - 1].site, keys[i - 1].event);
	*ret = api_list(json_keep(items), i < count && i > 0 ? next : NULL);
	return 0;
}

static int list_incidents(struct api_call *c, json **ret)
{
	_cleanup_(freep) struct event_key *keys = NULL;
	struct event_key after = { 0 };
	size_t limit = api_limit(c), count;
	int r;

	if (c->params[PARAM_AFTER] && !parse_key(c->params[PARAM_AFTER], &after))
		return api_refuse(c, PARAM_AFTER, NULL);
	keys = xcalloc(limit + 1, sizeof *keys);
	r = event_keys(c, &after, keys, limit + 1, &count);
	return r < 0 ? r : incident_items(c, keys, count, ret);
}

static int one_incident(struct api_call *c, json **ret)
{
	const struct policy *policy;
	int64_t id;
	int r = site_id(c, c->holes[0], &id);

	if (r <= 0)
		return r < 0 ? r : API_NOT_FOUND;
	r = object_incident(c->api->store, id, c->holes[1], true, ret);
	if (r != 0)
		return r;
	api_version(c, *ret);
	r = api_policy(c, &policy);
	return r < 0 ? r : object_incident_clocks(c->api->store, policy, id, c->holes[1], true, c->now, *ret);
}

/* --- alerts --- */

/* Without a role no clock: it would tell when an event became known. */
static int add_alert_clock(struct api_call *c, int64_t id, json *alert)
{
	const struct policy *policy;
	int r = c->rq->trusted ? api_policy(c, &policy) : 0;

	return r < 0 || !c->rq->trusted ? r : object_alert_clocks(c->api->store, policy, id, c->now, alert);
}

static int list_alerts(struct api_call *c, json **ret)
{
	int64_t ids[API_LIMIT_MAX + 1], after;
	size_t limit = api_limit(c), count = 0, i;
	_cleanup_(json_freep) json *items = json_new_list();
	const char *state = c->params[PARAM_STATE] ? c->params[PARAM_STATE] : "open";
	store_stmt *q;
	int r;

	if (api_after_int(c, &after) < 0)
		return 0;
	r = store_query(c->api->store, &q,
			"SELECT id FROM alert WHERE id > ?1 AND (?2 = 'all' OR state = 'open') ORDER BY id LIMIT ?3", "iti",
			after, state, (int64_t)limit + 1);
	if (r >= 0)
		r = read_ids(q, ids, &count);
	for (i = 0; r >= 0 && i < MIN(count, limit); i++) {
		json *alert = NULL;

		r = object_alert(c->api->store, ids[i], c->rq->trusted, &alert);
		if (alert)
			json_push(items, alert);
		if (r == 0)
			r = add_alert_clock(c, ids[i], alert);
	}
	if (r < 0)
		return r;
	*ret = api_list_int(json_keep(items), i < count && i > 0 ? ids[i - 1] : 0);
	return 0;
}

static int one_alert(struct api_call *c, json **ret)
{
	int64_t id;
	int r = object_alert_id(c->holes[0], &id) < 0 ? API_NOT_FOUND : object_alert_alone(c->api->store, id, c->rq->trusted, ret);

	if (r != 0)
		return r;
	api_version(c, *ret);
	return add_alert_clock(c, id, *ret);
}

const struct api_route api_site_routes[] = {
	{ .method = "GET", .pattern = "/sites", .handler = list_sites, .params = P(LIMIT) | P(AFTER) | P(UNIT) },
	{ .method = "GET", .pattern = "/sites/{site}", .handler = one_site },
	{ .method = "GET", .pattern = "/incidents", .handler = list_incidents, .role = true,
	  .params = P(LIMIT) | P(AFTER) | P(UNIT) | P(SEVERITY) | P(SINCE) },
	{ .method = "GET", .pattern = "/incidents/{site}/{event}", .handler = one_incident, .role = true },
	{ .method = "GET", .pattern = "/alerts", .handler = list_alerts, .params = P(LIMIT) | P(AFTER) | P(STATE) },
	{ .method = "GET", .pattern = "/alerts/{id}", .handler = one_alert },
	{ 0 },
};
