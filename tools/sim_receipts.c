/* SPDX-License-Identifier: MIT
 *
 * A waiting message is found by a 64-bit hash of (topic without feed, feed, epoch, seq); a message whose
 * receipt can name no seq by epoch and seq 0. Of several with one identity (repeats) the oldest is taken.
 * All waiting messages also form one list in the order of their last sending, so the next overdue one is
 * its head.
 */
#include "sim_receipts.h"

#include "../daemon/err.h"
#include "../daemon/json.h"
#include "sim_random.h"

#include <math.h>

#define BUCKETS_FIRST 1024
#define RECEIPT_DEPTH_MAX 8
#define HISTOGRAM_SUB 32 /* steps per doubling: 3 % */
#define HISTOGRAM_SIZE (64 * HISTOGRAM_SUB)

const char *const sim_status_names[SIM_STATUSES] = { "accepted", "rejected", "refused_pii", "fault" };

struct waiting {
	struct waiting *chain;       /* of one bucket, oldest first */
	struct waiting *older, *newer; /* by sent_us */
	uint64_t key;
	int64_t first_us, sent_us;
	char *topic, *payload; /* owned; NULL unless kept */
	size_t len;
};

struct sim_receipts {
	bool keep;
	struct waiting **buckets;
	size_t bucket_count; /* a power of two */
	struct waiting *oldest, *newest;
	struct sim_tally tally;
	int64_t histogram[HISTOGRAM_SIZE]; /* of µs, logarithmic */
	int64_t receipted, max_us;
};

static uint64_t hash_text(uint64_t h, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return sim_mix(h);
}

/* `base_len`: the topic up to its site. */
static uint64_t key_of(const char *topic, size_t base_len, const char *feed, int64_t epoch, int64_t seq)
{
	uint64_t h = hash_text(UINT64_C(0xcbf29ce484222325), topic, base_len);

	h = hash_text(h, feed, strlen(feed));
	return sim_mix(sim_mix(h ^ (uint64_t)epoch) ^ (uint64_t)seq);
}

static size_t base_of(const char *topic, const char *direction)
{
	const char *end = strstr(topic, direction);

	return end ? (size_t)(end - topic) : strlen(topic);
}

struct sim_receipts *sim_receipts_new(bool keep)
{
	struct sim_receipts *r = xcalloc(1, sizeof *r);

	r->keep = keep;
	r->bucket_count = BUCKETS_FIRST;
	r->buckets = xcalloc(r->bucket_count, sizeof(struct waiting *));
	return r;
}

static void waiting_free(struct waiting *w)
{
	free(w->topic);
	free(w->payload);
	free(w);
}

void sim_receipts_free(struct sim_receipts *r)
{
	if (!r)
		return;
	while (r->oldest) {
		struct waiting *w = r->oldest;

		r->oldest = w->newer;
		waiting_free(w);
	}
	free(r->buckets);
	free(r);
}

/* ---- the two structures a waiting message is in ---- */

static void list_append(struct sim_receipts *r, struct waiting *w)
{
	w->newer = NULL;
	w->older = r->newest;
	if (r->newest)
		r->newest->newer = w;
	else
		r->oldest = w;
	r->newest = w;
}

static void list_remove(struct sim_receipts *r, struct waiting *w)
{
	if (w->older)
		w->older->newer = w->newer;
	else
		r->oldest = w->newer;
	if (w->newer)
		w->newer->older = w->older;
	else
		r->newest = w->older;
}

static struct waiting **bucket_of(struct sim_receipts *r, uint64_t key)
{
	return &r->buckets[key & (r->bucket_count - 1)];
}

static void chain_append(struct sim_receipts *r, struct waiting *w)
{
	struct waiting **p = bucket_of(r, w->key);

	while (*p)
		p = &(*p)->chain;
	w->chain = NULL;
	*p = w;
}

static void grow(struct sim_receipts *r)
{
	struct waiting **old = r->buckets;
	size_t old_count = r->bucket_count;

	r->bucket_count *= 2;
	r->buckets = xcalloc(r->bucket_count, sizeof(struct waiting *));
	for (size_t i = 0; i < old_count; i++)
		for (struct waiting *w = old[i], *next; w; w = next) {
			next = w->chain;
			chain_append(r, w);
		}
	free(old);
}

static struct waiting *take_out(struct sim_receipts *r, uint64_t key)
{
	struct waiting **p = bucket_of(r, key), *w;

	while (*p && (*p)->key != key)
		p = &(*p)->chain;
	w = *p;
	if (!w)
		return NULL;
	*p = w->chain;
	list_remove(r, w);
	r->tally.waiting--;
	return w;
}

/* ---- expecting ---- */

static char *copy(const struct buf *b)
{
	char *p = xcalloc(1, b->len + 1);

	memcpy(p, b->p, b->len);
	return p;
}

static void put_in(struct sim_receipts *r, struct waiting *w)
{
	if ((size_t)r->tally.waiting >= r->bucket_count)
		grow(r);
	chain_append(r, w);
	list_append(r, w);
	r->tally.waiting++;
}

