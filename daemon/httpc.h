/* SPDX-License-Identifier: MIT
 *
 * Edges: HTTP requests and mails to others. The only file of the daemon that includes <curl/…>. Never blocks: curl's sockets and
 * timer live in the caller's event loop, names are resolved in curl's own thread.
 *
 * No redirects (a token would follow them), no proxy from the environment, http and https only, certificates are
 * checked, TLS 1.2 at least. What an answer says is the stranger's: bounded, and never logged here.
 */
#pragma once

#include "buf.h"

#include <systemd/sd-event.h>

#define HTTPC_BODY_KEPT 1024 /* bytes of an answer */

struct httpc;
struct httpc_call; /* one on its way */

struct httpc_answer {
	int status;            /* 0: there was none, `why` says it */
	const char *why;       /* curl's words; "" with a status */
	int64_t retry_after_s; /* Retry-After; 0: none */
	char body[HTTPC_BODY_KEPT + 1]; /* the beginning, cut at a NUL */
};

struct httpc_request {
	const char *method, *url;
	const char *const *headers; /* "Name: value" without line ends, NULL at the end */
	const void *body;           /* borrowed until done or httpc_cancel */
	size_t len;
	int64_t timeout_ms; /* in all */
	const char *ca_file; /* PEM; NULL or "": the system's authorities */
	/* A mail (smtp://, smtps://): the body is the whole message. status is then SMTP's, 250 when it was taken. */
	const char *mail_from;             /* NULL: HTTP */
	const char *const *mail_to;        /* NULL at the end */
	const char *credential;            /* "user:password"; NULL or "": none */
	bool plain;                        /* smtp:// without STARTTLS; else it is required */
	/* Once, never from inside httpc_start; the call is over. */
	void (*done)(void *context, const struct httpc_answer *answer);
	void *context;
};

int httpc_new(sd_event *event, struct httpc **ret);
void httpc_free(struct httpc *h); /* drops what is on its way, `done` is not called */
int httpc_start(struct httpc *h, const struct httpc_request *request, struct httpc_call **ret);
void httpc_cancel(struct httpc_call *call); /* NULL is fine */
