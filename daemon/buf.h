/* SPDX-License-Identifier: MIT
 *
 * Ground: a growing byte buffer. Zero-initialised is empty and valid; always NUL-terminated behind len
 * once anything was added, so `p` can be passed as a C string when the content has no NUL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *p;
	size_t len;
	size_t cap;
};

void buf_done(struct buf *b);  /* frees the bytes; the buffer is empty and usable again */
void buf_reset(struct buf *b); /* len = 0, keeps the memory */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t v);
void buf_hex(struct buf *b, const void *p, size_t len);
void buf_base64(struct buf *b, const void *p, size_t len); /* RFC 4648 §4, padded, one line */
/* A JSON string literal with its quotes; len < 0: up to NUL. Input must be valid UTF-8. */
void buf_json(struct buf *b, const char *s, ptrdiff_t len);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *buf_take(struct buf *b); /* hands the NUL-terminated bytes to the caller, who frees them */
