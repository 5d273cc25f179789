/* SPDX-License-Identifier: MIT
 *
 * The chain is checked in slices. Then every ledger row is folded again into a scratch database, and each folded table is
 * compared with it by ranges of its key. A daemon may go on writing meanwhile: no read transaction lasts longer than one
 * slice, because before a range is compared the scratch fold is brought to the very row that the range was read at.
 */
#include "verify.h"

#include "fold.h"
#include "log.h"
#include "schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define SLICE_ROWS 2000

struct shadow {
	struct store *live;   /* read-only */
	struct store *store;  /* the scratch database */
	struct fold fold;
	int64_t n;            /* folded up to this row */
};

static int say(struct verify_report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int say(struct verify_report *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->text, sizeof r->text, format, ap);
	va_end(ap);
	r->ok = false;
	return 1;
}

/* ---- the chain ---- */

static int check_chain(struct store *s, struct verify_report *ret)
{
	uint8_t hash[HASH_SIZE] = { 0 };
	struct ledger_head head;
	int64_t bad;
	int r = ledger_last(s, &head);

	for (int64_t n = 0; r >= 0 && n < head.n; n += SLICE_ROWS) {
		r = ledger_verify(s, n + 1, MIN(n + SLICE_ROWS, head.n), hash, &bad);
		if (r > 0) {
			ret->bad_row = bad;
			return say(ret, "row %lld does not fit the chain: it was changed, cut out or put in", (long long)bad);
		}
	}
	ret->rows = ret->head_n = head.n;
	hash_hex(head.hash, ret->head_hash);
	return MIN(r, 0);
}

/* A head that someone outside kept: "N:HASH". */
static int check_head(struct store *s, const char *head, struct verify_report *ret)
{
	uint8_t kept[HASH_SIZE], found[HASH_SIZE];
	char *colon;
	int64_t n = strtoll(head, &colon, 10);
	int r;

	if (*colon != ':' || n < 0 || hash_from_hex(colon + 1, kept) < 0)
		return say(ret, "the head must be N:HASH with 64 hexadecimal digits");
	r = ledger_hash_of(s, n, found);
	if (r < 0)
		return r;
	if (r == 0)
		return say(ret, "the kept head is row %lld, but the ledger ends at row %lld: rows were cut off", (long long)n,
			   (long long)ret->head_n);
	if (memcmp(kept, found, HASH_SIZE) != 0) {
		ret->bad_row = n;
		return say(ret, "row %lld has another hash than the kept head: the ledger was written anew", (long long)n);
	}
	return 0;
}

/* ---- folding again ---- */

static int fold_to(struct shadow *sh, int64_t to)
{
	while (sh->n < to) {
		_cleanup_(store_resetp) store_stmt *q = NULL;
		struct ledger_row row;
		int r = ledger_rows(sh->live, sh->n + 1, MIN(sh->n + SLICE_ROWS, to), &q);

		if (r >= 0)
			r = store_begin(sh->store);
		if (r < 0)
			return r;
		while ((r = ledger_step(q, &row)) > 0) {
			r = fold_ledger_row(&sh->fold, &row);
			if (r < 0)
				break;
			sh->n = row.n;
		}
		if (r >= 0)
			r = fold_before_commit(&sh->fold);
		if (r >= 0)
			r = store_commit(sh->store);
		if (r < 0)
			return r;
		fold_commit(&sh->fold);
		dirty_forget(&sh->fold.dirty);
	}
	return 0;
}

static int open_shadow(struct store *live, struct shadow *ret)
{
	int r;

	*ret = (struct shadow){ .live = live };
	r = store_open("", STORE_MEMORY, &ret->store);
	if (r >= 0)
		r = schema_migrate(ret->store);
	return r < 0 ? r : fold_open(ret->store, &ret->fold);
}

static void close_shadow(struct shadow *sh)
{
	if (sh->fold.store)
		fold_done(&sh->fold);
	store_free(sh->store);
}

/* ---- comparing ---- */

/* Rows offset … offset + SLICE_ROWS of a table in key order, in both databases. 1: differ, 0: equal; *ret_count rows. */
static int compare_rows(struct shadow *sh, const char *sql, int64_t offset, int64_t *ret_count)
{
	_cleanup_(store_finishp) store_stmt *a = NULL, *b = NULL;
	int more_a = 1, more_b = 1;
	int r = store_query_once(sh->live, &a, sql, "ii", (int64_t)SLICE_ROWS, offset);

	*ret_count = 0;
	if (r >= 0)
		r = store_query_once(sh->store, &b, sql, "ii", (int64_t)SLICE_ROWS, offset);
	if (r < 0)
		return r;
	for (;; ++*ret_count) {
		more_a = store_step(a);
		more_b = store_step(b);
		if (more_a < 0 || more_b < 0)
			return MIN(more_a, more_b);
		if (more_a != more_b)
			return 1;
		if (more_a == 0)
			return 0;
		if (!store_row_equal(a, b))
			return 1;
	}
}

