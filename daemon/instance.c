/* SPDX-License-Identifier: MIT */
#include "instance.h"

int instance_get(struct store *s, const char *name, struct buf *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	size_t len;
	int r = store_query(s, &q, "SELECT value FROM instance WHERE name = ?", "t", name);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	const void *value = store_blob(q, 0, &len);
	buf_add(ret, value, len);
	return 1;
}

int instance_set(struct store *s, const char *name, const void *value, size_t len)
{
	return store_run(s, "INSERT INTO instance(name, value) VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
			 "tb", name, value, len);
}
