/* SPDX-License-Identifier: MIT */
#include "json_out.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void json_out_key(struct buf *out, const char *key)
{
	size_t len = strlen(key);
	char last = out->len > 0 ? out->p[out->len - 1] : '{';

	buf_reserve(out, len + 4);
	if (last != '{')
		out->p[out->len++] = ',';
	out->p[out->len++] = '"';
	memcpy(out->p + out->len, key, len); /* keys are ours: nothing to escape */
	out->len += len;
	buf_add(out, "\":", 2);
}

void json_out_null(struct buf *out, const char *key)
{
	json_out_key(out, key);
	buf_add(out, "null", 4);
}

void json_out_text(struct buf *out, const char *key, const char *text)
{
	if (!text) {
		json_out_null(out, key);
		return;
	}
	json_out_key(out, key);
	buf_json(out, text, -1);
}

void json_out_int(struct buf *out, const char *key, int64_t v)
{
	json_out_key(out, key);
	buf_int(out, v);
}

void json_out_bool(struct buf *out, const char *key, bool v)
{
	json_out_key(out, key);
	buf_str(out, v ? "true" : "false");
}

/* 17 digits bring every double back; a whole one keeps its point, so that it stays a number with a fraction. */
void json_out_real(struct buf *out, const char *key, double v)
{
	char text[40];
	int len;

	if (!isfinite(v)) {
		json_out_null(out, key);
		return;
	}
	json_out_key(out, key);
	if (v == floor(v) && fabs(v) < 1e15 && !(v == 0 && signbit(v))) { /* most completeness is 1.0 */
		buf_int(out, (int64_t)v);
		buf_add(out, ".0", 2);
		return;
	}
	len = snprintf(text, sizeof text, "%.17g", v);
	buf_add(out, text, (size_t)len);
	if (!strpbrk(text, ".e"))
		buf_add(out, ".0", 2);
}
