/* SPDX-License-Identifier: MIT
 *
 * Meaning: every receipt code with what it says in zh and en and how to mend it, in one table (codes.c), and
 * the findings of one message. Source: CONTRACT §1.
 */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

enum code {
	E_VERSION, E_TOPIC_MISMATCH, E_SITE_ID, E_DIVISION, E_FEED, E_TOO_LARGE, E_JSON, E_TYPE, E_MISSING,
	E_RANGE, E_FORMAT, E_ENUM, E_UNKNOWN_FIELD, E_REF, E_TIME_FUTURE, E_TIME_RANGE, E_SUM_MISMATCH,
	E_SEQ_REUSED, E_SEQ_JUMP, E_RATE, E_PII, E_FAULT,
	W_DIVISION, W_CLOCK, W_UNKNOWN_FIELD, W_ENUM, W_SEQ_JUMP, W_SEQ_REUSED, W_OVER_CAPACITY,
	W_PLACES_EXCEED_REGISTERED, W_GROUP_SIZE, W_CARER_RATIO, W_TIME_RANGE,
	CODE_COUNT,
};

struct code_text {
	const char *name; /* "E_SUM_MISMATCH" */
	bool error;       /* E_…: the message is not accepted */
	const char *zh, *en, *fix; /* what every finding of this code says unless it brings its own text */
};

extern const struct code_text code_texts[CODE_COUNT];
int code_of(const char *name); /* -1 when unknown */

/* One finding. `got` never exceeds 64 characters and is "" where nothing may be shown (personal data, bytes
 * that are not JSON). Texts are static strings: a finding of a sum names its own sums. */
struct finding {
	enum code code;
	char *path; /* JSON Pointer, "" = the whole; owned */
	char *got;  /* JSON-free short text or NULL; owned */
	char *want; /* or NULL; owned */
	const char *zh, *en, *fix; /* never NULL */
};

struct findings {
	struct finding *items;
	size_t count, cap;
	size_t errors; /* how many of them are errors */
};

#define FINDINGS_MAX 64 /* more are not told: the sender mends these first; an error never gives way to a warning */
#define GOT_MAX 64      /* characters */

void findings_done(struct findings *f);
/* Adds one; path is copied; got/want may be NULL, got is cut at GOT_MAX characters. */
void findings_add(struct findings *f, enum code code, const char *path, const char *got, const char *want);
/* The same with texts of its own (static strings) in place of the table's. */
void findings_add_text(struct findings *f, enum code code, const char *path, const char *got, const char *want,
		       const char *zh, const char *en, const char *fix);
bool findings_has(const struct findings *f, enum code code);
/* Drops everything but the E_PII findings, when there is one ("it wins over all other errors"). */
void findings_keep_pii(struct findings *f);
