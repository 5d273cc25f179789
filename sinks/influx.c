/* SPDX-License-Identifier: MIT */
#include "influx.h"

#include "../daemon/clock.h"
#include "../daemon/hash.h"
#include "../daemon/log.h"
#include "../daemon/timer.h"
#include "gzip.h"
#include "influx_place.h"

#include <errno.h>
#include <stdio.h>

#define SINK "influx"
#define TIMEOUT_MS (15 * SECOND_MS)
#define LINES_MAX 5000
#define BYTES_MAX ((size_t)1024 * 1024)
#define BYTES_MIN ((size_t)4096) /* 413 brings it down to here */
#define IDLE_MS SECOND_MS
#define TAKE_MS 15      /* queueing, and again reading and encoding, at a time */
#define TAKE_BUSY_MS 2  /* … while messages stream in, */
#define PAUSE_BUSY_MS 50 /* and so much between two requests */
#define BACKOFF_FIRST_MS SECOND_MS
#define BACKOFF_MAX_MS (60 * SECOND_MS)
#define HOLD_MS (60 * SECOND_MS)
#define RETRY_AFTER_MAX_MS (10 * MINUTE_MS)
#define REFUSED_ALL_AFTER 16 /* refused lines in a row, from a server that never took one */
#define EVENT_PRIORITY 10  /* behind everything else that is ready at the same time */

enum verdict { TAKEN, REFUSED, TOO_LARGE, LATER, HELD };

static const struct {
	int first, last;
	enum verdict verdict;
} verdicts[] = {
	{ 204, 204, TAKEN },   { 400, 400, REFUSED }, { 422, 422, REFUSED }, { 413, 413, TOO_LARGE },
	{ 0, 0, LATER },       { 408, 408, LATER },   { 429, 429, LATER },   { 500, 599, LATER },
};

/* In our own words: an answer may hold anything, even what we sent. */
static const struct {
	int status;
	const char *why;
} hold_reasons[] = {
	{ 401, "401: the token (or user and password) is missing or wrong" },
	{ 403, "403: the token may not write there" },
	{ 404, "404: the database or bucket does not exist, or the path is wrong" },
};

/* Lines [from, to) of the batch, still to be sent. */
struct range {
	size_t from, to;
};
#define RANGES_MAX 40 /* bisecting 5000 lines needs 14 */

struct influx {
	sd_event_source *timer;
	struct influx_options options;
	bool on, begun; /* begun: the store let us begin, there are cursors */
	struct points points;
	struct policy_cache policies; /* parsed once, not once a batch */
	struct points_batch batch;
	struct points_batch next; /* taken while the batch is on its way */
	bool next_taken;
	struct range ranges[RANGES_MAX];
	size_t range_count;
	struct points_poison *poison;
	size_t poison_count;
	struct httpc_call *call;
	struct buf url, body;
	char *authorization; /* a header line; NULL none. Read anew for every request */
	size_t bytes_max;
	int failures, refused_in_a_row;
	bool taken_ever;
	char held[160]; /* "" not held */
	int64_t behind_since; /* monotonic; 0: all is sent */
	uint64_t sent, put_aside, expired, retries;
};

/* ---- time ---- */

static void wake_after(struct influx *x, int64_t ms)
{
	timer_set(x->timer, (uint64_t)ms * 1000);
}

static int64_t jitter(int64_t ms)
{
	uint32_t random;

	hash_random(&random, sizeof random);
	return ms / 2 + (int64_t)(random % (uint32_t)(ms + 1));
}

