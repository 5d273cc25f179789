/* SPDX-License-Identifier: MIT
 *
 * Edges: InfluxDB line protocol, the one encoder (CONTRACT §4). Pure: appends lines to a buffer.
 *
 *   measurement,tag=…,tag=… field=…,field=… time\n          time in ms: the `precision` of every request
 *
 * What the protocol cannot say, and what is written instead, so that a field is never left out (a missing field keeps
 * its old value in InfluxDB) and never changes its type (a conflict is fatal there):
 *
 *   a number that is not known   -1 (all our numbers are ≥ 0); also for NaN and infinity
 *   control characters           one space in a text, '_' in a tag: no reader can take a text for a second line
 *   a backslash in a tag         '_': before a comma or at the end it has no faithful form
 *   an empty or over-long tag    the line is refused: tags are identity
 *
 * Texts are otherwise faithful, byte for byte; the input must be valid UTF-8.
 */
#pragma once

#include "../daemon/buf.h"

#define LINE_UNKNOWN (-1)
#define LINE_TAG_MAX 1024   /* bytes */
#define LINE_TEXT_MAX 16384 /* bytes; longer texts are cut */

struct line {
	struct buf *out; /* borrowed */
	size_t start;    /* of this line in out */
	int fields;
	bool bad;
};

/* Tags before fields; names are ours: [a-z0-9_]. */
void line_start(struct line *l, struct buf *out, const char *measurement);
void line_tag(struct line *l, const char *name, const char *value);
void line_float(struct line *l, const char *name, double value);
/* STORE_NULL: not known. */
void line_integer(struct line *l, const char *name, int64_t value);
void line_bool(struct line *l, const char *name, bool value);
void line_text(struct line *l, const char *name, const char *value); /* NULL: "" */
/* false: a tag was empty or too long, or there was no field; nothing is left in the buffer. */
bool line_end(struct line *l, int64_t time_ms);
