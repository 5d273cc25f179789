/* SPDX-License-Identifier: MIT
 *
 * Cases of Article 6, and the acts of officers: recognised here, performed by the main thread (officer_acts.c).
 */
#include "api_route.h"

#include <stdio.h>

/* In the order of their numbers; `after` is the last one's id. */
static int list_cases(struct api_call *c, json **ret)
{
	_cleanup_(json_freep) json *items = json_new_list();
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const char *state = c->params[PARAM_CASE_STATE] ? c->params[PARAM_CASE_STATE] : "open", *after = c->params[PARAM_AFTER];
	size_t limit = api_limit(c), count = 0;
	char last[24] = "";
	const struct policy *policy;
	int r = api_policy(c, &policy);

	if (r < 0)
		return r;
	r = store_query(c->api->store, &q,
			    "SELECT id FROM case_file WHERE (?1 = 'all' OR state = ?1 OR (?1 = 'open' AND is_open = 1))"
			    " AND (?2 IS NULL OR unit = ?2) AND (?3 IS NULL OR (year, no) > (SELECT year, no FROM case_file WHERE id = ?3))"
			    " ORDER BY year, no LIMIT ?4",
			    "ttti", state, c->params[PARAM_UNIT], after, (int64_t)limit + 1);

	while (r >= 0 && (r = store_step(q)) > 0 && count++ < limit) {
		json *item = NULL;

		snprintf(last, sizeof last, "%s", store_text(q, 0));
		r = object_case(c->api->store, last, false, &item);
		if (item)
			json_push(items, item);
		if (r == 0)
			r = object_case_clocks(c->api->store, policy, last, false, c->now, item);
	}
	if (r < 0)
		return r;
	*ret = api_list(json_keep(items), count > limit ? last : NULL);
	return 0;
}

static int one_case(struct api_call *c, json **ret)
{
	const struct policy *policy;
	int r = object_case(c->api->store, c->holes[0], true, ret);

	if (r != 0)
		return r;
	api_version(c, *ret);
	r = api_policy(c, &policy);
	return r < 0 ? r : object_case_clocks(c->api->store, policy, c->holes[0], true, c->now, *ret);
}

const struct api_route api_case_routes[] = {
	{ .method = "GET", .pattern = "/cases", .handler = list_cases, .role = true,
	  .params = P(LIMIT) | P(AFTER) | P(CASE_STATE) | P(UNIT) },
	{ .method = "GET", .pattern = "/cases/{id}", .handler = one_case, .role = true },
	{ .method = "POST", .pattern = "/alerts/{id}/actions", .roles = ROLES_OFFICERS },
	{ .method = "POST", .pattern = "/cases/{id}/actions", .roles = ROLES_OFFICERS },
	{ .method = "POST", .pattern = "/incidents/{site}/{event}/actions", .roles = ROLES_OFFICERS },
	{ .method = "POST", .pattern = "/sites/{site}/actions", .roles = ROLES_OFFICERS },
	{ .method = "POST", .pattern = "/units/{unit}/actions", .roles = ROLES_OFFICERS },
	{ 0 },
};
