/* SPDX-License-Identifier: MIT
 *
 * Routes are rows; this file finds the row, checks the parameters against their table, and wraps what the
 * handler says.
 */
#include "api_route.h"

#include "clock.h"
#include "ids.h"
#include "log.h"
#include "procedures.h"
#include "worklist.h"

#include <errno.h>
#include <stdio.h>

#define PREFIX "/api/v1"
#define BODY_MAX (64 * 1024)
#define TARGET_MAX 2048

static const struct api_route *const tables[] = {
	api_unit_routes, api_site_routes, api_message_routes, api_live_routes, api_act_routes, api_web_routes, api_brief_routes,
	api_case_routes, api_report_routes, api_worklist_routes,
};

void api_done(struct api *api)
{
	policy_cache_done(&api->policies);
}

void api_response_done(struct api_response *rs)
{
	buf_done(&rs->body);
}

/* --- problems --- */

static const char *status_word(int status)
{
	static const struct {
		int status;
		const char *word;
	} words[] = {
		{ 400, "bad-request" },	  { 401, "unauthorized" }, { 403, "forbidden" },      { 404, "not-found" },
		{ 405, "method" },	  { 409, "conflict" },	   { 412, "changed" },
			  { 413, "too-large" },	   { 421, "misdirected" },    { 422, "unprocessable" },
		{ 500, "internal" },	  { 503, "unavailable" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].status == status)
			return words[i].word;
	return "problem";
}

static json *problem_errors(const char *parameter, const char *found, const char *wanted)
{
	json *list = json_new_list(), *error = json_new_object();

	json_set(error, "parameter", json_new_text(parameter));
	json_set(error, "found", json_new_text(found));
	json_set(error, "wanted", json_new_text(wanted));
	json_push(list, error);
	return list;
}

void api_problem(struct api_response *rs, int status, const char *title, const char *detail, const char *parameter,
		 const char *found, const char *wanted)
{
	_cleanup_(json_freep) json *p = json_new_object();
	char type[64];

	snprintf(type, sizeof type, "urn:nurseryd:problem:%s", status_word(status));
	json_set(p, "type", json_new_text(type));
	json_set(p, "title", json_new_text(title));
	json_set(p, "status", json_new_int(status));
	json_set(p, "detail", json_new_text(detail));
	if (parameter)
		json_set(p, "errors", problem_errors(parameter, found, wanted));
	buf_reset(&rs->body);
	json_compact(p, &rs->body);
	rs->status = status;
	rs->content_type = "application/problem+json";
}

static void problem(struct api_call *c, int status, const char *title, const char *detail)
{
	api_problem(c->rs, status, title, detail, NULL, NULL, NULL);
}

/* --- parameters --- */

static bool all_digits(const char *text, size_t length)
{
	return strlen(text) == length && strspn(text, "0123456789") == length;
}

static bool is_revision(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 6 && text[0] != '0' && strspn(text, "0123456789") == len;
}

static bool is_limit(const char *text)
{
	long v = strlen(text) <= 4 && all_digits(text, strlen(text)) && *text ? atol(text) : 0;

	return v >= 1 && v <= API_LIMIT_MAX;
}

static bool is_cursor(const char *text)
{
	return *text && strlen(text) <= 128;
}

static bool is_unit(const char *text)
{
	char province[3] = { text[0], text[0] ? text[1] : '\0', '\0' };

	return all_digits(text, 6) && ids_province_valid(province);
}

static bool is_time(const char *text)
{
	int64_t v;

	return clock_parse_time(text, &v) == 0 || clock_parse_day(text, &v) == 0;
}

