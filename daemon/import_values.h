/* SPDX-License-Identifier: MIT
 *
 * Meaning: the columns of imported files: what a cell may hold, and its value. Adding a type is a name, its rule in words and a line in
 * import_read_value. Pure.
 */
#pragma once

#include "store.h"

enum import_type {
	COLUMN_TEXT,
	COLUMN_CODE,   /* six digits */
	COLUMN_PROVINCE,
	COLUMN_DAY,
	COLUMN_COUNT,
	COLUMN_DECIMAL, /* a decimal number, kept as its text and compared exactly */
	COLUMN_WORD,
	COLUMN_SITE,
	COLUMN_INDICATOR, /* the id of an indicator, or of an item that may be declared later */
	COLUMN_ITEM,   /* the id of a declared item: stands in paths and topics */
	COLUMN_PERIOD, /* a day, month, quarter, half year or year */
};

struct import_column {
	const char *name;
	enum import_type type;
	bool optional; /* may be empty: NULL, or "" for text */
	const char *words; /* " a b c " */
};

/* What a cell of a type must be, as it is said of one that is not. */
struct import_rule {
	const char *zh, *en;
};
extern const struct import_rule import_rules[]; /* by enum import_type */

bool import_is_number(enum import_type type); /* its value is a number; else a text */
/* Text → value; an optional empty cell is NULL (text: ""). Text stays the caller's. */
bool import_read_value(const struct import_column *c, const char *text, union store_value *ret);
/* "day" or "month", and the day that stands for it. */
bool import_read_period(const char *text, const char **period, int64_t *as_of);
bool import_is_word(const char *text, const char *words); /* words: " a b c " */
