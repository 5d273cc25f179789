/* SPDX-License-Identifier: MIT
 *
 * Between api.c and the files that answer (api_*.c): routes, parameters, lists.
 */
#pragma once

#include "api.h"
#include "json.h"
#include "objects.h"
#include "people.h"

#define API_SEGMENTS_MAX 8
#define API_ANSWER_BUDGET_MS 200 /* of one read transaction; the limit is 250 (DESIGN §4.15) */
#define API_LIMIT_DEFAULT 100
#define API_LIMIT_MAX 1000

enum api_param {
	PARAM_LIMIT, PARAM_AFTER, PARAM_PROVINCE, PARAM_UNIT, PARAM_PERIOD, PARAM_FROM, PARAM_TO, PARAM_SEVERITY,
	PARAM_SINCE, PARAM_STATE, PARAM_OUTCOME, PARAM_SITE, PARAM_FEED, PARAM_REVISION, PARAM_CASE_STATE, PARAM_WORK, PARAM_FORMAT,
	PARAM_YEAR, PARAM_CYCLE,
	PARAM_COUNT,
};

/* One question while it is answered. */
struct api_call {
	struct api *api;
	const struct api_request *rq;
	struct api_response *rs;
	char *segments[API_SEGMENTS_MAX]; /* of the path behind its prefix, percent-decoded */
	size_t segment_count;
	const char *holes[API_SEGMENTS_MAX]; /* what stands at the placeholders, in order */
	char *params[PARAM_COUNT];           /* percent-decoded; NULL when absent */
	struct province_sums sums;
	int64_t now;   /* the clock's, or the ledger's head's when that is ahead (drills) */
	char version[ETAG_VERSION_SIZE]; /* of what officers act on; "" none */
	int64_t today; /* Shanghai's: of the clock, or of the ledger's head when that is ahead (drills) */
};

/* 0 answered or *ret is to be sent with 200; API_NOT_FOUND: 404; < 0 the store failed. */
#define API_NOT_FOUND 1
typedef int (*api_handler)(struct api_call *c, json **ret);

struct api_route {
	const char *method;
	const char *pattern; /* under /api/v1, or from the root when `root` */
	api_handler handler; /* NULL: an act of the main thread */
	uint32_t params;     /* bits of enum api_param */
	bool root;
	bool slices; /* the handler makes its own short transactions */
	bool role;  /* needed over TCP */
	unsigned roles; /* of an act: whoever has one of these may; 0 with `open`: everybody */
	bool local; /* Unix socket and nurseryctl --db only */
	bool open;  /* an act that stores nothing: over TCP without a credential too */
	size_t body_max; /* 0: the usual */
};
#define P(param) (UINT32_C(1) << PARAM_##param)

/* The tables of the themes, each ends with a row without method. */
extern const struct api_route api_unit_routes[];
extern const struct api_route api_site_routes[];
extern const struct api_route api_message_routes[];
extern const struct api_route api_live_routes[];
extern const struct api_route api_act_routes[];
extern const struct api_route api_web_routes[];
extern const struct api_route api_brief_routes[];
extern const struct api_route api_case_routes[];
extern const struct api_route api_worklist_routes[];
extern const struct api_route api_report_routes[];

/* Refuses: the answer is set, the handler returns 0 with *ret NULL. */
int api_refuse(struct api_call *c, enum api_param param, const char *wanted);
size_t api_limit(const struct api_call *c);
/* `after` as a number not below 0; 0 when absent. -EINVAL: refused already. */
int api_after_int(struct api_call *c, int64_t *ret);
/* The policy that the ledger has, for the length of this answer; NULL: none. */
int api_policy(struct api_call *c, const struct policy **ret);
/* What an act's If-Match is held against (etag.h): the object without what changes by itself. */
void api_version(struct api_call *c, const json *object);
/* rs->body as it stands: 200 with its ETag, or 304 and nothing when the asker has it. */
void api_send(struct api_call *c, const char *content_type);
/* {items, next}; next NULL or "" is null. Takes over items. */
json *api_list(json *items, const char *next);
json *api_list_int(json *items, int64_t next); /* 0 is null */
