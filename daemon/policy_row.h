/* SPDX-License-Identifier: MIT
 *
 * Ports: the policy in force as the ledger has it. The fold and the read-only readers (API, outlet) take it from
 * there, never from the file, so that what they say can be folded again.
 */
#pragma once

#include "policy.h"
#include "store.h"

/* 1 and the newest policy of table policy, the caller's; 0: there is none (*ret is NULL); -EUCLEAN when it cannot be
 * parsed; < 0 the store's error. */
int policy_row_newest(struct store *s, struct policy **ret);
