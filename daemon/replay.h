/* SPDX-License-Identifier: MIT
 *
 * Engines: a message of the ledger judged again, as a new row that refers to the old one (DESIGN §1: a mended decoder does not
 * change what was decided).
 *
 * The new row has the original's topic and payload; its outcome names the original, whose received_at decides whatever depends
 * on when the message came. The original keeps its identity and its place: the facts of an accepted replay stand under the
 * original's row number. A message that was accepted already, at first or by an earlier replay, stays as it was decided: the
 * row says what today's verdict would be, and the fold does nothing with it.
 */
#pragma once

#include "ingest.h"

enum replay_refusal {
	REPLAY_NO_ROW = 1, /* there is no such row */
	REPLAY_ACT,        /* the row is no message */
	REPLAY_NOT_KEPT,   /* its payload was never kept, or was erased */
	REPLAY_REPEAT,     /* its identity can be read now, and is another row's */
};

struct replayed {
	int64_t of;        /* the message's own row */
	bool effect;
	struct ledger_head row;
	struct buf receipt; /* of the new row; the caller frees */
};

/* 0 done, an enum replay_refusal, < 0 the store failed or the fold met our bug again: nothing was changed. */
int replay_row(struct ingest *in, int64_t n, const char *actor, int64_t now, struct replayed *ret);