static int64_t backoff_ms(const struct influx *x, int64_t retry_after_s)
{
	int64_t ms = BACKOFF_FIRST_MS;

	if (retry_after_s > 0)
		return MIN(retry_after_s * SECOND_MS, RETRY_AFTER_MAX_MS);
	for (int i = 1; i < x->failures && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return MIN(jitter(ms), BACKOFF_MAX_MS);
}

static bool is_busy(const struct influx *x)
{
	return x->options.busy && x->options.busy(x->options.context);
}

/* ---- what came of a request ---- */

static void hold(struct influx *x, const char *why)
{
	if (strcmp(x->held, why) != 0)
		log_error("influx.held", "why=\"%s\" next=\"keep the points, try again every %d s and at a reload\"", why,
			  (int)(HOLD_MS / SECOND_MS));
	snprintf(x->held, sizeof x->held, "%s", why);
	wake_after(x, jitter(HOLD_MS));
}

static void hold_status(struct influx *x, int status)
{
	char why[128];

	snprintf(why, sizeof why, "%d: this is not what a database of points answers; check influx.url and influx.api", status);
	for (size_t i = 0; i < ARRAY_SIZE(hold_reasons); i++)
		if (hold_reasons[i].status == status)
			snprintf(why, sizeof why, "%s", hold_reasons[i].why);
	hold(x, why);
}

static void later(struct influx *x, const struct httpc_answer *a)
{
	int64_t ms;

	x->retries++;
	x->failures++;
	ms = backoff_ms(x, a->retry_after_s);
	if (x->failures == 1)
		log_warning("influx.away", "status=%d why=\"%s\" next=\"keep the points, try again in %lld ms\"", a->status,
			    a->why, (long long)ms);
	wake_after(x, ms);
}

static void clear_poison(struct influx *x)
{
	for (size_t i = 0; i < x->poison_count; i++)
		free(x->poison[i].answer);
	x->poison_count = 0;
}

static void clear_batch(struct influx *x)
{
	httpc_cancel(x->call);
	x->call = NULL;
	x->range_count = 0;
	clear_poison(x);
	points_batch_clear(&x->batch);
}

/* All that was taken will be taken again. */
static void abandon(struct influx *x)
{
	clear_batch(x);
	points_batch_clear(&x->next);
	x->next_taken = false;
	points_rewind(&x->points);
}

static void send_batch(struct influx *x);

static bool more_waits(const struct influx *x)
{
	return x->batch.more || x->points.refilling || x->next_taken;
}

/* Every range is dealt with: tick the batch off. When that fails the lines go out again, which changes nothing. */
static void finish_batch(struct influx *x)
{
	int r = points_acknowledge(&x->points, &x->batch, x->poison, x->poison_count, clock_now_ms());
	bool more = more_waits(x);

	if (r < 0) {
		log_warning("influx.unacknowledged", "error=%d next=\"send the same lines again\"", r);
		abandon(x);
		wake_after(x, BACKOFF_FIRST_MS);
		return;
	}
	if (x->poison_count > 0) {
		x->put_aside += x->poison_count;
		log_error("influx.lines_refused", "lines=%zu next=\"they are put aside (table poison_line), go on\"",
			  x->poison_count);
	}
	if (!more)
		x->behind_since = 0;
	clear_batch(x);
	wake_after(x, is_busy(x) ? PAUSE_BUSY_MS : more ? 0 : IDLE_MS);
}

static void recovered(struct influx *x)
{
	if (x->failures > 0 || x->held[0])
		log_info("influx.recovered", "next=\"send what waits\"");
	x->failures = 0;
	x->held[0] = '\0';
}

static void send_next(struct influx *x);

static void go_on(struct influx *x)
{
	if (x->range_count > 0)
		send_next(x);
	else
		finish_batch(x);
}

static void taken(struct influx *x)
{
	const struct range *r = &x->ranges[--x->range_count];

	recovered(x);
	x->sent += r->to - r->from;
	x->taken_ever = true;
	x->refused_in_a_row = 0;
	go_on(x);
}

/* The first half is sent first. */
static void split(struct influx *x)
{
	struct range *r = &x->ranges[x->range_count - 1];
	size_t middle = r->from + (r->to - r->from) / 2;

	x->ranges[x->range_count++] = (struct range){ r->from, middle };
	r->from = middle;
	go_on(x);
}

static void set_aside(struct influx *x, const char *answer)
{
	const struct range *r = &x->ranges[--x->range_count];

	x->poison = xrealloc(x->poison, (x->poison_count + 1) * sizeof *x->poison);
	x->poison[x->poison_count++] = (struct points_poison){ .line = r->from, .answer = xstrdup(answer) };
	x->refused_in_a_row++;
	go_on(x);
}

/* InfluxDB drops what is older than its retention policy and takes the rest: nothing is wrong with those lines. */
static bool only_expired(const struct httpc_answer *a)
{
	return strstr(a->body, "points beyond retention policy") != NULL;
}

static void refused(struct influx *x, const struct httpc_answer *a)
{
	const struct range *r = &x->ranges[x->range_count - 1];

	recovered(x);
	if (only_expired(a)) {
		x->expired++;
		taken(x);
	} else if (!x->taken_ever && x->refused_in_a_row >= REFUSED_ALL_AFTER) {
		abandon(x);
		x->refused_in_a_row = 0;
		hold(x, "400: every line is refused; check influx.url, influx.api and the database");
	} else if (r->to - r->from > 1) {
		split(x);
	} else {
		set_aside(x, a->body);
	}
}

static void too_large(struct influx *x, const struct httpc_answer *a)
{
	const struct range *r = &x->ranges[x->range_count - 1];

	recovered(x);
	x->bytes_max = MAX(x->bytes_max / 2, BYTES_MIN);
	log_info("influx.too_large", "next=\"requests of at most %zu bytes\"", x->bytes_max);
	if (r->to - r->from > 1)
		split(x);
	else
		set_aside(x, a->body);
}

static enum verdict verdict_of(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (status >= verdicts[i].first && status <= verdicts[i].last)
			return verdicts[i].verdict;
	return HELD;
}

static void on_answer(void *context, const struct httpc_answer *a)
{
	struct influx *x = context;

	x->call = NULL;
	switch (verdict_of(a->status)) {
	case TAKEN:
		taken(x);
		break;
	case REFUSED:
		refused(x, a);
		break;
	case TOO_LARGE:
		too_large(x, a);
		break;
	case LATER:
		later(x, a);
		break;
	case HELD:
		hold_status(x, a->status);
		break;
	}
}

/* ---- sending ---- */

static int post(struct influx *x)
{
	const struct range *r = &x->ranges[x->range_count - 1];
	size_t from = r->from ? x->batch.ends[r->from - 1] : 0;
	const char *headers[] = { "Content-Type: text/plain; charset=utf-8", "Content-Encoding: gzip", x->authorization, NULL };
	struct httpc_request request = { .method = "POST", .url = x->url.p, .headers = headers, .timeout_ms = TIMEOUT_MS,
					 .done = on_answer, .context = x };
	int error;

	buf_reset(&x->body);
	error = gzip(x->batch.lines.p + from, x->batch.ends[r->to - 1] - from, &x->body);
	if (error < 0)
		return error;
	request.body = x->body.p;
	request.len = x->body.len;
	return httpc_start(x->options.http, &request, &x->call);
}

static void send_next(struct influx *x)
{
	int r = influx_place_credential(x->options.config, &x->authorization);

	if (r < 0) {
		hold(x, "influx.token_file cannot be read, is empty or has several lines");
		return;
	}
	r = post(x);
	if (r < 0)
		later(x, &(struct httpc_answer){ .why = strerror(-r) });
}

static void send_batch(struct influx *x)
{
	x->ranges[0] = (struct range){ 0, x->batch.count };
	x->range_count = x->batch.count > 0;
	if (!x->behind_since)
		x->behind_since = clock_monotonic_ms();
	go_on(x);
	if (x->call && more_waits(x) && !is_busy(x))
		wake_after(x, 0); /* the next one, while this one is on its way */
}

/* 1 taken, 0 nothing waits or may be done. */
static int take(struct influx *x, struct points_batch *ret)
{
	int64_t budget = is_busy(x) ? TAKE_BUSY_MS : TAKE_MS;
	struct points_limits limits = { .lines = LINES_MAX, .bytes = x->bytes_max, .policies = &x->policies };
	int r;

	if (x->options.shedding && x->options.shedding(x->options.context))
		return 0;
	r = points_prepare(&x->points, clock_monotonic_ms() + budget);
	limits.until = clock_monotonic_ms() + budget;
	return r < 0 ? r : points_take(&x->points, &limits, ret);
}

static void take_ahead(struct influx *x)
{
	if (!x->next_taken)
		x->next_taken = take(x, &x->next) > 0;
}

/* A store that fails is the daemon's business (it probes it); here it is only tried again. */
static void begin(struct influx *x)
{
	struct points_batch empty = x->batch;
	int r = 1;

	if (x->next_taken) {
		x->batch = x->next;
		x->next = empty;
		x->next_taken = false;
	} else {
		r = take(x, &x->batch);
	}
	if (r > 0) {
		send_batch(x);
		return;
	}
	if (r == 0)
		x->behind_since = 0;
	wake_after(x, IDLE_MS);
}

/* Begins where it was left, or anew; while the store fails it is tried again. Without cursors nothing would be queued for us. */
static int begin_points(struct influx *x, int r)
{
	if (r >= 0)
		r = points_open(x->options.store, SINK, x->options.config->influx.sites, &x->points);
	x->begun = r >= 0;
	x->failures = x->begun ? 0 : x->failures + 1;
	if (x->failures == 1)
		log_warning("influx.not_begun", "error=%d next=\"try again, and send everything then\"", r);
	wake_after(x, x->begun ? 0 : backoff_ms(x, 0));
	return r;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct influx *x = context;

	(void)source;
	(void)usec;
	if (!x->on)
		return 0;
	if (!x->begun)
		begin_points(x, 0);
	else if (x->call)
		take_ahead(x);
	else if (x->range_count > 0)
		send_next(x);
	else
		begin(x);
	return 0;
}

/* ---- building ---- */

static int start(struct influx *x)
{
	const struct config *c = x->options.config;

	abandon(x);
	x->on = *c->influx.url;
	x->bytes_max = BYTES_MAX;
	x->failures = x->refused_in_a_row = 0;
	x->taken_ever = false;
	x->held[0] = '\0';
	x->behind_since = 0;
	x->begun = false;
	if (!x->on)
		return points_forget(x->options.store, SINK);
	influx_place_url(x->options.config, &x->url);
	return begin_points(x, 0);
}

int influx_new(sd_event *event, const struct influx_options *options, struct influx **ret)
{
	struct influx *x = xcalloc(1, sizeof *x);
	int r;

	x->options = *options;
	r = timer_new(event, &x->timer, on_timer, x);
	if (r >= 0)
		r = sd_event_source_set_priority(x->timer, EVENT_PRIORITY);
	if (r >= 0)
		r = start(x);
	if (r < 0) {
		influx_free(x);
		return r;
	}
	*ret = x;
	return 0;
}

void influx_free(struct influx *x)
{
	if (!x)
		return;
	clear_batch(x);
	points_batch_done(&x->batch);
	points_batch_done(&x->next);
	free(x->poison);
	influx_place_forget(x->authorization);
	policy_cache_done(&x->policies);
	buf_done(&x->url);
	buf_done(&x->body);
	sd_event_source_disable_unref(x->timer);
	free(x);
}

int influx_reconfigure(struct influx *x, const struct config *config)
{
	x->options.config = config;
	return start(x);
}

int influx_refill(struct influx *x)
{
	if (!x->on)
		return 1;
	abandon(x);
	x->failures = 0;
	return MIN(begin_points(x, points_refill(x->options.store, SINK)), 0);
}

void influx_state(struct influx *x, struct influx_state *ret)
{
	*ret = (struct influx_state){ .on = x->on, .held = x->held[0] ? x->held : NULL, .sent = x->sent,
				      .put_aside = x->put_aside, .expired = x->expired, .retries = x->retries,
				      .lag_ms = x->behind_since ? clock_monotonic_ms() - x->behind_since : 0 };
	for (int m = 0; x->begun && m < MEASUREMENT_COUNT; m++)
		points_waiting(&x->points, (enum measurement)m, &ret->waiting[m]);
}
