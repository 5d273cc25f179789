/* SPDX-License-Identifier: MIT */
#include "rates.h"

#include "err.h"
#include "hash.h"

#define ROWS 65536 /* a power of two */
#define WAYS 4
#define MS_NS INT64_C(1000000)

struct rate_bucket {
	uint64_t key;
	int64_t full_at_ns; /* 0: never used */
};

struct rate_undo {
	struct rate_bucket *bucket;
	struct rate_bucket was;
};

void rates_configure(struct rates *r, int64_t count, int64_t every_ms)
{
	r->every_ns = count > 0 ? every_ms * MS_NS : 0;
	r->step_ns = count > 0 ? MAX(r->every_ns / count, INT64_C(1)) : 0;
	if (count > 0 && !r->buckets) {
		hash_random(&r->seed, sizeof r->seed);
		r->buckets = xcalloc((size_t)ROWS * WAYS, sizeof *r->buckets);
	}
}

void rates_done(struct rates *r)
{
	free(r->buckets);
	free(r->undo);
	*r = (struct rates){ 0 };
}

/* FNV-1a, started at a random value. */
static uint64_t key_of(const struct rates *r, bool sandbox, const char *sender)
{
	uint64_t h = r->seed ^ (sandbox ? 1 : 0);

	for (; *sender; sender++)
		h = (h ^ (uint8_t)*sender) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

/* The sender's bucket, or the one that is full again first. */
static struct rate_bucket *bucket_of(struct rates *r, uint64_t key)
{
	struct rate_bucket *row = r->buckets + (key & (ROWS - 1)) * WAYS, *fullest = row;

	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].key == key)
			return &row[i];
		if (row[i].full_at_ns < fullest->full_at_ns)
			fullest = &row[i];
	}
	return fullest;
}

static void remember(struct rates *r, struct rate_bucket *b)
{
	r->undo = xgrow(r->undo, r->undo_count, &r->undo_cap, sizeof *r->undo);
	r->undo[r->undo_count++] = (struct rate_undo){ b, *b };
}

bool rates_take(struct rates *r, bool sandbox, const char *sender, int64_t monotonic_ms)
{
	int64_t now = monotonic_ms * MS_NS, full_at;
	struct rate_bucket *b;
	uint64_t key;

	if (r->every_ns == 0)
		return true;
	key = key_of(r, sandbox, sender);
	b = bucket_of(r, key);
	full_at = b->key == key ? MAX(b->full_at_ns, now) : now;
	if (full_at - now > r->every_ns - r->step_ns)
		return false;
	remember(r, b);
	*b = (struct rate_bucket){ .key = key, .full_at_ns = full_at + r->step_ns };
	return true;
}

void rates_commit(struct rates *r)
{
	r->undo_count = 0;
}

void rates_rollback(struct rates *r)
{
	while (r->undo_count > 0) {
		r->undo_count--;
		*r->undo[r->undo_count].bucket = r->undo[r->undo_count].was;
	}
}
