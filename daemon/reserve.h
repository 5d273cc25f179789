/* SPDX-License-Identifier: MIT
 *
 * Ports: the reserve on the disk (DESIGN §5 "disk nearly full"). While it is touched everything but the ledger is shed;
 * whoever writes something else asks reserve_is_low() first. It is over with a tenth more than the reserve free, so that
 * it does not flutter. Main thread only; the HTTP thread sees it in struct api_facts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct reserve {
	int64_t wanted_bytes; /* 0: off */
	int64_t free_bytes;   /* for us, when last looked at; -1: not known */
	int64_t looked_at;    /* monotonic ms; 0: never */
	bool low;
};

/* Looks at the file system of `path` when the last look is a few seconds ago; says so in the log when that changes
 * anything. A file system that cannot be asked leaves all as it was. True: it changed. */
bool reserve_look(struct reserve *r, const char *path, int64_t now_monotonic_ms);

static inline bool reserve_is_low(const struct reserve *r)
{
	return r->low;
}
