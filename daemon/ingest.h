/* SPDX-License-Identifier: MIT
 *
 * Engines: messages and acts into the store, a transaction a batch (DESIGN §1, §4). Whoever received the messages
 * acknowledges them only after ingest_batch has returned 0.
 *
 * A batch whose fold fails because of one message (our bug) is rolled back and taken again one by one under
 * SAVEPOINTs; the culprit becomes a row with outcome `fault`. A batch that cannot be stored (disk full, I/O error)
 * fails whole: nothing is acknowledged, memory is what the database says, and the sender's copy comes again.
 */
#pragma once

#include "door.h"
#include "fold.h"
#include "imports.h"
#include "rates.h"

struct incoming {
	const char *topic;
	const char *payload;
	size_t len;
	int64_t received_at; /* 0: now (--fold brings the times of its lines) */
};

/* A message that leaves after the commit. */
struct outgoing {
	size_t topic_at, payload_at, payload_len; /* in ingest.bytes; the topic is NUL-terminated */
};

struct ingest_counters { /* since start; only committed ones */
	uint64_t by_status[4]; /* enum status */
	uint64_t duplicates, rate_limited, sandbox, status_messages, status_malformed, empty, batches, failed_batches;
};

struct ingest {
	struct store *store; /* borrowed */
	struct ledger ledger;
	struct fold fold;
	struct door door;
	struct rates rates; /* off until configured: --fold has no limit */
	struct passed passed; /* of the message at hand; 10 KB, so not on the stack of every call */
	struct buf bytes;     /* of the outgoing messages of the last batch */
	struct outgoing *out;
	size_t out_count, out_cap;
	struct buf outcome, stand_in;
	int64_t monotonic_ms; /* of the batch, for the rates */
	struct ingest_counters counters, staged;
	bool wal_holds_erased; /* an erase committed, and the WAL could not be emptied yet: somebody was reading */
#ifdef NURSERYD_SEAMS
	int seam_fault; /* what folding a message that says seam-fault returns; 0: nothing */
	bool seam_keep_hot;
#endif
};

int ingest_open(struct store *s, struct ingest *ret);
void ingest_done(struct ingest *in);

/* All of one burst, received now. 0: committed, in->out holds the receipts; < 0: nothing happened. */
int ingest_batch(struct ingest *in, const struct incoming *messages, size_t count, int64_t now);

/* The receipt that a message would get, into receipt; nothing is stored. with_state: the site's streams are looked at.
 * 1: it would be accepted, 0: not. */
int ingest_lint(struct ingest *in, const struct topic *t, const char *payload, size_t len, int64_t now, bool with_state,
		struct buf *receipt);

/* One act ("act/…") by actor, in a transaction of its own. ret may be NULL. */
int ingest_act(struct ingest *in, const char *topic, const char *payload, size_t len, const char *actor, int64_t now,
	       struct ledger_head *ret);
/* The hot state anew from the tables, after they were replaced. */
int ingest_reload(struct ingest *in);
/* This error is the store's (disk full, I/O), not one message's. */
bool ingest_store_failed(int r);
/* Several rows in one transaction: first what is due, then fn; any failure of it takes all back. */
typedef int (*ingest_fn)(struct ingest *in, void *context, int64_t now);
int ingest_transaction(struct ingest *in, int64_t now, ingest_fn fn, void *context);
/* Inside one: a row with this verdict, appended and folded from its bytes. ret (may be NULL) has n, received_at, hash. */
int ingest_append(struct ingest *in, const char *topic, const char *payload, size_t len, const struct verdict *v, int64_t now,
		  struct ledger_head *ret);
/* The due rows up to now. *ret_count of them were appended. */
int ingest_due(struct ingest *in, int64_t now, int *ret_count);

/* Freezes months that are due (frozen.h): only when every marked day is computed. At most `most`; *ret_count were. */
int ingest_freeze(struct ingest *in, int64_t now, int most, int *ret_count);

/* Judged, then an act. 1: refused, see report; 2: the same bytes are the last import of this kind, nothing to do. */
int ingest_import(struct ingest *in, const char *kind, const char *csv, size_t len, const char *actor, int64_t now,
		  struct import_report *ret, struct ledger_head *ret_head);
/* An act when the bytes differ from the policy in force. */
int ingest_policy(struct ingest *in, const struct buf *bytes, const char *actor, int64_t now);
