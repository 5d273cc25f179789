/* SPDX-License-Identifier: MIT
 *
 * Engines: the fold (DESIGN §1). Ledger row by ledger row it brings the folded tables and the hot state forward. It
 * never judges (the outcome in the row is the verdict) and has no clock, no configuration and no randomness, so
 * folding rows 1…n again gives the same tables, byte for byte.
 *
 * Time: the fold's day (dirty.today) is turned by `act/due/day` rows only.
 */
#pragma once

#include "envelope.h"
#include "facts.h"
#include "ledger.h"
#include "outcome.h"

int fold_open(struct store *s, struct fold *ret); /* hot state from the tables */
void fold_done(struct fold *f);

/* The row was just appended; decoded and verdict are at hand. */
int fold_message(struct fold *f, const struct ledger_row *row, const struct topic *topic, const struct decoded *d,
		 const struct verdict *v);
/* Any row, from its bytes alone: acts, and messages when folding again. */
int fold_ledger_row(struct fold *f, const struct ledger_row *row);

/* Would an accepted replay of row n change anything? Only when n was not accepted, nor an earlier replay of it. */
int fold_replay_has_effect(struct fold *f, int64_t n, bool *ret);

/* What tells an identical reject: topic and the payload as it is stored. */
void fold_print(const char *topic, const char *payload, size_t len, uint8_t ret[static HASH_SIZE]);

int fold_before_commit(struct fold *f); /* writes the hot state's truth */
void fold_commit(struct fold *f);
/* After store_rollback (mark = 0) or store_rollback_to: the memory says again what the database says. */
int fold_rollback(struct fold *f, size_t mark);
size_t fold_mark(const struct fold *f);

/* Earliest time at which a due row is wanted; INT64_MAX: none. */
int fold_next_due(struct fold *f, int64_t *ret_at);
/* The due entries at or before now, one a call: 1 and topic and payload of the row to append; 0: none. */
int fold_due(struct fold *f, int64_t now, struct buf *topic, struct buf *payload, int64_t *ret_at);
