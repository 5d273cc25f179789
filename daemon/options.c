/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "err.h"
#include "options_forms.h"

#include <ctype.h>
#include <stdio.h>

const struct option *option_find(const struct option *rows, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].path, path) == 0)
			return &rows[i];
	return NULL;
}

bool option_is_group(const struct option *rows, size_t count, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < count; i++)
		if (strncmp(rows[i].path, path, len) == 0 && rows[i].path[len] == '.')
			return true;
	return false;
}

/* Levenshtein; what is longer than a key ever is counts as far away. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t n = strlen(b);

	if (n >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t change = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));

			diagonal = row[j];
			row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[n];
}

static const char *last_word(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

const struct option *option_nearest(const struct option *rows, size_t count, const char *path)
{
	const struct option *best = NULL;
	size_t best_distance = MAX((size_t)2, strlen(last_word(path)) / 3) + 1;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(path, rows[i].path);

		/* the right word in the wrong group is a near miss too */
		if (strcmp(last_word(path), last_word(rows[i].path)) == 0)
			d = MIN(d, (size_t)1);
		if (d < best_distance) {
			best = &rows[i];
			best_distance = d;
		}
	}
	return best;
}

static void initialise_texts(const struct option *o, void *base)
{
	_cleanup_(freep) char *copy = xstrdup(o->initial);
	char *rest = copy;
	char **m = option_member(o, base);

	for (char *word; (word = strsep(&rest, " "));)
		if (*word)
			*m++ = xstrdup(word);
}

static void initialise(const struct option *o, void *base)
{
	switch (option_kind(o)) {
	case OPTION_KIND_TEXT:
		option_set_text(o, base, o->initial);
		break;
	case OPTION_KIND_TEXTS:
		initialise_texts(o, base);
		break;
	case OPTION_KIND_BOOL:
		option_set_bool(o, base, strcmp(o->initial, "true") == 0);
		break;
	case OPTION_KIND_INT:
		option_set_int(o, base, strtoll(o->initial, NULL, 10));
		break;
	}
}

static bool holds_text(const struct option *o)
{
	return o->type == OPTION_TEXT || o->type == OPTION_PATH || o->type == OPTION_SECRET;
}

void option_initialise(const struct option *rows, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].initial)
			initialise(&rows[i], base);
		else if (holds_text(&rows[i]))
			option_put_text(option_member(&rows[i], base), "");
}

void option_release(const struct option *rows, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++) {
		void *m = option_member(&rows[i], base);

		if (rows[i].type == OPTION_TEXTS)
			option_free_texts(m);
		if (!holds_text(&rows[i]))
			continue;
		free(*(char **)m);
		*(char **)m = NULL;
	}
}

static char *join(const char *dir, const char *name)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
	return buf_take(&b);
}

static void resolve(const struct option *o, char **path, const char *dir, const char *credentials)
{
	char *beside, *credential;

	if (!**path || **path == '/')
		return;
	beside = join(dir, *path);
	if (o->type == OPTION_SECRET && credentials && access(beside, F_OK) < 0) {
		credential = join(credentials, *path);
		if (access(credential, F_OK) == 0) {
			free(beside);
			beside = credential;
		} else {
			free(credential);
		}
	}
	free(*path);
	*path = beside;
}

void option_resolve(const struct option *rows, size_t count, void *base, const char *dir, const char *credentials)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].type == OPTION_PATH || rows[i].type == OPTION_SECRET)
			resolve(&rows[i], option_member(&rows[i], base), dir, credentials);
}

static void print_help(const char *help, const char *indent, struct buf *out)
{
	while (help && *help) {
		size_t n = strcspn(help, "\n");

		buf_printf(out, "%s# %.*s\n", indent, (int)n, help);
		help += n + (help[n] == '\n');
	}
}

void option_print(const struct option *rows, size_t count, const void *base, struct buf *out)
{
	const char *group = "";
	size_t group_len = 0;

	for (size_t i = 0; i < count; i++) {
		const char *word = last_word(rows[i].path);
		size_t len = (size_t)(word - rows[i].path);

		if (len != group_len || memcmp(rows[i].path, group, len) != 0) {
			buf_str(out, group_len ? "};\n" : "");
			if (len > 0)
				buf_printf(out, "\n%.*s:\n{\n", (int)len - 1, rows[i].path);
		} else if (i > 0) {
			buf_char(out, '\n');
		}
		group = rows[i].path;
		group_len = len;
		print_help(rows[i].help, len ? "\t" : "", out);
		buf_printf(out, "%s%s = ", len ? "\t" : "", word);
		option_value(&rows[i], base, out);
		buf_str(out, ";\n");
	}
	buf_str(out, group_len ? "};\n" : "");
}
