/* SPDX-License-Identifier: MIT
 *
 * The encoder of line protocol: whatever the texts are, a line is one line, and a simple reader written from InfluxDB's
 * own description finds the same tag and the same text in it. The bytes are tag, NUL, text.
 */
#include "../../sinks/line_protocol.h"

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

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Up to the unescaped space; every character as the sender meant it. */
static const char *read_tag(const char *p, const char *wanted)
{
	for (; *p != ' '; p++, wanted++) {
		char want = is_control(*wanted) || *wanted == '\\' ? '_' : *wanted;

		PROMISE(*p && *wanted);
		if (*p == '\\')
			p++;
		PROMISE(*p == want);
	}
	PROMISE(*wanted == '\0');
	return p;
}

/* Up to the unescaped quote. */
static const char *read_text(const char *p, const char *wanted)
{
	size_t count = 0;

	for (; *p != '"'; p++, wanted++, count++) {
		char want = is_control(*wanted) ? ' ' : *wanted;

		PROMISE(*p && *wanted);
		if (*p == '\\')
			p++;
		PROMISE(*p == want);
	}
	PROMISE(*wanted == '\0' || (count <= LINE_TEXT_MAX && count + 4 > LINE_TEXT_MAX));
	return p + 1;
}

static void check(const char *tag, const char *text)
{
	struct buf out = { 0 };
	struct line l;
	const char *p;
	bool whole;

	line_start(&l, &out, "m");
	line_tag(&l, "t", tag);
	line_text(&l, "f", text);
	whole = line_end(&l, 1);
	PROMISE(whole == (*tag && strlen(tag) <= LINE_TAG_MAX));
	if (whole) {
		PROMISE(strchr(out.p, '\n') == out.p + out.len - 1);
		p = read_tag(out.p + strlen("m,t="), tag);
		PROMISE(strncmp(p, " f=\"", 4) == 0);
		PROMISE(strcmp(read_text(p + 4, text), " 1\n") == 0);
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *tag = malloc(len + 2);

	if (!tag)
		abort();
	memcpy(tag, bytes, len);
	tag[len] = tag[len + 1] = '\0';
	check(tag, tag + strlen(tag) + (strlen(tag) < len));
	free(tag);
	return 0;
}
