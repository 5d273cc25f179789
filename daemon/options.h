/* SPDX-License-Identifier: MIT
 *
 * Ports: option tables. A row says what one key of a configuration or policy file may hold; parsing, defaults,
 * `--print-config` and the error texts all come from it. Pure: no file, no library, no clock (config.c reads).
 */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_TEXT_MAX 1024 /* bytes of one string */
#define OPTION_COUNT_MAX 64  /* rows of one table */

/* What a row's member is, at its offset. A text is never NULL after option_initialise(). */
enum option_type {
	OPTION_TEXT,     /* char * */
	OPTION_PATH,     /* char *, absolute after option_resolve(), "" stays "" */
	OPTION_SECRET,   /* as OPTION_PATH: names a file that holds a secret */
	OPTION_TEXTS,    /* char *[max + 1], ends with NULL; written [ "a", "b" ] */
	OPTION_BOOL,     /* bool */
	OPTION_INT,      /* int64_t from min to max */
	OPTION_WORD,     /* int: min + the index of the word in words */
	OPTION_DURATION, /* int64_t milliseconds from min to max; written "500ms", "10s", "10m", "2h", "7d" */
	OPTION_RATE,     /* struct option_rate, count from min to max; written "120/min", "" is none (0) */
	OPTION_SIZE,     /* int64_t bytes from min to max; written "512KiB", "256MiB", "2GiB" */
	OPTION_DAY,      /* int64_t day; written "2026-11-23" */
	OPTION_TIME,     /* int64_t milliseconds after midnight; written "18:00" */
};

/* How a row is written in the file. */
enum option_kind { OPTION_KIND_TEXT, OPTION_KIND_INT, OPTION_KIND_BOOL, OPTION_KIND_TEXTS };

struct option_rate {
	int64_t count;
	int64_t every_ms;
};

struct option {
	const char *path; /* dotted */
	enum option_type type;
	size_t offset;
	const char *initial; /* as written, without quotes; items of OPTION_TEXTS with spaces between; NULL: required */
	int64_t min, max;
	const char *words;                /* of OPTION_WORD: "a|b|c" */
	bool (*check)(const char *text);  /* further form of a text, or of each of the texts */
	const char *wants;                /* what check() wants, in words */
	const char *help;                 /* for --print-config; lines end with \n but for the last */
};

enum option_kind option_kind(const struct option *o);
const struct option *option_find(const struct option *rows, size_t count, const char *path);
/* Does `path` name a group that holds options? */
bool option_is_group(const struct option *rows, size_t count, const char *path);
/* The row most likely meant by a misspelt path, or NULL. */
const struct option *option_nearest(const struct option *rows, size_t count, const char *path);

/* 0, or -EINVAL for what option_wants() does not describe; then the member is as before. */
int option_set_text(const struct option *o, void *base, const char *text);
int option_set_int(const struct option *o, void *base, int64_t value);
void option_set_bool(const struct option *o, void *base, bool value);
int option_set_texts(const struct option *o, void *base, const char *const *texts, size_t count);

/* "a duration such as "10s", from "1s" to "1d"" */
void option_wants(const struct option *o, struct buf *out);
/* The member as it is written in a file. */
void option_value(const struct option *o, const void *base, struct buf *out);
/* A string as libconfig reads it, with its quotes. */
void option_quote(const char *text, struct buf *out);

/* Every member gets its default (a required one is empty). */
void option_initialise(const struct option *rows, size_t count, void *base);
void option_release(const struct option *rows, size_t count, void *base);
/* Makes relative paths absolute. A secret that is not in dir is looked for in credentials (NULL: nowhere). */
void option_resolve(const struct option *rows, size_t count, void *base, const char *dir, const char *credentials);
/* The whole commented file. Rows of a group must stand together; one level of groups. */
void option_print(const struct option *rows, size_t count, const void *base, struct buf *out);
