/* SPDX-License-Identifier: MIT
 *
 * Simulator: the only file of it that includes <mosquitto.h>. One connection, a gateway for all sites.
 */
#pragma once

#include "sim_receipts.h"

#include <signal.h>

struct sim_sent {
	int64_t sent, resent;   /* first publishes; the same bytes again */
	int64_t acknowledged;   /* PUBACKs */
	int64_t refused;        /* PUBACKs that say no (MQTT 5) */
	int64_t nobody_listens; /* PUBACKs "no matching subscribers" (MQTT 5) */
	int64_t elapsed_ms;     /* from the first publish to the last PUBACK */
	bool interrupted;
};

/* Publishes the stream until it ends or *stop is set, then waits for what is under way. 0; > 0: the broker
 * could not be reached or sent us away, and the user was told. *ret is filled in every case. */
int sim_send(const struct sim_options *o, const char *province, struct sim_stream *stream, struct sim_receipts *receipts,
	     const volatile sig_atomic_t *stop, struct sim_sent *ret);
