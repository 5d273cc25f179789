/* SPDX-License-Identifier: MIT
 *
 * One thread, one sd-event loop: the broker, timers, signals, acts from the HTTP thread, and the recomputation of
 * indicators (DESIGN §3). Here it is built in order and freed in reverse.
 */
#include "daemon_parts.h"

#include "restore.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

int daemon_connect_broker(struct daemon *d)
{
	struct mqtt_handlers handlers = { .context = d, .burst = daemon_on_burst, .ready = daemon_on_ready, .held_alert = daemon_on_held_alert };
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
	struct identity *people = NULL;
	int r = daemon_read_people(d->config, "stop: mend the configuration", &people);

	if (r < 0)
		return r;
	people_put(&d->people, people, d->config->people.count);
	r = http_new(&options, why, &d->http);
	if (r < 0) {
		log_error("http.failed", "why=\"%s\" next=\"stop\"", why);
		return r;
	}
	daemon_show_facts(d, clock_now_ms()); /* the port is known now */
	d->backup = (struct backup_act){ .event = d->event, .http = d->http, .store = d->base.store,
					 .db_path = d->config->store.path, .reserve = &d->reserve };
	log_info("http.ready", "listen=%s port=%d socket=%s", d->config->http.listen, http_port(d->http), d->config->http.socket);
	return sd_event_add_io(d->event, &d->acts_source, http_act_fd(d->http), EPOLLIN, daemon_on_acts, d);
}

static bool is_busy(void *context)
{
	const struct daemon *d = context;

	return clock_monotonic_ms() - d->last_burst < DAEMON_BURST_PAUSE_MS;
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
	r = sd_event_add_signal(d->event, NULL, SIGTERM, daemon_on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, daemon_on_stop, d);
	return r < 0 ? r : sd_event_add_signal(d->event, NULL, SIGHUP, daemon_on_reload, d);
}

static int add_timers(struct daemon *d)
{
	int r = timer_new(d->event, &d->tick, daemon_on_tick, d);

	if (r >= 0)
		r = timer_set(d->tick, 0);
	if (r >= 0)
		r = timer_new(d->event, &d->step, daemon_on_step, d);
	return r < 0 ? r : timer_set(d->step, 0);
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
	daemon_record(d, "act/daemon/restored", "copy_of", clock_format_time(made_at, text));
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
	d->requests = (struct requests){ .ingest = &d->base.ingest, .publish = daemon_publish, .context = d };
	d->outlet = (struct outlet){ .store = d->base.store, .publish = daemon_publish, .context = d };
	daemon_record(d, "act/daemon/start", "version", NURSERYD_VERSION);
	r = note_restore(d);
	if (r < 0)
		return r;
	r = open_sinks(d);
	if (r >= 0)
		r = daemon_connect_broker(d);
	if (r >= 0)
		daemon_show_facts(d, now);
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
	daemon_record(d, "act/daemon/stop", "version", NURSERYD_VERSION);
	while (clock_monotonic_ms() < until && !reserve_is_low(&d->reserve) &&
	       recompute_step(&d->recompute, d->base.ingest.ledger.head.n, DAEMON_STEP_BUDGET_MS) > 0)
		;
	daemon_publish_alerts(d);
	daemon_publish_indicators(d);
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
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* a core holds payloads, and payloads speak of children */
	daemon_warn_careless(config);
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
