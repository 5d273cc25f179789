/* SPDX-License-Identifier: MIT
 *
 * Ports: JSON objects written directly as text, for answers of a thousand objects: a tree of jansson's costs ten times
 * as much (measured). The caller writes the brackets; a comma comes by itself behind a value. The same bytes as
 * json_compact() of the same values.
 */
#pragma once

#include "buf.h"

#include <stdbool.h>
#include <stdint.h>

void json_out_key(struct buf *out, const char *key); /* then a value must follow */
void json_out_text(struct buf *out, const char *key, const char *text); /* NULL: null. Valid UTF-8 */
void json_out_int(struct buf *out, const char *key, int64_t v);
void json_out_real(struct buf *out, const char *key, double v); /* not finite: null */
void json_out_bool(struct buf *out, const char *key, bool v);
void json_out_null(struct buf *out, const char *key);