static bool among(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool is_year(const char *text)
{
	return all_digits(text, 4) && strcmp(text, "2000") >= 0 && text[0] == '2';
}

static bool is_cycle(const char *text)
{
	char first[5] = { 0 };

	memcpy(first, text, strnlen(text, 4));
	return strlen(text) == 9 && text[4] == '-' && is_year(first) && is_year(text + 5);
}

static const char *const periods[] = { "day", "month", NULL };
static const char *const severities[] = { "S1", "S2", "S3", "S4", NULL };
static const char *const alert_states[] = { "open", "all", NULL };
static const char *const formats[] = { "html", "csv", "json", NULL };
static const char *const outcomes[] = { "accepted", "rejected", "refused_pii", "fault", NULL };

static bool is_case_state(const char *text)
{
	return strcmp(text, "open") == 0 || strcmp(text, "all") == 0 || case_state_known(text);
}

/* One row a parameter: a check or a list of words, and what is wanted in words. */
static const struct {
	const char *name;
	bool (*check)(const char *text);
	const char *const *words;
	const char *wanted;
} params[PARAM_COUNT] = {
	[PARAM_LIMIT] = { "limit", is_limit, NULL, "a whole number from 1 to 1000" },
	[PARAM_AFTER] = { "after", is_cursor, NULL, "the `next` of an earlier answer" },
	[PARAM_PROVINCE] = { "province", ids_province_valid, NULL, "a 2-digit GB/T 2260 province code" },
	[PARAM_UNIT] = { "unit", is_unit, NULL, "a 6-digit unit code" },
	[PARAM_PERIOD] = { "period", NULL, periods, "day or month" },
	[PARAM_FROM] = { "from", is_cursor, NULL, "YYYY-MM-DD, or YYYY-MM with period=month" },
	[PARAM_TO] = { "to", is_cursor, NULL, "YYYY-MM-DD, or YYYY-MM with period=month" },
	[PARAM_SEVERITY] = { "severity", NULL, severities, "S1, S2, S3 or S4" },
	[PARAM_SINCE] = { "since", is_time, NULL, "an RFC 3339 time with offset, or YYYY-MM-DD" },
	[PARAM_STATE] = { "state", NULL, alert_states, "open or all" },
	[PARAM_OUTCOME] = { "outcome", NULL, outcomes, "accepted, rejected, refused_pii or fault" },
	[PARAM_SITE] = { "site", is_cursor, NULL, "a site as it stands in the topic, valid or not" },
	[PARAM_REVISION] = { "revision", is_revision, NULL, "a whole number from 1" },
	[PARAM_CASE_STATE] = { "state", is_case_state, NULL, "open, all, or a state of a case such as verifying" },
	[PARAM_FORMAT] = { "format", NULL, formats, "html, csv or json" },
	[PARAM_YEAR] = { "year", is_year, NULL, "a year such as 2026" },
	[PARAM_CYCLE] = { "cycle", is_cycle, NULL, "a cycle such as 2027-2028" },
	[PARAM_WORK] = { "kind", worklist_kind_known, NULL,
			 "silent-site, over-capacity, carer-ratio, sequence-gap or rejected-message" },
	[PARAM_FEED] = { "feed", is_cursor, NULL, "registration, enrolment, incident or survey" },
};

int api_refuse(struct api_call *c, enum api_param param, const char *wanted)
{
	char detail[256];

	snprintf(detail, sizeof detail, "%s: wanted is %s", params[param].name, wanted ? wanted : params[param].wanted);
	api_problem(c->rs, 400, "a parameter is wrong", detail, params[param].name, c->params[param],
		    wanted ? wanted : params[param].wanted);
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of %XX at text; -1 for a broken escape, and for %00 which no text here may hold. */
static int escaped(const char *text, size_t left)
{
	int byte;

	if (left < 3 || hex(text[1]) < 0 || hex(text[2]) < 0)
		return -1;
	byte = hex(text[1]) * 16 + hex(text[2]);
	return byte > 0 ? byte : -1;
}

/* Percent-decoded, NULL when broken; the caller frees. A '+' stays itself: times have it (+08:00), no parameter
 * has spaces. */
static char *decode(const char *text, size_t len)
{
	char *out = xcalloc(len + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int byte = text[i] == '%' ? escaped(text + i, len - i) : (unsigned char)text[i];

		if (byte < 0) {
			free(out);
			return NULL;
		}
		i += text[i] == '%' ? 2 : 0;
		out[n++] = (char)byte;
	}
	return out;
}

/* Of two with one name the one that the route knows. */
static int param_named(const struct api_route *route, const char *name, size_t len)
{
	for (int i = 0; i < PARAM_COUNT; i++)
		if (route->params >> i & 1 && strlen(params[i].name) == len && memcmp(params[i].name, name, len) == 0)
			return i;
	return -1;
}

static void refuse_unknown(struct api_call *c, const struct api_route *route, const char *name, size_t len)
{
	_cleanup_(buf_done) struct buf wanted = { 0 };
	char found[64];

	snprintf(found, sizeof found, "%.*s", (int)MIN(len, (size_t)40), name);
	for (int i = 0; i < PARAM_COUNT; i++)
		if (route->params >> i & 1)
			buf_printf(&wanted, "%s%s", wanted.len ? ", " : "", params[i].name);
	api_problem(c->rs, 400, "a parameter is wrong", "this call does not know the parameter", found, found,
		    wanted.len ? wanted.p : "no parameter");
}

static bool param_good(int i, const char *text)
{
	return params[i].check ? params[i].check(text) : among(text, params[i].words);
}

/* One name=value. false: refused. */
static bool take_param(struct api_call *c, const struct api_route *route, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	int i = param_named(route, text, name_len);

	if (len == 0)
		return true;
	if (i < 0) {
		refuse_unknown(c, route, text, name_len);
		return false;
	}
	free(c->params[i]);
	c->params[i] = equals ? decode(equals + 1, len - name_len - 1) : xstrdup("");
	if (c->params[i] && param_good(i, c->params[i]))
		return true;
	api_refuse(c, (enum api_param)i, NULL);
	return false;
}

static bool take_params(struct api_call *c, const struct api_route *route)
{
	const char *query = strchr(c->rq->target, '?');

	while (query && *query) {
		const char *start = query + 1;
		size_t len = strcspn(start, "&");

		if (!take_param(c, route, start, len))
			return false;
		query = start + len;
	}
	return true;
}

size_t api_limit(const struct api_call *c)
{
	return c->params[PARAM_LIMIT] ? (size_t)atol(c->params[PARAM_LIMIT]) : API_LIMIT_DEFAULT;
}

int api_after_int(struct api_call *c, int64_t *ret)
{
	const char *text = c->params[PARAM_AFTER];

	*ret = 0;
	if (!text)
		return 0;
	if (strlen(text) > 15 || !all_digits(text, strlen(text))) {
		api_refuse(c, PARAM_AFTER, NULL);
		return -EINVAL;
	}
	*ret = atoll(text);
	return 0;
}

json *api_list(json *items, const char *next)
{
	json *list = json_new_object();

	json_set(list, "items", items);
	json_set(list, "next", json_new_text(next && *next ? next : NULL));
	return list;
}

json *api_list_int(json *items, int64_t next)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)next);
	return api_list(items, next > 0 ? text : NULL);
}

