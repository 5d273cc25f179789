/* SPDX-License-Identifier: MIT
 *
 * One thread, one sd-event loop: the broker, timers, signals, acts from the HTTP thread, and the recomputation of
 * indicators in short steps (DESIGN §3). The tick is a second; the watchdog is fed by it, and only when the store took
 * the last thing it was given or was tried again since, so a stuck loop is a dead daemon.
 */
#include "daemon.h"

#include "../sinks/influx.h"
#include "../sinks/notify.h"
#include "acts.h"
#include "alert_log.h"
#include "backup_act.h"
#include "clock.h"
#include "erase.h"
#include "http.h"
#include "log.h"
#include "mqtt.h"
#include "officer_acts.h"
#include "outlet.h"
#include "people.h"
#include "recompute.h"
#include "reserve.h"
#include "requests.h"
#include "restore.h"
#include "session.h"
#include "startup.h"
#include "verify.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#define TICK_US UINT64_C(1000000)
#define FREEZE_AT_ONCE 20 /* months of units in one transaction */
#define QUIET_BUDGET_MS 50    /* while no message comes */
#define STEP_BUDGET_MS 2     /* of recomputation at a time: a burst never waits longer */
#define BACKLOG_MESSAGES 512  /* a burst of so many means that more are waiting */
#define BURST_PAUSE_MS 20    /* a burst is no longer news after this */
#define STREAM_STEP_MS 250   /* beside single messages, at most one step in so long */
#define BACKLOG_STEP_MS 1000  /* while a backlog drains, at most one step in so long (measured: else 24 % of the time) */
#define SLOW_MS 250
#define VERIFY_ROWS 2000      /* of the chain a tick, in the background */
#define STOP_PAGES_MS (5 * SECOND_MS)
#define STOP_LOOK_MS 20
#define INDICATORS_AT_ONCE 50
#define WAL_QUIET_BYTES (8 << 20)
#define HEAD_EVERY_MS HOUR_MS

struct daemon {
	struct config *config;
	sd_event *event;
	sd_event_source *tick, *step, *acts_source, *rebuilding, *waiting;
	struct base base;
	struct recompute recompute;
	int64_t last_freeze; /* when months to be frozen were looked for */
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
	char why[128];
	int64_t started_at, next_head, last_burst, last_step, ready_since, stop_at;
	size_t last_burst_count;
	int64_t verified_n, verify_to;
	uint8_t verified_hash[HASH_SIZE];
};

/* ---- the store ---- */

static void note_store(struct daemon *d, int r)
{
	if (r < 0 && d->writable)
		log_error("store.failed", "error=%d why=\"%s\" next=\"acknowledge nothing, try again\"", r,
			  store_why(d->base.store));
	else if (r >= 0 && !d->writable)
		log_info("store.recovered", "next=\"go on\"");
	d->writable = r >= 0;
}

static bool clock_is_right(struct daemon *d, int64_t now)
{
	int64_t floor = base_clock_floor(&d->base);
	char text[CLOCK_TEXT_SIZE];

	if (now < floor && !d->clock_refused)
		log_error("clock.refused", "earliest=%s next=\"take nothing until the clock is right\"",
			  clock_format_time(floor, text));
	d->clock_refused = now < floor;
	return !d->clock_refused;
}

static void act(struct daemon *d, const char *topic, const char *key, const char *value)
{
	_cleanup_(buf_done) struct buf payload = { 0 };
	int64_t now = clock_now_ms();

	if (!clock_is_right(d, now))
		return;
	buf_printf(&payload, "{\"%s\":", key);
	buf_json(&payload, value, -1);
	buf_char(&payload, '}');
	note_store(d, ingest_act(&d->base.ingest, topic, payload.p, payload.len, "daemon", now, NULL));
}

static void slow_since(const char *what, int64_t started)
{
	int64_t ms = clock_monotonic_ms() - started;

	if (ms > SLOW_MS)
		log_warning("loop.slow", "what=%s ms=%lld", what, (long long)ms);
}

/* ---- what the broker's edge calls ---- */

static void fill_facts(struct daemon *d, int64_t now);

static int publish(void *context, const char *topic, const void *payload, size_t len, int qos, bool retain)
{
	struct daemon *d = context;

	return mqtt_publish(d->mqtt, topic, payload, len, qos, retain);
}

static void publish_alerts(struct daemon *d)
{
	alert_log_tell(&d->alert_log, d->base.ingest.ledger.head.n);
	note_store(d, notify_changed(d->notify, d->base.ingest.ledger.head.n));
	if (mqtt_is_ready(d->mqtt))
		outlet_alerts(&d->outlet, d->base.ingest.ledger.head.n);
}

