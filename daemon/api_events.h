/* SPDX-License-Identifier: MIT
 *
 * Engines: what GET /events tells (CONTRACT §2), as pages of text/event-stream behind a cursor. A page is one short read
 * transaction; whoever follows holds nothing but a cursor between two pages (DESIGN §4.15).
 *
 * An event's id is the cursor behind it, so Last-Event-ID goes on where a reader stopped. The numbers in it are the
 * change numbers of the tables, one a kind. Objects are told as they are now: what changed twice is told once. Of an
 * indicator the latest day is told, like in the retained topics; history that is recomputed is passed over.
 */
#pragma once

#include "api.h"

enum event_kind { EVENT_ALERT, EVENT_INDICATOR, EVENT_CASE, EVENT_KINDS }; /* rows of the table in api_events.c */

struct event_cursor {
	int64_t at[EVENT_KINDS];
};
bool event_cursor_equal(const struct event_cursor *a, const struct event_cursor *b);

/* Behind everything there is. */
int api_events_head(struct api *api, struct event_cursor *ret);

/* From a Last-Event-ID. One that is none of ours becomes the head and appends a `reset` event: ask for the whole again. */
int api_events_resume(struct api *api, const char *last_event_id, struct event_cursor *ret, struct buf *out);

/* Appends the next events behind *at and moves it. Nothing appended and *at unmoved: there are no more. inside: with what
 * needs a role. A cursor of a database that has gone back (rebuild, backup) is reset, too. */
int api_events(struct api *api, bool inside, struct event_cursor *at, struct buf *out);
