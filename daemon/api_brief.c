/* SPDX-License-Identifier: MIT */
#include "api_route.h"
#include "brief.h"

static int one_brief(struct api_call *c, json **ret)
{
	int64_t id;
	int r = brief_find(c->api->store, c->holes[0], &id);

	if (r == BRIEF_NONE)
		return API_NOT_FOUND;
	return r < 0 ? r : object_brief(c->api->store, id, c->now, ret);
}

const struct api_route api_brief_routes[] = {
	{ .method = "GET", .pattern = "/alerts/{id}/brief", .handler = one_brief, .role = true },
	{ .method = "GET", .pattern = "/cases/{id}/brief", .handler = one_brief, .role = true },
	{ 0 },
};