static void publish_indicators(struct daemon *d)
{
	if (mqtt_is_ready(d->mqtt))
		outlet_indicators(&d->outlet, INDICATORS_AT_ONCE);
}

static int on_burst(void *context, const struct incoming *messages, size_t count)
{
	struct daemon *d = context;
	struct ingest *in = &d->base.ingest;
	int64_t started = clock_monotonic_ms(), now = clock_now_ms();
	int r = clock_is_right(d, now) ? ingest_batch(in, messages, count, now) : -EAGAIN;

	if (r != -EAGAIN)
		note_store(d, r);
	if (r < 0) {
		fill_facts(d, now); /* /readyz says so at once */
		return r;
	}
	for (size_t i = 0; i < in->out_count; i++)
		mqtt_publish(d->mqtt, in->bytes.p + in->out[i].topic_at, in->bytes.p + in->out[i].payload_at,
			     in->out[i].payload_len, 0, false);
	publish_alerts(d);
	d->last_burst = clock_monotonic_ms();
	d->last_burst_count = count;
	slow_since("burst", started);
	return 0;
}

static void on_ready(void *context, bool ready, const char *why)
{
	struct daemon *d = context;

	snprintf(d->why, sizeof d->why, "%s", why);
	if (ready) {
		log_info("mqtt.ready", "next=\"take messages\"");
		d->ready_since = clock_monotonic_ms();
		outlet_start(&d->outlet);
		outlet_head(&d->outlet, &d->base.ingest.ledger.head, clock_now_ms());
	}
	fill_facts(d, clock_now_ms());
}

static void on_held_alert(void *context, const char *topic)
{
	struct daemon *d = context;

	outlet_held_alert(&d->outlet, topic);
}

/* ---- time ---- */

static void verify_some(struct daemon *d)
{
	int64_t to = MIN(d->verified_n + VERIFY_ROWS, d->verify_to), bad;
	int r;

	if (d->base.bad_row || d->verified_n >= d->verify_to)
		return;
	r = ledger_verify(d->base.store, d->verified_n + 1, to, d->verified_hash, &bad);
	if (r > 0) {
		d->base.bad_row = bad;
		log_error("ledger.broken", "row=%lld next=\"go on taking messages; run nurseryctl verify and call for help\"",
			  (long long)bad);
	}
	d->verified_n = to;
	if (r == 0 && to == d->verify_to)
		log_info("ledger.verified", "rows=%lld", (long long)to);
}

static void fill_influx_facts(struct daemon *d, struct api_facts *f)
{
	static const char *const labels[] = {
		[POINT_UNIT_INDICATOR] = "sink=\"influx\",measurement=\"unit_indicator\"",
		[POINT_SITE_ENROLMENT] = "sink=\"influx\",measurement=\"site_enrolment\"",
		[POINT_INCIDENT] = "sink=\"influx\",measurement=\"incident\"",
		[POINT_CASE_EVENT] = "sink=\"influx\",measurement=\"case_event\"",
	};
	static const char sink[] = "sink=\"influx\"";
	struct influx_state s;

	influx_state(d->influx, &s);
	if (!s.on)
		return;
	if (s.held)
		snprintf(f->sinks, sizeof f->sinks, "influx is held: %s", s.held);
	api_facts_count(f, "nurseryd_sink_lines_sent_total", sink, "Lines that the sink's server took.", (int64_t)s.sent);
	api_facts_count(f, "nurseryd_sink_lines_failed_total", sink, "Lines refused for good and put aside.",
			(int64_t)s.put_aside);
	api_facts_count(f, "nurseryd_sink_requests_expired_total", sink,
			"Requests with points older than the server keeps them.", (int64_t)s.expired);
	api_facts_count(f, "nurseryd_sink_retries_total", sink, "Requests to be sent again later.", (int64_t)s.retries);
	api_facts_gauge(f, "nurseryd_sink_held", sink, "1 while the server refuses us altogether.", s.held != NULL);
	api_facts_gauge(f, "nurseryd_sink_lag_seconds", sink, "For how long something has been waiting.",
			s.lag_ms / SECOND_MS);
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		api_facts_gauge(f, "nurseryd_sink_waiting_points", labels[i], "Points that wait, counted up to 10000.",
				s.waiting[i]);
}

static void fill_page_facts(struct daemon *d, struct api_facts *f)
{
	struct notify_state s;
	size_t used = strlen(f->sinks);

	notify_state(d->notify, &s);
	if (!s.on)
		return;
	if (s.away[0])
		snprintf(f->sinks + used, sizeof f->sinks - used, "%s%s", used ? "; " : "", s.away);
	api_facts_count(f, "nurseryd_pages_delivered_total", NULL, "Pages that an outlet took.", (int64_t)s.delivered);
	api_facts_count(f, "nurseryd_page_failures_total", NULL, "Attempts to deliver a page that failed.", (int64_t)s.failed);
	api_facts_gauge(f, "nurseryd_pages_waiting", NULL, "Pages that nobody has taken yet.", s.waiting);
	api_facts_gauge(f, "nurseryd_page_lag_seconds", NULL, "For how long the oldest of them waits.", s.oldest_ms / SECOND_MS);
}

