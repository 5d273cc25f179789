/* SPDX-License-Identifier: MIT
 *
 * Engines: every message of a ledger judged again with today's decoders, into a new database beside the old one, which is only
 * read (CONTRACT §3, `rebuild --rejudge`). The explicit exception from "the verdict is passed once": nothing takes the new
 * file's place by itself.
 *
 * Row by row: n, received_at, topic and payload stay; acts stay as they are, so do verdicts on payloads that were not kept.
 * What was decided by a message's arrival (a reused seq, a jump) stands. Hashes are new, from the first changed verdict on.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rejudged {
	int64_t rows, judged;
	int64_t changed;  /* verdicts */
	int64_t findings; /* the same verdict, other findings */
	int64_t bad_row;  /* > 0: the old chain breaks there; nothing was made */
};

/* A verdict that changed. */
typedef void (*rejudge_told)(void *context, int64_t n, const char *topic, const char *was, const char *now);

/* new_path must not exist: -EEXIST. On failure it is removed. */
int rejudge_run(const char *db_path, const char *new_path, rejudge_told told, void *context, struct rejudged *ret);
