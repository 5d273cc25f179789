/* SPDX-License-Identifier: MIT
 *
 * What the loop does: bursts of messages, the second's tick, and the recomputation of indicators in short steps. The
 * watchdog is fed by the tick, and only when the store took the last thing it was given or was tried again since, so a
 * stuck loop is a dead daemon.
 */
#include "daemon_parts.h"

#include "erase.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#define TICK_US UINT64_C(1000000)
#define FREEZE_AT_ONCE 20     /* months of units in one transaction */
#define QUIET_BUDGET_MS 50    /* while no message comes */
#define CALM_BUDGET_MS 20     /* while few come: beginning a unit takes some milliseconds, a longer step does more of use */
#define CALM_MESSAGES 100     /* a second; a country sends ten */
#define BACKLOG_MESSAGES 512  /* a burst of so many means that more are waiting */
#define STREAM_STEP_MS 100    /* beside single messages, at most one step in so long */
#define BACKLOG_STEP_MS 1000  /* while a backlog drains, at most one step in so long (measured: else 24 % of the time) */
#define SLOW_MS 250
#define VERIFY_ROWS 2000      /* of the chain a tick, in the background */
#define INDICATORS_AT_ONCE 50
#define WAL_QUIET_BYTES (8 << 20)
#define HEAD_EVERY_MS HOUR_MS

void daemon_note_store(struct daemon *d, int r)
{
	if (r < 0 && d->writable)
		log_error("store.failed", "error=%d why=\"%s\" next=\"acknowledge nothing, try again\"", r,
			  store_why(d->base.store));
	else if (r >= 0 && !d->writable)
		log_info("store.recovered", "next=\"go on\"");
	d->writable = r >= 0;
}

static void record_ms(struct daemon *d, const char *topic, int64_t ms)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)ms);
	daemon_record(d, topic, "ms", text);
}

/* What could not be a row while the clock was wrong. */
static void record_clock(struct daemon *d)
{
	int64_t jumped_ms = d->jumped_ms, refused_since = d->refused_since;

	d->jumped_ms = d->refused_since = 0;
	if (jumped_ms > CLOCK_JUMP_MS || jumped_ms < -CLOCK_JUMP_MS) /* there and back again is none */
		record_ms(d, "act/daemon/clock_jumped", jumped_ms);
	if (refused_since != 0)
		record_ms(d, "act/daemon/clock_refused", clock_monotonic_ms() - refused_since);
	if (!d->writable) { /* not on record: again */
		d->jumped_ms = jumped_ms;
		d->refused_since = refused_since;
	}
}

bool daemon_clock_is_right(struct daemon *d, int64_t now)
{
	int64_t floor = base_clock_floor(&d->base), jump = clock_jump(&d->clock_watch, clock_now_ms(), clock_monotonic_ms());
	char text[CLOCK_TEXT_SIZE];

	if (jump != 0)
		log_warning("clock.jumped", "ms=%lld next=\"go on as soon as it is not earlier than the last row\"", (long long)jump);
	d->jumped_ms += jump;
	if (now < floor && !d->clock_refused) {
		log_error("clock.refused", "earliest=%s next=\"take nothing until the clock is right\"",
			  clock_format_time(floor, text));
		d->refused_since = clock_monotonic_ms();
	}
	d->clock_refused = now < floor;
	if (!d->clock_refused && d->writable && (d->jumped_ms != 0 || d->refused_since != 0))
		record_clock(d);
	return !d->clock_refused;
}

void daemon_record(struct daemon *d, const char *topic, const char *key, const char *value)
{
	_cleanup_(buf_done) struct buf payload = { 0 };
	int64_t now = clock_now_ms();

	if (!daemon_clock_is_right(d, now))
		return;
	buf_printf(&payload, "{\"%s\":", key);
	buf_json(&payload, value, -1);
	buf_char(&payload, '}');
	daemon_note_store(d, ingest_act(&d->base.ingest, topic, payload.p, payload.len, "daemon", now, NULL));
}

