/* SPDX-License-Identifier: MIT
 *
 * Ground: the events on which an operator must act, and their MESSAGE_ID in the journal. systemd/nurseryd.catalog
 * explains each id and docs/operator.md lists it; a test compares the three.
 */
#pragma once

#include <stddef.h>

struct log_id {
	const char *event;      /* as log_line() gets it */
	const char *message_id; /* 32 hexadecimal digits */
};
extern const struct log_id log_ids[];
extern const size_t log_id_count;

/* NULL for an event that asks nothing of anybody. */
const char *log_id_of(const char *event);
