/* SPDX-License-Identifier: MIT
 *
 * Engines: who we are to the broker, kept in the database: the client id, and every topic that the persistent session
 * may still be subscribed to.
 */
#pragma once

#include "config.h"
#include "store.h"

struct session {
	char client_id[64];
	char **topics; /* ever configured; their sandbox twins are not listed */
	size_t topic_count;
};

/* Remembers the configured topics too. */
int session_open(struct store *s, const struct config *c, struct session *ret);
void session_done(struct session *s);
