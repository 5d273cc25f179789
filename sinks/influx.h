/* SPDX-License-Identifier: MIT
 *
 * Edges: points to InfluxDB 1.x, 2.x or VictoriaMetrics (CONTRACT §4, DESIGN §4.12). Its cursor waits while the server is
 * away; nobody else waits for it: one request on its way, encoding in short steps, messages before points.
 *
 *   204                     there; the next lines
 *   400, 422                bisected down to the poison lines, which are put aside beside the server's answer
 *   413                     halved, and smaller requests from now on
 *   408, 429, 5xx, nothing  again after 1 s, doubling to 60 s, ± 50 %; Retry-After counts (at most 10 min)
 *   anything else           held: an alarm, the same lines again every 60 s and at each reload; nothing is dropped
 *
 * A server that has never taken a line and refuses 16 in a row with 400 is held, too: it is then not one line's fault.
 */
#pragma once

#include "../daemon/buf.h"
#include "../daemon/config.h"
#include "../daemon/httpc.h"
#include "../daemon/store.h"
#include "points.h"

struct influx;

struct influx_options {
	const struct config *config; /* borrowed until influx_free or influx_reconfigure */
	struct store *store;         /* borrowed: the write connection */
	struct httpc *http;          /* borrowed */
	/* Do messages stream in just now? Then steps are short and far apart. */
	bool (*busy)(void *context);
	/* Is the disk nearly full? Then nothing new is begun: ticking off takes room. */
	bool (*shedding)(void *context);
	void *context;
};

struct influx_state {
	bool on;
	const char *held; /* why nothing is accepted, for a person; NULL: not held */
	uint64_t sent, put_aside, expired, retries; /* lines, lines, requests, requests since start */
	int64_t lag_ms; /* since when something waits; 0: all is sent */
	int64_t waiting[MEASUREMENT_COUNT];
};

int influx_new(sd_event *event, const struct influx_options *options, struct influx **ret);
void influx_free(struct influx *x); /* what is on its way is sent again by the next start */
/* After a reload: begins anew, at once, with the new settings. */
int influx_reconfigure(struct influx *x, const struct config *config);
/* Everything again, for an emptied server. 1: the sink is off. */
int influx_refill(struct influx *x);
void influx_state(struct influx *x, struct influx_state *ret);
