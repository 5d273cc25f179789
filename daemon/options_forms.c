/* SPDX-License-Identifier: MIT */
#include "options_forms.h"

#include "clock.h"
#include "err.h"

#include <errno.h>
#include <stdio.h>

void option_put_text(char **m, const char *text)
{
	free(*m);
	*m = xstrdup(text);
}

void option_free_texts(char **texts)
{
	for (size_t i = 0; texts[i]; i++) {
		free(texts[i]);
		texts[i] = NULL;
	}
}

static const struct {
	const char *suffix;
	int64_t ms;
} duration_units[] = { { "d", DAY_MS }, { "h", HOUR_MS }, { "m", MINUTE_MS }, { "s", SECOND_MS }, { "ms", 1 } };

static const struct {
	const char *word;
	int64_t ms;
} rate_units[] = { { "s", SECOND_MS }, { "min", MINUTE_MS }, { "h", HOUR_MS }, { "d", DAY_MS } };

static const struct {
	const char *suffix;
	int64_t bytes;
} size_units[] = { { "GiB", INT64_C(1) << 30 }, { "MiB", 1 << 20 }, { "KiB", 1 << 10 } };

/* Digits only (strtoll takes blanks and signs), at most 9: nothing overflows when a unit multiplies them.
 * Returns what follows them, or NULL. */
static const char *read_digits(const char *text, int64_t *ret)
{
	size_t n = strspn(text, "0123456789");
	int64_t v = 0;

	if (n == 0 || n > 9)
		return NULL;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (text[i] - '0');
	*ret = v;
	return text + n;
}

static bool parse_text(const struct option *o, void *m, const char *text)
{
	if (o->check && !o->check(text))
		return false;
	option_put_text(m, text);
	return true;
}

static bool parse_word(const struct option *o, void *m, const char *text)
{
	size_t len = strlen(text);
	int index = (int)o->min;

	for (const char *w = o->words; w; index++) {
		size_t n = strcspn(w, "|");

		if (n == len && memcmp(w, text, n) == 0) {
			*(int *)m = index;
			return true;
		}
		w = w[n] ? w + n + 1 : NULL;
	}
	return false;
}

static bool parse_duration(const struct option *o, void *m, const char *text)
{
	int64_t v;
	const char *rest = read_digits(text, &v);

	for (size_t i = 0; rest && i < ARRAY_SIZE(duration_units); i++)
		if (strcmp(rest, duration_units[i].suffix) == 0) {
			v *= duration_units[i].ms;
			if (v < o->min || v > o->max)
				return false;
			*(int64_t *)m = v;
			return true;
		}
	return false;
}

static bool parse_rate(const struct option *o, void *m, const char *text)
{
	struct option_rate rate = { 0 };
	const char *rest = read_digits(text, &rate.count);

	if (!*text) { /* no limit */
		*(struct option_rate *)m = rate;
		return true;
	}
	if (!rest || *rest++ != '/' || rate.count < o->min || rate.count > o->max)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rate_units); i++)
		if (strcmp(rest, rate_units[i].word) == 0)
			rate.every_ms = rate_units[i].ms;
	if (rate.every_ms == 0)
		return false;
	*(struct option_rate *)m = rate;
	return true;
}

static bool parse_size(const struct option *o, void *m, const char *text)
{
	int64_t v;
	const char *rest = read_digits(text, &v);

	for (size_t i = 0; rest && i < ARRAY_SIZE(size_units); i++)
		if (strcmp(rest, size_units[i].suffix) == 0) {
			v *= size_units[i].bytes;
			if (v < o->min || v > o->max)
				return false;
			*(int64_t *)m = v;
			return true;
		}
	return false;
}

static bool parse_day(const struct option *o, void *m, const char *text)
{
	(void)o;
	return clock_parse_day(text, m) == 0;
}

static bool parse_time(const struct option *o, void *m, const char *text)
{
	int64_t hours, minutes;
	const char *rest = read_digits(text, &hours);

	(void)o;
	if (!rest || strlen(text) != 5 || rest != text + 2 || *rest != ':' || !(rest = read_digits(rest + 1, &minutes)))
		return false;
	if (*rest || hours > 23 || minutes > 59)
		return false;
	*(int64_t *)m = hours * HOUR_MS + minutes * MINUTE_MS;
	return true;
}

