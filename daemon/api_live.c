/* SPDX-License-Identifier: MIT
 *
 * What is true of the running daemon: liveness, readiness, metrics. Without a daemon (nurseryctl --db) there are
 * no facts, and nobody is ready.
 */
#include "api_route.h"

#include "clock.h"

#include <stdio.h>

void api_live_init(struct api_live *l)
{
	*l = (struct api_live){ 0 };
	pthread_mutex_init(&l->lock, NULL);
}

void api_live_done(struct api_live *l)
{
	pthread_mutex_destroy(&l->lock);
}

void api_live_set(struct api_live *l, const struct api_facts *facts)
{
	pthread_mutex_lock(&l->lock);
	l->facts = *facts;
	pthread_mutex_unlock(&l->lock);
}

void api_live_get(struct api_live *l, struct api_facts *ret)
{
	pthread_mutex_lock(&l->lock);
	*ret = l->facts;
	pthread_mutex_unlock(&l->lock);
}

static void add(struct api_facts *f, const struct api_counter *c)
{
	if (f->counter_count < API_COUNTERS_MAX)
		f->counters[f->counter_count++] = *c;
}

void api_facts_count(struct api_facts *f, const char *name, const char *labels, const char *help, int64_t value)
{
	add(f, &(struct api_counter){ name, labels, help, false, value });
}

void api_facts_gauge(struct api_facts *f, const char *name, const char *labels, const char *help, int64_t value)
{
	add(f, &(struct api_counter){ name, labels, help, true, value });
}

static void facts_of(struct api_call *c, struct api_facts *ret)
{
	if (c->api->live)
		api_live_get(c->api->live, ret);
	else
		snprintf(ret->why, sizeof ret->why, "no daemon answers here");
}

static json *port_of(const struct api_facts *f)
{
	return f->http_port > 0 ? json_new_int(f->http_port) : json_new_null();
}

static int healthz(struct api_call *c, json **ret)
{
	struct api_facts f = { 0 };

	facts_of(c, &f);
	*ret = json_new_object();
	json_set(*ret, "status", json_new_text("ok"));
	json_set(*ret, "http_port", port_of(&f));
	return 0;
}

/* Readiness is not an error of the request: 503 with the same object. */
static int readyz(struct api_call *c, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	struct api_facts f = { 0 };
	bool ready;

	(void)ret;
	facts_of(c, &f);
	ready = f.subscribed && f.store_writable && !f.clock_wrong;
	json_set(o, "status", json_new_text(ready ? "ready" : "not ready"));
	json_set(o, "subscribed", json_new_bool(f.subscribed));
	json_set(o, "store_writable", json_new_bool(f.store_writable));
	json_set(o, "clock_wrong", json_new_bool(f.clock_wrong));
	json_set(o, "shedding", json_new_bool(f.shedding));
	json_set(o, "why", json_new_text(f.why[0] ? f.why : NULL));
	json_set(o, "http_port", port_of(&f));
	json_set(o, "sinks", json_new_text(f.sinks[0] ? f.sinks : NULL));
	json_compact(o, &c->rs->body);
	c->rs->status = ready ? 200 : 503;
	c->rs->content_type = "application/json";
	return 0;
}

/* The facts that are not counters of the daemon's own naming. */
static void add_own(struct api_facts *all, const struct api_facts *f)
{
	api_facts_gauge(all, "nurseryd_build_info", "version=\"" NURSERYD_VERSION "\"", "The version that runs.", 1);
	api_facts_gauge(all, "nurseryd_subscribed", NULL, "1 while the broker has acknowledged our subscriptions.",
			f->subscribed);
	api_facts_gauge(all, "nurseryd_store_writable", NULL, "1 while commits succeed.", f->store_writable);
	api_facts_gauge(all, "nurseryd_clock_wrong", NULL, "1 while the clock is before the build or the last row: nothing is taken.",
			f->clock_wrong);
	api_facts_gauge(all, "nurseryd_start_time_seconds", NULL, "Unix time of the start.", f->started_at / SECOND_MS);
	api_facts_gauge(all, "nurseryd_wal_bytes", NULL, "Size of the write-ahead log.", f->wal_bytes);
	api_facts_gauge(all, "nurseryd_store_free_bytes", NULL, "Free where the database lies; -1 not known.", f->free_bytes);
	api_facts_gauge(all, "nurseryd_store_reserve_bytes", NULL, "store.reserve.", f->reserve_bytes);
	api_facts_gauge(all, "nurseryd_shedding", NULL, "1 while everything but the ledger is held: the disk is nearly full.",
			f->shedding);
	api_facts_gauge(all, "nurseryd_ledger_rows", NULL, "The ledger's last row.", f->ledger_n);
	api_facts_gauge(all, "nurseryd_indicators_rows", NULL, "Indicators are computed up to this ledger row.",
			f->indicators_n);
	api_facts_gauge(all, "nurseryd_verified_rows", NULL, "The chain is checked up to this row.", f->verified_n);
	api_facts_gauge(all, "nurseryd_verify_rows", NULL, "The chain is to be checked up to this row.", f->verify_to);
	api_facts_gauge(all, "nurseryd_ledger_bad_row", NULL, "The first row that does not fit the chain; 0 none.",
			f->bad_row);
}

static void print_counters(const struct api_facts *f, struct buf *out)
{
	const char *name = "";

	for (size_t i = 0; i < f->counter_count; i++) {
		const struct api_counter *k = &f->counters[i];

		if (strcmp(name, k->name) != 0)
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", k->name, k->help, k->name,
				   k->gauge ? "gauge" : "counter");
		name = k->name;
		if (k->labels)
			buf_printf(out, "%s{%s} %lld\n", k->name, k->labels, (long long)k->value);
		else
			buf_printf(out, "%s %lld\n", k->name, (long long)k->value);
	}
}

static int metrics(struct api_call *c, json **ret)
{
	struct api_facts f = { 0 }, own = { 0 };

	(void)ret;
	facts_of(c, &f);
	add_own(&own, &f);
	print_counters(&own, &c->rs->body);
	print_counters(&f, &c->rs->body);
	c->rs->status = 200;
	c->rs->content_type = "text/plain; version=0.0.4; charset=utf-8";
	return 0;
}

/* nurseryctl verify checks the file itself, from outside the daemon. */
static int store_path(struct api_call *c, json **ret)
{
	*ret = json_new_object();
	json_set(*ret, "path", json_new_text(c->api->db_path));
	return 0;
}

/* HEAD, and a file without a daemon. */
static int no_events(struct api_call *c, json **ret)
{
	(void)ret;
	if (c->api->live) {
		c->rs->status = 200;
		c->rs->content_type = "text/event-stream";
	} else
		api_problem(c->rs, 503, "events need the daemon", "a database file does not change", NULL, NULL, NULL);
	return 0;
}

bool api_is_stream(const char *method, const char *target)
{
	return strcmp(method, "GET") == 0 && strcmp(target, "/api/v1/events") == 0;
}

const struct api_route api_live_routes[] = {
	{ .method = "GET", .pattern = "/events", .handler = no_events },
	{ .method = "GET", .pattern = "/healthz", .handler = healthz, .root = true },
	{ .method = "GET", .pattern = "/readyz", .handler = readyz, .root = true },
	{ .method = "GET", .pattern = "/metrics", .handler = metrics, .root = true },
	{ .method = "GET", .pattern = "/store", .handler = store_path, .local = true },
	{ 0 },
};
