/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <uthash.h>

#define BUSY_MS 2000

struct cached {
	const char *sql; /* the key: its address */
	sqlite3_stmt *stmt;
	UT_hash_handle hh;
};

struct store {
	sqlite3 *db;
	char *path;
	struct cached *cache;
	char why[256];
#ifdef NURSERYD_SEAMS
	int fail_every, commits;
#endif
};

static int error_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static int fail(struct store *s, int code)
{
	if (error_of(code) == 0)
		return 0;
	snprintf(s->why, sizeof s->why, "%s (%d)", sqlite3_errmsg(s->db), sqlite3_extended_errcode(s->db));
	return error_of(code);
}


const char *store_why(const struct store *s)
{
	return s->why[0] ? s->why : sqlite3_errmsg(s->db);
}

static int pragmas(struct store *s, enum store_mode mode)
{
	/* FULL: the WAL is synced at every COMMIT, which is what an acknowledgement stands on (DESIGN §1). */
	static const char write[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
				    "PRAGMA secure_delete=ON;" /* what an erase takes out is overwritten */
				    "PRAGMA cache_size=-6144; PRAGMA journal_size_limit=67108864;"
				    "PRAGMA wal_autocheckpoint=4000; PRAGMA temp_store=MEMORY;";
	static const char read[] = "PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY;";
	static const char copy[] = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA cache_size=-4096;";
	static const char memory[] = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384;";
	static const char *const of[] = { [STORE_WRITE] = write, [STORE_READ] = read, [STORE_COPY] = copy,
					[STORE_MEMORY] = memory };

	return store_exec(s, of[mode]);
}

#ifdef NURSERYD_SEAMS
static int seam_of(const char *name)
{
	const char *value = getenv(name);

	return value ? atoi(value) : 0;
}
#endif

/* Once, before SQLite is used: nobody asks how much memory it has, and counting it is a lock at each allocation. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* What nurseries reported is nobody else's on this machine: SQLite would make the file as readable as the umask allows. The
 * WAL and the shared memory take its mode. */
static void make_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);

	if (fd >= 0) /* else SQLite says why not */
		close(fd);
}

