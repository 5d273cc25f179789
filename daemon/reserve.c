/* SPDX-License-Identifier: MIT */
#include "reserve.h"

#include "log.h"

#include <sys/statvfs.h>

#define LOOK_EVERY_MS 2000

bool reserve_look(struct reserve *r, const char *path, int64_t now_monotonic_ms)
{
	struct statvfs fs;
	int64_t enough = r->low ? r->wanted_bytes + r->wanted_bytes / 10 : r->wanted_bytes;
	bool low;

	if (r->looked_at != 0 && now_monotonic_ms - r->looked_at < LOOK_EVERY_MS)
		return false;
	r->looked_at = now_monotonic_ms;
	if (statvfs(path, &fs) < 0)
		return false;
	r->free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	low = r->free_bytes < enough;
	if (low == r->low)
		return false;
	r->low = low;
	if (low)
		log_error("store.reserve_low", "free=%lld reserve=%lld next=\"hold all but the ledger; free space under %s\"",
			  (long long)r->free_bytes, (long long)r->wanted_bytes, path);
	else
		log_info("store.reserve_recovered", "free=%lld reserve=%lld next=\"go on with what was held\"",
			 (long long)r->free_bytes, (long long)r->wanted_bytes);
	return true;
}
