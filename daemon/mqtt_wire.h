/* SPDX-License-Identifier: MIT
 *
 * Edges, inside mqtt: what goes over one connection: bursts in, COMMIT, packets out, and the end of a connection. Who connects,
 * and with which subscriptions, is mqtt.c. The rules of the loop stand in mqtt.h.
 */
#pragma once

#include "mqtt.h"

#include <pthread.h>

struct mosquitto;
struct mosquitto_message;
struct mqtt5__property;

#define STAY_AWAY_MS (60 * SECOND_MS) /* after somebody took our session over */

enum state {
	STATE_WAITING,    /* until retry_at */
	STATE_CONNECTING, /* the helper thread owns the handle */
	STATE_CONNECTED,  /* TCP is up; CONNACK or SUBACKs may be missing */
};

struct held;

struct mqtt {
	struct mosquitto *mosq;
	struct mqtt_handlers handlers;
	struct mqtt_options options;
	sd_event *event;
	sd_event_source *io, *connected_source;
	enum state state;
	bool acknowledged; /* CONNACK seen */
	bool ready, paused, leaving;
	int connected_fd; /* eventfd of the helper thread */
	int connect_result;
	pthread_t helper;
	char *host; /* the helper's own copies: the configuration may be replaced meanwhile */
	int port;
	bool v5;
	int64_t retry_at, backoff_ms, connected_at;
	int quick_drops;
	int missing_subacks;
	struct buf burst_bytes;
	struct held *burst;
	size_t burst_count, burst_cap;
	struct incoming *incoming;
	struct buf held_alerts; /* topics, NUL-separated */
	char trouble[200];      /* what libmosquitto said first while connecting, TLS's reason; "" when nothing */
	struct mqtt_counters counters;
};

void wire_on_message(struct mosquitto *mosq, void *context, const struct mosquitto_message *message,
		     const struct mqtt5__property *properties);
int wire_on_io(sd_event_source *source, int fd, uint32_t events, void *context);
/* Writes queued packets; only called when everything received is committed. An error of libmosquitto, or 0. */
int wire_write(struct mqtt *m);
void wire_watch(struct mqtt *m); /* reading unless paused, writing while something is queued */

void wire_set_ready(struct mqtt *m, bool ready, const char *why);
/* The socket is closed or must not be used any more. by_peer: not our own doing. */
void wire_lost(struct mqtt *m, bool by_peer, const char *why);
void wire_wait(struct mqtt *m, int64_t at_least_ms); /* jittered backoff until the next try */

/* Until CONNACK libmosquitto's first complaint is kept in m->trouble. */
void wire_listen_for_trouble(struct mqtt *m);
/* "" or "check …; " in advice. */
const char *wire_advice_of(const char *why, char *advice, size_t size);
