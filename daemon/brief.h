/* SPDX-License-Identifier: MIT
 *
 * Engines: what a person who is called must know (DOMAIN §4): one line that fits a text message, and behind it all that
 * is known. Nothing here reads a clock or writes: `now` is the caller's.
 */
#pragma once

#include "../collectors/collector.h"
#include "../collectors/words.h"
#include "buf.h"
#include "hash.h"
#include "ids.h"
#include "json.h"
#include "policy.h"
#include "store.h"

#define BRIEF_NONE 1

enum brief_language { BRIEF_ZH, BRIEF_EN };

enum brief_count {
	BRIEF_DEAD, BRIEF_CRITICAL, BRIEF_SERIOUS, BRIEF_MINOR, BRIEF_MISSING, BRIEF_ADULTS_DEAD, BRIEF_ADULTS_SERIOUS,
	BRIEF_SICK, BRIEF_LOSS, BRIEF_COUNT_COUNT,
};

/* An alert and, when it is about an event, what the event's counting message says. Texts are cut to their room between
 * characters and hold no control or bidirectional characters. */
struct brief {
	int64_t alert;
	char id[24], rule[40], unit[UNIT_SIZE], severity[8], state[24], case_id[32]; /* case_id "": none */
	bool unconfirmed, paged;
	int64_t raised_at, closed_at, raised_n; /* closed_at STORE_NULL: not */
	uint8_t hash[HASH_SIZE];                /* of the ledger row that raised it */
	char place[96];                         /* 杭州西湖 */
	char name[160];                         /* of the nursery; "": not registered */
	char site[SITE_ID_SIZE], event[65];
	bool incident;
	int64_t type, stage, occurred_at, known_at, first_received_at, services_stopped, grade, measures, police_at;
	int64_t counts[BRIEF_COUNT_COUNT]; /* STORE_NULL: not known */
};

/* BRIEF_NONE: there is no such alert. */
int brief_load(struct store *s, int64_t alert, struct brief *ret);
/* "A-000123", or a case's id whose alert it is; BRIEF_NONE. */
int brief_find(struct store *s, const char *id, int64_t *ret);

struct brief_moment {
	int64_t now;
	const struct policy *policy; /* NULL: no clocks */
	bool drill;
};
/* 【S1】杭州西湖 某园 01:10 火灾 儿童危重1 轻伤2|已停园|1小时时限剩15分|案 C-2026-017|回 ACK */
void brief_line(const struct brief *b, enum brief_language language, const struct brief_moment *m, struct buf *out);
/* For outlets outside: severity, unit and case, nothing more (DOMAIN §4). */
void brief_line_outside(const struct brief *b, enum brief_language language, bool drill, struct buf *out);
/* What it is about, in a few words. */
const char *brief_type(const struct brief *b, enum brief_language language);
/* "儿童危重1 轻伤2"; what is not known is said so. */
void brief_casualties(const struct brief *b, enum brief_language language, struct buf *out);
const char *brief_count_name(enum brief_count c, enum brief_language language);
/* "01:10", or "11-24 01:10" on another day than now's. */
void brief_time(int64_t at, int64_t now, struct buf *out);

/* The whole brief (brief_object.c): line, known, unknown, grade, clocks, first_report, site, earlier, timeline. */
int object_brief(struct store *s, int64_t alert, int64_t now, json **ret);
