/* SPDX-License-Identifier: MIT
 *
 * libconfig parses what config_scan() let through; walk() goes through the tree against the option table and reports
 * whatever is not in it or not as it should be. The only file that includes <libconfig.h>.
 */
#include "config_tree.h"

#include "config_check.h"

#include "config.h"
#include "err.h"

#include <assert.h>
#include <errno.h>
#include <libconfig.h>
#include <stdio.h>

#define DEPTH_MAX 8
#define FOUND_MAX 64 /* bytes of a found text that an error repeats */

struct tree {
	struct config_reading *reading;
	config_t libconfig;
	const char *error; /* of the syntax; NULL */
};

static const char *syntax_hint(const char *text)
{
	return strcmp(text, "syntax error") == 0 ?
		"; look here and one line up: texts stand in \"quotes\", a setting ends with ; and a group is { … };" :
		strcmp(text, "duplicate setting name") == 0 ? "; this key stands twice in its group: remove one" : "";
}

/* 0 with a tree to walk, which config_destroy() frees; a syntax error is told after what stands in front of it. */
static int parse(struct tree *t, const char *bytes, size_t len)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	int r = config_scan(t->reading, bytes, len, &text);

	config_init(&t->libconfig);
	if (r == 0 && !config_read_string(&t->libconfig, text.p)) {
		t->reading->broken = true;
		t->error = config_error_text(&t->libconfig) ? config_error_text(&t->libconfig) : "syntax error";
	}
	return r;
}

static void complain_syntax(struct tree *t)
{
	unsigned int line = (unsigned int)MAX(config_error_line(&t->libconfig), 1);

	if (t->error)
		config_complain(t->reading, line, NULL, "%s%s", t->error, syntax_hint(t->error));
}

/* --- the tree against the table --- */

struct walk {
	struct config_reading *reading;
	const struct option *rows;
	size_t count;
	void *base;
	const char *group;                   /* stands before the keys in errors, with its dot; "" */
	unsigned int *line;                  /* where each row was found; 0: nowhere */
	const struct config_target *target; /* its lists; NULL inside a list */
};

static void clip(const char *text, struct buf *out)
{
	size_t n = strnlen(text, FOUND_MAX + 1);

	if (config_url_has_credentials(text)) { /* what is told here stands in a log */
		buf_str(out, "a url with user:password");
		return;
	}
	if (n <= FOUND_MAX) {
		option_quote(text, out);
		return;
	}
	n = FOUND_MAX;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--; /* not through a character */
	_cleanup_(freep) char *head = config_part_of(text, n);

	option_quote(head, out);
	buf_str(out, "…");
}

static void found_int64(const struct config_reading *r, const config_setting_t *s, struct buf *out)
{
	long long v;

	for (size_t i = 0; i < r->long_count; i++)
		if (r->long_numbers[i].line == s->line && config_integer_of(r->long_numbers[i].text, &v) && v == s->value.llval) {
			buf_str(out, r->long_numbers[i].text);
			return;
		}
	buf_int(out, s->value.llval);
}

static void found(const struct config_reading *r, const config_setting_t *s, struct buf *out);

static void found_array(const struct config_reading *r, const config_setting_t *s, struct buf *out)
{
	int n = config_setting_length(s);

	buf_str(out, "[");
	for (int i = 0; i < MIN(n, 4); i++) {
		buf_str(out, i > 0 ? ", " : " ");
		found(r, config_setting_get_elem(s, (unsigned int)i), out);
	}
	buf_str(out, n > 4 ? ", … ]" : " ]");
}

static void found(const struct config_reading *r, const config_setting_t *s, struct buf *out)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
		buf_int(out, s->value.ival);
		break;
	case CONFIG_TYPE_INT64:
		found_int64(r, s, out);
		break;
	case CONFIG_TYPE_FLOAT:
		buf_printf(out, "the fraction %.15g", s->value.fval);
		break;
	case CONFIG_TYPE_BOOL:
		buf_str(out, s->value.ival ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		clip(s->value.sval ? s->value.sval : "", out);
		break;
	case CONFIG_TYPE_GROUP:
		buf_str(out, "a group { … }");
		break;
	case CONFIG_TYPE_ARRAY:
		found_array(r, s, out);
		break;
	default:
		buf_str(out, "a list ( … )");
		break;
	}
}

