/* SPDX-License-Identifier: MIT
 *
 * The chain is checked in slices. Then every ledger row is folded again into a scratch database, and each folded table is
 * compared with it by ranges of its key. A daemon may go on writing meanwhile: no read transaction lasts longer than one
 * slice, because before a range is compared the scratch fold is brought to the very row that the range was read at.
 */
#include "verify.h"

#include "clock.h"
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

	if (r == -EUCLEAN)
		return say(ret, "the last row has no hash of ours: it was changed");
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

int verify_read_head(const char *head, int64_t *ret_n, uint8_t ret_hash[static HASH_SIZE])
{
	char *colon;

	*ret_n = strtoll(head, &colon, 10);
	return colon == head || *colon != ':' || *ret_n < 0 || hash_from_hex(colon + 1, ret_hash) < 0 ? -EINVAL : 0;
}

/* A head that someone outside kept: "N:HASH". */
static int check_head(struct store *s, const char *head, struct verify_report *ret)
{
	uint8_t kept[HASH_SIZE], found[HASH_SIZE];
	int64_t n;
	int r = verify_read_head(head, &n, kept);

	if (r < 0)
		return r;
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

static void table_sql(const struct table *t, char *sql, size_t size)
{
	snprintf(sql, size, "SELECT * FROM %s ORDER BY %s LIMIT ? OFFSET ?", t->name, t->key);
}

static int compare_table(struct shadow *sh, const struct table *t, struct verify_report *ret)
{
	char sql[256];
	int64_t count = SLICE_ROWS, offset = 0;

	table_sql(t, sql, sizeof sql);
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
	if (r == -EUCLEAN || r == -EEXIST) /* not what the door let in: a constraint of the tables says so, too */
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

static int copy_rows(struct store *to, const char *verb, const char *table, const char *tail, store_stmt *q)
{
	_cleanup_(buf_done) struct buf sql = { 0 };

	buf_printf(&sql, "%s INTO %s VALUES(", verb, table);
	for (int i = 0; i < store_columns(q); i++)
		buf_str(&sql, i > 0 ? ", ?" : "?");
	buf_printf(&sql, ")%s", tail);
	return store_copy_rows(to, sql.p, q);
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
	return r < 0 ? r : copy_rows(live, "INSERT", table, "", q);
}

/* The folded tables anew in one transaction, and every (unit, day) marked for computing again. */
static int replace_all(struct store *live, struct shadow *sh)
{
	int r = store_begin(live);

	if (r >= 0)
		r = store_exec(live, "DELETE FROM sink_cursor"); /* points: everything again, by the next start (sinks/points.c) */
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

/* ---- beside live messages ---- */

#define TABLES_MAX 64
#define PASSES_MAX 4 /* a replaced table may have misled the fold of newer rows: compared again until nothing differs */

struct rebuild {
	struct shadow shadow;
	struct verify_report chain;
	struct rebuild_report report;
	int64_t checked_n, head_n; /* of the chain, as it was at the beginning */
	uint8_t hash[HASH_SIZE];
	size_t table;              /* being compared */
	int64_t offset;
	bool differs[TABLES_MAX], replaced[TABLES_MAX], any;
	int passes;
};

int rebuild_new(struct store *live, struct rebuild **ret)
{
	struct rebuild *rb = xcalloc(1, sizeof *rb);
	struct ledger_head head;
	int r = schema_table_count <= TABLES_MAX ? open_shadow(live, &rb->shadow) : -EINVAL;

	if (r >= 0)
		r = ledger_last(live, &head);
	if (r < 0) {
		rebuild_free(rb);
		return r;
	}
	rb->head_n = head.n;
	*ret = rb;
	return 0;
}

void rebuild_free(struct rebuild *rb)
{
	if (!rb)
		return;
	close_shadow(&rb->shadow);
	free(rb);
}

const struct rebuild_report *rebuild_report(const struct rebuild *rb)
{
	return &rb->report;
}

static int refused(struct rebuild *rb, const char *what, int64_t n)
{
	snprintf(rb->report.text, sizeof rb->report.text, "row %lld %s: nothing was rebuilt", (long long)n, what);
	return REBUILD_REFUSED;
}

static int check_slice(struct rebuild *rb)
{
	int64_t to = MIN(rb->checked_n + SLICE_ROWS, rb->head_n), bad;
	int r = ledger_verify(rb->shadow.live, rb->checked_n + 1, to, rb->hash, &bad);

	if (r > 0)
		return refused(rb, "does not fit the chain", bad);
	rb->checked_n = to;
	return r < 0 ? r : REBUILD_MORE;
}

static int fold_slice(struct rebuild *rb, int64_t to)
{
	int r = fold_to(&rb->shadow, to);

	if (r == -EUCLEAN || r == -EEXIST)
		return refused(rb, "cannot be folded", rb->shadow.n + 1);
	return r < 0 ? r : REBUILD_MORE;
}

/* Marks come together: those of the whole fold, and those that were waiting. */
static int merge_marks(struct store *live, struct store *fresh)
{
	_cleanup_(store_finishp) store_stmt *days = NULL, *ranges = NULL;
	int r = store_query_once(fresh, &days, "SELECT * FROM dirty", "");

	if (r >= 0)
		r = copy_rows(live, "INSERT OR IGNORE", "dirty", "", days);
	if (r >= 0)
		r = store_query_once(fresh, &ranges, "SELECT * FROM dirty_range", "");
	return r < 0 ? r :
		       copy_rows(live, "INSERT", "dirty_range",
				 " ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)",
				 ranges);
}

static int replace_differing(struct rebuild *rb)
{
	struct store *live = rb->shadow.live;
	int r = store_begin(live);

	for (size_t i = 0; r >= 0 && i < schema_table_count; i++)
		if (rb->differs[i])
			r = replace_table(live, rb->shadow.store, schema_tables[i].name);
	if (r >= 0)
		r = merge_marks(live, rb->shadow.store);
	if (r < 0) {
		store_rollback(live);
		return r;
	}
	return store_commit(live);
}

static int swap(struct rebuild *rb)
{
	int64_t started = clock_monotonic_ms();
	int r;

	if (rb->passes++ == PASSES_MAX)
		return refused(rb, "and the tables differ whatever is replaced (our bug)", rb->shadow.n);
	r = replace_differing(rb);
	if (r < 0)
		return r;
	rb->report.pause_ms = MAX(rb->report.pause_ms, clock_monotonic_ms() - started);
	for (size_t i = 0; i < schema_table_count; i++)
		rb->replaced[i] = rb->replaced[i] || rb->differs[i];
	memset(rb->differs, 0, sizeof rb->differs);
	rb->any = false;
	rb->table = 0;
	rb->offset = 0;
	return REBUILD_SWAPPED;
}

static int tell_done(struct rebuild *rb)
{
	struct rebuild_report *report = &rb->report;
	size_t len = 0;

	for (size_t i = 0; i < schema_table_count && len < sizeof report->tables; i++)
		if (rb->replaced[i])
			len += (size_t)snprintf(report->tables + len, sizeof report->tables - len, "%s%s", len ? ", " : "",
						schema_tables[i].name);
	report->rows = rb->shadow.n;
	snprintf(report->text, sizeof report->text, "%lld rows folded again; %s%s", (long long)report->rows,
		 len ? "replaced: " : "every table was what the ledger says", report->tables);
	return REBUILD_DONE;
}

static int compare_step(struct rebuild *rb)
{
	const struct table *t = &schema_tables[rb->table];
	char sql[192];
	int64_t count = 0;
	int r = 0;

	if (t->class == TABLE_FOLDED) {
		table_sql(t, sql, sizeof sql);
		r = compare_rows(&rb->shadow, sql, rb->offset, &count);
	}
	if (r < 0)
		return r;
	rb->differs[rb->table] = rb->differs[rb->table] || r > 0;
	rb->any = rb->any || r > 0;
	rb->offset += count;
	if (r > 0 || count < SLICE_ROWS) {
		rb->table++;
		rb->offset = 0;
	}
	if (rb->table < schema_table_count)
		return REBUILD_MORE;
	if (rb->any)
		return swap(rb);
	return tell_done(rb);
}

int rebuild_step(struct rebuild *rb)
{
	struct ledger_head head;
	int r;

	if (rb->checked_n < rb->head_n)
		return check_slice(rb);
	r = ledger_last(rb->shadow.live, &head);
	if (r < 0)
		return r;
	if (head.n - rb->shadow.n > SLICE_ROWS)
		return fold_slice(rb, rb->shadow.n + SLICE_ROWS);
	/* To the very row: both sides of a comparison, and of a replacement, stand at the same one. */
	r = fold_slice(rb, head.n);
	return r == REBUILD_MORE ? compare_step(rb) : r;
}