/* --- routes --- */

static bool split(struct api_call *c, const char *path, size_t len)
{
	while (len > 0) {
		size_t part;

		path++; /* the slash before it */
		len--;
		part = MIN(strcspn(path, "/"), len);
		if (c->segment_count == API_SEGMENTS_MAX)
			return false;
		c->segments[c->segment_count] = decode(path, part);
		if (!c->segments[c->segment_count++])
			return false;
		path += part;
		len -= part;
	}
	return true;
}

static bool matches(struct api_call *c, const char *pattern)
{
	size_t i = 0, holes = 0;

	for (; *pattern && i < c->segment_count; i++) {
		size_t len = strcspn(++pattern, "/");

		if (*pattern == '{')
			c->holes[holes++] = c->segments[i];
		else if (strlen(c->segments[i]) != len || memcmp(c->segments[i], pattern, len) != 0)
			return false;
		pattern += len;
	}
	return !*pattern && i == c->segment_count;
}

static bool same_method(const char *asked, const char *route)
{
	return strcmp(asked, route) == 0 || (strcmp(asked, "HEAD") == 0 && strcmp(route, "GET") == 0);
}

static void allow(struct api_response *rs, const char *method)
{
	const char *words = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;
	size_t len = strlen(rs->allow);

	snprintf(rs->allow + len, sizeof rs->allow - len, "%s%s", len ? ", " : "", words);
}

/* The row, or NULL with rs->allow naming the methods that the path has. */
static const struct api_route *find_in(struct api_call *c, const struct api_route *route, bool root)
{
	for (; route->method; route++) {
		if (route->root != root || !matches(c, route->pattern))
			continue;
		if (same_method(c->rq->method, route->method))
			return route;
		allow(c->rs, route->method);
	}
	return NULL;
}

static const struct api_route *find(struct api_call *c)
{
	const char *path = c->rq->target;
	size_t len = strcspn(path, "?");
	bool root = strncmp(path, PREFIX "/", strlen(PREFIX "/")) != 0;
	const struct api_route *route = NULL;

	if (len > TARGET_MAX || *path != '/')
		return NULL;
	if (!root) {
		path += strlen(PREFIX);
		len -= strlen(PREFIX);
	}
	if (!split(c, path, len))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(tables) && !route; i++)
		route = find_in(c, tables[i], root);
	return route;
}