static int take_texts(const struct option *o, void *base, const config_setting_t *s)
{
	const char *texts[OPTION_COUNT_MAX + 1];
	size_t n = (size_t)config_setting_length(s);

	if (config_setting_type(s) != CONFIG_TYPE_ARRAY || n > ARRAY_SIZE(texts))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);

		if (config_setting_type(e) != CONFIG_TYPE_STRING)
			return -EINVAL;
		texts[i] = e->value.sval ? e->value.sval : "";
	}
	return option_set_texts(o, base, texts, n);
}

static int take(const struct option *o, void *base, const config_setting_t *s)
{
	int type = config_setting_type(s);

	switch (option_kind(o)) {
	case OPTION_KIND_TEXT:
		if (type == CONFIG_TYPE_STRING)
			return option_set_text(o, base, s->value.sval ? s->value.sval : "");
		return -EINVAL;
	case OPTION_KIND_TEXTS:
		return take_texts(o, base, s);
	case OPTION_KIND_INT:
		if (type == CONFIG_TYPE_INT)
			return option_set_int(o, base, s->value.ival);
		return type == CONFIG_TYPE_INT64 ? option_set_int(o, base, s->value.llval) : -EINVAL;
	case OPTION_KIND_BOOL:
		if (type != CONFIG_TYPE_BOOL)
			return -EINVAL;
		option_set_bool(o, base, s->value.ival);
		return 0;
	}
	return -EINVAL;
}

static void complain_option(struct walk *w, const struct option *o, unsigned int line, const char *what)
{
	struct buf text = { 0 };
	struct buf key = { 0 };

	buf_printf(&text, "%s, wanted ", what);
	option_wants(o, &text);
	if (o->initial && option_kind(o) == OPTION_KIND_TEXT)
		buf_printf(&text, "; the default is \"%s\"", o->initial);
	else if (o->initial && option_kind(o) != OPTION_KIND_TEXTS)
		buf_printf(&text, "; the default is %s", o->initial);
	buf_printf(&key, "%s%s", w->group, o->path);
	config_complain(w->reading, line, key.p, "%s", text.p);
	buf_done(&text);
	buf_done(&key);
}

static void take_option(struct walk *w, const struct option *o, const config_setting_t *s)
{
	struct buf what = { 0 };

	w->line[o - w->rows] = s->line;
	if (take(o, w->base, s) < 0) {
		buf_str(&what, "found ");
		if (o->type == OPTION_SECRET)
			buf_str(&what, "something else"); /* might be the secret itself */
		else
			found(w->reading, s, &what);
		complain_option(w, o, s->line, what.p);
	}
	buf_done(&what);
}

/* The keys that stand beside an unknown one. */
static void list_keys(const struct walk *w, const char *path, struct buf *out)
{
	const char *dot = strrchr(path, '.');
	size_t len = dot ? (size_t)(dot + 1 - path) : 0;

	buf_str(out, "; here may stand");
	for (size_t i = 0, n = 0; i < w->count; i++) {
		const char *rest;
		int word;

		if (strncmp(w->rows[i].path, path, len) != 0)
			continue; /* may be shorter than len */
		rest = w->rows[i].path + len;
		word = (int)strcspn(rest, ".");
		if (i > 0 && strncmp(w->rows[i - 1].path, w->rows[i].path, len + (size_t)word) == 0 && rest[word])
			continue; /* a group is listed once */
		buf_printf(out, "%s %.*s", n++ > 0 ? "," : "", word, rest);
	}
}

