/* SPDX-License-Identifier: MIT */
#include "restore.h"

#include "instance.h"

#include <stdio.h>

#define MARK "copy_made_at"
#define CURSOR "restore_cursor"

int restore_mark(struct store *copy, int64_t made_at)
{
	char text[24];
	int r;

	snprintf(text, sizeof text, "%lld", (long long)made_at);
	r = instance_set(copy, MARK, text, strlen(text));
	return r < 0 ? r : store_run(copy, "DELETE FROM instance WHERE name = 'client_id'", "");
}

static int set_up(struct store *s)
{
	int r = store_begin(s);

	if (r < 0)
		return r;
	r = restore_set_cursor(s, 0);
	if (r >= 0)
		r = store_run(s, "DELETE FROM instance WHERE name IN ('" MARK "', 'client_id')", "");
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	return store_commit(s);
}

int restore_begin(struct store *s, int64_t *ret_made_at)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	int r = instance_get(s, MARK, &text);

	if (r <= 0)
		return r;
	*ret_made_at = atoll(text.p);
	r = set_up(s);
	return r < 0 ? r : 1;
}

int restore_cursor(struct store *s, int64_t *ret)
{
	return store_get_int(s, ret, "SELECT value FROM progress WHERE name = '" CURSOR "'", "");
}

int restore_set_cursor(struct store *s, int64_t cursor)
{
	if (cursor < 0)
		return store_run(s, "DELETE FROM progress WHERE name = '" CURSOR "'", "");
	return store_run(s,
			 "INSERT INTO progress(name, value) VALUES('" CURSOR "', ?)"
			 " ON CONFLICT DO UPDATE SET value = excluded.value",
			 "i", cursor);
}
