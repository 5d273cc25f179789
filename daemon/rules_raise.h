/* SPDX-License-Identifier: MIT
 *
 * Meaning: between rules.c and the files that judge by sense (rules_*.c): raising and clearing of alerts.
 */
#pragma once

#include "rules.h"

struct raise {
	const char *rule, *unit, *division, *site, *subject; /* site: NULL of a unit's alert */
	const char *severity;                                /* NULL: the rule's */
	bool unconfirmed, paged;
	int64_t n, now;
};

int rules_raise(struct fold *f, const struct raise *a);
/* 1 yes, whatever became of it, 0 no. */
int rules_was_raised(struct fold *f, const char *rule, const char *subject);
/* Whatever its state, an alert of this rule and subject is the only one there will be: an officer ends it. */
int rules_raise_once(struct fold *f, const struct raise *a);
/* Of a rule with a clear condition: one until that was met, also when an officer closed it before. Its severity follows. */
int rules_raise_again(struct fold *f, const struct raise *a);
/* The clear condition is met: an open alert closes. */
int rules_clear(struct fold *f, const struct raise *a, const char *because);

/* What the unit was on that local day: the latest designation on or before it. "none" without one. */
int rules_designation_on(struct store *s, const char *unit, int64_t day, char status[static 32]);
/* Could its title be revoked on that day (named or recheck)? 1 yes, 0 no. */
int rules_is_titled(struct store *s, const char *unit, int64_t day);