static void unknown_key(struct walk *w, const char *path, const config_setting_t *s)
{
	const struct option *near = option_nearest(w->rows, w->count, path);
	struct buf text = { 0 };
	struct buf key = { 0 };

	buf_printf(&key, "%s%s", w->group, path);
	buf_str(&text, "unknown key");
	if (near)
		buf_printf(&text, "; did you mean %s%s?", w->group, near->path);
	else
		list_keys(w, path, &text);
	config_complain(w->reading, s->line, key.p, "%s", text.p);
	buf_done(&text);
	buf_done(&key);
}

static void walk(struct walk *w, const config_setting_t *group, const char *prefix, int depth);
static void take_list(struct walk *w, const struct config_list *l, void *base, const config_setting_t *list);

static const struct config_list *list_of(const struct walk *w, const char *path, void **ret_base)
{
	for (size_t k = 0; w->target && k < ARRAY_SIZE(w->target->lists); k++)
		for (size_t i = 0; i < w->target->lists[k].count; i++)
			if (strcmp(w->target->lists[k].rows[i].path, path) == 0) {
				*ret_base = w->target->lists[k].base;
				return &w->target->lists[k].rows[i];
			}
	return NULL;
}

static void walk_member(struct walk *w, const config_setting_t *s, const char *prefix, int depth)
{
	struct buf path = { 0 };
	const struct config_list *list;
	const struct option *o;
	void *base = NULL;

	buf_printf(&path, "%s%s%s", prefix, *prefix ? "." : "", config_setting_name(s));
	o = option_find(w->rows, w->count, path.p);
	list = list_of(w, path.p, &base);
	if (o)
		take_option(w, o, s);
	else if (list)
		take_list(w, list, base, s);
	else if (!option_is_group(w->rows, w->count, path.p))
		unknown_key(w, path.p, s);
	else if (!config_setting_is_group(s))
		config_complain(w->reading, s->line, path.p, "found a single value, wanted a group { … }");
	else if (depth < DEPTH_MAX)
		walk(w, s, path.p, depth + 1);
	buf_done(&path);
}

static void walk(struct walk *w, const config_setting_t *group, const char *prefix, int depth)
{
	int n = config_setting_length(group);

	for (int i = 0; i < n; i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);

		if (config_setting_type(s) != CONFIG_TYPE_NONE) /* none: a syntax error stood here */
			walk_member(w, s, prefix, depth);
	}
}

/* since: where a key of a later version has its line to paste; NULL nowhere. */
static void complain_missing(struct walk *w, unsigned int line, const char *since)
{
	for (size_t i = 0; i < w->count && !w->reading->broken; i++) {
		struct buf key = { 0 };
		const char *at;

		if (w->rows[i].initial || w->line[i] != 0)
			continue;
		complain_option(w, &w->rows[i], line, "is missing");
		buf_printf(&key, "\n\t%s = ", w->rows[i].path);
		at = since ? strstr(since, key.p) : NULL;
		if (at)
			buf_printf(w->reading->errors, "as it was introduced: %.*s\n", (int)strcspn(at + 2, "\n"), at + 2);
		buf_done(&key);
	}
}

/* An item begins with its line. */
static void take_item(struct walk *outer, const struct config_list *l, struct config_items *items, const config_setting_t *group)
{
	unsigned int lines[OPTION_COUNT_MAX] = { 0 };
	struct walk w = { .reading = outer->reading, .rows = l->rows, .count = l->row_count, .line = lines };
	char prefix[64];

	assert(l->row_count <= OPTION_COUNT_MAX);
	snprintf(prefix, sizeof prefix, "%s.", l->path);
	items->first = xrealloc(items->first, (items->count + 1) * l->size);
	w.base = (char *)items->first + items->count++ * l->size;
	memset(w.base, 0, l->size);
	*(unsigned int *)w.base = group->line;
	option_initialise(w.rows, w.count, w.base);
	w.group = prefix;
	walk(&w, group, "", 0);
	complain_missing(&w, group->line, NULL);
}

