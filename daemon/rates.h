/* SPDX-License-Identifier: MIT
 *
 * Ground: how often each sender may send (limits.per_site): a token bucket a key, `count` tokens deep, refilled evenly over
 * `every_ms`. A bucket is one number, the time at which it will be full again (GCRA), so a full one is nothing and may be
 * forgotten. The table is of a fixed size (4 MiB, touched as it is used): with more senders than it holds the fullest
 * bucket of a row of four is forgotten, which favours that sender and can never favour one that floods.
 *
 * Operational: monotonic time, lost at a restart. What a batch took is given back when the batch is rolled back, or
 * a message that comes again because we could not store it would be held against its sender.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rates {
	int64_t every_ns, step_ns; /* every_ns 0: no limit */
	struct rate_bucket *buckets;
	struct rate_undo *undo;
	size_t undo_count, undo_cap;
	uint64_t seed; /* nobody chooses keys that share a row */
};

/* count messages in every_ms; count 0: no limit. The buckets stay as they are. */
void rates_configure(struct rates *r, int64_t count, int64_t every_ms);
void rates_done(struct rates *r);
/* One message of this sender at that monotonic time. false: above the rate; no token is taken. */
bool rates_take(struct rates *r, bool sandbox, const char *sender, int64_t monotonic_ms);
void rates_commit(struct rates *r);
void rates_rollback(struct rates *r);
