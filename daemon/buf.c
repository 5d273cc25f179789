/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include "err.h"

#include <stdarg.h>
#include <stdio.h>

void die_oom(void)
{
	static const char text[] = "oom next=\"exit, systemd restarts, resume from the last commit\"\n";

	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	abort();
}

void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		die_oom();
	return p;
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p)
		die_oom();
	return p;
}

void *xgrow(void *items, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return items;
	*cap = MAX(*cap * 2, (size_t)8);
	return xrealloc(items, *cap * size);
}

void *xgrow_only(void *items, size_t count, size_t size)
{
	return (count & (count - 1)) == 0 ? xrealloc(items, MAX(count * 2, (size_t)1) * size) : items;
}

char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		die_oom();
	return p;
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->p)
		b->p[0] = '\0';
}

void buf_reserve(struct buf *b, size_t more)
{
	size_t want = b->len + more + 1;

	if (want <= b->cap)
		return;
	b->cap = MAX(want, MAX(b->cap * 2, (size_t)128));
	b->p = xrealloc(b->p, b->cap);
}

void buf_add(struct buf *b, const void *p, size_t len)
{
	buf_reserve(b, len);
	if (len > 0)
		memcpy(b->p + b->len, p, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_int(struct buf *b, int64_t v)
{
	char digits[24];
	char *p = digits + sizeof digits;
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof digits - p));
}

void buf_base64(struct buf *b, const void *p, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *u = p;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)u[i] << 16 | (i + 1 < len ? (uint32_t)u[i + 1] << 8 : 0) | (i + 2 < len ? u[i + 2] : 0);

		buf_char(b, digits[v >> 18 & 63]);
		buf_char(b, digits[v >> 12 & 63]);
		buf_char(b, i + 1 < len ? digits[v >> 6 & 63] : '=');
		buf_char(b, i + 2 < len ? digits[v & 63] : '=');
	}
}

void buf_hex(struct buf *b, const void *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = p;

	buf_reserve(b, len * 2);
	for (size_t i = 0; i < len; i++) {
		b->p[b->len++] = digits[bytes[i] >> 4];
		b->p[b->len++] = digits[bytes[i] & 15];
	}
	b->p[b->len] = '\0';
}

static bool json_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

void buf_json(struct buf *b, const char *s, ptrdiff_t len)
{
	const char *end = len < 0 ? s + strlen(s) : s + len;

	buf_char(b, '"');
	while (s < end) {
		const char *run = s;

		while (s < end && json_plain((unsigned char)*s))
			s++;
		buf_add(b, run, (size_t)(s - run));
		if (s == end)
			break;
		switch (*s) {
		case '"':
			buf_str(b, "\\\"");
			break;
		case '\\':
			buf_str(b, "\\\\");
			break;
		default:
			buf_printf(b, "\\u%04x", (unsigned char)*s);
		}
		s++;
	}
	buf_char(b, '"');
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0)
		return;
	buf_reserve(b, (size_t)len);
	va_start(ap, format);
	vsnprintf(b->p + b->len, (size_t)len + 1, format, ap);
	va_end(ap);
	b->len += (size_t)len;
}

char *buf_take(struct buf *b)
{
	char *p;

	buf_reserve(b, 0);
	b->p[b->len] = '\0';
	p = b->p;
	*b = (struct buf){ 0 };
	return p;
}
