/* SPDX-License-Identifier: MIT
 *
 * Engines: what a copy of the database says of itself. `backup` marks it; a daemon that is started on it takes a client id
 * of its own and asks every sender for what came after the copy was made.
 *
 * A new client id (docs/operator.md): the original may still be running (a drill, a second machine), and two daemons with
 * one id steal each other's messages. What the broker still queues for the old id was never receipted, so its senders send it
 * again; what was receipted after the copy is asked for. mqtt.client_id in the configuration wins over both.
 */
#pragma once

#include "store.h"

/* In the copy: it is one, made at that time. */
int restore_mark(struct store *copy, int64_t made_at);
/* At start: 1 when this is a marked copy (*ret_made_at, ms); the mark is taken off and the asking is set up. */
int restore_begin(struct store *s, int64_t *ret_made_at);

/* How far the asking has come: 1 it is under way, 0 there is nothing to ask. */
int restore_cursor(struct store *s, int64_t *ret);
int restore_set_cursor(struct store *s, int64_t cursor); /* < 0: all were asked */
