/* SPDX-License-Identifier: MIT
 *
 * Meaning: which (unit, day) must be computed again. Single days are rows of table `dirty`; a range up to today (a
 * registration changes every day since it took effect) is one row of `dirty_range`, or a province that registers would
 * write a thousand rows a message. Written in the transaction that changed the facts; a small set in memory keeps the
 * hot path from writing the same mark for every message.
 */
#pragma once

#include "ids.h"
#include "store.h"

struct dirty {
	struct dirty_mark *marks; /* what the table already holds (hash set) */
	int64_t today;            /* the fold's day: nothing is computed for days behind it */
};

/* Marks unit on the days first…last, cut at today. unit "" is no unit. */
int dirty_mark(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last);
/* The same for a period that many facts touch whole (a half-year): one row while it lies behind today, too. */
int dirty_mark_period(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last);
/* Takes the newest marked day out: 1 and what it is, 0: none. */
int dirty_take(struct store *s, int64_t *ret_day, char unit[static UNIT_SIZE]);
int dirty_mark_all(struct dirty *d, struct store *s, int64_t first, int64_t last);
/* Forgets the set: after a ROLLBACK and when the table's rows were taken out. */
void dirty_forget(struct dirty *d);
