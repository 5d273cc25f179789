/* SPDX-License-Identifier: MIT
 *
 * Edges: HTTP on loopback TCP and on a Unix socket. The only file that includes <microhttpd.h>.
 *
 * One thread of its own with its own read-only connection to the database runs both listeners: GETs are answered
 * there (api_answer), POSTs of the Unix socket wait, suspended, for the main thread:
 *
 *   HTTP thread: POST complete → queue, eventfd        main thread: http_act_fd() readable →
 *   … answered when finished                            while ((act = http_next_act(h))) { … commit …; http_finish_act() }
 *
 * libmicrohttpd's timeout is idle time only; a request (headers, body, answer) has DEADLINE in all, then the
 * socket is shut down (DESIGN §4.13).
 */
#pragma once

#include "api.h"
#include "people.h"

#include <stdbool.h>

struct http;

struct http_options {
	const char *listen;  /* "127.0.0.1:8640", "[::1]:8640"; "" no TCP; port 0: the kernel's choice */
	const char *socket;  /* path; "" none */
	const char *db_path; /* opened read-only; exists and is migrated */
	struct api_live *live; /* borrowed until http_free */
	struct people *people; /* borrowed; NULL: the socket's peers are operators, tokens are unknown */
	int64_t deadline_ms;   /* 0: 10 s */
	size_t held_max;       /* bytes of bodies and answers at once; 0: 256 MiB */
};

#define HTTP_WHY_SIZE 256

/* On failure why has a sentence for the log. */
int http_new(const struct http_options *options, char why[static HTTP_WHY_SIZE], struct http **ret);
/* Waits up to a second for answers on their way, refuses what is queued with 503, removes the socket. Acts that
 * the main thread has taken and not finished are refused too; their pointers are dead after this. */
void http_free(struct http *h);
static inline void http_freep(struct http **h)
{
	http_free(*h);
}
int http_port(const struct http *h); /* of the TCP listener; 0 none */

/* From now on every POST is answered 503; GETs go on. */
void http_stop_acts(struct http *h);

/* One POST, complete. Texts are never NULL and valid until http_finish_act. */
struct http_act {
	const char *method;
	const char *path; /* with its query, as it came: "/api/v1/imports/targets" */
	const char *content_type;
	struct buf body;
	struct who who; /* from the credential alone; zeroed over TCP without one (only acts that are open come so) */
	char actor[32]; /* who.name */
	char idempotency_key[129], if_match[1025]; /* longer ones are refused: half a key is another key */
};

int http_act_fd(const struct http *h); /* an eventfd, ours; readable when an act waits */
struct http_act *http_next_act(struct http *h); /* NULL: none; then the eventfd is empty */
void http_wake_acts(struct http *h); /* whoever leaves while acts may wait: the eventfd is readable again */
/* Takes the bytes of body (may be NULL) and ends the act. content_type is static, NULL: application/json. */
void http_finish_act(struct http *h, struct http_act *act, int status, const char *content_type, struct buf *body);
