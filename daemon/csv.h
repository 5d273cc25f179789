/* SPDX-License-Identifier: MIT
 *
 * Ground: RFC 4180 text, a record at a time: fields between commas, quoted or not, LF or CRLF. A field is unquoted in place, so the
 * reader owns nothing and the bytes are the caller's own copy, with one byte behind `end` that may be written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CSV_FIELDS_MAX 9

struct csv_record {
	int line; /* where it starts */
	size_t count;
	char *fields[CSV_FIELDS_MAX]; /* in the reader's bytes; further ones are dropped */
	bool broken;                  /* an unclosed or stray quote */
};

/* Begin with line = 1. */
struct csv_reader {
	char *p, *end;
	int line;
};

/* false: there is none left. */
bool csv_read_record(struct csv_reader *r, struct csv_record *ret);
bool csv_is_blank(const struct csv_record *c); /* an empty line */
