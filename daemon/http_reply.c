/* SPDX-License-Identifier: MIT */
#include <microhttpd.h>

#include "http_reply.h"

#include "../sinks/gzip.h"

#include <string.h>

#define GZIP_FROM 1400 /* bytes: less fits into one packet anyway */

const char *http_header(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value ? value : "";
}

static void add_headers(struct MHD_Response *response, const struct api_response *rs)
{
	MHD_add_response_header(response, "Content-Type", rs->content_type ? rs->content_type : "application/json");
	/* Keep it, and ask with If-None-Match; but what a role was needed for stays in nobody's cache. */
	MHD_add_response_header(response, "Cache-Control", rs->for_one ? "no-store" : "no-cache");
	MHD_add_response_header(response, "Vary", "Accept-Encoding, Authorization"); /* without a role less is told */
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Frame-Options", "DENY");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	if (rs->etag[0])
		MHD_add_response_header(response, "ETag", rs->etag);
	if (rs->content_security_policy) {
		MHD_add_response_header(response, "Content-Security-Policy", rs->content_security_policy);
		MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	}
	if (rs->allow[0])
		MHD_add_response_header(response, "Allow", rs->allow);
	if (rs->status == 401)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	if (rs->status == 503)
		MHD_add_response_header(response, "Retry-After", "5");
}

/* "br, gzip;q=0.5": yes; "gzip;q=0", "identity", "": no. */
static bool wants_gzip(const char *accepted)
{
	const char *name = strcasestr(accepted, "gzip"), *q;
	size_t len;

	if (!name)
		return false;
	len = strcspn(name, ",");
	q = memmem(name, len, "q=", 2);
	return !q || strtod(q + 2, NULL) > 0;
}

/* The entity tag stays the same: no ranges are served, and an act's If-Match means the object, however it travelled. */
static bool shrink(struct MHD_Connection *connection, struct api_response *rs)
{
	struct buf small = { 0 };

	if (rs->body.len < GZIP_FROM || !wants_gzip(http_header(connection, "Accept-Encoding")))
		return false;
	if (gzip(rs->body.p, rs->body.len, &small) < 0 || small.len >= rs->body.len) {
		buf_done(&small);
		return false;
	}
	buf_done(&rs->body);
	rs->body = small;
	return true;
}

/* Takes the body's bytes over. */
enum MHD_Result http_reply(struct MHD_Connection *connection, struct api_response *rs)
{
	bool shrunk = shrink(connection, rs);
	size_t len = rs->body.len;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, buf_take(&rs->body), MHD_RESPMEM_MUST_FREE);
	enum MHD_Result queued;

	if (!response)
		die_oom();
	add_headers(response, rs);
	if (shrunk)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	queued = MHD_queue_response(connection, (unsigned)rs->status, response);
	MHD_destroy_response(response);
	return queued;
}

enum MHD_Result http_refuse(struct MHD_Connection *connection, int status, const char *title, const char *detail)
{
	struct api_response rs = { 0 };

	api_problem(&rs, status, title, detail, NULL, NULL, NULL);
	return http_reply(connection, &rs);
}
