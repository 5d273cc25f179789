/* SPDX-License-Identifier: MIT
 *
 * Engines: the act that takes a message's texts out of the ledger, for good.
 *
 * The row's payload and outcome are replaced by stand-ins without anything that a person may have written, and every replay
 * of it likewise. The `act/erase` row, hashed like any other, holds the stand-ins and the SHA-256 of what stood there, so the
 * chain is computed as before; the trigger on the ledger lets exactly this change pass, and verify holds the erased rows
 * against the erase rows.
 *
 * What was counted stays counted. An accepted message's stand-in is the message itself without free text, unknown fields
 * and software name: it folds to the same facts, whenever it is folded. Otherwise an erased report would undo an alert about a hurt
 * child, or a consumed seq, and a rebuild would give other tables. A refused message has no facts: nothing of it stays.
 */
#pragma once

#include "ingest.h"

enum erase_refusal {
	ERASE_NO_ROW = 1,
	ERASE_ACT,     /* the row is no message */
	ERASE_NOTHING, /* it was never kept, or is erased already */
	ERASE_REASON,  /* none, longer than 200 characters, or itself with personal data */
};

struct erased {
	int64_t of;   /* the message's own row */
	int64_t rows; /* it and its replays */
	struct ledger_head last; /* of the act's rows: one a row */
};

/* 0 done, an enum erase_refusal, < 0 the store failed: nothing was changed. */
int erase_row(struct ingest *in, int64_t n, const char *reason, const char *actor, int64_t now, struct erased *ret);
/* The old bytes lie in the WAL until it is emptied, which a reader may delay: tried again until done. */
void erase_empty_wal(struct ingest *in);
