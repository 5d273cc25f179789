/* SPDX-License-Identifier: MIT
 *
 * Ports: the hash-chained ledger (DOMAIN §6). Rows are inserted once and never changed; triggers forbid it.
 *
 *   hash(n) = SHA-256( hash(n−1) ‖ n ‖ received_at ‖ L(topic) ‖ SHA-256(payload) ‖ SHA-256(outcome) )
 *
 * with big-endian 8-byte integers, L(x) = 8-byte length then x, hash(0) = 32 zero bytes.
 *
 * The head is hot state: it moves with every append and goes back on ledger_rollback; only ledger_commit
 * makes it stay.
 */
#pragma once

#include "hash.h"
#include "store.h"

struct ledger_head {
	int64_t n; /* 0: empty */
	int64_t received_at;
	uint8_t hash[HASH_SIZE];
};

struct ledger {
	struct store *store; /* borrowed */
	struct ledger_head head;
	struct ledger_head committed;
};

struct ledger_row {
	int64_t n;
	int64_t received_at; /* ms */
	const char *topic;
	const char *payload; /* what may be kept, or its stand-in; may hold any byte */
	size_t payload_len;
	const char *outcome; /* canonical JSON */
	size_t outcome_len;
	uint8_t hash[HASH_SIZE];
};

int ledger_open(struct store *s, struct ledger *ret);
/* Fills row->n and row->hash. received_at below the head's is lifted to it: the ledger's time never falls. */
int ledger_append(struct ledger *l, struct ledger_row *row);
void ledger_commit(struct ledger *l);
void ledger_rollback(struct ledger *l);
/* Part of a batch: back to a head remembered by value (`struct ledger_head mark = l->head`). */
void ledger_rollback_to(struct ledger *l, const struct ledger_head *mark);

/* digests: SHA-256 of payload and of outcome, for an erased row; NULL: of the row's own bytes. */
void ledger_hash(const uint8_t previous[static HASH_SIZE], const struct ledger_row *row, const uint8_t *const digests[2],
		 uint8_t ret[static HASH_SIZE]);

/* Reading: borrowed until the next step. 1 a row, 0 the end. */
int ledger_rows(struct store *s, int64_t from, int64_t to, store_stmt **ret);
int ledger_step(store_stmt *q, struct ledger_row *ret);

/* Of an erased row the digests are those that table `erased` holds, and its bytes must be the stand-ins there: whether the
 * table is what the ledger says is for verify to compare.
 * Checks rows from…to, whose predecessor's hash is *hash (read from the row itself when from > 1 and the caller
 * starts in the middle: ledger_hash_of). On success *hash is that of `to`. 1: row *ret_bad does not fit. */
int ledger_verify(struct store *s, int64_t from, int64_t to, uint8_t hash[static HASH_SIZE], int64_t *ret_bad);
/* 1 found, 0 no such row; n = 0 is 32 zero bytes. */
int ledger_hash_of(struct store *s, int64_t n, uint8_t ret[static HASH_SIZE]);
int ledger_last(struct store *s, struct ledger_head *ret);
