/* SPDX-License-Identifier: MIT
 *
 * Meaning: what an officer heard from elsewhere and nurseryd could not see (DOMAIN §3, §4): other circumstances of a named
 * unit (press, hotline 12345, inspection), a hard flag against its figures, an event that nobody reported. The act is
 *
 *   {"act":"signal","rule":"art5-2-other","source":"press","reason":"…","document":"…"}
 *
 * on a unit, folded from the topic act/signal/UNIT; it raises one alert. A row of the table is a rule that may be raised so.
 *
 * The alert's subject is UNIT/source/document, so that the same document is one alert; SITE/event where an event is
 * named, which is the subject that the rules give it, too. Without a document it ends with the act's row.
 */
#pragma once

#include "facts.h"
#include "ledger.h"
#include "people.h"

#define SIGNAL_SUBJECT_SIZE 400

/* For who asks for one: what there is, and "word 中文, …" of all. */
bool signal_rule_known(const char *rule);
bool signal_source_known(const char *source);
void signal_rules(struct buf *ret);
void signal_sources(struct buf *ret);

/* What stands against a signal. */
struct signal_refusal {
	int status;         /* 409: a guard; 422: the body */
	const char *guard;  /* of 409 */
	const char *zh, *en;
};
/* 0: it may be raised; 1: *ret says why not; < 0 the store's error. */
int signal_examine(struct store *s, const char *unit, const json *body, int64_t today, struct signal_refusal *ret);
int signal_fold(struct fold *f, const struct ledger_row *row, const char *unit);
