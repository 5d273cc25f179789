/* SPDX-License-Identifier: MIT
 *
 * Engines: marked (unit, day)s → sample rows with a change number, in bounded steps beside live ingest (DESIGN §1).
 * The newest days come first, so today's numbers are there before history is. Derived: a function of the folded
 * tables alone.
 */
#pragma once

#include "fold.h"

struct recompute {
	struct store *store; /* borrowed */
	struct fold *fold;   /* borrowed */
	int64_t computed_n;  /* every row up to this one is in the samples */
	int64_t change;      /* of the last written sample */
	int64_t days;        /* (unit, day)s computed since start */
	/* What is the same for all units of a day; only while a step lasts: nothing is ingested in it. */
	int64_t prepared;    /* the day; 0: none */
	bool expected;       /* its reports are expected */
	int64_t first_day;   /* of all reports */
};

int recompute_open(struct store *s, struct fold *f, struct recompute *ret);
/* Works for at most budget_ms in one transaction. head_n: the ledger's head. 1: more is to be done, 0: all is computed. */
int recompute_step(struct recompute *rc, int64_t head_n, int64_t budget_ms);
