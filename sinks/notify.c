/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include "../daemon/brief.h"
#include "../daemon/clock.h"
#include "../daemon/log.h"
#include "../daemon/objects.h"
#include "outlets.h"
#include "pages.h"

#include <errno.h>
#include <stdio.h>

#define LANE_CALLS 4 /* on their way at once */
#define TIMEOUT_MS (15 * SECOND_MS)
#define BACKOFF_FIRST_MS SECOND_MS
#define BACKOFF_MAX_MS (60 * SECOND_MS)
#define RETRY_AFTER_MAX_MS (10 * MINUTE_MS)
#define AGE_MAX_MS (7 * DAY_MS)
#define ANSWER_KEPT 200

struct lane;

struct call {
	struct lane *lane;
	struct httpc_call *http; /* NULL: free */
	struct page page;
	struct outlet_request request; /* the body is sent from here */
	char *credential;
	const char *to[NOTIFY_TEXTS_MAX + 1];
	int64_t began;
};

struct lane {
	struct notify *n;
	const struct notify_sink *sink;
	int64_t peer;
	struct call calls[LANE_CALLS];
	int64_t not_before; /* monotonic */
	int failures;       /* in a row */
};

struct notify {
	struct notify_options options;
	struct pages pages;
	struct lane *lanes;
	size_t lane_count;
	uint64_t delivered, failed;
	struct clock_watch clock_watch;
};

static const struct policy *policy(const struct notify *n)
{
	return n->options.policy(n->options.context);
}

/* ---- lanes ---- */

static void end_call(struct call *c)
{
	httpc_cancel(c->http);
	c->http = NULL;
	outlet_request_done(&c->request);
	if (c->credential)
		explicit_bzero(c->credential, strlen(c->credential));
	free(c->credential);
	c->credential = NULL;
	c->page.id = 0;
}

static void free_lanes(struct notify *n)
{
	for (size_t i = 0; i < n->lane_count; i++)
		for (size_t k = 0; k < LANE_CALLS; k++)
			end_call(&n->lanes[i].calls[k]);
	free(n->lanes);
	n->lanes = NULL;
	n->lane_count = 0;
}

static void make_lanes(struct notify *n)
{
	const struct config_notify *c = &n->options.config->notify;

	n->lanes = xcalloc(c->sinks.count * NOTIFY_TEXTS_MAX + 1, sizeof *n->lanes);
	for (size_t i = 0; i < c->sinks.count; i++)
		for (int64_t k = 0; notify_sinks(c)[i].urls[k]; k++) {
			struct lane *l = &n->lanes[n->lane_count++];

			*l = (struct lane){ .n = n, .sink = &notify_sinks(c)[i], .peer = k };
			for (size_t m = 0; m < LANE_CALLS; m++)
				l->calls[m].lane = l;
		}
}

/* ---- time ---- */

/* The wall clock. When it was set back, what waits for a time waits no longer for that: nobody is called later because of a
 * clock. Set forward, people are called early rather than not. */
static int64_t now_of(struct notify *n)
{
	int64_t now = clock_now_ms(), jump = clock_jump(&n->clock_watch, now, clock_monotonic_ms());

	if (jump < 0 && pages_set_back(&n->pages, -jump) < 0)
		log_error("page.clock", "next=\"pages may come %lld ms late\"", (long long)-jump);
	return now;
}

static int64_t jitter(int64_t ms)
{
	uint32_t random;

	hash_random(&random, sizeof random);
	return ms / 2 + (int64_t)(random % (uint32_t)(ms + 1));
}

