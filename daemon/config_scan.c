/* SPDX-License-Identifier: MIT
 *
 * Walks over the bytes as libconfig's lexer would and gives every integer that does not fit 32 bits the suffix L:
 * libconfig 1.5 would cut it silently.
 */
#include "config_scan.h"

#include "err.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

struct scanner {
	struct config_reading *reading;
	const char *p, *end;
	unsigned int line;
	struct buf *out;
};

char *config_part_of(const char *text, size_t len)
{
	char *p = strndup(text, len);

	if (!p)
		die_oom();
	return p;
}

void config_reading_done(struct config_reading *r)
{
	for (size_t i = 0; i < r->long_count; i++)
		free(r->long_numbers[i].text);
	free(r->long_numbers);
}

void config_complain(struct config_reading *r, unsigned int line, const char *key, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	buf_printf(r->errors, "%s:%u: %s%s%s\n", r->name, line, key ? key : "", key ? ": " : "", text);
	r->failed = true;
}

static void copy_through(struct scanner *s, const char *end)
{
	for (const char *p = s->p; p < end; p++)
		s->line += *p == '\n';
	buf_add(s->out, s->p, (size_t)(end - s->p));
	s->p = end;
}

static const char *after(const struct scanner *s, const char *from, const char *what)
{
	const char *found = memmem(from, (size_t)(s->end - from), what, strlen(what));

	return found ? found + strlen(what) : s->end;
}

static const char *after_string(const struct scanner *s)
{
	const char *p = s->p + 1;

	while (p < s->end && *p != '"')
		p += *p == '\\' && p + 1 < s->end ? 2 : 1;
	return p < s->end ? p + 1 : p;
}

static const char *after_word(const struct scanner *s)
{
	const char *p = s->p;

	while (p < s->end && (isalnum((unsigned char)*p) || strchr("_-*", *p)) && *p)
		p++;
	return p;
}

/* A number's letters and digits; a sign only at its begin or behind the e of an exponent. */
static const char *after_number(const struct scanner *s)
{
	const char *p = s->p + 1;
	bool hex = memchr(s->p, 'x', MIN((size_t)(s->end - s->p), (size_t)3)) != NULL;

	while (p < s->end) {
		bool sign = !hex && strchr("+-", *p) && strchr("eE", p[-1]);

		if (!*p || !(isalnum((unsigned char)*p) || *p == '.' || sign))
			break;
		p++;
	}
	return p;
}

static void keep_long_number(struct scanner *s, const char *text)
{
	struct config_reading *r = s->reading;

	r->long_numbers = xrealloc(r->long_numbers, (r->long_count + 1) * sizeof *r->long_numbers);
	r->long_numbers[r->long_count++] = (struct config_long_number){ .line = s->line, .text = xstrdup(text) };
}

int config_integer_of(const char *text, long long *ret)
{
	const char *p = text + strspn(text, "+-");
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, hex ? 16 : 10);
	end += strspn(end, "L");
	return *end == '\0' && end > text;
}

static void copy_number(struct scanner *s)
{
	const char *end = after_number(s);
	_cleanup_(freep) char *text = config_part_of(s->p, (size_t)(end - s->p));
	long long v;

	if (!config_integer_of(text, &v) || (v >= INT_MIN && v <= INT_MAX)) {
		copy_through(s, end);
		return;
	}
	/* strtoll() ends at the limits, which no option reaches: walk() finds them out of range. */
	keep_long_number(s, text);
	buf_printf(s->out, "%lldL", v);
	s->p = end;
}

static bool starts(const struct scanner *s, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(s->end - s->p) >= n && memcmp(s->p, word, n) == 0;
}

static bool at_number(const struct scanner *s)
{
	const char *p = s->p;

	if (strchr("+-", *p) && p + 1 < s->end)
		p++;
	return isdigit((unsigned char)*p) != 0;
}

static void copy_token(struct scanner *s)
{
	if (starts(s, "#") || starts(s, "//"))
		copy_through(s, after(s, s->p, "\n"));
	else if (starts(s, "/*"))
		copy_through(s, after(s, s->p + 2, "*/"));
	else if (starts(s, "\""))
		copy_through(s, after_string(s));
	else if (isalpha((unsigned char)*s->p) || *s->p == '*')
		copy_through(s, after_word(s));
	else if (at_number(s))
		copy_number(s);
	else
		copy_through(s, s->p + 1);
}

/* -EINVAL (told) when libconfig must not see the text at all: a NUL would end it unseen, an @include would read a
 * file that is not part of the bytes (the policy's bytes go into the ledger). */
static int scan(struct scanner *s)
{
	while (s->p < s->end) {
		if (*s->p == '\0') {
			config_complain(s->reading, s->line, NULL, "found a NUL byte, wanted text");
			return -EINVAL;
		}
		if (starts(s, "@include")) {
			config_complain(s->reading, s->line, NULL, "@include is not supported; write everything into this file");
			return -EINVAL;
		}
		copy_token(s);
	}
	return 0;
}

int config_scan(struct config_reading *r, const char *bytes, size_t len, struct buf *ret)
{
	struct scanner s = { .reading = r, .p = bytes, .end = bytes + len, .line = 1, .out = ret };

	buf_reserve(ret, len);
	buf_str(ret, "");
	return scan(&s);
}
