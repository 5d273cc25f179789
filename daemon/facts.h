/* SPDX-License-Identifier: MIT
 *
 * Meaning: what a collector's apply, the rules and the imports get to work with while a ledger row is folded.
 * No clock and no configuration here: time is the row's, policy is the ledger's (DESIGN §1).
 */
#pragma once

#include "../collectors/collector.h"
#include "dirty.h"
#include "policy.h"
#include "store.h"
#include "streams.h"


struct fold {
	struct store *store; /* borrowed */
	struct streams streams;
	struct dirty dirty;
	struct policy *policy; /* of the last policy row; NULL before the first */
	int64_t next_due;      /* earliest `due.at`, ms; INT64_MAX: none */
	bool due_changed;      /* next_due must be read again */
};

/* One ledger row that is a message. */
struct fold_row {
	int64_t n;           /* the message's row, and when it was received, ms; of a replay the original's: */
	int64_t received_at; /* "the first received counts", and lateness is the nursery's, not our bug's */
	int64_t by_n, now;   /* the row being folded and its time: alerts and clocks go by these */
	struct site *site;
	const struct collector *collector;
	const struct message *message;
	bool voided; /* an amend or retract of this message came first */
};

/* For a column: NULL when unknown. */
static inline int64_t tri(enum trilean v)
{
	return v == TRI_UNKNOWN ? STORE_NULL : (int64_t)v;
}

/* Asks for a `due` row of this kind at that time. */
static inline int fold_ask_due(struct fold *f, int64_t at, const char *kind, const char *subject)
{
	f->due_changed = true;
	return store_run(f->store, "INSERT OR IGNORE INTO due(at, kind, subject) VALUES(?, ?, ?)", "itt", at, kind, subject);
}
