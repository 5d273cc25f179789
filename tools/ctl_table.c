/* SPDX-License-Identifier: MIT */
#include "ctl.h"

#include "../daemon/escape.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#define GAP 2

/* One UTF-8 character; bytes that are none count as one each. */
static size_t next_char(const char *text, uint32_t *ret)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : 0;

	*ret = more == 3 ? p[0] & 7u : more == 2 ? p[0] & 15u : more == 1 ? p[0] & 31u : p[0];
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		*ret = *ret << 6 | (p[i] & 0x3fu);
	}
	return more + 1;
}

/* East Asian Wide and Fullwidth, as far as these texts go. */
static bool wide(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e }, { 0x3041, 0xa4cf }, { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
		{ 0x20000, 0x3fffd },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

size_t ctl_width(const char *text)
{
	size_t width = 0;

	while (*text) {
		uint32_t c;

		text += next_char(text, &c);
		width += wide(c) ? 2 : 1;
	}
	return width;
}

void ctl_table_done(struct ctl_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
}

char *ctl_tamed(const char *text)
{
	struct buf out = { 0 };

	while (*text) {
		size_t hidden = escape_hidden(text);

		buf_char(&out, hidden ? '?' : *text);
		text += hidden ? hidden : 1;
	}
	return buf_take(&out);
}

void ctl_cell(struct ctl_table *t, const char *text)
{
	t->cells = xgrow(t->cells, t->count, &t->cap, sizeof *t->cells);
	t->cells[t->count++] = ctl_tamed(text ? text : "");
}

void ctl_cellf(struct ctl_table *t, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	ctl_cell(t, text);
}

static void print_cell(const struct ctl_table *t, size_t i, size_t width, bool last)
{
	size_t pad = width - ctl_width(t->cells[i]);

	if (t->right[i % t->columns])
		printf("%*s%s", (int)pad, "", t->cells[i]);
	else
		printf("%s%*s", t->cells[i], last ? 0 : (int)pad, "");
	printf("%*s", last ? 0 : GAP, "");
}

void ctl_table_print(const struct ctl_table *t)
{
	size_t widths[ARRAY_SIZE(t->right)] = { 0 };

	for (size_t i = 0; i < t->count; i++)
		widths[i % t->columns] = MAX(widths[i % t->columns], ctl_width(t->cells[i]));
	for (size_t i = 0; i < t->count; i++) {
		bool last = i % t->columns == t->columns - 1;

		print_cell(t, i, widths[i % t->columns], last);
		if (last)
			putchar('\n');
	}
}
