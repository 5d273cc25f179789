/* SPDX-License-Identifier: MIT
 *
 * The encoder for tests: reads texts that end with NUL, writes a line for each: measurement "hostile", tag n, and the
 * text as a tag and as a field (the tag is left out when argv[1] is "fields").
 */
#include "../../sinks/line_protocol.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	static char text[65536];
	struct buf out = { 0 };
	int n = 0, c;
	size_t len = 0;

	(void)argv;
	while ((c = getchar()) != EOF) {
		struct line l;
		char number[16];

		text[len++] = (char)c;
		if (c != 0)
			continue;
		len = 0;
		snprintf(number, sizeof number, "%d", n++);
		line_start(&l, &out, "hostile");
		line_tag(&l, "n", number);
		if (argc < 2)
			line_tag(&l, "tag", text);
		line_text(&l, "text", text);
		line_float(&l, "third", 1.0 / 3 * n);
		line_integer(&l, "count", INT64_MAX - n);
		line_bool(&l, "flag", n & 1);
		line_end(&l, 1700000000000 + n);
	}
	fwrite(out.p, 1, out.len, stdout);
	buf_done(&out);
	return 0;
}
