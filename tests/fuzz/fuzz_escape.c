/* SPDX-License-Identifier: MIT
 *
 * The escapers of reports: whatever a text holds, a simple reader of HTML and one of RFC 4180 find the same text again, no
 * tag, no second cell, no formula.
 */
#include "../../daemon/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define PROMISE(holds)                                                                                   \
	do {                                                                                              \
		if (!(holds)) {                                                                           \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #holds);       \
			abort();                                                                          \
		}                                                                                         \
	} while (0)

static const char replacement[] = "\xef\xbf\xbd";

/* One character of the text against what was read; how many bytes of the text it took. */
static size_t same(const char *text, const char **at, const char *kept)
{
	size_t hidden = strchr(kept, *text) ? 0 : escape_hidden(text);

	PROMISE(hidden ? strncmp(*at, replacement, 3) == 0 : **at == *text);
	*at += hidden ? 3 : 1;
	return hidden ? hidden : 1;
}

static void unescape(const char *html, struct buf *out)
{
	static const char *const entities[] = { "&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", "\"", "&#39;", "'" };

	while (*html) {
		size_t i = 0;

		PROMISE(!strchr("<>\"'", *html));
		if (*html != '&') {
			buf_char(out, *html++);
			continue;
		}
		while (i < 10 && strncmp(html, entities[i], strlen(entities[i])) != 0)
			i += 2;
		PROMISE(i < 10);
		buf_str(out, entities[i + 1]);
		html += strlen(entities[i]);
	}
}

static void check_html(const char *text)
{
	struct buf html = { 0 }, back = { 0 };
	const char *at;

	escape_html(&html, text);
	unescape(html.p ? html.p : "", &back);
	at = back.p ? back.p : "";
	while (*text)
		text += same(text, &at, "\t\n");
	PROMISE(*at == '\0');
	buf_done(&html);
	buf_done(&back);
}

/* The cell between two others; what is behind it. */
static const char *read_cell(const char *p, struct buf *out)
{
	bool quoted = *p == '"';

	for (p += quoted; quoted ? *p != '"' || p[1] == '"' : *p != ','; p++) {
		PROMISE(*p && (quoted || !strchr("\"\r\n", *p)));
		p += quoted && *p == '"';
		buf_char(out, *p);
	}
	return p + quoted;
}

static void check_csv(const char *text)
{
	struct buf row = { 0 }, cell = { 0 };
	const char *at;

	buf_str(&row, "a,");
	escape_csv(&row, text);
	buf_str(&row, ",b");
	PROMISE(strcmp(read_cell(row.p + 2, &cell), ",b") == 0);
	at = cell.p ? cell.p : "";
	PROMISE(!*at || !strchr("=+@\t\r\n", *at));
	PROMISE(*at != '-' || strspn(at, "-+.0123456789eE") == strlen(at));
	if (*at == '\'' && *text != '\'')
		at++;
	while (*text)
		text += same(text, &at, "\t\r\n");
	PROMISE(*at == '\0');
	buf_done(&row);
	buf_done(&cell);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);

	if (!text)
		abort();
	memcpy(text, bytes, len);
	text[len] = '\0';
	check_html(text);
	check_csv(text);
	free(text);
	return 0;
}
