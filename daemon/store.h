/* SPDX-License-Identifier: MIT
 *
 * Ports: the only file that includes <sqlite3.h>. One `struct store` is one connection, used by one thread.
 * Statements are cached by the address of their SQL, so SQL is a string constant.
 *
 * Parameters: a type string and the values in order, one letter a value:
 *   i  int64_t, STORE_NULL becomes NULL      t  const char *, NULL becomes NULL
 *   b  const void *, size_t (a blob)         h  const uint8_t * (a 32-byte blob)
 *
 * Errors: -ENOSPC disk full, -EIO, -EBUSY, -EEXIST a constraint, -EUCLEAN corrupt, -EROFS, -EINVAL our SQL is wrong;
 * store_why() has SQLite's own words.
 */
#pragma once

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_NULL INT64_MIN

struct store;
typedef struct sqlite3_stmt store_stmt;

enum store_mode {
	STORE_WRITE,  /* created when missing; WAL, synchronous=FULL */
	STORE_READ,   /* read-only, in WAL */
	STORE_COPY,   /* a copy that is nobody's yet: journal_mode=DELETE */
	STORE_MEMORY, /* a private scratch database (temporary file, no durability): the shadow of verify */
};

int store_open(const char *path, enum store_mode mode, struct store **ret);
void store_free(struct store *s);
static inline void store_freep(struct store **s)
{
	store_free(*s);
}
const char *store_why(const struct store *s);

/* Statements without result rows. */
int store_exec(struct store *s, const char *sql); /* several, not cached */
int store_run(struct store *s, const char *sql, const char *types, ...);
/* The same with the values in an array: 'i' takes .number, 't' takes .text. */
union store_value {
	int64_t number;
	const char *text;
};
int store_run_values(struct store *s, const char *sql, const char *types, const union store_value *values);
int64_t store_changes(const struct store *s); /* rows changed by the last store_run */

/* Rows: r = store_query(…); while ((r = store_step(q)) > 0) …; store_reset(q). A statement that is still being
 * stepped must not be queried again (asserted). */
int store_query(struct store *s, store_stmt **ret, const char *sql, const char *types, ...);
int store_step(store_stmt *q); /* 1 a row, 0 no more, < 0 error */
void store_reset(store_stmt *q);
static inline void store_resetp(store_stmt **q)
{
	store_reset(*q);
}
int64_t store_int(store_stmt *q, int column); /* STORE_NULL for NULL */
double store_real(store_stmt *q, int column);
const char *store_text(store_stmt *q, int column); /* NULL for NULL; borrowed until the next step */
const void *store_blob(store_stmt *q, int column, size_t *ret_len);
bool store_is_null(store_stmt *q, int column);
int store_columns(store_stmt *q);
/* Rows of two statements compared value by value, types included. */
bool store_row_equal(store_stmt *a, store_stmt *b);

/* Inserts every row that q still has, value by value; sql has as many parameters as q has columns. */
int store_copy_rows(struct store *s, const char *sql, store_stmt *q);

/* The first column of the first row: 1 found, 0 no row (*ret untouched), < 0 error. */
int store_get_int(struct store *s, int64_t *ret, const char *sql, const char *types, ...);

/* A statement whose SQL is not a constant: prepared for this one use, ended by store_finish, not store_reset. */
int store_query_once(struct store *s, store_stmt **ret, const char *sql, const char *types, ...);
void store_finish(store_stmt *q);
static inline void store_finishp(store_stmt **q)
{
	store_finish(*q);
}

/* Transactions. store_commit on failure has rolled back. */
int store_begin(struct store *s);      /* BEGIN IMMEDIATE; on STORE_READ a read snapshot */
int store_commit(struct store *s);
void store_rollback(struct store *s);  /* never fails outwards; nothing when no transaction is open */
int store_savepoint(struct store *s);
int store_release(struct store *s);
void store_rollback_to(struct store *s); /* to the savepoint, and releases it */

/* A copy of the database in steps, from this connection, beside its own transactions (DESIGN §4.16). The file exists and
 * is empty. Not durable until somebody syncs it. */
struct store_copy;
int store_copy_start(struct store *from, const char *path, struct store_copy **ret);
int store_copy_step(struct store_copy *c, int pages); /* 1 there is more, 0 all is copied */
void store_copy_free(struct store_copy *c);

int store_checkpoint(struct store *s, bool truncate, int64_t *ret_wal_bytes);
int64_t store_wal_bytes(const struct store *s);

/* Test seam, only in builds with NURSERYD_SEAMS (environment NURSERYD_FAIL_COMMIT=N): every Nth COMMIT fails. */
