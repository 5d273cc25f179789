/* SPDX-License-Identifier: MIT
 *
 * Simulator: the inside of a stream, shared by the files that make its messages (sim_stream.c, sim_tricks.c).
 */
#pragma once

#include "sim_random.h"
#include "sim_scenario.h"
#include "sim_stream.h"

#define SIM_SURVEYS_MAX 4 /* answers that come with one day's enrolment report */
#define SIM_QUEUE_MAX 6   /* the most one source makes at a time: a registration, a report and answers */
#define SIM_EVENTS_MAX 4 /* of one scenario */

struct sim_slot {
	int64_t at_ms;
	uint32_t site;
};

struct sim_plan {
	const struct sim_act *act;
	int64_t after_s;
};

struct sim_event_time {
	bool begun;
	int64_t occurred_ms, known_ms;
};

struct sim_stream {
	const struct sim_options *o;
	struct sim_world *w;
	struct sim_random random; /* for tricks only: the world does not depend on them */

	int64_t began_ms, clock_ms; /* of the first and of the present message */
	bool begun;
	int64_t made, taken;

	uint32_t registered; /* cursor: sites before it have sent their registration */
	uint32_t cursor;     /* the next site of this round */
	int64_t round;       /* of enrolments: 0, 1 … */

	struct sim_slot *day_slots; /* of --days: the present day in the order of its hours */
	size_t day_slot_count, day_slot;
	int64_t day; /* 0 … --days */

	struct sim_plan *plans;
	size_t plan_count, plan_done;
	struct sim_event_time events[SIM_ALL][SIM_EVENTS_MAX];

	size_t trick;       /* the next row of the table */
	int64_t trick_at;   /* `made` when it is due */

	struct sim_message queue[SIM_QUEUE_MAX];
	size_t queued, taken_of_queue;
};

/* The next seq of a site's feed; it counts as issued. */
int64_t sim_next_seq(struct sim_stream *s, struct sim_site *site, enum sim_feed feed);
/* A report of this moment. */
struct sim_envelope sim_envelope_of(const struct sim_stream *s, const struct sim_site *site, enum sim_feed feed,
				    int64_t seq);
/* Queue a message, its payload (and topic, in the first) still to be written; borrowed from the queue. */
struct sim_message *sim_push(struct sim_stream *s, const char *feed, int64_t seq);
struct sim_message *sim_push_for(struct sim_stream *s, const struct sim_site *site, enum sim_feed feed, int64_t seq);
/* Queue a whole enrolment report. */
struct sim_message *sim_push_enrolment(struct sim_stream *s, const struct sim_site *site, int64_t seq, int64_t day,
				       int revision);
/* Queue what a careless or hostile sender would send for that day. */
void sim_play(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day);
