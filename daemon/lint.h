/* SPDX-License-Identifier: MIT
 *
 * Engines: the receipt a payload would get (CONTRACT §2, POST /lint/{feed}; §3, nurseryctl lint): the same decoder and the
 * same door, and nothing is stored. The topic is the one that the payload's own site and division make.
 */
#pragma once

#include "ingest.h"

#define LINT_BYTES_MAX ((size_t)1024 * 1024) /* more than a payload may have, so that E_TOO_LARGE can be told */

/* with_state: also what only the stored state can tell (repeats, a reused seq, a jump, the site's registration). Without,
 * the payload is judged as the first of its site. Appends the receipt. 1: it would be accepted, 0: not, < 0 error. */
int lint_payload(struct ingest *in, const char *feed, const char *payload, size_t len, int64_t now, bool with_state,
		 struct buf *receipt);
