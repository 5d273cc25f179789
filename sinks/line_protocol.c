/* SPDX-License-Identifier: MIT */
#include "line_protocol.h"

#include "../daemon/err.h"
#include "../daemon/store.h"

#include <math.h>
#include <stdio.h>

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void line_start(struct line *l, struct buf *out, const char *measurement)
{
	*l = (struct line){ .out = out, .start = out->len };
	buf_str(out, measurement);
}

void line_tag(struct line *l, const char *name, const char *value)
{
	size_t len = value ? strlen(value) : 0;

	if (len == 0 || len > LINE_TAG_MAX || l->fields > 0) {
		l->bad = true;
		return;
	}
	buf_char(l->out, ',');
	buf_str(l->out, name);
	buf_char(l->out, '=');
	for (; *value; value++) {
		if (strchr(",= ", *value))
			buf_char(l->out, '\\');
		buf_char(l->out, is_control(*value) || *value == '\\' ? '_' : *value);
	}
}

static void field(struct line *l, const char *name)
{
	buf_char(l->out, l->fields++ ? ',' : ' ');
	buf_str(l->out, name);
	buf_char(l->out, '=');
}

/* The shortest decimal that reads back as the same double. */
void line_float(struct line *l, const char *name, double value)
{
	char text[40];

	field(l, name);
	if (!isfinite(value))
		value = LINE_UNKNOWN;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buf_str(l->out, text);
}

void line_integer(struct line *l, const char *name, int64_t value)
{
	field(l, name);
	buf_int(l->out, value == STORE_NULL ? LINE_UNKNOWN : value);
	buf_char(l->out, 'i');
}

void line_bool(struct line *l, const char *name, bool value)
{
	field(l, name);
	buf_str(l->out, value ? "true" : "false");
}

/* Not inside a character of UTF-8. */
static size_t cut(const char *value, size_t len)
{
	if (len <= LINE_TEXT_MAX)
		return len;
	for (len = LINE_TEXT_MAX; len > LINE_TEXT_MAX - 3 && ((unsigned char)value[len] & 0xc0) == 0x80; len--)
		;
	return len;
}

void line_text(struct line *l, const char *name, const char *value)
{
	size_t len = value ? cut(value, strlen(value)) : 0;

	field(l, name);
	buf_char(l->out, '"');
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '"' || value[i] == '\\')
			buf_char(l->out, '\\');
		buf_char(l->out, is_control(value[i]) ? ' ' : value[i]);
	}
	buf_char(l->out, '"');
}

bool line_end(struct line *l, int64_t time_ms)
{
	if (l->bad || l->fields == 0) {
		l->out->len = l->start;
		if (l->out->p)
			l->out->p[l->out->len] = '\0';
		return false;
	}
	buf_char(l->out, ' ');
	buf_int(l->out, time_ms);
	buf_char(l->out, '\n');
	return true;
}