static void fill_facts(struct daemon *d, int64_t now)
{
	static const char *const labels[] = { "outcome=\"accepted\"", "outcome=\"rejected\"", "outcome=\"refused_pii\"",
					      "outcome=\"fault\"" };
	const struct ingest_counters *c = &d->base.ingest.counters;
	const struct mqtt_counters *m = mqtt_counters(d->mqtt);
	struct api_facts f = { .subscribed = mqtt_is_ready(d->mqtt), .store_writable = d->writable,
			       .http_port = d->http ? http_port(d->http) : 0, .started_at = d->started_at, .updated_at = now,
			       .wal_bytes = store_wal_bytes(d->base.store),
			       .shedding = reserve_is_low(&d->reserve), .free_bytes = d->reserve.free_bytes,
			       .reserve_bytes = d->reserve.wanted_bytes,
			       .ledger_n = d->base.ingest.ledger.head.n, .indicators_n = d->recompute.computed_n,
			       .verified_n = d->verified_n, .verify_to = d->verify_to, .bad_row = d->base.bad_row };

	if (!d->writable)
		snprintf(f.why, sizeof f.why, "the store cannot be written: %s", store_why(d->base.store));
	else if (d->clock_refused)
		snprintf(f.why, sizeof f.why, "the clock is wrong: earlier than the build or the last ledger row");
	else if (!f.subscribed)
		snprintf(f.why, sizeof f.why, "not subscribed: %s", d->why[0] ? d->why : "connecting");
	else if (f.shedding)
		snprintf(f.why, sizeof f.why, "the disk is nearly full: all but the ledger is held, less than store.reserve is free");
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		api_facts_count(&f, "nurseryd_messages_total", labels[i], "Messages stored, by outcome.", (int64_t)c->by_status[i]);
	api_facts_count(&f, "nurseryd_duplicates_total", NULL, "Repeats of messages already stored.", (int64_t)c->duplicates);
	api_facts_count(&f, "nurseryd_rate_limited_total", NULL, "Messages above limits.per_site: E_RATE, no row.",
			(int64_t)c->rate_limited);
	api_facts_count(&f, "nurseryd_status_messages_total", NULL, "Births and last wills of senders.",
			(int64_t)c->status_messages);
	api_facts_count(&f, "nurseryd_status_malformed_total", NULL, "Of them ignored: not what a status looks like.",
			(int64_t)c->status_malformed);
	api_facts_count(&f, "nurseryd_sandbox_messages_total", NULL, "Messages of the sandbox.", (int64_t)c->sandbox);
	api_facts_count(&f, "nurseryd_batches_total", NULL, "Transactions of messages committed.", (int64_t)c->batches);
	api_facts_count(&f, "nurseryd_batch_failures_total", NULL, "Transactions that could not be stored.",
			(int64_t)c->failed_batches);
	api_facts_count(&f, "nurseryd_mqtt_connects_total", NULL, "Connections made to the broker.", (int64_t)m->connects);
	api_facts_count(&f, "nurseryd_mqtt_connect_failures_total", NULL, "Connections that failed.",
			(int64_t)m->connect_failures);
	api_facts_count(&f, "nurseryd_mqtt_takeovers_total", NULL, "Sessions taken over by another client.",
			(int64_t)m->takeovers);
	api_facts_count(&f, "nurseryd_mqtt_published_total", NULL, "Messages published.", (int64_t)m->published);
	api_facts_count(&f, "nurseryd_recomputations_total", NULL, "Days of units computed.", d->recompute.days);
	api_facts_count(&f, "nurseryd_requests_total", NULL, "Requests to send missing messages again.", (int64_t)d->requests.sent);
	api_facts_count(&f, "nurseryd_gaps_lost_total", NULL, "Ranges of seqs given up.", (int64_t)d->requests.lost_ranges);
	api_facts_gauge(&f, "nurseryd_gaps", NULL, "Ranges of seqs that are missing, at the last look.", d->requests.open);
	api_facts_count(&f, "nurseryd_backups_total", NULL, "Backups made.", (int64_t)d->backup.made);
	api_facts_gauge(&f, "nurseryd_sites", NULL, "Nurseries ever heard of.", (int64_t)HASH_COUNT(d->base.ingest.fold.streams.sites));
	fill_influx_facts(d, &f);
	fill_page_facts(d, &f);
	api_live_set(&d->live, &f);
}