static void take_list(struct walk *w, const struct config_list *l, void *base, const config_setting_t *list)
{
	struct config_items *items = (void *)((char *)base + l->offset);
	int n = config_setting_type(list) == CONFIG_TYPE_LIST ? config_setting_length(list) : 0;

	if (config_setting_type(list) != CONFIG_TYPE_LIST)
		config_complain(w->reading, list->line, l->path, "wanted a list ( { … }, { … } )");
	for (int i = 0; i < n; i++) {
		const config_setting_t *e = config_setting_get_elem(list, (unsigned int)i);

		if (config_setting_is_group(e))
			take_item(w, l, items, e);
		else
			config_complain(w->reading, list->line, l->path, "entry %d is not a group { … }", i + 1);
	}
}

int config_read_options(struct config_reading *r, const char *bytes, size_t len, const struct config_target *target)
{
	struct tree t = { .reading = r };
	struct walk w = { .reading = r, .rows = target->rows, .count = target->count, .base = target->base, .group = "",
			  .line = target->lines, .target = target };
	int error = parse(&t, bytes, len);

	if (error == 0) {
		walk(&w, config_root_setting(&t.libconfig), "", 0);
		complain_syntax(&t);
	}
	config_destroy(&t.libconfig);
	return error;
}

static void release_list(const struct config_list *l, void *base)
{
	struct config_items *items = (void *)((char *)base + l->offset);

	for (size_t k = 0; k < items->count; k++)
		option_release(l->rows, l->row_count, (char *)items->first + k * l->size);
	free(items->first);
	*items = (struct config_items){ 0 };
}

void config_release_lists(const struct config_target *target)
{
	for (size_t k = 0; k < ARRAY_SIZE(target->lists); k++)
		for (size_t i = 0; i < target->lists[k].count; i++)
			release_list(&target->lists[k].rows[i], target->lists[k].base);
}

/* --- dated versions --- */

/* The section as it was introduced, for config_destroy(); NULL without one. Its text is ours: it parses (test_config.c). */
static config_setting_t *parse_since(const struct config_section *section, config_t *ret)
{
	config_init(ret);
	if (!section->since || !config_read_string(ret, section->since))
		return NULL;
	return config_lookup(ret, section->name);
}

/* What a version that is older than some of its keys does not say. */
static void fill_version(struct walk *w, const struct config_section *section)
{
	config_t since;
	config_setting_t *list = parse_since(section, &since);
	config_setting_t *group = list ? config_setting_get_elem(list, 0) : NULL;

	for (size_t i = 0; group && i < w->count; i++) {
		const config_setting_t *s = w->line[i] == 0 ? config_setting_lookup(group, w->rows[i].path) : NULL;

		if (s)
			take_option(w, &w->rows[i], s);
	}
	config_destroy(&since);
}

static void show_since(struct config_reading *r, const struct config_section *section)
{
	if (section->since)
		buf_printf(r->errors, "add these lines, which say what nurseryd took for granted before the group existed:\n%s",
			   section->since);
}

static void read_version(struct config_reading *r, const struct config_section *section, struct config_versions *versions,
	const config_setting_t *group, bool fill)
{
	unsigned int lines[OPTION_COUNT_MAX] = { 0 };
	struct walk w = { .reading = r, .rows = section->rows, .count = section->row_count, .line = lines };
	char prefix[64];
	const struct config_version *before, *now;

	assert(section->row_count <= OPTION_COUNT_MAX);
	snprintf(prefix, sizeof prefix, "%s.", section->name);
	versions->first = xrealloc(versions->first, (versions->count + 1) * section->size);
	w.base = (char *)versions->first + versions->count * section->size;
	memset(w.base, 0, section->size);
	option_initialise(w.rows, w.count, w.base);
	versions->count++;
	w.group = prefix;
	walk(&w, group, "", 0);
	if (fill)
		fill_version(&w, section);
	complain_missing(&w, group->line, section->since);
	now = w.base;
	before = versions->count > 1 ? (const void *)((const char *)w.base - section->size) : NULL;
	if (before && now->effective_on <= before->effective_on)
		config_complain(r, group->line, section->name, "each version's effective_on must be later than the one before it");
}

