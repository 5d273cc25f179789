/* SPDX-License-Identifier: MIT
 *
 * Between http.c and its event streams. HTTP thread only.
 *
 * A reader is a cursor and the page that it is being sent: nothing queues up for a slow one. A page must be taken within
 * the deadline of a request, then its socket is shut down like any other (DESIGN §4.13); it comes back with
 * Last-Event-ID. Between pages the connection is suspended and costs nothing.
 */
#pragma once

#include "api_events.h"

struct MHD_Connection;
struct events;

struct events *events_new(struct api *api, int64_t deadline_ms);
void events_free(struct events *e); /* no reader is left */

/* Answers GET /api/v1/events; an enum MHD_Result. *deadline (monotonic ms, INT64_MAX never) belongs to the connection and is moved by
 * the stream. */
int events_start(struct events *e, struct MHD_Connection *connection, bool inside, const char *last_event_id,
		 int64_t *deadline);
/* inside: the reader has a role; a hundred places more are for such readers. */
bool events_full(const struct events *e, bool inside);

/* Gives every waiting reader what is new; ms until it wants to be called again, INT64_MAX without readers. */
int64_t events_turn(struct events *e);
/* From now on streams end. */
void events_stop(struct events *e);
