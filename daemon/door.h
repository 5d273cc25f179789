/* SPDX-License-Identifier: MIT
 *
 * Engines: the verdict, passed once (DESIGN §1). The envelope's findings, then what needs the feed's state: repeats,
 * reuse and jumps of seq, and warnings that compare with the registration. Changes nothing.
 */
#pragma once

#include "envelope.h"
#include "hash.h"
#include "outcome.h"
#include "streams.h"

struct door {
	struct store *store;            /* borrowed */
	const struct streams *streams;  /* borrowed */
	uint8_t key[HASH_SIZE];         /* the instance's own: fingerprints of what may not be kept */
	int *divisions;                 /* county-level codes, sorted */
	size_t division_count;
};

int door_open(struct store *s, const struct streams *streams, struct door *ret);
int door_load_divisions(struct door *d); /* after an import */
void door_done(struct door *d);

struct passed {
	struct decoded decoded;
	struct verdict verdict;
	int64_t first_n; /* a repeat of this row: nothing is stored; 0: not a repeat */
	bool long_ago;   /* a repeat too old to compare: taken for a duplicate unchecked */
	char print[HASH_HEX_SIZE];
};

int door_judge(struct door *d, const struct topic *topic, const char *payload, size_t len, int64_t received_at,
	       struct passed *ret);
/* The same for a row of the ledger that is judged again. What was decided by its arrival (a reused seq, a jump) stands as
 * `first` says; received_at is the first time's. */
int door_judge_again(struct door *d, const struct topic *topic, const char *payload, size_t len, int64_t received_at,
		     const struct outcome *first, struct passed *ret);
void passed_done(struct passed *p);

/* What knows a repeat of a payload that is not there: a keyed print of {kind, ref, body}. */
void door_fingerprint(const struct door *d, const json *root, char print[static HASH_HEX_SIZE]);

/* What stands in the ledger for a payload that may not be kept. */
void door_stand_in(const struct door *d, const struct decoded *decoded, const char *payload, size_t len, struct buf *out);
