/* SPDX-License-Identifier: MIT
 *
 * `nurseryctl verify` and `rebuild` (DOMAIN §6): the chain, then the folded tables compared with a fold of the
 * ledger, and a head that someone outside kept. Opens the database itself, read-only (rebuild: for writing).
 */
#pragma once

#include "hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct verify_report {
	int64_t rows;
	int64_t bad_row; /* 0: none */
	char table[32];  /* the first folded table that differs, or "" */
	char text[512];  /* one sentence for a person */
	bool ok;
	int64_t head_n;
	char head_hash[65];
};

/* "N:HASH", 64 hexadecimal digits; -EINVAL: it is none. */
int verify_read_head(const char *head, int64_t *ret_n, uint8_t ret_hash[static HASH_SIZE]);
/* head: "N:HASH" or NULL. 0 with *ret filled whether or not all is well; < 0 it could not be done. */
int verify_run(const char *db_path, const char *head, struct verify_report *ret);
int rebuild_run(const char *db_path, struct verify_report *ret);

/* --- the same by the daemon itself, beside live messages --- */

/* The ledger is folded again into a scratch database and compared, a slice a step; then the tables that differ are replaced in
 * one transaction and compared once more. A kill at any time leaves either the old tables or the new ones. */
struct rebuild;

struct rebuild_report {
	char text[640];
	char tables[512]; /* replaced: "site, enrolment"; "" none */
	int64_t rows, pause_ms; /* pause: how long the longest replacing transaction kept messages waiting */
};

/* live: the daemon's own connection, borrowed, used by this thread alone. */
int rebuild_new(struct store *live, struct rebuild **ret);
void rebuild_free(struct rebuild *rb);
enum rebuild_state {
	REBUILD_DONE,     /* every folded table is what the ledger says */
	REBUILD_MORE,
	REBUILD_SWAPPED,  /* tables were replaced: read the hot state anew, then go on */
	REBUILD_REFUSED,  /* the chain is broken, or a row cannot be folded: nothing was changed; see the report */
};
/* One slice. An enum rebuild_state, or < 0: the store failed. */
int rebuild_step(struct rebuild *rb);
const struct rebuild_report *rebuild_report(const struct rebuild *rb);
