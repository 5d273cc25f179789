/* SPDX-License-Identifier: MIT
 *
 * Meaning: which (unit, day) must be computed again. Single days are rows of table `dirty`; a range up to today (a
 * registration changes every day since it took effect) is one row of `dirty_range`, or a province that registers would
 * write a thousand rows a message. Written in the transaction that changed the facts; a small set in memory keeps the
 * hot path from writing the same mark for every message.
 *
 * A range is computed from its last day downwards. What is marked meanwhile waits in a second range of the unit, so that
 * a stream of registrations never sends history back to today: it is finished, then begun once more.
 */
#pragma once

#include "ids.h"
#include "store.h"

struct dirty {
	struct dirty_mark *marks; /* what the table already holds (hash set) */
	int64_t today;            /* the fold's day: nothing is computed for days behind it */
	int64_t past_before;      /* first day of the earliest month whose freezing is still to come */
	int64_t now;              /* received_at of the row that is folded */
};

/* Days of a unit, in a row. */
struct dirty_days {
	char unit[UNIT_SIZE];
	int64_t first, last;
};
/* Whose turn it is; zero-initialised is fine. */
struct dirty_turn {
	char unit[UNIT_SIZE];    /* of the range begun last */
	char current[UNIT_SIZE]; /* whose today or yesterday was taken last */
	bool single;
	unsigned takes;
};
/* How many days of a unit may be taken at once: 1 or more, or -errno. */
struct dirty_room {
	int64_t (*days)(void *context, const char *unit);
	void *context;
};

/* Marks unit on the days first…last, cut at today. unit "" is no unit. */
int dirty_mark(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last);
/* The same for a period that many facts touch whole (a half-year): one row while it lies behind today, too. */
int dirty_mark_period(struct dirty *d, struct store *s, const char *unit, int64_t first, int64_t last);
/* The same for one day, when nothing was learnt that a frozen month would have to wait for. */
int dirty_refresh(struct dirty *d, struct store *s, const char *unit, int64_t day);
int dirty_mark_all(struct dirty *d, struct store *s, int64_t first, int64_t last);
/* The next unit that a site has, by its registration or by the register alone: one seek each. 1 found. */
int dirty_next_unit(struct store *s, char unit[static UNIT_SIZE]);
/* Takes marked days of a unit out, as many as there is room for: 1 and which, 0: none. Those of today and yesterday come first, in turn
 * among the units; but under a stream that marks them again and again every fourth time is history's. */
int dirty_take(struct dirty_turn *t, struct store *s, int64_t today, const struct dirty_room *room, struct dirty_days *ret);
/* Forgets the set: after a ROLLBACK and when the table's rows were taken out. */
void dirty_forget(struct dirty *d);
