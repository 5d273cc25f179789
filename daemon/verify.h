/* SPDX-License-Identifier: MIT
 *
 * `nurseryctl verify` and `rebuild` (DOMAIN §6): the chain, then the folded tables compared with a fold of the
 * ledger, and a head that someone outside kept. Opens the database itself, read-only (rebuild: for writing).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct verify_report {
	int64_t rows;
	int64_t bad_row; /* 0: none */
	char table[32];  /* the first folded table that differs, or "" */
	char text[512];  /* one sentence for a person */
	bool ok;
	int64_t head_n;
	char head_hash[65];
};

/* head: "N:HASH" or NULL. 0 with *ret filled whether or not all is well; < 0 it could not be done. */
int verify_run(const char *db_path, const char *head, struct verify_report *ret);
int rebuild_run(const char *db_path, struct verify_report *ret);
