/* SPDX-License-Identifier: MIT
 *
 * Whole, private to daemon*.c: the daemon's parts and what its files call of each other. daemon.c builds and frees,
 * daemon_loop.c turns, daemon_acts.c serves what the HTTP thread hands over, daemon_reload.c reads the configuration
 * again and stops, daemon_facts.c tells /readyz and /metrics.
 */
#pragma once

#include "../sinks/influx.h"
#include "../sinks/notify.h"
#include "acts.h"
#include "alert_log.h"
#include "backup_act.h"
#include "clock.h"
#include "daemon.h"
#include "http.h"
#include "log.h"
#include "mqtt.h"
#include "outlet.h"
#include "people.h"
#include "recompute.h"
#include "requests.h"
#include "reserve.h"
#include "session.h"
#include "startup.h"
#include "timer.h"
#include "verify.h"

#include <signal.h>
#include <systemd/sd-event.h>

#define DAEMON_STEP_BUDGET_MS 10  /* of recomputation at a time: a burst hardly waits longer */
#define DAEMON_BURST_PAUSE_MS 20  /* a burst is no longer news after this */

struct daemon {
	struct config *config;
	sd_event *event;
	sd_event_source *tick, *step, *acts_source, *rebuilding, *waiting;
	struct base base;
	struct recompute recompute;
	int64_t last_freeze; /* when months to be frozen were looked for, and */
	int64_t frozen_before; /* which months they were (dirty.h, past_before) */
	struct outlet outlet;
	struct alert_log alert_log;
	struct reserve reserve;
	struct requests requests;
	struct backup_act backup;
	struct api_live live;
	struct people people;
	struct http *http;
	struct mqtt *mqtt;
	struct httpc *httpc;
	struct influx *influx;
	struct notify *notify;
	struct session session;
	struct rebuild *rebuild; /* under way for the act below, which is answered at its end; NULL: none */
	struct http_act *rebuild_act;
	bool writable, ready_told, was_ready, clock_refused, stopping;
	struct clock_watch clock_watch;
	int64_t jumped_ms, refused_since; /* not on record yet; monotonic */
	char why[128];
	int64_t started_at, next_head, last_burst, last_step, ready_since, stop_at;
	size_t last_burst_count, since_tick, last_second; /* messages */
	int64_t verified_n, verify_to;
	uint8_t verified_hash[HASH_SIZE];
};

/* The store took something, or r says why not: logged once, /readyz says so. */
void daemon_note_store(struct daemon *d, int r);
/* false while the clock is before the build or the last row (DESIGN §5); logged once. Jumps, and that we took nothing, become
 * rows as soon as it is right: before anything that came meanwhile. */
bool daemon_clock_is_right(struct daemon *d, int64_t now);
/* An `act/daemon/…` row {key: value}. */
void daemon_record(struct daemon *d, const char *topic, const char *key, const char *value);
/* What the configuration allows and is careless, as warnings. */
void daemon_warn_careless(const struct config *c);
void daemon_slow_since(const char *what, int64_t started);
void daemon_publish_alerts(struct daemon *d);
void daemon_publish_indicators(struct daemon *d);
bool daemon_messages_come_first(const struct daemon *d, int64_t now);
/* What /readyz and /metrics say from now on. */
void daemon_show_facts(struct daemon *d, int64_t now);
/* Opens the session of the configuration in force; the connection itself is made in the loop. */
int daemon_connect_broker(struct daemon *d);
/* For people_put or free(). Logs why not; next: what happens then. */
int daemon_read_people(const struct config *c, const char *next, struct identity **ret);

/* Handlers: of the broker's edge (context: struct daemon) … */
int daemon_publish(void *context, const char *topic, const void *payload, size_t len, int qos, bool retain);
int daemon_on_burst(void *context, const struct incoming *messages, size_t count);
void daemon_on_ready(void *context, bool ready, const char *why);
void daemon_on_held_alert(void *context, const char *topic);
/* … and of the event loop. */
int daemon_on_tick(sd_event_source *source, uint64_t usec, void *context);
int daemon_on_step(sd_event_source *source, uint64_t usec, void *context);
int daemon_on_acts(sd_event_source *source, int fd, uint32_t events, void *context);
int daemon_on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context);
int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context);