static int64_t backoff_ms(int64_t failures)
{
	int64_t ms = BACKOFF_FIRST_MS;

	for (int64_t i = 1; i < failures && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return MIN(jitter(ms), BACKOFF_MAX_MS);
}

/* ---- what came of it ---- */

static void clean_answer(const struct httpc_answer *a, char text[static ANSWER_KEPT])
{
	size_t len;

	snprintf(text, ANSWER_KEPT, "%d %.150s", a->status, a->status ? a->body : a->why);
	len = strlen(text);
	while (len > 0 && ((unsigned char)text[len - 1] & 0x80))
		text[--len] = '\0'; /* perhaps half a character */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = '?';
}

/* An alertmanager forgets after resolve_timeout: it is told again three times as often. */
static int64_t again_at(const struct call *c, int64_t now)
{
	bool said_again = c->lane->sink->kind == NOTIFY_ALERTMANAGER && c->page.kind == PAGE_RAISE;

	return said_again ? now + c->lane->sink->resolve_timeout_ms / 3 : STORE_NULL;
}

static void taken(struct call *c, const char *answer)
{
	struct lane *l = c->lane;
	int64_t now = now_of(l->n);

	if (l->failures > 0)
		log_info("page.recovered", "sink=%s next=\"deliver what waits\"", l->sink->name);
	l->failures = 0;
	l->n->delivered++;
	log_debug("page.delivered", "alert=A-%06lld kind=%s sink=%s attempts=%lld ms=%lld", (long long)c->page.alert,
		  page_kind_words[c->page.kind], l->sink->name, (long long)c->page.attempts + 1, (long long)(now - c->page.created_at));
	if (pages_delivered(&l->n->pages, c->page.id, answer, again_at(c, now), now) < 0)
		l->not_before = clock_monotonic_ms() + BACKOFF_FIRST_MS; /* not on record: said once more */
}

static void not_taken(struct call *c, enum outlet_verdict verdict, const struct httpc_answer *a, const char *answer)
{
	struct lane *l = c->lane;
	int64_t ms = backoff_ms(verdict == OUTLET_LATER ? l->failures + 1 : c->page.attempts + 1);

	if (a->retry_after_s > 0)
		ms = MIN(a->retry_after_s * SECOND_MS, RETRY_AFTER_MAX_MS);
	l->n->failed++;
	if (l->failures++ == 0)
		log_error("page.not_delivered", "alert=A-%06lld sink=%s status=%d why=\"%s\" next=\"%s\"", (long long)c->page.alert,
			  l->sink->name, a->status, a->why, verdict == OUTLET_LATER ? "try again soon" : "try again; look at the sink's settings");
	if (verdict == OUTLET_LATER)
		l->not_before = clock_monotonic_ms() + ms;
	pages_failed(&l->n->pages, c->page.id, answer, now_of(l->n) + ms);
}

static void send_due(struct lane *l);

static void on_answer(void *context, const struct httpc_answer *a)
{
	struct call *c = context;
	enum outlet_verdict verdict = outlet_judge(c->lane->sink->kind, a);
	char answer[ANSWER_KEPT];

	clean_answer(a, answer);
	if (verdict == OUTLET_TAKEN)
		taken(c, answer);
	else
		not_taken(c, verdict, a, answer);
	c->http = NULL; /* over: httpc frees it */
	end_call(c);
	send_due(c->lane);
}

/* ---- sending ---- */

static int read_secret(const char *path, char **ret)
{
	if (*path)
		return config_read_secret(path, ret);
	*ret = xstrdup("");
	return 0;
}

static void forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void fill_recipients(struct call *c, const char *address)
{
	size_t i;

	for (i = 0; c->lane->sink->to[i] && !*address; i++)
		c->to[i] = c->lane->sink->to[i];
	if (*address)
		c->to[i++] = address;
	c->to[i] = NULL;
}

static int start(struct call *c, const char *address)
{
	const struct notify_sink *s = c->lane->sink;
	const char *headers[OUTLET_HEADERS_MAX + 1] = { NULL };
	struct httpc_request request = { .method = "POST", .url = c->request.url.p, .headers = headers, .body = c->request.body.p,
					 .len = c->request.body.len, .timeout_ms = TIMEOUT_MS, .ca_file = s->ca_file,
					 .done = on_answer, .context = c };

	for (size_t i = 0; i < c->request.header_count; i++)
		headers[i] = c->request.headers[i].p;
	if (s->kind == NOTIFY_MAIL) {
		fill_recipients(c, address);
		request.mail_from = s->from;
		request.mail_to = c->to;
		request.credential = c->credential;
		request.plain = s->tls == NOTIFY_TLS_OFF;
	}
	return httpc_start(c->lane->n->options.http, &request, &c->http);
}

static int encode(struct call *c, const struct brief *b, const char *address)
{
	struct lane *l = c->lane;
	const struct brief_moment moment = { .now = now_of(l->n), .policy = policy(l->n), .drill = c->page.drill };
	_cleanup_(json_freep) json *alert = NULL;
	char *secret = NULL, *token = NULL;
	int r = read_secret(l->sink->secret_file, &secret);

	if (r >= 0)
		r = read_secret(l->sink->token_file, &token);
	if (r >= 0 && l->sink->trust == NOTIFY_INSIDE)
		r = object_alert(l->n->options.store, c->page.alert, true, &alert);
	if (r >= 0)
		r = outlet_encode(&(struct outlet_page){ .sink = l->sink, .page = &c->page, .brief = b, .moment = &moment,
							 .address = address, .secret = secret, .token = token, .alert = alert },
				  l->peer, &c->request);
	if (l->sink->kind == NOTIFY_MAIL) {
		c->credential = secret;
		secret = NULL; /* sent with the call */
	}
	forget(secret);
	forget(token);
	return r;
}

static const char *address_of(const struct call *c)
{
	const struct notify_contact *contact =
		c->page.contact[0] ? notify_contact_of(&c->lane->n->options.config->notify, c->page.contact) : NULL;

	return contact ? contact->address : "";
}

static void give_up(struct call *c, const char *why)
{
	log_error("page.given_up", "alert=A-%06lld sink=%s why=\"%s\" next=\"go on with the others\"", (long long)c->page.alert,
		  c->lane->sink->name, why);
	pages_give_up(&c->lane->n->pages, c->page.id, why);
	end_call(c);
}

/* What cannot be said just now (a secret that cannot be read) is tried again like what was not taken. */
static void begin(struct call *c)
{
	const char *address = address_of(c);
	struct brief b;
	int r;

	c->began = clock_monotonic_ms();
	if (now_of(c->lane->n) - c->page.created_at > AGE_MAX_MS) {
		give_up(c, "too old");
		return;
	}
	if (c->page.contact[0] && c->lane->sink->kind == NOTIFY_MAIL && !*address) {
		give_up(c, "the contact is no longer configured");
		return;
	}
	r = brief_load(c->lane->n->options.store, c->page.alert, &b);
	if (r == BRIEF_NONE) {
		give_up(c, "there is no such alert");
		return;
	}
	if (r >= 0)
		r = encode(c, &b, address);
	if (r >= 0)
		r = start(c, address);
	if (r < 0) {
		struct httpc_answer none = { .why = strerror(-r) };

		not_taken(c, OUTLET_LATER, &none, none.why);
		end_call(c);
	}
}

static struct call *free_call(struct lane *l)
{
	for (size_t i = 0; i < LANE_CALLS; i++)
		if (l->calls[i].page.id == 0)
			return &l->calls[i];
	return NULL;
}

static bool on_its_way(const struct lane *l, int64_t id)
{
	for (size_t i = 0; i < LANE_CALLS; i++)
		if (l->calls[i].page.id == id)
			return true;
	return false;
}

/* Asks for as many as may be on their way, and some that are. A peer that is away is asked with one at a time. */
static void send_due(struct lane *l)
{
	struct page due[2 * LANE_CALLS];
	size_t count = 0;

	if (clock_monotonic_ms() < l->not_before || pages_due(&l->n->pages, l->sink->name, l->peer, now_of(l->n), due, ARRAY_SIZE(due), &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct call *c = free_call(l);

		if (!c || clock_monotonic_ms() < l->not_before || (l->failures > 0 && c != &l->calls[0]))
			return;
		if (on_its_way(l, due[i].id))
			continue;
		c->page = due[i];
		begin(c);
	}
}

static void send_all(struct notify *n)
{
	for (size_t i = 0; i < n->lane_count; i++)
		send_due(&n->lanes[i]);
}

/* ---- from outside ---- */

int notify_changed(struct notify *n, int64_t head_n)
{
	int r = pages_collect(&n->pages, policy(n), head_n, now_of(n));

	if (r > 0)
		send_all(n);
	return MIN(r, 0);
}

int notify_tick(struct notify *n, int64_t head_n)
{
	int r = notify_changed(n, head_n);

	if (r >= 0)
		r = pages_come_back(&n->pages, now_of(n));
	if (r >= 0)
		r = pages_escalate(&n->pages, policy(n), now_of(n));
	send_all(n);
	return MIN(r, 0);
}

bool notify_is_idle(const struct notify *n)
{
	for (size_t i = 0; i < n->lane_count; i++)
		for (size_t k = 0; k < LANE_CALLS; k++)
			if (n->lanes[i].calls[k].page.id)
				return false;
	return true;
}

void notify_state(struct notify *n, struct notify_state *ret)
{
	struct pages_waiting w = { .oldest_at = STORE_NULL };

	*ret = (struct notify_state){ .on = n->pages.on, .delivered = n->delivered, .failed = n->failed };
	if (!ret->on)
		return;
	pages_waiting(&n->pages, &w);
	ret->waiting = w.count;
	ret->oldest_ms = w.oldest_at == STORE_NULL ? 0 : MAX(now_of(n) - w.oldest_at, 0);
	for (size_t i = 0; i < n->lane_count; i++)
		if (n->lanes[i].failures > 0) {
			snprintf(ret->away, sizeof ret->away, "%s takes no pages", n->lanes[i].sink->name);
			return;
		}
}

int notify_reconfigure(struct notify *n, const struct config *config, int64_t head_n)
{
	free_lanes(n);
	n->options.config = config;
	make_lanes(n);
	return pages_open(&n->pages, n->options.store, &config->notify, head_n, now_of(n));
}

int notify_new(const struct notify_options *options, int64_t head_n, struct notify **ret)
{
	struct notify *n = xcalloc(1, sizeof *n);
	int r;

	n->options = *options;
	r = notify_reconfigure(n, options->config, head_n);
	if (r < 0) {
		notify_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	free_lanes(n);
	free(n);
}
