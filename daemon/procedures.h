/* SPDX-License-Identifier: MIT
 *
 * Meaning: the procedures as tables (DOMAIN §1 designation, §4 case; 管理办法 第四条, 第六条): which act leads from which state
 * to which, who may, and what must be there. A guard is a row, too: what it asks, in Chinese and English. Guards are asked
 * at the door of acts only; the fold takes the transition of a row that passed them.
 */
#pragma once

#include "people.h"
#include "json.h"
#include "policy.h"
#include "store.h"

enum guard_number {
	GUARD_REASON, GUARD_DOCUMENT, GUARD_GROUND, GUARD_EVIDENCE, GUARD_GIVEN, GUARD_PROVINCE_SIGNED, GUARD_NATION_SIGNED,
	GUARD_SIGNER, GUARD_PUBLISHED, GUARD_NEXT_CYCLE, GUARD_OTHER_CASE, GUARD_ONE_OPEN, GUARD_ELIGIBLE, GUARD_CYCLE,
	GUARD_QUOTA, GUARD_PERIOD_OVER, GUARD_DIVISION, GUARD_FROM_DAY, GUARD_SITE_EXISTS, GUARD_COUNT,
};
#define GUARD(name) (UINT32_C(1) << GUARD_##name)

/* One act under examination. */
struct act_case {
	struct store *store;
	const struct policy *policy;
	const struct who *who; /* NULL: nobody in particular (what is missing at all?) */
	const json *body;      /* NULL: what is missing of the state alone; guards of the body then hold */
	int64_t today;
	const char *id, *unit, *ground, *state, *act;
	int64_t quota_used, quota_limit; /* of the recommender in this cycle; -1: not asked */
};

struct guard {
	const char *id, *zh, *en;
	const char *needs; /* keys of the body that it looks at, for people; or NULL */
	int (*holds)(const struct act_case *c, bool *ret);
};
extern const struct guard guards[GUARD_COUNT];

struct transition {
	const char *from; /* " state state " or "*" */
	const char *act;
	const char *to;   /* "": stays; "<": back to where the objection came from */
	unsigned roles;
	uint32_t guards;
	const char *zh, *en;
};
extern const struct transition case_transitions[];        /* ends with a row without act */
extern const struct transition designation_transitions[];
extern const struct transition site_transitions[]; /* without states */
const struct transition *transition_of(const struct transition *table, const char *state, const char *act);

bool case_state_known(const char *state);
bool case_state_open(const char *state); /* the procedure goes on: one such case a unit and ground */
bool case_ground_known(const char *ground);
const char *case_ground_of(const char *rule); /* of the case that its alerts may become (管理办法 第五条); NULL none */

/* The first guard that does not hold; GUARD_COUNT: all hold. */
int guards_ask(const struct act_case *c, const struct transition *t, enum guard_number *ret);

const char *body_text(const json *body, const char *key); /* "" when absent */
/* The status in force on the day, "none" without one; cycle and name may be NULL. */
int designation_status(struct store *s, const char *unit, int64_t day, char status[static 32], char cycle[static 16]);
/* The end of the national public period that the unit is in. WORKDAYS_UNKNOWN, or 2: no such period. */
int designation_period_end(struct store *s, const struct policy *p, const char *unit, int64_t *ret);