void option_quote(const char *text, struct buf *out)
{
	buf_char(out, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_printf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			buf_printf(out, "\\x%02x", *p);
		else
			buf_char(out, (char)*p);
	}
	buf_char(out, '"');
}

static void write_text(const struct option *o, const void *m, struct buf *out)
{
	(void)o;
	option_quote(*(char *const *)m, out);
}

static void write_texts(const struct option *o, const void *m, struct buf *out)
{
	char *const *texts = m;

	(void)o;
	buf_str(out, "[ ");
	for (size_t i = 0; texts[i]; i++) {
		if (i > 0)
			buf_str(out, ", ");
		option_quote(texts[i], out);
	}
	buf_str(out, texts[0] ? " ]" : "]");
}

static void write_bool(const struct option *o, const void *m, struct buf *out)
{
	(void)o;
	buf_str(out, *(const bool *)m ? "true" : "false");
}

static void write_int(const struct option *o, const void *m, struct buf *out)
{
	int64_t v = *(const int64_t *)m;

	(void)o;
	buf_int(out, v);
	if (v > INT32_MAX || v < INT32_MIN)
		buf_char(out, 'L');
}

static void write_word(const struct option *o, const void *m, struct buf *out)
{
	const char *w = o->words;

	for (int64_t i = o->min; i < *(const int *)m; i++)
		w += strcspn(w, "|") + 1;
	buf_printf(out, "\"%.*s\"", (int)strcspn(w, "|"), w);
}

static void write_ms(int64_t ms, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++)
		if (ms % duration_units[i].ms == 0 && (ms > 0 || i == 3)) {
			buf_printf(out, "\"%lld%s\"", (long long)(ms / duration_units[i].ms), duration_units[i].suffix);
			return;
		}
}

static void write_duration(const struct option *o, const void *m, struct buf *out)
{
	(void)o;
	write_ms(*(const int64_t *)m, out);
}

static void write_rate(const struct option *o, const void *m, struct buf *out)
{
	const struct option_rate *rate = m;

	(void)o;
	if (rate->count == 0)
		buf_str(out, "\"\"");
	for (size_t i = 0; i < ARRAY_SIZE(rate_units); i++)
		if (rate_units[i].ms == rate->every_ms)
			buf_printf(out, "\"%lld/%s\"", (long long)rate->count, rate_units[i].word);
}

static void write_bytes(int64_t bytes, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(size_units); i++)
		if (bytes % size_units[i].bytes == 0 && (bytes > 0 || i == 1)) {
			buf_printf(out, "\"%lld%s\"", (long long)(bytes / size_units[i].bytes), size_units[i].suffix);
			return;
		}
}

static void write_size(const struct option *o, const void *m, struct buf *out)
{
	(void)o;
	write_bytes(*(const int64_t *)m, out);
}

static void write_day(const struct option *o, const void *m, struct buf *out)
{
	char text[CLOCK_TEXT_SIZE];

	(void)o;
	buf_printf(out, "\"%s\"", clock_format_day(*(const int64_t *)m, text));
}

static void write_time(const struct option *o, const void *m, struct buf *out)
{
	int minutes = (int)(*(const int64_t *)m / MINUTE_MS);

	(void)o;
	buf_printf(out, "\"%02d:%02d\"", minutes / 60, minutes % 60);
}

static void want_text(const struct option *o, struct buf *out)
{
	buf_printf(out, "a text in quotes%s%s", o->wants ? ": " : "", o->wants ? o->wants : "");
}

static void want_texts(const struct option *o, struct buf *out)
{
	buf_printf(out, "an array [ \"…\", … ] of %lld to %lld strings", (long long)o->min, (long long)o->max);
	if (o->wants)
		buf_printf(out, ", each %s", o->wants);
}

static void want_path(const struct option *o, struct buf *out)
{
	(void)o;
	buf_str(out, "a file name in quotes");
}

static void want_bool(const struct option *o, struct buf *out)
{
	(void)o;
	buf_str(out, "true or false");
}

static void want_int(const struct option *o, struct buf *out)
{
	buf_printf(out, "a whole number from %lld to %lld", (long long)o->min, (long long)o->max);
}