void sim_receipts_expect(struct sim_receipts *r, const struct sim_message *m, int64_t now_us)
{
	struct waiting *w = xcalloc(1, sizeof *w);

	w->key = key_of(m->topic.p, base_of(m->topic.p, "/up/"), m->feed, m->unreadable ? 0 : m->epoch,
			m->unreadable ? 0 : m->seq);
	w->first_us = w->sent_us = now_us;
	if (r->keep) {
		w->topic = copy(&m->topic);
		w->payload = copy(&m->payload);
		w->len = m->payload.len;
	}
	put_in(r, w);
}

int64_t sim_receipts_waiting(const struct sim_receipts *r)
{
	return r->tally.waiting;
}

bool sim_receipts_overdue(struct sim_receipts *r, int64_t before_us, int64_t now_us, const char **topic,
			  const char **payload, size_t *len)
{
	struct waiting *w = r->oldest;

	if (!w || !w->payload || w->sent_us > before_us)
		return false;
	list_remove(r, w);
	w->sent_us = now_us;
	list_append(r, w);
	*topic = w->topic;
	*payload = w->payload;
	*len = w->len;
	return true;
}

/* ---- taking receipts ---- */

/* Bucket of v µs: the position of the highest bit, then HISTOGRAM_SUB steps below it. */
static size_t step_of(int64_t v)
{
	int exponent;
	double mantissa = frexp((double)MAX(v, INT64_C(1)), &exponent); /* 0.5 … 1 */

	return (size_t)exponent * HISTOGRAM_SUB + (size_t)((mantissa - 0.5) * 2 * HISTOGRAM_SUB);
}

static double step_ms(size_t step)
{
	double mantissa = 0.5 + ((double)(step % HISTOGRAM_SUB) + 0.5) / (2 * HISTOGRAM_SUB);

	return ldexp(mantissa, (int)(step / HISTOGRAM_SUB)) / 1000;
}

static void count_latency(struct sim_receipts *r, int64_t us)
{
	r->histogram[MIN(step_of(us), (size_t)HISTOGRAM_SIZE - 1)]++;
	r->receipted++;
	r->max_us = MAX(r->max_us, us);
}

static int status_of(const json *receipt)
{
	const json *status = json_get(receipt, "status");

	for (int i = 0; i < SIM_STATUSES; i++)
		if (status && json_kind(status) == JSON_KIND_TEXT && strcmp(json_text(status), sim_status_names[i]) == 0)
			return i;
	return -1;
}

static bool is_rate_limited(const json *receipt)
{
	const json *errors = json_get(receipt, "errors");

	for (size_t i = 0; errors && i < json_count(errors); i++) {
		const json *code = json_get(json_at(errors, i), "code");

		if (code && json_kind(code) == JSON_KIND_TEXT && strcmp(json_text(code), "E_RATE") == 0)
			return true;
	}
	return false;
}

static int64_t number(const json *object, const char *key)
{
	const json *v = json_get(object, key);

	return v && json_kind(v) == JSON_KIND_INT ? json_int(v) : 0;
}

/* By the identity, else as a message that has none. */
static struct waiting *find(struct sim_receipts *r, const char *topic, const json *receipt)
{
	size_t base = base_of(topic, "/down/");
	const json *feed = json_get(receipt, "feed");
	const char *name = feed && json_kind(feed) == JSON_KIND_TEXT ? json_text(feed) : "";
	struct waiting *w;

	w = take_out(r, key_of(topic, base, name, number(receipt, "epoch"), number(receipt, "seq")));
	return w ? w : take_out(r, key_of(topic, base, name, 0, 0));
}

static void judge(struct sim_receipts *r, const char *topic, const json *receipt, int status, int64_t now_us)
{
	const json *duplicate = json_get(receipt, "duplicate");
	struct waiting *w = find(r, topic, receipt);

	r->tally.by_status[status]++;
	r->tally.duplicates += duplicate && json_kind(duplicate) == JSON_KIND_BOOL && json_bool(duplicate);
	if (!w) {
		r->tally.strange++;
		return;
	}
	if (is_rate_limited(receipt)) {
		r->tally.rate_limited++;
		if (r->keep) { /* it was not judged: it goes out again in its turn */
			w->sent_us = now_us;
			put_in(r, w);
			return;
		}
	}
	count_latency(r, now_us - w->first_us);
	waiting_free(w);
}

void sim_receipts_take(struct sim_receipts *r, const char *topic, const char *payload, size_t len, int64_t now_us)
{
	_cleanup_(json_freep) json *receipt = NULL;
	size_t offset;
	int status;

	if (json_parse(payload, len, RECEIPT_DEPTH_MAX, &receipt, &offset) < 0) {
		r->tally.strange++;
		return;
	}
	status = status_of(receipt);
	if (status < 0)
		r->tally.strange++;
	else
		judge(r, topic, receipt, status, now_us);
}

static double percentile(const struct sim_receipts *r, int64_t percent)
{
	int64_t seen = 0, want = (r->receipted * percent + 99) / 100;

	for (size_t i = 0; i < HISTOGRAM_SIZE && r->receipted > 0; i++) {
		seen += r->histogram[i];
		if (seen >= want)
			return MIN(step_ms(i), (double)r->max_us / 1000);
	}
	return 0;
}

void sim_receipts_tally(const struct sim_receipts *r, struct sim_tally *ret)
{
	*ret = r->tally;
	ret->p50_ms = percentile(r, 50);
	ret->p99_ms = percentile(r, 99);
	ret->max_ms = (double)r->max_us / 1000;
}