static void read_section(struct config_reading *r, const struct config_section *section, const struct config_dated *what,
	const config_setting_t *list)
{
	struct config_versions *versions = (void *)((char *)what->target + section->offset);
	int n = config_setting_type(list) == CONFIG_TYPE_LIST ? config_setting_length(list) : 0;

	versions->size = section->size;
	if (n == 0)
		config_complain(r, list->line, section->name, "wanted a list of versions ( { … }, { … } )");
	for (int i = 0; i < n; i++) {
		const config_setting_t *e = config_setting_get_elem(list, (unsigned int)i);

		if (config_setting_is_group(e))
			read_version(r, section, versions, e, what->fill);
		else
			config_complain(r, list->line, section->name, "version %d is not a group { … }", i + 1);
	}
}

/* A section that the text does not have. */
static void miss_section(struct config_reading *r, const struct config_section *section, const struct config_dated *what)
{
	config_t since;
	config_setting_t *list = what->fill ? parse_since(section, &since) : NULL;

	if (list) {
		read_section(r, section, what, list);
	} else {
		config_complain(r, 1, section->name, "is missing, wanted a list of versions ( { … } )");
		show_since(r, section);
	}
	if (what->fill)
		config_destroy(&since);
}

static const struct config_section *section_of(const struct config_dated *what, const char *name)
{
	for (size_t i = 0; i < what->count; i++)
		if (strcmp(what->sections[i].name, name) == 0)
			return &what->sections[i];
	return NULL;
}

static void unknown_section(struct config_reading *r, const struct config_dated *what, const config_setting_t *s)
{
	struct option names[OPTION_COUNT_MAX] = { 0 };
	const struct option *near;

	assert(what->count <= OPTION_COUNT_MAX);
	for (size_t i = 0; i < what->count; i++)
		names[i].path = what->sections[i].name;
	near = option_nearest(names, what->count, config_setting_name(s));
	config_complain(r, s->line, config_setting_name(s), near ? "unknown group; did you mean %s?" : "unknown group%s",
		near ? near->path : "");
}

static void read_sections(struct tree *t, const struct config_dated *what)
{
	const config_setting_t *root = config_root_setting(&t->libconfig);
	struct config_reading *r = t->reading;
	bool seen[OPTION_COUNT_MAX] = { false };

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned int)i);
		const struct config_section *section = section_of(what, config_setting_name(s));

		if (section) {
			seen[section - what->sections] = true;
			read_section(r, section, what, s);
		} else {
			unknown_section(r, what, s);
		}
	}
	for (size_t i = 0; i < what->count && !r->broken; i++)
		if (!seen[i])
			miss_section(r, &what->sections[i], what);
}

bool config_check_source(const char *text)
{
	return *text != '\0';
}

int config_read_versions(const char *bytes, size_t len, const char *name, const struct config_dated *what, struct buf *errors)
{
	struct config_reading r = { .name = name, .errors = errors };
	struct tree t = { .reading = &r };

	if (parse(&t, bytes, len) == 0) {
		read_sections(&t, what);
		complain_syntax(&t);
	}
	config_destroy(&t.libconfig);
	config_reading_done(&r);
	return r.failed ? -EINVAL : 0;
}

void config_release_versions(const struct config_section *sections, size_t count, void *target)
{
	for (size_t i = 0; i < count; i++) {
		struct config_versions *v = (void *)((char *)target + sections[i].offset);

		for (size_t k = 0; k < v->count; k++)
			option_release(sections[i].rows, sections[i].row_count, (char *)v->first + k * v->size);
		free(v->first);
		*v = (struct config_versions){ 0 };
	}
}

const void *config_version_on(const struct config_versions *versions, int64_t day)
{
	const char *first = versions->first;
	size_t i = versions->count;

	while (i > 1 && ((const struct config_version *)(const void *)(first + (i - 1) * versions->size))->effective_on > day)
		i--;
	return i > 0 ? first + (i - 1) * versions->size : NULL;
}