int store_open(const char *path, enum store_mode mode, struct store **ret)
{
	static const int flags[] = {
		[STORE_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
		[STORE_READ] = SQLITE_OPEN_READONLY,
		[STORE_COPY] = SQLITE_OPEN_READWRITE,
		[STORE_MEMORY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	};
	_cleanup_(store_freep) struct store *s = xcalloc(1, sizeof *s);
	static pthread_once_t configured = PTHREAD_ONCE_INIT;
	int code, r;

	pthread_once(&configured, configure);
	s->path = xstrdup(mode == STORE_MEMORY ? "" : path);
	if (mode == STORE_WRITE)
		make_private(path);
	code = sqlite3_open_v2(s->path, &s->db, flags[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
	if (code != SQLITE_OK)
		return fail(s, code);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	r = pragmas(s, mode);
	if (r < 0)
		return r;
#ifdef NURSERYD_SEAMS
	s->fail_every = mode == STORE_WRITE ? seam_of("NURSERYD_FAIL_COMMIT") : 0;
#endif
	*ret = s;
	s = NULL; /* ownership moved to the caller */
	return 0;
}

void store_free(struct store *s)
{
	struct cached *c, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->cache, c, next) {
		HASH_DEL(s->cache, c);
		sqlite3_finalize(c->stmt);
		free(c);
	}
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}

int store_exec(struct store *s, const char *sql)
{
	return fail(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static int cached_stmt(struct store *s, const char *sql, store_stmt **ret)
{
	struct cached *c;

	HASH_FIND_PTR(s->cache, &sql, c);
	if (!c) {
		sqlite3_stmt *stmt;
		int code = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);

		if (code != SQLITE_OK)
			return fail(s, code);
		c = xcalloc(1, sizeof *c);
		c->sql = sql;
		c->stmt = stmt;
		HASH_ADD_PTR(s->cache, sql, c);
	}
	assert(!sqlite3_stmt_busy(c->stmt));
	*ret = c->stmt;
	return 0;
}

static int bind_int(store_stmt *q, int i, int64_t v)
{
	return v == STORE_NULL ? sqlite3_bind_null(q, i) : sqlite3_bind_int64(q, i, v);
}

/* Values are bound without a copy: the caller's memory outlives the step that follows. */
static int bind(store_stmt *q, const char *types, va_list ap)
{
	const void *p;
	int code = SQLITE_OK;

	for (int i = 1; types[i - 1] && code == SQLITE_OK; i++) {
		switch (types[i - 1]) {
		case 'i':
			code = bind_int(q, i, va_arg(ap, int64_t));
			break;
		case 't':
			code = sqlite3_bind_text(q, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		case 'h':
			code = sqlite3_bind_blob(q, i, va_arg(ap, const uint8_t *), 32, SQLITE_STATIC);
			break;
		case 'b':
			p = va_arg(ap, const void *);
			code = sqlite3_bind_blob64(q, i, p ? p : "", va_arg(ap, size_t), SQLITE_STATIC);
			break;
		default:
			assert(!"unknown parameter type");
		}
	}
	return code;
}

static int query(struct store *s, store_stmt **ret, const char *sql, const char *types, va_list ap)
{
	int r = cached_stmt(s, sql, ret);

	return r < 0 ? r : fail(s, bind(*ret, types, ap));
}

int store_query(struct store *s, store_stmt **ret, const char *sql, const char *types, ...)
{
	va_list ap;
	int r;

	*ret = NULL;
	va_start(ap, types);
	r = query(s, ret, sql, types, ap);
	va_end(ap);
	return r;
}

int store_query_once(struct store *s, store_stmt **ret, const char *sql, const char *types, ...)
{
	va_list ap;
	int code;

	*ret = NULL;
	code = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);
	if (code != SQLITE_OK)
		return fail(s, code);
	va_start(ap, types);
	code = bind(*ret, types, ap);
	va_end(ap);
	return fail(s, code);
}

void store_finish(store_stmt *q)
{
	sqlite3_finalize(q);
}

int store_step(store_stmt *q)
{
	int code = sqlite3_step(q);

	return code == SQLITE_ROW ? 1 : error_of(code);
}

void store_reset(store_stmt *q)
{
	if (!q)
		return;
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
}

int store_run(struct store *s, const char *sql, const char *types, ...)
{
	store_stmt *q;
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(s, &q, sql, types, ap);
	va_end(ap);
	if (r < 0)
		return r;
	r = fail(s, sqlite3_step(q));
	store_reset(q);
	return r;
}

int store_run_values(struct store *s, const char *sql, const char *types, const union store_value *values)
{
	store_stmt *q;
	int code = SQLITE_OK, r = cached_stmt(s, sql, &q);

	if (r < 0)
		return r;
	for (int i = 0; types[i] && code == SQLITE_OK; i++)
		code = types[i] == 'i' ? bind_int(q, i + 1, values[i].number)
				       : sqlite3_bind_text(q, i + 1, values[i].text, -1, SQLITE_STATIC);
	r = fail(s, code != SQLITE_OK ? code : sqlite3_step(q));
	store_reset(q);
	return r;
}

int64_t store_changes(const struct store *s)
{
	return sqlite3_changes64(s->db);
}

int store_get_int(struct store *s, int64_t *ret, const char *sql, const char *types, ...)
{
	store_stmt *q;
	va_list ap;
	int r;

	va_start(ap, types);
	r = query(s, &q, sql, types, ap);
	va_end(ap);
	if (r < 0)
		return r;
	r = store_step(q);
	if (r > 0)
		*ret = store_int(q, 0);
	store_reset(q);
	return r;
}

int64_t store_int(store_stmt *q, int column)
{
	return store_is_null(q, column) ? STORE_NULL : sqlite3_column_int64(q, column);
}

double store_real(store_stmt *q, int column)
{
	return sqlite3_column_double(q, column);
}

const char *store_text(store_stmt *q, int column)
{
	return (const char *)sqlite3_column_text(q, column);
}

const void *store_blob(store_stmt *q, int column, size_t *ret_len)
{
	const void *p = sqlite3_column_blob(q, column);

	*ret_len = (size_t)sqlite3_column_bytes(q, column);
	return p ? p : "";
}

bool store_is_null(store_stmt *q, int column)
{
	return sqlite3_column_type(q, column) == SQLITE_NULL;
}

int store_columns(store_stmt *q)
{
	return sqlite3_column_count(q);
}

static bool value_equal(store_stmt *a, store_stmt *b, int i)
{
	int type = sqlite3_column_type(a, i);

	if (type != sqlite3_column_type(b, i))
		return false;
	switch (type) {
	case SQLITE_NULL:
		return true;
	case SQLITE_INTEGER:
		return sqlite3_column_int64(a, i) == sqlite3_column_int64(b, i);
	default: /* bytes, of a REAL too: the same computation gives the same text */
		return sqlite3_column_bytes(a, i) == sqlite3_column_bytes(b, i) &&
		       (sqlite3_column_bytes(a, i) == 0 ||
			memcmp(sqlite3_column_blob(a, i), sqlite3_column_blob(b, i),
			       (size_t)sqlite3_column_bytes(a, i)) == 0);
	}
}

bool store_row_equal(store_stmt *a, store_stmt *b)
{
	for (int i = 0; i < store_columns(a); i++)
		if (!value_equal(a, b, i))
			return false;
	return true;
}

int store_copy_rows(struct store *s, const char *sql, store_stmt *q)
{
	sqlite3_stmt *insert;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &insert, NULL), r = 0;

	while (code == SQLITE_OK && (r = store_step(q)) > 0) {
		for (int i = 0; code == SQLITE_OK && i < store_columns(q); i++)
			code = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(q, i));
		if (code == SQLITE_OK) {
			sqlite3_step(insert);
			code = sqlite3_reset(insert);
		}
	}
	if (code != SQLITE_OK)
		r = fail(s, code);
	sqlite3_finalize(insert);
	return r;
}

int store_begin(struct store *s)
{
	s->why[0] = '\0';
	return store_run(s, sqlite3_db_readonly(s->db, "main") > 0 ? "BEGIN" : "BEGIN IMMEDIATE", "");
}

int store_commit(struct store *s)
{
	int r = 0;

#ifdef NURSERYD_SEAMS
	if (s->fail_every > 0 && ++s->commits % s->fail_every == 0) {
		snprintf(s->why, sizeof s->why, "test seam: this COMMIT fails");
		r = -EIO;
	}
#endif
	if (r == 0)
		r = store_run(s, "COMMIT", "");
	if (r < 0)
		store_rollback(s);
	return r;
}

void store_rollback(struct store *s)
{
	if (sqlite3_get_autocommit(s->db))
		return;
	if (!s->why[0])
		fail(s, sqlite3_errcode(s->db));
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_savepoint(struct store *s)
{
	s->why[0] = '\0';
	return store_run(s, "SAVEPOINT one", "");
}

int store_release(struct store *s)
{
	return store_run(s, "RELEASE one", "");
}

void store_rollback_to(struct store *s)
{
	sqlite3_exec(s->db, "ROLLBACK TO one; RELEASE one", NULL, NULL, NULL);
}

/* ---- copies ---- */

struct store_copy {
	sqlite3 *to;
	sqlite3_backup *backup;
	struct store *from;
};

int store_copy_start(struct store *from, const char *path, struct store_copy **ret)
{
	struct store_copy *c = xcalloc(1, sizeof *c);
	int code = sqlite3_open_v2(path, &c->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	c->from = from;
	if (code == SQLITE_OK)
		code = sqlite3_exec(c->to, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		c->backup = sqlite3_backup_init(c->to, "main", from->db, "main");
	if (!c->backup) {
		int r = error_of(code != SQLITE_OK ? code : sqlite3_errcode(c->to));

		store_copy_free(c);
		return r < 0 ? r : -EIO;
	}
	*ret = c;
	return 0;
}

int store_copy_step(struct store_copy *c, int pages)
{
	int code = sqlite3_backup_step(c->backup, pages);

	if (code == SQLITE_DONE)
		return 0;
	return code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED ? 1 : error_of(code);
}

void store_copy_free(struct store_copy *c)
{
	if (!c)
		return;
	sqlite3_backup_finish(c->backup);
	sqlite3_close(c->to);
	free(c);
}

int store_checkpoint(struct store *s, bool truncate, int64_t *ret_wal_bytes)
{
	int code;

	/* Emptying the log waits for every reader, and holds up new ones meanwhile: with polling readers two seconds, and all
	 * that was received (seen). What cannot be done now is done another time. */
	sqlite3_busy_timeout(s->db, 0);
	code = sqlite3_wal_checkpoint_v2(s->db, "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL,
					 NULL);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	if (ret_wal_bytes)
		*ret_wal_bytes = store_wal_bytes(s);
	return code == SQLITE_BUSY ? 0 : fail(s, code);
}

int64_t store_wal_bytes(const struct store *s)
{
	_cleanup_(freep) char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s-wal", s->path) < 0)
		die_oom();
	return stat(path, &st) == 0 ? st.st_size : 0;
}