static void tell_systemd(struct daemon *d)
{
	const struct ingest_counters *c = &d->base.ingest.counters;
	bool ready = mqtt_is_ready(d->mqtt) && d->writable && !d->clock_refused;

	if (ready && !d->ready_told) {
		sd_notify(0, "READY=1");
		d->ready_told = true;
	}
	sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s; ledger row %lld, %llu accepted, %llu rejected since start",
		   ready ? "ready" : d->writable ? "not subscribed" : "the store cannot be written",
		   (long long)d->base.ingest.ledger.head.n, (unsigned long long)c->by_status[STATUS_ACCEPTED],
		   (unsigned long long)c->by_status[STATUS_REJECTED]);
}

/* start, stop, connect and disconnect are rows: in such a window a late report's lateness is unclear (DESIGN §5). */
static void record_connection(struct daemon *d)
{
	bool ready = mqtt_is_ready(d->mqtt);

	if (ready == d->was_ready)
		return;
	d->was_ready = ready;
	act(d, ready ? "act/daemon/connected" : "act/daemon/disconnected", "why", d->why);
}

/* A store that failed is tried again without waiting for the next message. */
static void probe_store(struct daemon *d)
{
	if (!d->writable)
		note_store(d, store_run(d->base.store,
					"INSERT INTO progress(name, value) VALUES('probe', 1)"
					" ON CONFLICT DO UPDATE SET value = value + 1",
					""));
}

/* Below the reserve every byte of the log counts. */
static void checkpoint_when_quiet(struct daemon *d)
{
	int64_t worth = reserve_is_low(&d->reserve) ? 0 : WAL_QUIET_BYTES;

	if (d->base.ingest.wal_holds_erased)
		erase_empty_wal(&d->base.ingest);
	if (clock_monotonic_ms() - d->last_burst > 2 * SECOND_MS && store_wal_bytes(d->base.store) > worth)
		store_checkpoint(d->base.store, true, NULL);
}

static void time_passes(struct daemon *d, int64_t now)
{
	int count;

	if (!clock_is_right(d, now))
		return;
	note_store(d, ingest_due(&d->base.ingest, now, &count));
	publish_alerts(d);
	publish_indicators(d); /* today's numbers do not wait for history */
	if (mqtt_is_ready(d->mqtt) && clock_monotonic_ms() >= d->next_head) {
		d->next_head = clock_monotonic_ms() + HEAD_EVERY_MS;
		outlet_head(&d->outlet, &d->base.ingest.ledger.head, now);
	}
}

static void ask_senders(struct daemon *d, int64_t now)
{
	int64_t settled = d->ready_since + MIN(d->config->mqtt.gap_grace_ms, MINUTE_MS);
	int r;

	if (!mqtt_is_ready(d->mqtt) || !clock_is_right(d, now) || reserve_is_low(&d->reserve))
		return;
	d->requests.grace_ms = d->config->mqtt.gap_grace_ms;
	r = requests_step(&d->requests, clock_monotonic_ms() >= settled, now);
	if (r < 0)
		note_store(d, r);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	int64_t started = clock_monotonic_ms(), now = clock_now_ms();

	sd_event_source_set_time(source, usec + TICK_US);
	probe_store(d);
	reserve_look(&d->reserve, d->config->store.path, started);
	mqtt_tick(d->mqtt);
	mqtt_pause(d->mqtt, d->stopping || !clock_is_right(d, now));
	record_connection(d);
	if (d->writable)
		time_passes(d, now);
	if (d->writable)
		note_store(d, notify_tick(d->notify, d->base.ingest.ledger.head.n));
	if (d->writable)
		ask_senders(d, now);
	verify_some(d);
	checkpoint_when_quiet(d);
	fill_facts(d, now);
	mqtt_flush(d->mqtt);
	tell_systemd(d);
	slow_since("tick", started);
	return 0;
}

/* Messages come first: beside a stream of them a short step now and then, beside a backlog fewer still (nobody needs
 * the numbers of a state that is two thousand rows old a moment later). Measured at 1,000 messages/s: docs/bench.md. */
static bool messages_come_first(const struct daemon *d, int64_t now)
{
	int64_t apart_ms = d->last_burst_count >= BACKLOG_MESSAGES ? BACKLOG_STEP_MS : STREAM_STEP_MS;

	return now - d->last_burst < BURST_PAUSE_MS && now - d->last_step < apart_ms;
}

/* Months that are due, once everything is computed; looked for once a minute. */
static void freeze_months(struct daemon *d, int64_t now)
{
	int count = 0;

	if (!d->writable || now - d->last_freeze < MINUTE_MS)
		return;
	note_store(d, ingest_freeze(&d->base.ingest, now, FREEZE_AT_ONCE, &count));
	if (count < FREEZE_AT_ONCE)
		d->last_freeze = now;
}

