/* SPDX-License-Identifier: MIT
 *
 * SIGHUP: the new configuration is parsed whole, then swapped; a bad one is refused with its line and the old one stays
 * (DESIGN §5). SIGTERM, SIGINT: stop reading, give pages on their way a moment, leave the loop (DESIGN §6).
 */
#include "daemon_parts.h"

#include <errno.h>
#include <systemd/sd-daemon.h>

#define STOP_PAGES_MS (5 * SECOND_MS)
#define STOP_LOOK_MS 20

/* Pages on their way get a moment (DESIGN §6); what is not delivered by then is sent by the next start. */
static int on_waiting(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;

	(void)usec;
	if (notify_is_idle(d->notify) || clock_monotonic_ms() >= d->stop_at)
		return sd_event_exit(d->event, 0);
	return timer_set(source, STOP_LOOK_MS * 1000);
}

static int wait_for_pages(struct daemon *d)
{
	int r;

	d->waiting = sd_event_source_disable_unref(d->waiting);
	r = timer_new(d->event, &d->waiting, on_waiting, d);
	return r < 0 ? r : timer_set(d->waiting, STOP_LOOK_MS * 1000);
}

int daemon_on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
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

int daemon_read_people(const struct config *c, const char *next, struct identity **ret)
{
	char why[256];
	int r = people_read(c->people.first, c->people.count, ret, why, sizeof why);

	if (r < 0)
		log_error("people.refused", "why=\"%s\" next=\"%s\"", why, next);
	return r;
}

static void tell_lines(const char *event, const struct buf *errors, const char *next)
{
	_cleanup_(freep) char *copy = xstrdup(errors->p ? errors->p : "");
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (line[0])
			log_error(event, "%s next=\"%s\"", line, next);
}

void daemon_warn_careless(const struct config *c)
{
	_cleanup_(buf_done) struct buf careless = { 0 };
	char *rest, *line;

	config_careless(c, &careless);
	rest = careless.p;
	while ((line = strsep(&rest, "\n")))
		if (line[0])
			log_warning("config.careless", "%s next=\"go on\"", line);
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

/* What only a restart can change stays as it is; and who may do what changes with all the rest or not at all. */
static bool is_refused(struct daemon *d, const struct config *fresh)
{
	const struct config *old = d->config;
	struct identity *people = NULL;

	if (!same_text(old->store.path, fresh->store.path) || !same_text(old->http.listen, fresh->http.listen) ||
	    !same_text(old->http.socket, fresh->http.socket)) {
		log_error("reload.refused", "why=\"store.path and http.* change only by a restart\" next=\"the old configuration"
					    " stays\"");
		return true;
	}
	if (daemon_read_people(fresh, "the old configuration stays", &people) < 0)
		return true;
	if (base_load(&d->base, fresh, clock_now_ms()) < 0) {
		free(people);
		return true;
	}
	people_put(&d->people, people, fresh->people.count);
	return false;
}

/* Another broker, session or subscription is a new client; else the connection stays. */
static void reconnect(struct daemon *d, const struct config *old)
{
	if (same_broker(old, d->config)) {
		mqtt_reconfigure(d->mqtt, d->config);
		return;
	}
	mqtt_say_goodbye(d->mqtt);
	mqtt_free(d->mqtt);
	d->mqtt = NULL;
	if (daemon_connect_broker(d) < 0) {
		log_error("reload.failed", "next=\"stop: the store or the TLS files cannot be read\"");
		sd_event_exit(d->event, -EIO);
	}
}

int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
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
	if (is_refused(d, fresh)) {
		config_free(fresh);
		return 0;
	}
	d->config = fresh;
	d->reserve.wanted_bytes = fresh->store.reserve_bytes;
	d->backup.db_path = fresh->store.path; /* the same words; the old ones are freed below */
	log_set_level(fresh->log_level);
	rates_configure(&d->base.ingest.rates, fresh->limits.per_site_count, fresh->limits.per_site_ms);
	reconnect(d, old);
	daemon_note_store(d, influx_reconfigure(d->influx, fresh));
	daemon_note_store(d, notify_reconfigure(d->notify, fresh, d->base.ingest.ledger.head.n));
	config_free(old);
	daemon_warn_careless(fresh);
	log_info("reloaded", "file=%s", fresh->file);
	return 0;
}
