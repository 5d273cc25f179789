/* SPDX-License-Identifier: MIT
 *
 * Engines: asking senders for what is missing (CONTRACT §1, topic down/request).
 *
 * A gap older than mqtt.gap_grace is asked for, three times in all, 10 × gap_grace apart; 10 × gap_grace after the third it
 * is closed as lost by the ledger row `act/gap/lost`, so the fold knows nothing of clocks or configuration. How often was
 * asked is operational (table gap_asked), kept by stream and the time the gap opened: the parts of a gap that was filled in
 * the middle share it. A late message in a lost gap is accepted like any other.
 *
 * Streams with open gaps are walked in the order of their key by a cursor, a bounded number a wake-up, through a partial
 * index that holds open gaps only. Counted first and sent after the commit: a crash asks once less, never once more.
 *
 * After nurseryd was started on a copy of its database (restore.h), every sender with a counter is asked once for all
 * from its next seq on, open-ended, a bounded number a second; the cursor of that is in the database.
 */
#pragma once

#include "ingest.h"
#include "outlet.h"

struct stream_key {
	int64_t site, feed, epoch;
};

struct requests {
	struct ingest *ingest;     /* borrowed */
	outlet_publish_fn publish; /* QoS 1: three are few, and useless when lost on the way */
	void *context;
	int64_t grace_ms;
	struct stream_key cursor;
	int64_t next_pass_at;      /* monotonic */
	int64_t swept_site;        /* gap_asked is swept in blocks of sites */
	int64_t counted, open;     /* ranges in this pass, and in the last whole one */
	uint64_t sent, lost_ranges;
};

/* Once a second while the broker takes messages. settled: what it held back for us had time to come, and may have filled
 * gaps. now: wall clock. < 0: the store failed, nothing was sent. */
int requests_step(struct requests *r, bool settled, int64_t now);