/* Recomputes for a moment, then lets the loop turn before it goes on. */
static int on_step(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	int64_t started = clock_monotonic_ms();
	uint64_t pause_ms;
	int more;

	(void)usec;
	if (reserve_is_low(&d->reserve)) /* samples would take the ledger's room */
		return sd_event_source_set_time_relative(source, SECOND_MS * 1000);
	if (messages_come_first(d, started))
		return sd_event_source_set_time_relative(source, BURST_PAUSE_MS * 1000);
	more = recompute_step(&d->recompute, d->base.ingest.ledger.head.n,
			      started - d->last_burst > SECOND_MS ? QUIET_BUDGET_MS : STEP_BUDGET_MS);
	pause_ms = more > 0 ? 2 : (uint64_t)d->config->indicators.every_ms;
	d->last_step = clock_monotonic_ms();
	if (more < 0)
		note_store(d, more);
	if (more == 0) {
		freeze_months(d, clock_now_ms());
		publish_indicators(d);
		fill_facts(d, clock_now_ms());
		mqtt_flush(d->mqtt);
	}
	slow_since("indicators", started);
	sd_event_source_set_time_relative(source, pause_ms * 1000);
	return 0;
}

/* ---- rebuilding ---- */

static void answer(struct daemon *d, struct http_act *a, struct act_answer *answer)
{
	http_finish_act(d->http, a, answer->status, answer->content_type, &answer->body);
	buf_done(&answer->body);
}

static void end_rebuild(struct daemon *d, int r)
{
	struct act_answer told = { 0 };

	act_answer_rebuild(&told, r, rebuild_report(d->rebuild), store_why(d->base.store));
	log_info("rebuild.ended", "result=\"%s\"", r < 0 ? store_why(d->base.store) : rebuild_report(d->rebuild)->text);
	answer(d, d->rebuild_act, &told);
	rebuild_free(d->rebuild);
	d->rebuild = NULL;
	d->rebuild_act = NULL;
}

/* The tables are others now: what memory knew of them is read again, and the broker is told what is open. */
static int take_over_tables(struct daemon *d)
{
	int r = ingest_reload(&d->base.ingest);

	if (r < 0) {
		log_error("rebuild.unreadable", "why=\"%s\" next=\"stop; start again\"", store_why(d->base.store));
		sd_event_exit(d->event, r);
		return r;
	}
	if (mqtt_is_ready(d->mqtt))
		outlet_start(&d->outlet);
	return 0;
}

