/* SPDX-License-Identifier: MIT
 *
 * Engines: marked days of units → sample rows with a change number, in bounded steps beside live ingest (DESIGN §1).
 * Today's numbers come before history's. Derived: a function of the folded tables alone.
 */
#pragma once

#include "fold.h"

/* How far the declared items were gone through since import n. */
struct declared_walk {
	int64_t n, as_of;
	char unit[UNIT_SIZE], item[256], period[8];
};

struct recompute {
	struct store *store; /* borrowed */
	struct fold *fold;   /* borrowed */
	int64_t computed_n;  /* every row up to this one is in the samples */
	int64_t change;      /* of the last written sample */
	int64_t days;        /* (unit, day)s computed since start */
	int64_t declared_n;  /* declared items are samples up to this import */
	struct declared_walk declared;
	struct dirty_turn turn;
	int64_t site_ns;     /* what a day of a site took lately: how many days of a unit are begun at once */
};

int recompute_open(struct store *s, struct fold *f, struct recompute *ret);
/* Works for about budget_ms in one transaction. head_n: the ledger's head. 1: more is to be done, 0: all is computed. */
int recompute_step(struct recompute *rc, int64_t head_n, int64_t budget_ms);
/* The folded tables were replaced (rebuild): nothing in memory says what the samples were made of. */
void recompute_distrust(struct recompute *rc);
