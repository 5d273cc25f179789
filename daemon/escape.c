/* SPDX-License-Identifier: MIT */
#include "escape.h"

#include "err.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* C0, C1, U+061C, U+200B–200F, U+2028–202E, U+2060–206F, U+FEFF. */
size_t escape_hidden(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	if ((p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) || (p[0] == 0xd8 && p[1] == 0x9c))
		return 2;
	if (p[0] == 0xe2 && p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae)))
		return 3;
	if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf)
		return 3;
	return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void escape_html(struct buf *out, const char *text)
{
	while (*text) {
		const char *known = entity(*text);
		size_t hidden = *text == '\n' || *text == '\t' ? 0 : escape_hidden(text);

		if (known || hidden)
			buf_str(out, known ? known : REPLACEMENT);
		else
			buf_char(out, *text);
		text += hidden ? hidden : 1;
	}
}

/* "-4.50", "-1e-05" */
static bool is_negative_number(const char *text)
{
	char *end;

	if (text[0] != '-' || text[1] < '0' || text[1] > '9' || strspn(text, "-+.0123456789eE") != strlen(text))
		return false;
	(void)strtod(text, &end);
	return *end == '\0';
}

static bool is_formula(const char *text)
{
	static const char *const starts[] = { "=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠" };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			return !is_negative_number(text);
	return false;
}

/* Blanks at an end are kept by quotes alone: some readers trim a bare cell. */
static bool needs_quotes(const char *text)
{
	size_t len = strlen(text);

	return strpbrk(text, ",\"\r\n\t") || (len > 0 && (text[0] == ' ' || text[len - 1] == ' '));
}

void escape_csv(struct buf *out, const char *text)
{
	bool quotes = needs_quotes(text);

	if (quotes)
		buf_char(out, '"');
	if (is_formula(text))
		buf_char(out, '\'');
	while (*text) {
		size_t hidden = strchr("\t\r\n", *text) ? 0 : escape_hidden(text);

		if (hidden)
			buf_str(out, REPLACEMENT);
		else
			buf_char(out, *text);
		if (*text == '"')
			buf_char(out, '"');
		text += hidden ? hidden : 1;
	}
	if (quotes)
		buf_char(out, '"');
}
