/* SPDX-License-Identifier: MIT
 *
 * Simulator: what may happen beyond a quiet day. Two const tables: acts (incident messages that come at their
 * time) and tricks (what broken or hostile senders do, taken in turn while the province reports).
 */
#pragma once

#include "sim_writer.h"

#include <stdint.h>

enum sim_scenario_id {
	SIM_QUIET,
	SIM_ENROLMENT_LOAD,
	SIM_SCENARIO_FIRE,
	SIM_GAS_LEAK_NULL,
	SIM_ABUSE,
	SIM_SCENARIO_FOOD_POISONING,
	SIM_MINOR_FALLS,
	SIM_MESSY,
	SIM_HOSTILE,
	SIM_SURVEY_ROUND,
	SIM_ALL,
};

/* Steps of an event are numbered from 0; events of a scenario happen in different nurseries. */
struct sim_act {
	enum sim_scenario_id scenario;
	int event, step;
	struct sim_incident incident;
};
extern const struct sim_act sim_acts[];
extern const size_t sim_act_count;

enum sim_trick_kind {
	SIM_TRICK_EDIT,     /* a good enrolment with `from` replaced by `to` */
	SIM_TRICK_INSERT,   /* likewise, `to` put in `times` times */
	SIM_TRICK_CUT,      /* an enrolment that stops in the middle */
	SIM_TRICK_TWICE,    /* the same bytes again */
	SIM_TRICK_RESTAMP,  /* the same identity and body, another sent_at */
	SIM_TRICK_REUSE,    /* the same identity, another body */
	SIM_TRICK_REVERSE,  /* two, the second first */
	SIM_TRICK_AMEND,
	SIM_TRICK_RETRACT,
	SIM_TRICK_GAP,      /* `times` seqs are never sent */
	SIM_TRICK_JUMP,     /* one seq `times` ahead, then on as if nothing had been */
	SIM_TRICK_OLD,      /* a day `times` days ago */
	SIM_TRICK_FEED,     /* on a feed that does not exist */
	SIM_TRICK_STRANGER, /* topic and payload of a site with a wrong check character */
	SIM_TRICK_FORGED,   /* on one site's topic, another site's payload */
};

struct sim_trick {
	const char *name;
	enum sim_scenario_id scenario;
	enum sim_trick_kind kind;
	const char *from, *to;
	int times;
	bool unreadable; /* its receipt can name no seq */
	bool not_utf8;   /* cannot be one line of JSON: left out of --print */
};
extern const struct sim_trick sim_tricks[];
extern const size_t sim_trick_count;

/* "fire,messy" → bits; > 0: told which names there are. */
int sim_scenario_choose(const char *names, uint64_t *ret);
bool sim_scenario_has(uint64_t chosen, enum sim_scenario_id id);
bool sim_scenario_is_load(uint64_t chosen);
const char *sim_scenario_name(enum sim_scenario_id id);
void sim_scenario_list(void);
