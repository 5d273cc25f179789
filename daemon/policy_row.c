/* SPDX-License-Identifier: MIT */
#include "policy_row.h"

#include <errno.h>

int policy_row_newest(struct store *s, struct policy **ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	_cleanup_(buf_done) struct buf errors = { 0 };
	const char *bytes;
	size_t len;
	int r = store_query(s, &q, "SELECT bytes FROM policy ORDER BY n DESC LIMIT 1", "");

	*ret = NULL;
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	bytes = store_blob(q, 0, &len);
	return policy_parse_row(bytes, len, ret, &errors) < 0 ? -EUCLEAN : 1;
}
