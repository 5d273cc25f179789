/* SPDX-License-Identifier: MIT
 *
 * Edges: calling people. Every url of every sink is a lane of its own with its own patience: one that is away holds up
 * nobody else. What is to be said stands in the queue (pages.h); a row is done when an answer says so, so a page is
 * delivered at least once, with one key.
 *
 *   taken       done (an alertmanager is told again before it forgets, until the alert is closed)
 *   nobody, 5xx, 408, 429, SMTP 4xx      the lane waits 1 s, doubling to 60 s, ± 50 %; Retry-After counts
 *   anything else                        an alarm; this page again in 1, 2, 4 … 60 s; nothing is dropped
 *
 * No redirects; urls come from the configuration alone. Given up after 7 days (policy page_age_limit).
 */
#pragma once

#include "../daemon/config.h"
#include "../daemon/httpc.h"
#include "../daemon/policy.h"
#include "../daemon/store.h"

struct notify;

struct notify_options {
	const struct config *config; /* borrowed until notify_free or notify_reconfigure */
	struct store *store;         /* borrowed: the write connection */
	struct httpc *http;          /* borrowed */
	const struct policy *(*policy)(void *context); /* in force now; NULL: none yet */
	void *context;
};

struct notify_state {
	bool on;
	uint64_t delivered, failed; /* attempts since start */
	int64_t waiting, oldest_ms; /* pages nobody has got yet, and for how long the oldest waits */
	char away[128];             /* a sink that does not take pages, for a person; "" none */
};

int notify_new(const struct notify_options *options, int64_t head_n, struct notify **ret);
void notify_free(struct notify *n); /* what is on its way is sent again by the next start */
int notify_reconfigure(struct notify *n, const struct config *config, int64_t head_n);
/* After a commit: queues what it did to the alerts and sends at once. */
int notify_changed(struct notify *n, int64_t head_n);
/* Each second. */
int notify_tick(struct notify *n, int64_t head_n);
bool notify_is_idle(const struct notify *n); /* nothing is on its way */
void notify_state(struct notify *n, struct notify_state *ret);
