/* SPDX-License-Identifier: MIT
 *
 * Edges: what a database of points wants from us (CONTRACT §4), and how far it has it. A measurement is a row of a
 * table: where its rows come from, how one becomes a line, how they are ticked off.
 *
 * Current values are sent, so a backlog is never longer than what is stored:
 *
 *   unit_indicator   sample rows in the order of their change numbers behind a cursor
 *   site_enrolment,  a queue of changed keys, written by triggers in the fold's own transaction while a sink exists; a
 *   incident         key that changes again gets a new place at the end (schema.c, point_*)
 *
 * A refill (an emptied server, a new sink) sets the cursor to 0 and lets a second cursor walk over the facts, newest day
 * first, which fills the queue in slices. A sink that is switched off is forgotten; switched on again it is refilled.
 *
 * Nothing here waits for the server: points_take gives lines, points_acknowledge says they are there.
 */
#pragma once

#include "../daemon/buf.h"
#include "../daemon/objects.h"
#include "../daemon/store.h"

enum measurement {
	POINT_UNIT_INDICATOR,
	POINT_SITE_ENROLMENT,
	POINT_INCIDENT,
	POINT_CASE_EVENT,
	MEASUREMENT_COUNT,
};

#define POINTS_WAITING_MAX 10000 /* counted no further */

struct points {
	struct store *store; /* borrowed: the write connection */
	const char *sink;    /* static */
	bool wanted[MEASUREMENT_COUNT];
	int64_t position[MEASUREMENT_COUNT]; /* the server has everything up to here */
	int64_t taken[MEASUREMENT_COUNT];    /* batches were taken up to here */
	bool refilling;
};

/* Lines on their way: a copy of the moment, whole measurements' rows up to a position. */
struct points_batch {
	struct buf lines;
	size_t *ends; /* of each line in lines */
	size_t count, cap;
	int64_t position[MEASUREMENT_COUNT];
	bool more; /* there is more behind them */
};
void points_batch_done(struct points_batch *b);
void points_batch_clear(struct points_batch *b);

struct points_limits {
	size_t lines, bytes;
	int64_t until; /* clock_monotonic_ms */
	struct policy_cache *policies; /* the sink's */
};

/* Begins where it was left; a sink that is new begins with everything. sites: site_enrolment is wanted. */
int points_open(struct store *s, const char *sink, bool sites, struct points *ret);
/* The sink is switched off: nothing is queued for it any more. */
int points_forget(struct store *s, const char *sink);
/* Everything again: points_open begins anew. Batches taken before must not be acknowledged. */
int points_refill(struct store *s, const char *sink);
/* Queues what a refill and moved nurseries still ask for; bounded work in a transaction of its own. */
int points_prepare(struct points *p, int64_t until);
/* Batches that were taken and not acknowledged are given up: they will be taken again. */
void points_rewind(struct points *p);
/* Behind the batch taken last. 1 something is to be done with *ret (even if it has no line), 0 all is sent. */
int points_take(struct points *p, const struct points_limits *limits, struct points_batch *ret);
/* A line the server refuses for good: kept beside its answer (the newest POISON_KEPT), read with sqlite3. */
struct points_poison {
	size_t line;
	char *answer;
};
#define POISON_KEPT 10000
/* In the order in which they were taken. */
int points_acknowledge(struct points *p, const struct points_batch *b, const struct points_poison *poison, size_t count,
		       int64_t now);
/* Points that wait, at most POINTS_WAITING_MAX (more while a refill goes on). */
int points_waiting(struct points *p, enum measurement m, int64_t *ret);
const char *points_name(enum measurement m);
