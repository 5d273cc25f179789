/* SPDX-License-Identifier: MIT
 *
 * Ports: the database's tables, their classes and migrations (schema.c).
 */
#pragma once

#include "store.h"

enum table_class {
	TABLE_TRUTH,       /* the ledger itself */
	TABLE_FOLDED,      /* a fold over ledger rows 1…n: rebuild compares it byte for byte */
	TABLE_DERIVED,     /* a function of the folded tables: recomputed */
	TABLE_OPERATIONAL, /* cursors, keys, backoff: never compared */
};

struct table {
	const char *name;
	const char *key; /* primary key columns, for ordered comparison */
	enum table_class class;
};

/* Where a site belongs on a day (standing.h), of row s (code, unit) of table site, registered: for queries and for triggers. */
#define STANDING_UNIT(day) \
	"ifnull((SELECT g.unit FROM register g WHERE g.site = s.code AND g.effective_on <= " day " AND g.unit IS NOT NULL" \
	" ORDER BY g.effective_on DESC LIMIT 1), s.unit)"

extern const struct table schema_tables[];
extern const size_t schema_table_count;

/* Brings an empty or older database up to date, each step in one transaction. 1: the
 * database is newer than this program (the caller refuses to run). */
int schema_migrate(struct store *s);
