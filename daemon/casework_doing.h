/* SPDX-License-Identifier: MIT
 *
 * Meaning, between casework.c and the files beside it that fold acts of officers (signals.c): one act while it is folded.
 */
#pragma once

#include "casework.h"
#include "json.h"
#include "outcome.h"

/* Texts are borrowed from outcome and body. */
struct doing {
	struct fold *f;
	int64_t n, now;
	struct outcome outcome;
	json *body;
	const char *act, *actor, *roles;
	char *bytes; /* with a NUL behind */
	char state[32], case_id[CASE_ID_SIZE]; /* what it led to */
	int64_t alert;                         /* that it is about, or raised; 0 none */
};
void doing_done(struct doing *d);
int doing_begin(struct fold *f, const struct ledger_row *row, struct doing *ret);
const char *doing_text(const struct doing *d, const char *key); /* of the body; NULL when absent */
/* The act is on record, with what it led to. */
int doing_note(const struct doing *d, const struct ledger_row *row);

/* The officer's own alert was just raised: the act is noted with it, and the unit's open case of its ground takes it. */
int casework_signal(struct doing *d, const char *rule, const char *subject);
