/* SPDX-License-Identifier: MIT
 *
 * Meaning: acts of officers and what follows from them, folded (DOMAIN §4): alerts acknowledged and resolved, cases opened
 * and led through Article 6, designations, findings. Nothing is judged here: a row that is in the ledger passed its
 * guards (procedures.h), and its transition is taken.
 *
 * Topics: act/alert/A-000012, act/case/C-2026-001 (act/case/new opens one by hand), act/incident/SITE/EVENT,
 * act/designation/330100. The payload is the act's bytes; actor, roles and key are in the outcome.
 */
#pragma once

#include "facts.h"
#include "ledger.h"

#define CASE_ID_SIZE 24

/* Of the acts reported_up and not_reported_up on an incident: who was told (DOMAIN §3). */
#define LEVEL_CITY "city"
#define LEVEL_PROVINCE "province"
#define LEVEL_NATION "state_council"

int casework_fold_alert(struct fold *f, const struct ledger_row *row, const char *id);
int casework_fold_case(struct fold *f, const struct ledger_row *row, const char *id);
/* 1: the nursery was found liable; the rules want to know. */
int casework_fold_incident(struct fold *f, const struct ledger_row *row, const char *subject);
int casework_fold_designation(struct fold *f, const struct ledger_row *row, const char *unit);

/* An art5-1 alert stands (again): the unit's open case takes it as evidence, or one is opened when S1 is confirmed, or a
 * due row is asked for that looks again when it has been unconfirmed for long enough. */
int casework_art5_1(struct fold *f, int64_t n, int64_t now, const char *subject, bool unconfirmed);
/* That due row. subject: "A-000012". */
int casework_still_unconfirmed(struct fold *f, int64_t n, int64_t now, const char *subject);

/* What an act led to, for its answer. */
struct act_done {
	int64_t n, alert; /* alert: 0 none */
	char act[32], state[32], case_id[CASE_ID_SIZE];
	uint8_t print[HASH_SIZE];
};
/* 1 found. */
int casework_done(struct store *s, int64_t n, struct act_done *ret);
int casework_done_by_key(struct store *s, const char *key, struct act_done *ret);
void casework_print(const char *target, const char *payload, size_t len, uint8_t ret[static HASH_SIZE]);
