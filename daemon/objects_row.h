/* SPDX-License-Identifier: MIT
 *
 * Columns of a row as JSON values: NULL is null, never 0. For objects*.c only.
 */
#pragma once

#include "clock.h"
#include "json.h"
#include "store.h"

static inline json *row_int(store_stmt *q, int column)
{
	return store_is_null(q, column) ? json_new_null() : json_new_int(store_int(q, column));
}

/* A trilean's "unknown" is NULL, or TRI_UNKNOWN where it was stored as it is. */
static inline json *row_bool(store_stmt *q, int column)
{
	int64_t v = store_int(q, column);

	return v < 0 ? json_new_null() : json_new_bool(v != 0);
}

static inline json *row_text(store_stmt *q, int column)
{
	return json_new_text(store_text(q, column));
}

static inline json *row_day(store_stmt *q, int column)
{
	char text[CLOCK_TEXT_SIZE];

	return store_is_null(q, column) ? json_new_null() :
					  json_new_text(clock_format_day(store_int(q, column), text));
}

static inline json *row_time(store_stmt *q, int column)
{
	char text[CLOCK_TEXT_SIZE];

	return store_is_null(q, column) ? json_new_null() :
					  json_new_text(clock_format_time(store_int(q, column), text));
}

/* The word a number stands for in a table of words (collectors/…); null for NULL and for a number the table
 * does not hold: a database newer than this program is still readable. */
static inline json *row_word(store_stmt *q, int column, const char *const *words, size_t count)
{
	int64_t number = store_int(q, column);

	return number >= 0 && (uint64_t)number < count ? json_new_text(words[number]) : json_new_null();
}