static void want_word(const struct option *o, struct buf *out)
{
	buf_str(out, "one of \"");
	for (const char *w = o->words; *w; w++)
		if (*w == '|')
			buf_str(out, "\", \"");
		else
			buf_char(out, *w);
	buf_char(out, '"');
}

static void want_duration(const struct option *o, struct buf *out)
{
	buf_str(out, "a duration in quotes with ms, s, m, h or d, such as \"10s\", from ");
	write_ms(o->min, out);
	buf_str(out, " to ");
	write_ms(o->max, out);
}

static void want_rate(const struct option *o, struct buf *out)
{
	buf_printf(out, "a rate in quotes such as \"120/min\" (/s, /min, /h, /d), its number from %lld to %lld, or \"\" for no limit",
		(long long)o->min, (long long)o->max);
}

static void want_size(const struct option *o, struct buf *out)
{
	buf_str(out, "a size in quotes with KiB, MiB or GiB, such as \"256MiB\", from ");
	write_bytes(o->min, out);
	buf_str(out, " to ");
	write_bytes(o->max, out);
}

static void want_day(const struct option *o, struct buf *out)
{
	(void)o;
	buf_str(out, "a day in quotes such as \"2026-11-23\"");
}

static void want_time(const struct option *o, struct buf *out)
{
	(void)o;
	buf_str(out, "a time of day in quotes such as \"18:00\"");
}

static const struct form {
	enum option_kind kind;
	bool (*parse)(const struct option *o, void *m, const char *text); /* of OPTION_KIND_TEXT */
	void (*write)(const struct option *o, const void *m, struct buf *out);
	void (*want)(const struct option *o, struct buf *out);
} forms[] = {
	[OPTION_TEXT] = { OPTION_KIND_TEXT, parse_text, write_text, want_text },
	[OPTION_PATH] = { OPTION_KIND_TEXT, parse_text, write_text, want_path },
	[OPTION_SECRET] = { OPTION_KIND_TEXT, parse_text, write_text, want_path },
	[OPTION_TEXTS] = { OPTION_KIND_TEXTS, NULL, write_texts, want_texts },
	[OPTION_BOOL] = { OPTION_KIND_BOOL, NULL, write_bool, want_bool },
	[OPTION_INT] = { OPTION_KIND_INT, NULL, write_int, want_int },
	[OPTION_WORD] = { OPTION_KIND_TEXT, parse_word, write_word, want_word },
	[OPTION_DURATION] = { OPTION_KIND_TEXT, parse_duration, write_duration, want_duration },
	[OPTION_RATE] = { OPTION_KIND_TEXT, parse_rate, write_rate, want_rate },
	[OPTION_SIZE] = { OPTION_KIND_TEXT, parse_size, write_size, want_size },
	[OPTION_DAY] = { OPTION_KIND_TEXT, parse_day, write_day, want_day },
	[OPTION_TIME] = { OPTION_KIND_TEXT, parse_time, write_time, want_time },
};

enum option_kind option_kind(const struct option *o)
{
	return forms[o->type].kind;
}

void option_wants(const struct option *o, struct buf *out)
{
	forms[o->type].want(o, out);
}

void option_value(const struct option *o, const void *base, struct buf *out)
{
	forms[o->type].write(o, (const char *)base + o->offset, out);
}

int option_set_text(const struct option *o, void *base, const char *text)
{
	if (strlen(text) > OPTION_TEXT_MAX || !forms[o->type].parse(o, option_member(o, base), text))
		return -EINVAL;
	return 0;
}

int option_set_int(const struct option *o, void *base, int64_t value)
{
	if (value < o->min || value > o->max)
		return -EINVAL;
	*(int64_t *)option_member(o, base) = value;
	return 0;
}

void option_set_bool(const struct option *o, void *base, bool value)
{
	*(bool *)option_member(o, base) = value;
}

int option_set_texts(const struct option *o, void *base, const char *const *texts, size_t count)
{
	char **m = option_member(o, base);

	if ((int64_t)count < o->min || (int64_t)count > o->max)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (strlen(texts[i]) > OPTION_TEXT_MAX || (o->check && !o->check(texts[i])))
			return -EINVAL;
	option_free_texts(m);
	for (size_t i = 0; i < count; i++)
		m[i] = xstrdup(texts[i]);
	return 0;
}
