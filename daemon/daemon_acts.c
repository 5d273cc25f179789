/* SPDX-License-Identifier: MIT
 *
 * What the HTTP thread hands over: officers' acts, imports, backups, and the rebuilding of the folded tables, which is
 * done a slice at a time between messages and answered at its end.
 */
#include "daemon_parts.h"

#include "officer_acts.h"

#include <errno.h>

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

	recompute_distrust(&d->recompute);
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
	if (daemon_messages_come_first(d, started))
		return timer_set(source, DAEMON_BURST_PAUSE_MS * 1000);
	r = rebuild_step(d->rebuild);
	d->last_step = clock_monotonic_ms();
	daemon_slow_since("rebuild", started);
	if (r == REBUILD_SWAPPED && take_over_tables(d) < 0)
		return 0;
	if (r < 0 || r == REBUILD_DONE || r == REBUILD_REFUSED) {
		end_rebuild(d, r);
		return 0;
	}
	return timer_set(source, 1000);
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
	if (timer_new(d->event, &d->rebuilding, on_rebuild, d) < 0 || timer_set(d->rebuilding, 1000) < 0)
		end_rebuild(d, -ENOMEM);
	return true;
}

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

static void perform(struct daemon *d, struct http_act *a)
{
	struct act_answer told = { 0 };
	int64_t now = clock_now_ms();

	if (begin_rebuild(d, a))
		return;
	if (backup_act_is(a)) {
		backup_act_start(&d->backup, a, now);
		return;
	}
	if (influx_act(d, a->path, &told))
		;
	else if (officer_act_is(a->path) && daemon_clock_is_right(d, now))
		daemon_note_store(d, officer_act_perform(&d->base.ingest,
						  &(struct officer_request){ a->path, a->body.p ? a->body.p : "", a->body.len, &a->who,
									     a->idempotency_key, a->if_match, now },
						  &told));
	else if (daemon_clock_is_right(d, now))
		daemon_note_store(d, act_perform(&d->base.ingest, a->method, a->path, a->body.p, a->body.len, a->actor, now, &told));
	else
		act_refuse_clock(&told);
	answer(d, a, &told);
}

#define ACTS_BUDGET_MS 50 /* then the loop turns: whoever asks for a lint needs no credential, and may ask a thousand times */

int daemon_on_acts(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct daemon *d = context;
	int64_t until = clock_monotonic_ms() + ACTS_BUDGET_MS;
	struct http_act *a;

	(void)source;
	(void)fd;
	(void)events;
	while (clock_monotonic_ms() < until && (a = http_next_act(d->http)))
		perform(d, a);
	if (clock_monotonic_ms() >= until)
		http_wake_acts(d->http);
	daemon_publish_alerts(d);
	mqtt_flush(d->mqtt);
	return 0;
}
