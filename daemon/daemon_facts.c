/* SPDX-License-Identifier: MIT
 *
 * What /readyz and /metrics tell of the parts that the main thread owns; a copy is handed to the HTTP thread.
 */
#include "daemon_parts.h"

#include <stdio.h>

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

/* What keeps nurseryd from being ready, for a person. */
static void say_why(struct daemon *d, struct api_facts *f)
{
	if (!d->writable)
		snprintf(f->why, sizeof f->why, "the store cannot be written: %s", store_why(d->base.store));
	else if (d->clock_refused)
		snprintf(f->why, sizeof f->why, "the clock is wrong: earlier than the build or the last ledger row");
	else if (!f->subscribed)
		snprintf(f->why, sizeof f->why, "not subscribed: %s", d->why[0] ? d->why : "connecting");
	else if (f->shedding)
		snprintf(f->why, sizeof f->why, "the disk is nearly full: all but the ledger is held, less than store.reserve is free");
}

static void fill_counters(struct daemon *d, struct api_facts *f)
{
	const struct ingest_counters *c = &d->base.ingest.counters;
	const struct mqtt_counters *m = mqtt_counters(d->mqtt);
	const struct {
		const char *name, *labels, *help;
		bool gauge;
		int64_t value;
	} rows[] = {
		{ "nurseryd_messages_total", "outcome=\"accepted\"", "Messages stored, by outcome.", false, (int64_t)c->by_status[STATUS_ACCEPTED] },
		{ "nurseryd_messages_total", "outcome=\"rejected\"", NULL, false, (int64_t)c->by_status[STATUS_REJECTED] },
		{ "nurseryd_messages_total", "outcome=\"refused_pii\"", NULL, false, (int64_t)c->by_status[STATUS_REFUSED_PII] },
		{ "nurseryd_messages_total", "outcome=\"fault\"", NULL, false, (int64_t)c->by_status[STATUS_FAULT] },
		{ "nurseryd_duplicates_total", NULL, "Repeats of messages already stored.", false, (int64_t)c->duplicates },
		{ "nurseryd_rate_limited_total", NULL, "Messages above limits.per_site: E_RATE, no row.", false, (int64_t)c->rate_limited },
		{ "nurseryd_status_messages_total", NULL, "Births and last wills of senders.", false, (int64_t)c->status_messages },
		{ "nurseryd_status_malformed_total", NULL, "Of them ignored: not what a status looks like.", false, (int64_t)c->status_malformed },
		{ "nurseryd_sandbox_messages_total", NULL, "Messages of the sandbox.", false, (int64_t)c->sandbox },
		{ "nurseryd_batches_total", NULL, "Transactions of messages committed.", false, (int64_t)c->batches },
		{ "nurseryd_batch_failures_total", NULL, "Transactions that could not be stored.", false, (int64_t)c->failed_batches },
		{ "nurseryd_mqtt_connects_total", NULL, "Connections made to the broker.", false, (int64_t)m->connects },
		{ "nurseryd_mqtt_connect_failures_total", NULL, "Connections that failed.", false, (int64_t)m->connect_failures },
		{ "nurseryd_mqtt_takeovers_total", NULL, "Sessions taken over by another client.", false, (int64_t)m->takeovers },
		{ "nurseryd_mqtt_published_total", NULL, "Messages published.", false, (int64_t)m->published },
		{ "nurseryd_recomputations_total", NULL, "Days of units computed.", false, d->recompute.days },
		{ "nurseryd_requests_total", NULL, "Requests to send missing messages again.", false, (int64_t)d->requests.sent },
		{ "nurseryd_gaps_lost_total", NULL, "Ranges of seqs given up.", false, (int64_t)d->requests.lost_ranges },
		{ "nurseryd_gaps", NULL, "Ranges of seqs that are missing, at the last look.", true, d->requests.open },
		{ "nurseryd_backups_total", NULL, "Backups made.", false, (int64_t)d->backup.made },
		{ "nurseryd_sites", NULL, "Nurseries ever heard of.", true, (int64_t)HASH_COUNT(d->base.ingest.fold.streams.sites) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		(rows[i].gauge ? api_facts_gauge : api_facts_count)(f, rows[i].name, rows[i].labels, rows[i].help, rows[i].value);
}

void daemon_show_facts(struct daemon *d, int64_t now)
{
	struct api_facts f = { .subscribed = mqtt_is_ready(d->mqtt), .store_writable = d->writable, .clock_wrong = d->clock_refused,
			       .http_port = d->http ? http_port(d->http) : 0, .started_at = d->started_at, .updated_at = now,
			       .wal_bytes = store_wal_bytes(d->base.store),
			       .shedding = reserve_is_low(&d->reserve), .free_bytes = d->reserve.free_bytes,
			       .reserve_bytes = d->reserve.wanted_bytes,
			       .ledger_n = d->base.ingest.ledger.head.n, .indicators_n = d->recompute.computed_n,
			       .verified_n = d->verified_n, .verify_to = d->verify_to, .bad_row = d->base.bad_row };

	say_why(d, &f);
	fill_counters(d, &f);
	fill_influx_facts(d, &f);
	fill_page_facts(d, &f);
	api_live_set(&d->live, &f);
}