void daemon_slow_since(const char *what, int64_t started)
{
	int64_t ms = clock_monotonic_ms() - started;

	if (ms > SLOW_MS)
		log_warning("loop.slow", "what=%s ms=%lld", what, (long long)ms);
}

int daemon_publish(void *context, const char *topic, const void *payload, size_t len, int qos, bool retain)
{
	struct daemon *d = context;

	return mqtt_publish(d->mqtt, topic, payload, len, qos, retain);
}

void daemon_publish_alerts(struct daemon *d)
{
	alert_log_tell(&d->alert_log, d->base.ingest.ledger.head.n);
	daemon_note_store(d, notify_changed(d->notify, d->base.ingest.ledger.head.n));
	if (mqtt_is_ready(d->mqtt))
		outlet_alerts(&d->outlet, d->base.ingest.ledger.head.n);
}

void daemon_publish_indicators(struct daemon *d)
{
	if (mqtt_is_ready(d->mqtt))
		outlet_indicators(&d->outlet, INDICATORS_AT_ONCE);
}

int daemon_on_burst(void *context, const struct incoming *messages, size_t count)
{
	struct daemon *d = context;
	struct ingest *in = &d->base.ingest;
	int64_t started = clock_monotonic_ms(), now = clock_now_ms();
	int r = daemon_clock_is_right(d, now) ? ingest_batch(in, messages, count, now) : -EAGAIN;

	if (r != -EAGAIN)
		daemon_note_store(d, r);
	if (r < 0) {
		daemon_show_facts(d, now); /* /readyz says so at once */
		return r;
	}
	for (size_t i = 0; i < in->out_count; i++)
		mqtt_publish(d->mqtt, in->bytes.p + in->out[i].topic_at, in->bytes.p + in->out[i].payload_at,
			     in->out[i].payload_len, 0, false);
	daemon_publish_alerts(d);
	d->last_burst = clock_monotonic_ms();
	d->last_burst_count = count;
	d->since_tick += count;
	daemon_slow_since("burst", started);
	return 0;
}

void daemon_on_ready(void *context, bool ready, const char *why)
{
	struct daemon *d = context;

	snprintf(d->why, sizeof d->why, "%s", why);
	if (ready) {
		log_info("mqtt.ready", "next=\"take messages\"");
		d->ready_since = clock_monotonic_ms();
		outlet_start(&d->outlet);
		outlet_head(&d->outlet, &d->base.ingest.ledger.head, clock_now_ms());
	}
	daemon_show_facts(d, clock_now_ms());
}

void daemon_on_held_alert(void *context, const char *topic)
{
	struct daemon *d = context;

	outlet_held_alert(&d->outlet, topic);
}

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
	daemon_record(d, ready ? "act/daemon/connected" : "act/daemon/disconnected", "why", d->why);
}

