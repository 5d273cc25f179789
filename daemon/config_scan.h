/* SPDX-License-Identifier: MIT
 *
 * Ports, for config*.c only: the text before libconfig sees it, and the reading that collects what is wrong with it.
 */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

/* An integer that libconfig would cut to 32 bits, as it was written. */
struct config_long_number {
	unsigned int line;
	char *text;
};

struct config_reading {
	const char *name; /* of the file, for errors; borrowed */
	struct buf *errors;
	bool failed;
	bool broken; /* the tree ends at a syntax error: what is missing says nothing */
	struct config_long_number *long_numbers;
	size_t long_count;
};

void config_reading_done(struct config_reading *r);
/* One line: `name:line: key: text`; key may be NULL. The reading has failed. */
__attribute__((format(printf, 4, 5))) void config_complain(
	struct config_reading *r, unsigned int line, const char *key, const char *format, ...);

/* The text for libconfig, with a NUL behind it. -EINVAL (told): libconfig must not see it at all. */
int config_scan(struct config_reading *r, const char *bytes, size_t len, struct buf *ret);
/* Not a plain integer (1.5, 1e3, 0xZZ): 0. Beyond 64 bits: the limit. */
int config_integer_of(const char *text, long long *ret);
/* A copy of len bytes, the caller's. */
char *config_part_of(const char *text, size_t len);
