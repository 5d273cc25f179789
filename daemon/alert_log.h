/* SPDX-License-Identifier: MIT
 *
 * Engines: a log line for every alert that was raised, after its commit, whether or not a broker is there to be told.
 */
#pragma once

#include <stdint.h>

struct store;

struct alert_log {
	struct store *store; /* borrowed */
	int64_t told_n;      /* alerts raised by rows up to this one are told */
};

/* Cheap when there are none, so it is asked after every commit. */
int alert_log_tell(struct alert_log *l, int64_t head_n);