/* A store that failed is tried again without waiting for the next message. */
static void probe_store(struct daemon *d)
{
	if (!d->writable)
		daemon_note_store(d, store_run(d->base.store,
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

	if (!daemon_clock_is_right(d, now))
		return;
	daemon_note_store(d, ingest_due(&d->base.ingest, now, &count));
	daemon_publish_alerts(d);
	daemon_publish_indicators(d); /* today's numbers do not wait for history */
	if (mqtt_is_ready(d->mqtt) && clock_monotonic_ms() >= d->next_head) {
		d->next_head = clock_monotonic_ms() + HEAD_EVERY_MS;
		outlet_head(&d->outlet, &d->base.ingest.ledger.head, now);
	}
}

static void ask_senders(struct daemon *d, int64_t now)
{
	int64_t settled = d->ready_since + MIN(d->config->mqtt.gap_grace_ms, MINUTE_MS);
	int r;

	if (!mqtt_is_ready(d->mqtt) || !daemon_clock_is_right(d, now) || reserve_is_low(&d->reserve))
		return;
	d->requests.grace_ms = d->config->mqtt.gap_grace_ms;
	r = requests_step(&d->requests, clock_monotonic_ms() >= settled, now);
	if (r < 0)
		daemon_note_store(d, r);
}

int daemon_on_tick(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	int64_t started = clock_monotonic_ms(), now = clock_now_ms();

	(void)usec;
	timer_set(source, TICK_US);
	d->last_second = d->since_tick;
	d->since_tick = 0;
	probe_store(d);
	reserve_look(&d->reserve, d->config->store.path, started);
	mqtt_tick(d->mqtt);
	mqtt_pause(d->mqtt, d->stopping || !daemon_clock_is_right(d, now));
	record_connection(d);
	if (d->writable)
		time_passes(d, now);
	if (d->writable)
		daemon_note_store(d, notify_tick(d->notify, d->base.ingest.ledger.head.n));
	if (d->writable)
		ask_senders(d, now);
	verify_some(d);
	checkpoint_when_quiet(d);
	daemon_show_facts(d, now);
	mqtt_flush(d->mqtt);
	tell_systemd(d);
	daemon_slow_since("tick", started);
	return 0;
}

/* Messages come first: beside a stream of them a short step now and then, beside a backlog fewer still (nobody needs
 * the numbers of a state that is two thousand rows old a moment later). Measured at 1,000 messages/s: docs/bench.md. */
bool daemon_messages_come_first(const struct daemon *d, int64_t now)
{
	int64_t apart_ms = d->last_burst_count >= BACKLOG_MESSAGES ? BACKLOG_STEP_MS : STREAM_STEP_MS;

	return now - d->last_burst < DAEMON_BURST_PAUSE_MS && now - d->last_step < apart_ms;
}

static int64_t step_budget(const struct daemon *d, int64_t now)
{
	if (now - d->last_burst > SECOND_MS)
		return QUIET_BUDGET_MS;
	return d->last_second < CALM_MESSAGES ? CALM_BUDGET_MS : DAEMON_STEP_BUDGET_MS;
}

/* Months that are due, once everything is computed: at once when a month's day has come, else looked for once a minute. */
static void freeze_months(struct daemon *d, int64_t now)
{
	int64_t before = d->base.ingest.fold.dirty.past_before;
	int count = 0;

	if (!d->writable || !daemon_clock_is_right(d, now) || (now - d->last_freeze < MINUTE_MS && before == d->frozen_before))
		return;
	daemon_note_store(d, ingest_freeze(&d->base.ingest, now, FREEZE_AT_ONCE, &count));
	if (count < FREEZE_AT_ONCE) {
		d->last_freeze = now;
		d->frozen_before = before;
	}
}

/* Recomputes for a moment, then lets the loop turn before it goes on. */
int daemon_on_step(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	int64_t started = clock_monotonic_ms();
	uint64_t pause_ms;
	int more;

	(void)usec;
	if (reserve_is_low(&d->reserve)) /* samples would take the ledger's room */
		return timer_set(source, SECOND_MS * 1000);
	if (daemon_messages_come_first(d, started))
		return timer_set(source, DAEMON_BURST_PAUSE_MS * 1000);
	more = recompute_step(&d->recompute, d->base.ingest.ledger.head.n, step_budget(d, started));
	pause_ms = more > 0 ? 2 : (uint64_t)d->config->indicators.every_ms;
	d->last_step = clock_monotonic_ms();
	if (more < 0)
		daemon_note_store(d, more);
	if (more == 0) {
		freeze_months(d, clock_now_ms());
		daemon_publish_indicators(d);
		daemon_show_facts(d, clock_now_ms());
		mqtt_flush(d->mqtt);
	}
	daemon_slow_since("indicators", started);
	return timer_set(source, pause_ms * 1000);
}
