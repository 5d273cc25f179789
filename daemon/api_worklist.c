/* SPDX-License-Identifier: MIT
 *
 * The worklist (worklist.h). Over TCP without a role it names no nursery, like the alerts.
 */
#include "api_route.h"

#include "clock.h"
#include "policy_row.h"
#include "worklist.h"

#include <stdio.h>

/* `after` is "kind's number.key". */
static bool parse_place(const char *text, struct worklist_place *ret)
{
	unsigned long long kind, key;
	int end = 0;

	if (sscanf(text, "%2llu.%15llu%n", &kind, &key, &end) != 2 || text[end] != '\0' || kind >= worklist_kind_count)
		return false;
	*ret = (struct worklist_place){ (size_t)kind, (int64_t)key };
	return true;
}

static int list(struct api_call *c, const struct policy *policy, struct worklist_place *place, json **ret)
{
	_cleanup_(json_freep) json *items = json_new_list();
	struct worklist_asked asked = { .store = c->api->store, .policy = policy, .unit = c->params[PARAM_UNIT],
					.kind = c->params[PARAM_WORK], .inside = c->rq->trusted, .today = c->today,
					.now = MAX(c->rq->now_ms, clock_day_start_ms(c->today)),
					.deadline_ms = clock_monotonic_ms() + API_ANSWER_BUDGET_MS, .limit = api_limit(c) };
	char next[48];
	int r = worklist_page(&asked, place, items);

	if (r < 0)
		return r;
	snprintf(next, sizeof next, "%zu.%lld", place->kind, (long long)place->key);
	*ret = api_list(json_keep(items), r > 0 ? next : NULL);
	return 0;
}

static int list_worklist(struct api_call *c, json **ret)
{
	struct worklist_place place = { 0 };
	struct policy *policy;
	int r;

	if (c->params[PARAM_AFTER] && !parse_place(c->params[PARAM_AFTER], &place))
		return api_refuse(c, PARAM_AFTER, NULL);
	r = policy_row_newest(c->api->store, &policy);
	if (r > 0) /* none: an empty database has no list */
		r = list(c, policy, &place, ret);
	else if (r == 0)
		*ret = api_list(json_new_list(), NULL);
	policy_free(policy);
	return MIN(r, 0);
}

const struct api_route api_worklist_routes[] = {
	{ .method = "GET", .pattern = "/worklist", .handler = list_worklist, .params = P(LIMIT) | P(AFTER) | P(UNIT) | P(WORK) },
	{ 0 },
};
