/* SPDX-License-Identifier: MIT
 *
 * Meaning: the running deadlines of an event (DOMAIN §3; Order 493, 第九条, 第十一条, 第十三条). Which there are is a table; all that
 * show them (the API, cases, briefs) ask here. No clock: what a deadline is worth at an instant is asked with that instant.
 */
#pragma once

#include "policy.h"
#include "store.h"

enum deadline_state { DEADLINE_RUNNING, DEADLINE_MET, DEADLINE_OVERDUE, DEADLINE_UNCLEAR };
extern const char *const deadline_words[]; /* "running", "met", "overdue", "unclear" */

struct deadline_kind {
	const char *id;
	bool window; /* nobody's duty: what is not said until then counts as it is */
	const char *zh, *en;
};

struct deadline {
	const struct deadline_kind *kind;
	int64_t from, due_at, met_at; /* met_at: STORE_NULL while it is not known to be met */
	bool ours;                    /* our own start, stop or disconnect lies in it: late is unclear */
};

#define DEADLINES_MAX 8

/* Of one event, in the order of DOMAIN §3; 0 when nothing is known of it. < 0 the store failed. */
int deadlines_of(struct store *s, const struct policy *p, int64_t site, const char *event, struct deadline ret[static DEADLINES_MAX],
		 size_t *ret_count);
/* Up to and including due_at it is in time. */
enum deadline_state deadline_state(const struct deadline *d, int64_t now);
/* What somebody has to do next: the earliest that is not met; a window only while it runs. NULL: nothing. */
const struct deadline *deadline_next(const struct deadline *list, size_t count, int64_t now);
