/* SPDX-License-Identifier: MIT
 *
 * Edges: a gzip body in one call. The only file that includes <zlib.h>.
 */
#pragma once

#include "../daemon/buf.h"

/* Appends to ret; -ENOMEM. Fast rather than small: lines shrink about ten times at level 1. */
int gzip(const void *p, size_t len, struct buf *ret);