static int on_rebuild(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	int64_t started = clock_monotonic_ms();
	int r;

	(void)usec;
	if (!d->rebuild)
		return 0;
	if (messages_come_first(d, started))
		return sd_event_source_set_time_relative(source, BURST_PAUSE_MS * 1000);
	r = rebuild_step(d->rebuild);
	d->last_step = clock_monotonic_ms();
	slow_since("rebuild", started);
	if (r == REBUILD_SWAPPED && take_over_tables(d) < 0)
		return 0;
	if (r < 0 || r == REBUILD_DONE || r == REBUILD_REFUSED) {
		end_rebuild(d, r);
		return 0;
	}
	sd_event_source_set_time_relative(source, 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* true: the act was taken over, and is answered later. */
static bool begin_rebuild(struct daemon *d, struct http_act *a)
{
	struct act_answer told = { 0 };
	int r;

	if (strcmp(a->path, "/api/v1/rebuild") != 0)
		return false;
	r = d->rebuild ? -EBUSY : rebuild_new(d->base.store, &d->rebuild);
	if (r < 0) {
		act_answer_rebuild(&told, r, NULL, d->rebuild ? "a rebuild is under way already" : strerror(-r));
		answer(d, a, &told);
		return true;
	}
	d->rebuild_act = a;
	log_info("rebuild.began", "actor=%s next=\"fold the ledger again beside the messages\"", a->actor);
	d->rebuilding = sd_event_source_disable_unref(d->rebuilding);
	if (sd_event_add_time_relative(d->event, &d->rebuilding, CLOCK_MONOTONIC, 1000, 1000, on_rebuild, d) < 0)
		end_rebuild(d, -ENOMEM);
	return true;
}

/* ---- acts from outside ---- */

/* No ledger row: a sink only shows what the ledger says. */
static bool influx_act(struct daemon *d, const char *path, struct act_answer *answer)
{
	int r;

	if (strcmp(path, "/api/v1/sinks/influx/refill") != 0)
		return false;
	r = influx_refill(d->influx);
	if (r == 0)
		log_info("influx.refill", "next=\"send everything again\"");
	act_answer_plain(answer, r == 0 ? 202 : r > 0 ? 409 : 503,
			 r == 0 ? "everything is sent again" : r > 0 ? "influx.url is empty: the sink is off" : "the store failed");
	return true;
}

static int on_acts(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct daemon *d = context;
	struct http_act *a;

	(void)source;
	(void)fd;
	(void)events;
	while ((a = http_next_act(d->http))) {
		struct act_answer told = { 0 };
		int64_t now = clock_now_ms();

		if (begin_rebuild(d, a))
			continue;
		if (backup_act_is(a)) {
			backup_act_start(&d->backup, a, now);
			continue;
		}
		if (influx_act(d, a->path, &told))
			;
		else if (officer_act_is(a->path) && clock_is_right(d, now))
			note_store(d, officer_act_perform(&d->base.ingest,
							  &(struct officer_request){ a->path, a->body.p ? a->body.p : "", a->body.len, &a->who,
										     a->idempotency_key, a->if_match, now },
							  &told));
		else if (clock_is_right(d, now))
			note_store(d, act_perform(&d->base.ingest, a->method, a->path, a->body.p, a->body.len, a->actor, now,
						  &told));
		else
			act_refuse_clock(&told);
		answer(d, a, &told);
	}
	publish_alerts(d);
	mqtt_flush(d->mqtt);
	return 0;
}

/* ---- signals ---- */

/* Pages on their way get a moment (DESIGN §6); what is not delivered by then is sent by the next start. */
static int on_waiting(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;

	(void)usec;
	if (notify_is_idle(d->notify) || clock_monotonic_ms() >= d->stop_at)
		return sd_event_exit(d->event, 0);
	sd_event_source_set_time_relative(source, STOP_LOOK_MS * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int wait_for_pages(struct daemon *d)
{
	d->waiting = sd_event_source_disable_unref(d->waiting);
	return sd_event_add_time_relative(d->event, &d->waiting, CLOCK_MONOTONIC, STOP_LOOK_MS * 1000, 1000, on_waiting, d);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct daemon *d = context;

	(void)source;
	log_info("stopping", "signal=%u next=\"commit, say goodbye\"", info->ssi_signo);
	sd_notify(0, "STOPPING=1");
	if (d->stopping || notify_is_idle(d->notify))
		d->stop_at = 0;
	else
		d->stop_at = clock_monotonic_ms() + STOP_PAGES_MS;
	d->stopping = true;
	mqtt_pause(d->mqtt, true);
	return d->stop_at ? wait_for_pages(d) : sd_event_exit(d->event, 0);
}

static int connect_broker(struct daemon *d);

static void tell_lines(const char *event, const struct buf *errors, const char *next)
{
	_cleanup_(freep) char *copy = xstrdup(errors->p ? errors->p : "");
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (line[0])
			log_error(event, "%s next=\"%s\"", line, next);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_broker(const struct config *a, const struct config *b)
{
	if (a->mqtt.subscribe_count != b->mqtt.subscribe_count || a->mqtt.sandbox != b->mqtt.sandbox ||
	    a->mqtt.protocol_v5 != b->mqtt.protocol_v5)
		return false;
	for (size_t i = 0; i < a->mqtt.subscribe_count; i++)
		if (!same_text(a->mqtt.subscribe[i], b->mqtt.subscribe[i]))
			return false;
	return same_text(a->mqtt.url, b->mqtt.url) && same_text(a->mqtt.client_id, b->mqtt.client_id) &&
	       same_text(a->mqtt.username, b->mqtt.username) && same_text(a->mqtt.password_file, b->mqtt.password_file) &&
	       same_text(a->mqtt.ca_file, b->mqtt.ca_file) && same_text(a->mqtt.cert_file, b->mqtt.cert_file) &&
	       same_text(a->mqtt.key_file, b->mqtt.key_file);
}

static int set_people(struct daemon *d, const struct config *c, const char *next)
{
	char why[256];
	int r = people_set(&d->people, c->people.first, c->people.count, why, sizeof why);

	if (r < 0)
		log_error("people.refused", "why=\"%s\" next=\"%s\"", why, next);
	return r;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct daemon *d = context;
	struct config *old = d->config, *fresh = NULL;
	_cleanup_(buf_done) struct buf errors = { 0 };

	(void)source;
	(void)info;
	if (config_load(old->file[0] ? old->file : NULL, &fresh, &errors) < 0) {
		tell_lines("reload.refused", &errors, "the old configuration stays");
		return 0;
	}
	if (!same_text(old->store.path, fresh->store.path) || !same_text(old->http.listen, fresh->http.listen) ||
	    !same_text(old->http.socket, fresh->http.socket)) {
		log_error("reload.refused", "why=\"store.path and http.* change only by a restart\" next=\"the old configuration"
					    " stays\"");
		config_free(fresh);
		return 0;
	}
	if (set_people(d, fresh, "the old configuration stays") < 0 || base_load(&d->base, fresh, clock_now_ms()) < 0) {
		config_free(fresh);
		return 0;
	}
	d->config = fresh;
	d->reserve.wanted_bytes = fresh->store.reserve_bytes;
	log_set_level(fresh->log_level);
	rates_configure(&d->base.ingest.rates, fresh->limits.per_site_count, fresh->limits.per_site_ms);
	if (!same_broker(old, fresh)) {
		mqtt_say_goodbye(d->mqtt);
		mqtt_free(d->mqtt);
		d->mqtt = NULL;
		if (connect_broker(d) < 0) {
			log_error("reload.failed", "next=\"stop: the store or the TLS files cannot be read\"");
			sd_event_exit(d->event, -EIO);
		}
	} else {
		mqtt_reconfigure(d->mqtt, fresh);
	}
	note_store(d, influx_reconfigure(d->influx, fresh));
	note_store(d, notify_reconfigure(d->notify, fresh, d->base.ingest.ledger.head.n));
	config_free(old);
	log_info("reloaded", "file=%s", fresh->file);
	return 0;
}

/* ---- building ---- */

static int connect_broker(struct daemon *d)
{
	struct mqtt_handlers handlers = { .context = d, .burst = on_burst, .ready = on_ready, .held_alert = on_held_alert };
	struct mqtt_options options;
	int r;

	session_done(&d->session);
	r = session_open(d->base.store, d->config, &d->session);
	if (r < 0)
		return r;
	options = (struct mqtt_options){ .config = d->config, .client_id = d->session.client_id,
					 .old_subscriptions = (const char *const *)d->session.topics,
					 .old_subscription_count = d->session.topic_count };
	return mqtt_new(d->event, &options, &handlers, &d->mqtt);
}

static int serve_http(struct daemon *d)
{
	struct http_options options = { .listen = d->config->http.listen, .socket = d->config->http.socket,
					.db_path = d->config->store.path, .live = &d->live, .people = &d->people };
	char why[HTTP_WHY_SIZE];
	int r = set_people(d, d->config, "stop: mend the configuration");

	if (r < 0)
		return r;
	r = http_new(&options, why, &d->http);

	if (r < 0) {
		log_error("http.failed", "why=\"%s\" next=\"stop\"", why);
		return r;
	}
	fill_facts(d, clock_now_ms()); /* the port is known now */
	d->backup = (struct backup_act){ .event = d->event, .http = d->http, .store = d->base.store,
					 .db_path = d->config->store.path, .reserve = &d->reserve };
	log_info("http.ready", "listen=%s port=%d socket=%s", d->config->http.listen, http_port(d->http), d->config->http.socket);
	return sd_event_add_io(d->event, &d->acts_source, http_act_fd(d->http), EPOLLIN, on_acts, d);
}

static bool is_busy(void *context)
{
	const struct daemon *d = context;

	return clock_monotonic_ms() - d->last_burst < BURST_PAUSE_MS;
}

static bool is_shedding(void *context)
{
	struct daemon *d = context;

	return reserve_is_low(&d->reserve);
}

static const struct policy *policy_in_force(void *context)
{
	const struct daemon *d = context;

	return d->base.ingest.fold.policy;
}

static int open_sinks(struct daemon *d)
{
	int r = httpc_new(d->event, &d->httpc);

	if (r >= 0)
		r = notify_new(&(struct notify_options){ .config = d->config, .store = d->base.store, .http = d->httpc,
							 .policy = policy_in_force, .context = d },
			       d->base.ingest.ledger.head.n, &d->notify);
	if (r < 0)
		return r;
	return influx_new(d->event,
			  &(struct influx_options){ .config = d->config, .store = d->base.store, .http = d->httpc, .busy = is_busy,
						    .shedding = is_shedding, .context = d },
			  &d->influx);
}

static int add_signals(struct daemon *d)
{
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(d->event, NULL, SIGTERM, on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, on_stop, d);
	return r < 0 ? r : sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
}

static int add_timers(struct daemon *d)
{
	int r = sd_event_add_time_relative(d->event, &d->tick, CLOCK_MONOTONIC, 0, 1000, on_tick, d);

	if (r >= 0)
		r = sd_event_source_set_enabled(d->tick, SD_EVENT_ON);
	if (r >= 0)
		r = sd_event_add_time_relative(d->event, &d->step, CLOCK_MONOTONIC, 0, 1000, on_step, d);
	return r < 0 ? r : sd_event_source_set_enabled(d->step, SD_EVENT_ON);
}

/* Started on a copy: a client id of our own, and every sender is asked for what came after it (restore.h). */
static int note_restore(struct daemon *d)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t made_at;
	int r = restore_begin(d->base.store, &made_at);

	if (r <= 0)
		return r;
	log_warning("restored", "copy_of=%s next=\"a new client id; ask every sender for what came after\"",
		    clock_format_time(made_at, text));
	act(d, "act/daemon/restored", "copy_of", clock_format_time(made_at, text));
	return 0;
}

static int build(struct daemon *d)
{
	int64_t now = clock_now_ms();
	int r = sd_event_default(&d->event);

	if (r >= 0)
		r = add_signals(d);
	if (r >= 0)
		r = base_open(d->config, &d->base);
	if (r < 0)
		return r;
	if (now < base_clock_floor(&d->base)) {
		log_error("clock.wrong", "next=\"stop: the clock is before the build or the last ledger row; set it and start again\"");
		return -EINVAL;
	}
	r = base_load(&d->base, d->config, now);
	if (r >= 0)
		r = recompute_open(d->base.store, &d->base.ingest.fold, &d->recompute);
	if (r < 0)
		return r;
	rates_configure(&d->base.ingest.rates, d->config->limits.per_site_count, d->config->limits.per_site_ms);
	d->verify_to = d->base.ingest.ledger.head.n;
	d->reserve = (struct reserve){ .wanted_bytes = d->config->store.reserve_bytes, .free_bytes = -1 };
	reserve_look(&d->reserve, d->config->store.path, clock_monotonic_ms());
	d->alert_log = (struct alert_log){ .store = d->base.store, .told_n = d->base.ingest.ledger.head.n };
	d->requests = (struct requests){ .ingest = &d->base.ingest, .publish = publish, .context = d };
	d->outlet = (struct outlet){ .store = d->base.store, .publish = publish, .context = d };
	act(d, "act/daemon/start", "version", NURSERYD_VERSION);
	r = note_restore(d);
	if (r < 0)
		return r;
	r = open_sinks(d);
	if (r >= 0)
		r = connect_broker(d);
	if (r >= 0)
		fill_facts(d, now);
	if (r >= 0)
		r = serve_http(d);
	return r < 0 ? r : add_timers(d);
}

/* Stop reading, commit, write, disconnect; last indicators; close (DESIGN §6). Everything read is committed already. */
static void wind_up(struct daemon *d)
{
	int64_t until = clock_monotonic_ms() + 2 * SECOND_MS;

	if (d->http)
		http_stop_acts(d->http);
	if (d->http)
		backup_act_stop(&d->backup);
	if (!d->stopping || !d->mqtt)
		return;
	act(d, "act/daemon/stop", "version", NURSERYD_VERSION);
	while (clock_monotonic_ms() < until && !reserve_is_low(&d->reserve) &&
	       recompute_step(&d->recompute, d->base.ingest.ledger.head.n, STEP_BUDGET_MS) > 0)
		;
	publish_alerts(d);
	publish_indicators(d);
	if (mqtt_is_ready(d->mqtt))
		outlet_head(&d->outlet, &d->base.ingest.ledger.head, clock_now_ms());
	mqtt_say_goodbye(d->mqtt);
	store_checkpoint(d->base.store, true, NULL);
}

static void tear_down(struct daemon *d)
{
	d->step = sd_event_source_disable_unref(d->step);
	d->tick = sd_event_source_disable_unref(d->tick);
	d->acts_source = sd_event_source_disable_unref(d->acts_source);
	d->rebuilding = sd_event_source_disable_unref(d->rebuilding);
	d->waiting = sd_event_source_disable_unref(d->waiting);
	rebuild_free(d->rebuild); /* its act is refused with the others */
	http_free(d->http);
	influx_free(d->influx);
	notify_free(d->notify);
	httpc_free(d->httpc);
	mqtt_free(d->mqtt);
	session_done(&d->session);
	base_close(&d->base);
	sd_event_unref(d->event);
	api_live_done(&d->live);
	people_done(&d->people);
	config_free(d->config);
}

int daemon_run(struct config *config)
{
	struct daemon d = { .config = config, .base = { .lock_fd = -1 }, .writable = true, .started_at = clock_now_ms() };
	int r;

	log_set_level(config->log_level);
	log_info("starting", "version=%s db=%s", NURSERYD_VERSION, config->store.path);
	api_live_init(&d.live);
	people_init(&d.people);
	r = build(&d);
	if (r >= 0)
		r = sd_event_loop(d.event);
	wind_up(&d);
	tear_down(&d);
	log_info("stopped", "status=%d", r < 0 ? 1 : 0);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
