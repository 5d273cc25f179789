/* SPDX-License-Identifier: MIT
 *
 * Engines: how many units a recommender may put forward in a cycle, and how many it has (DOMAIN §1). The share is a warning and
 * never a block: who refuses or shows it is the caller.
 */
#pragma once

#include "policy.h"
#include "store.h"

struct quota {
	int64_t eligible; /* units of the recommender that may take part without asking */
	int64_t limit;    /* the policy's share of them, rounded down */
	int64_t used;     /* recommended in the cycle */
};

/* Of whoever recommends the unit on that day. */
int quota_of(struct store *s, const struct policy *p, int64_t day, const char *unit, const char *cycle, struct quota *ret);