static void call_done(struct api_call *c)
{
	for (size_t i = 0; i < c->segment_count; i++)
		free(c->segments[i]);
	for (int i = 0; i < PARAM_COUNT; i++)
		free(c->params[i]);
	province_sums_done(&c->sums);
}

static const struct api_route *route_of(const char *method, const char *target)
{
	struct api_request rq = { .method = method, .target = target };
	struct api_response rs = { 0 };
	_cleanup_(call_done) struct api_call c = { .rq = &rq, .rs = &rs };

	return find(&c);
}

bool api_is_act(const char *method, const char *target)
{
	const struct api_route *route = route_of(method, target);

	return route && !route->handler;
}

bool api_act_is_open(const char *method, const char *target)
{
	const struct api_route *route = route_of(method, target);

	return route && route->open;
}

unsigned api_act_roles(const char *method, const char *target)
{
	const struct api_route *route = route_of(method, target);

	return route ? route->roles : 0;
}

size_t api_body_max(const char *method, const char *target)
{
	const struct api_route *route = route_of(method, target);

	return route && route->body_max ? route->body_max : BODY_MAX;
}

/* --- answering --- */

static void set_today(struct api_call *c)
{
	int64_t head = 0;

	c->now = c->rq->now_ms;
	if (store_get_int(c->api->store, &head, "SELECT received_at FROM ledger ORDER BY n DESC LIMIT 1", "") > 0)
		c->now = MAX(c->now, head);
	c->today = clock_local_day(c->now);
}

/* One short read transaction around the handler, but for one that makes its own. */
static int ask(struct api_call *c, const struct api_route *route, json **ret)
{
	int r;

	if (route->root) /* live facts: said even when the store is not well */
		return route->handler(c, ret);
	r = store_begin(c->api->store);
	if (r < 0)
		return r;
	set_today(c);
	if (!route->slices)
		r = route->handler(c, ret);
	store_rollback(c->api->store);
	return route->slices ? route->handler(c, ret) : r;
}

int api_policy(struct api_call *c, const struct policy **ret)
{
	int r = province_sums_policy(c->api->store, &c->sums);

	*ret = c->sums.policy;
	return r == -EUCLEAN ? 0 : r;
}

void api_version(struct api_call *c, const json *object)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	json_compact(object, &text);
	etag_version(text.p, text.len, c->version);
}

void api_send(struct api_call *c, const char *content_type)
{
	c->rs->status = 200;
	c->rs->content_type = content_type;
	etag_write(c->version, c->rs->body.p, c->rs->body.len, c->rs->etag);
	if (!c->rq->if_none_match || !etag_none_match_knows(c->rq->if_none_match, c->rs->etag))
		return;
	c->rs->status = 304;
	buf_reset(&c->rs->body);
}

static void send_json(struct api_call *c, const json *value)
{
	json_compact(value, &c->rs->body);
	api_send(c, "application/json");
}

static void serve(struct api_call *c, const struct api_route *route)
{
	_cleanup_(json_freep) json *value = NULL;
	int r;

	if (!take_params(c, route))
		return;
	r = ask(c, route, &value);
	if (r == -EBUSY)
		problem(c, 503, "the store is busy", "ask again in a moment");
	else if (r < 0) {
		log_error("api.failed", "target=\"%s\" why=\"%s\" next=\"500 to the client\"", route->pattern,
			  store_why(c->api->store));
		problem(c, 500, "the store could not be read", store_why(c->api->store));
	} else if (r == API_NOT_FOUND)
		problem(c, 404, "there is no such thing", "the path is right, but nothing is known by this name");
	else if (value)
		send_json(c, value);
}

void api_answer(struct api *api, const struct api_request *rq, struct api_response *rs)
{
	_cleanup_(call_done) struct api_call c = { .api = api, .rq = rq, .rs = rs,
						       .sums = { .inside = rq->trusted, .policies = &api->policies } };
	const struct api_route *route = find(&c);

	if (!route && rs->allow[0])
		problem(&c, 405, "this method is not for this path", rs->allow);
	else if (!route || (route->local && !rq->local))
		problem(&c, 404, "there is no such path", "the paths are listed in docs/openapi.yaml");
	else if (route->role && !rq->trusted)
		problem(&c, rq->known ? 403 : 401, "a role is needed",
			"over TCP this needs a bearer token of somebody with a role; the Unix socket knows who you are");
	else if (!route->handler)
		problem(&c, 503, "acts need the daemon", "send this to the daemon, a database file only answers");
	else
		serve(&c, route);
}
