/* SPDX-License-Identifier: MIT
 *
 * Engines: the HTTP API (CONTRACT §2) as a function over a read-only store: the HTTP thread and
 * `nurseryctl --db FILE` ask the same one. Each answer is one short read transaction (DESIGN §4.15).
 * Acts (POST) are only recognised here; the main thread performs them.
 */
#pragma once

#include "buf.h"
#include "etag.h"
#include "objects.h"
#include "store.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* --- live facts: the main thread puts them there, /readyz and /metrics show them --- */

#define API_COUNTERS_MAX 96

struct api_counter {
	const char *name;   /* "nurseryd_messages_total"; static, like the other texts */
	const char *labels; /* "outcome=\"accepted\"" or NULL; equal names stand next to each other */
	const char *help;   /* of the first of a name */
	bool gauge;
	int64_t value;
};

struct api_facts {
	bool subscribed;     /* SUBACK seen on the present connection */
	bool store_writable; /* the last commit succeeded */
	char why[160];       /* what is wrong, for a person; "" when ready */
	char sinks[192]; /* what keeps a sink from being served, for a person; "" nothing. Readiness does not look at it */
	int64_t started_at, updated_at; /* ms */
	int http_port;       /* the one that listens, also where any free one was asked for; 0: none */
	int64_t wal_bytes;
	bool clock_wrong;    /* before the build or the last row: nothing is taken (DESIGN §5) */
	bool shedding;       /* below the reserve: everything but the ledger is held */
	int64_t free_bytes, reserve_bytes; /* free: -1 not known */
	int64_t ledger_n, indicators_n;
	int64_t verified_n; /* the background check of the chain got so far … */
	int64_t verify_to;  /* … of so many rows; equal: whole */
	int64_t bad_row;    /* 0: none found */
	size_t counter_count;
	struct api_counter counters[API_COUNTERS_MAX];
};

/* The one thing both threads touch. */
struct api_live {
	pthread_mutex_t lock;
	struct api_facts facts;
};
void api_live_init(struct api_live *l);
void api_live_done(struct api_live *l);
void api_live_set(struct api_live *l, const struct api_facts *facts); /* copies */
void api_live_get(struct api_live *l, struct api_facts *ret);
/* For filling: more than API_COUNTERS_MAX are dropped. */
void api_facts_count(struct api_facts *f, const char *name, const char *labels, const char *help, int64_t value);
void api_facts_gauge(struct api_facts *f, const char *name, const char *labels, const char *help, int64_t value);

/* --- questions and answers --- */

struct api {
	struct store *store;   /* borrowed, read-only, used by this thread alone */
	struct api_live *live; /* borrowed; NULL without a daemon (nurseryctl --db) */
	const char *db_path;   /* absolute; borrowed */
	struct policy_cache policies;
};
void api_done(struct api *api);

struct api_request {
	const char *method;
	const char *target;        /* as it came: path, and query behind '?' */
	const char *if_none_match; /* or NULL */
	bool trusted;              /* the Unix socket, a database file in hand, or a role over TCP */
	bool known;                /* came with a credential */
	bool local;                /* the Unix socket or a database file: may hear of paths */
	int64_t now_ms;
};

struct api_response { /* zero-initialised by the caller; api_response_done frees */
	int status;
	const char *content_type;
	struct buf body;
	char etag[ETAG_SIZE]; /* with its quotes, or "" */
	char allow[32];           /* for 405 */
	const char *content_security_policy; /* of a page; NULL none */
	bool for_one; /* who asked has a credential: no cache may keep it */
};
void api_response_done(struct api_response *rs);

/* GET (and HEAD: the same, whoever sends it leaves the body away), and every refusal. Never fails. */
void api_answer(struct api *api, const struct api_request *rq, struct api_response *rs);

/* GET of the event stream, without a body and an end: not for api_answer. */
bool api_is_stream(const char *method, const char *target);

/* A POST that a route knows: the caller hands it to the main thread. */
bool api_is_act(const char *method, const char *target);
bool api_act_is_open(const char *method, const char *target); /* needs no credential over TCP */
unsigned api_act_roles(const char *method, const char *target); /* one of these (people.h) may; 0: anybody with a credential */
/* The most bytes a body of this request may have. */
size_t api_body_max(const char *method, const char *target);

/* RFC 9457. parameter, found, wanted: one error naming a field, or NULL. Also for the main thread's answers. */
void api_problem(struct api_response *rs, int status, const char *title, const char *detail, const char *parameter,
		 const char *found, const char *wanted);
