/* SPDX-License-Identifier: MIT
 *
 * Edges: the broker. With mqtt_wire.c the only file of the daemon that includes <mosquitto.h>.
 *
 * The loop that loses nothing (DESIGN §4.1–4.3): libmosquitto queues the PUBACK before it calls on_message, and with
 * mosquitto_threaded_set(m, true) queued packets leave only by mosquitto_loop_write(). So:
 *
 *   read until the socket is drained (on_message only appends to the burst)
 *   → handlers.burst(): COMMIT
 *   → 0: receipts are queued behind the PUBACKs, loop_write; < 0: the connection is shut down, queued PUBACKs are
 *     dropped with it, and the broker sends the messages again.
 *
 * Nothing between the first read and the COMMIT may call loop_write: publish, subscribe and PINGREQ share the queue.
 * The blocking connect runs in a short helper thread that hands the handle over (DESIGN §4.7).
 */
#pragma once

#include "config.h"
#include "ingest.h"

#include <systemd/sd-event.h>

struct mqtt;

struct mqtt_handlers {
	void *context;
	/* Stores a burst; after 0 the PUBACKs may leave. May call mqtt_publish. */
	int (*burst)(void *context, const struct incoming *messages, size_t count);
	/* Subscribed (SUBACK for every topic seen), or no longer connected. why: for a person. */
	void (*ready)(void *context, bool ready, const char *why);
	/* A retained alert of ours that the broker holds: is it still open? */
	void (*held_alert)(void *context, const char *topic);
};

struct mqtt_options {
	const struct config *config;   /* borrowed until mqtt_free or mqtt_reconfigure */
	const char *client_id;
	const char *const *old_subscriptions; /* topics to unsubscribe: removed from the configuration */
	size_t old_subscription_count;
};

struct mqtt_counters {
	uint64_t connects, connect_failures, dropped_on_commit_failure, takeovers, published, publish_failures;
};

int mqtt_new(sd_event *event, const struct mqtt_options *options, const struct mqtt_handlers *handlers, struct mqtt **ret);
void mqtt_free(struct mqtt *m); /* drops the connection without flushing what is not committed */
/* The same broker, other settings (a reload): the old configuration may be freed after this. */
void mqtt_reconfigure(struct mqtt *m, const struct config *config);
/* Keepalive and reconnecting; call about once a second. */
void mqtt_tick(struct mqtt *m);
/* Queued; leaves with the next mqtt_flush or burst. */
int mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len, int qos, bool retain);
/* Only outside a burst: writes what is queued. */
void mqtt_flush(struct mqtt *m);
/* Says goodbye: retained offline, DISCONNECT. Everything received is committed. */
void mqtt_say_goodbye(struct mqtt *m);
/* While paused the socket is not read (the clock is wrong): nothing is acknowledged. */
void mqtt_pause(struct mqtt *m, bool paused);
bool mqtt_is_ready(const struct mqtt *m);
const struct mqtt_counters *mqtt_counters(const struct mqtt *m);