/* One slice in one short read transaction, at the row the ledger is at in it. */
static int compare_slice(struct shadow *sh, const char *sql, int64_t offset, int64_t *ret_count)
{
	struct ledger_head head;
	int r = store_begin(sh->live);

	if (r < 0)
		return r;
	r = ledger_last(sh->live, &head);
	if (r >= 0)
		r = fold_to(sh, head.n);
	if (r >= 0)
		r = compare_rows(sh, sql, offset, ret_count);
	store_commit(sh->live);
	return r;
}

static int compare_table(struct shadow *sh, const struct table *t, struct verify_report *ret)
{
	char sql[256];
	int64_t count = SLICE_ROWS, offset = 0;

	snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY %s LIMIT ? OFFSET ?", t->name, t->key);
	for (; count == SLICE_ROWS; offset += count) {
		int r = compare_slice(sh, sql, offset, &count);

		if (r < 0)
			return r;
		if (r > 0) {
			snprintf(ret->table, sizeof ret->table, "%s", t->name);
			return say(ret, "table %s is not what the ledger says, near its row %lld: run nurseryctl rebuild", t->name,
				   (long long)(offset + count + 1));
		}
	}
	return 0;
}

static int compare_fold(struct store *live, struct verify_report *ret)
{
	struct shadow sh;
	int r = open_shadow(live, &sh);

	if (r >= 0)
		r = fold_to(&sh, ret->head_n);
	if (r == -EUCLEAN)
		r = say(ret, "row %lld cannot be folded", (long long)sh.n + 1);
	for (size_t i = 0; r == 0 && i < schema_table_count; i++)
		if (schema_tables[i].class == TABLE_FOLDED)
			r = compare_table(&sh, &schema_tables[i], ret);
	close_shadow(&sh);
	return r;
}

int verify_run(const char *db_path, const char *head, struct verify_report *ret)
{
	_cleanup_(store_freep) struct store *live = NULL;
	int r = store_open(db_path, STORE_READ, &live);

	*ret = (struct verify_report){ .ok = true };
	if (r >= 0)
		r = check_chain(live, ret);
	if (r == 0 && head)
		r = check_head(live, head, ret);
	if (r == 0)
		r = compare_fold(live, ret);
	if (r == 0)
		snprintf(ret->text, sizeof ret->text, "%lld rows: the chain holds, and every folded table is what the ledger says",
			 (long long)ret->rows);
	return MIN(r, 0);
}

/* ---- rebuilding ---- */

static int copy_rows(struct store *to, const char *table, store_stmt *q)
{
	_cleanup_(buf_done) struct buf sql = { 0 };
	int r;

	buf_printf(&sql, "INSERT INTO %s VALUES(", table);
	for (int i = 0; i < store_columns(q); i++)
		buf_str(&sql, i > 0 ? ", ?" : "?");
	buf_char(&sql, ')');
	while ((r = store_step(q)) > 0) {
		r = store_copy_row(to, sql.p, q);
		if (r < 0)
			return r;
	}
	return r;
}

static int replace_table(struct store *live, struct store *fresh, const char *table)
{
	_cleanup_(store_finishp) store_stmt *q = NULL;
	char sql[96];
	int r;

	snprintf(sql, sizeof sql, "DELETE FROM %s", table);
	r = store_exec(live, sql);
	snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
	if (r >= 0)
		r = store_query_once(fresh, &q, sql, "");
	return r < 0 ? r : copy_rows(live, table, q);
}

/* The folded tables anew in one transaction, and every (unit, day) marked for computing again. */
static int replace_all(struct store *live, struct shadow *sh)
{
	int r = store_begin(live);

	for (size_t i = 0; r >= 0 && i < schema_table_count; i++)
		if (schema_tables[i].class == TABLE_FOLDED || strncmp(schema_tables[i].name, "dirty", 5) == 0)
			r = replace_table(live, sh->store, schema_tables[i].name);
	if (r >= 0)
		r = store_exec(live, "DELETE FROM sample; DELETE FROM open_month");
	if (r < 0) {
		store_rollback(live);
		return r;
	}
	return store_commit(live);
}

int rebuild_run(const char *db_path, struct verify_report *ret)
{
	_cleanup_(store_freep) struct store *live = NULL;
	struct shadow sh = { 0 };
	int r = store_open(db_path, STORE_WRITE, &live);

	*ret = (struct verify_report){ .ok = true };
	if (r >= 0)
		r = check_chain(live, ret);
	if (r == 0)
		r = open_shadow(live, &sh);
	if (r == 0)
		r = fold_to(&sh, ret->head_n);
	if (r == 0)
		r = replace_all(live, &sh);
	close_shadow(&sh);
	if (r == 0)
		snprintf(ret->text, sizeof ret->text, "%lld rows folded again; the tables were replaced", (long long)ret->rows);
	return MIN(r, 0);
}
