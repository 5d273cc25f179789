/* SPDX-License-Identifier: MIT
 *
 * Edges: what an outlet is told, one row a kind (DOMAIN §4). Pure: bytes out of facts, no clock, no store, no socket; each
 * kind has its escaper, so a nursery's name is a name everywhere. What an answer means is a table, too.
 *
 *   webhook     X-Nurseryd-Timestamp: seconds; X-Nurseryd-Signature: sha256=hex(HMAC-SHA256(secret, timestamp "." body));
 *               Idempotency-Key: the same however often it is sent
 *   wecom, dingtalk, feishu   a text message of a group's robot; dingtalk and feishu signed as they ask for it
 *   mail        text/plain in base64, Message-ID from the key
 *   alertmanager   POST /api/v2/alerts, one alert; endsAt ahead of now while it is open, the closing time then
 *
 * An outlet of trust outside is told severity, unit and case, nothing more.
 */
#pragma once

#include "../daemon/brief.h"
#include "../daemon/config.h"
#include "../daemon/httpc.h"
#include "pages.h"

#define OUTLET_HEADERS_MAX 5

struct outlet_page {
	const struct notify_sink *sink;
	const struct page *page;
	const struct brief *brief;
	const struct brief_moment *moment;
	const char *address;    /* of the contact; "" the sink's own */
	const char *secret, *token; /* "" none */
	const json *alert;      /* the alert object for outlets inside; NULL: none */
};

struct outlet_request {
	struct buf url, body;
	struct buf headers[OUTLET_HEADERS_MAX]; /* "Name: value" */
	size_t header_count;
};
void outlet_request_done(struct outlet_request *r);

/* peer: which of the sink's urls. -EINVAL: a secret or an address has a byte that would be a second line. */
int outlet_encode(const struct outlet_page *p, int64_t peer, struct outlet_request *ret);

enum outlet_verdict {
	OUTLET_TAKEN,
	OUTLET_LATER,   /* nobody there, or busy: again soon */
	OUTLET_REFUSED, /* somebody must look at it: again seldom, never dropped */
};
enum outlet_verdict outlet_judge(int kind, const struct httpc_answer *a);

/* --- the escapers, for tests and fuzzing --- */

/* Angle brackets become full-width: a robot takes <at user_id="all"> for a command. */
void outlet_escape_robot(const char *text, struct buf *out);
/* RFC 2047 encoded words of at most 75 characters, folded. */
void outlet_escape_header(const char *text, struct buf *out);
/* Base64 in lines of 76. */
void outlet_escape_mail(const char *text, struct buf *out);
