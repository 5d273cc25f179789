/* SPDX-License-Identifier: MIT
 *
 * Simulator: messages as bytes (CONTRACT §1). Every text in them comes from a table of this program, every
 * number from a bounded draw: there is no way for personal data to get in.
 */
#pragma once

#include "../daemon/buf.h"
#include "sim_world.h"

enum sim_type { SIM_FALL, SIM_POISONING, SIM_FOOD_POISONING, SIM_FIRE, SIM_ABUSE_SUSPECTED };
extern const char *const sim_type_names[];

#define SIM_NOT_KNOWN (-1) /* a count that is written as null */

struct sim_envelope {
	const struct sim_site *site;
	enum sim_feed feed;
	int64_t epoch, seq, sent_ms;
	const char *kind;   /* report, amend, retract */
	int64_t ref_seq;    /* of amend and retract */
	const char *reason; /* likewise */
};

/* What varies from one incident message to the next; times and event are the plan's. */
struct sim_incident {
	const char *stage;
	enum sim_type type;
	int dead, critical, serious, minor, missing; /* children */
	int adults_dead, adults_serious, sick;
	int64_t loss_yuan;
	const char *measures; /* JSON list */
	bool police, services_stopped;
};

void sim_write_topic(const struct sim_world *w, const struct sim_site *site, bool sandbox, const char *feed,
		     struct buf *out);
void sim_write_registration(const struct sim_world *w, const struct sim_envelope *e, struct buf *out);
void sim_write_enrolment(const struct sim_world *w, const struct sim_envelope *e, const struct sim_enrolment *day,
			 struct buf *out);
void sim_write_survey(const struct sim_world *w, const struct sim_envelope *e, const struct sim_survey *survey,
		      struct buf *out);
void sim_write_retraction(const struct sim_world *w, const struct sim_envelope *e, struct buf *out);
void sim_write_incident(const struct sim_world *w, const struct sim_envelope *e, const struct sim_incident *i,
			const char *event, int64_t occurred_ms, int64_t known_ms, struct buf *out);
