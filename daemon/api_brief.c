/* SPDX-License-Identifier: MIT */
#include "api_route.h"
#include "brief.h"
#include "clock.h"

/* The ledger's time when that is ahead of the clock (drills). */
static int now_of(struct api_call *c, int64_t *ret)
{
	int64_t head = 0;
	int r = store_get_int(c->api->store, &head, "SELECT received_at FROM ledger ORDER BY n DESC LIMIT 1", "");

	*ret = MAX(clock_now_ms(), head);
	return MIN(r, 0);
}

static int one_brief(struct api_call *c, json **ret)
{
	int64_t id, now;
	int r = brief_find(c->api->store, c->holes[0], &id);

	if (r == BRIEF_NONE)
		return API_NOT_FOUND;
	if (r >= 0)
		r = now_of(c, &now);
	return r < 0 ? r : object_brief(c->api->store, id, now, ret);
}

const struct api_route api_brief_routes[] = {
	{ .method = "GET", .pattern = "/alerts/{id}/brief", .handler = one_brief, .role = true },
	{ .method = "GET", .pattern = "/cases/{id}/brief", .handler = one_brief, .role = true },
	{ 0 },
};
