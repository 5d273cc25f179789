/* SPDX-License-Identifier: MIT
 *
 * Edges: the measurements as a table: where a measurement's rows come from, how one becomes a line, how they are ticked
 * off. For points.c only.
 */
#pragma once

#include "points.h"

#include "../daemon/objects.h"

/* For the length of one batch. */
struct encoder {
	struct store *store;
	struct province_sums readers; /* outside: whoever asks the database of points has shown us no role */
	struct buf *out;
};

struct measured_points {
	const char *name;
	const char *select; /* position, time, …: behind position ?1, at most ?2. NULL: not in the schema yet */
	void (*encode)(struct encoder *e, store_stmt *q);
	const char *reached; /* everything up to position ?1 is there */
	const char *waiting; /* how many are behind position ?1, at most ?2 */
	const char *walk, *queue;
};
extern const struct measured_points measurements[MEASUREMENT_COUNT];
