/* SPDX-License-Identifier: MIT
 *
 * How a text becomes a struct: scan() walks over the bytes as libconfig's lexer would and gives every integer that
 * does not fit 32 bits the suffix L (libconfig 1.5 would cut it silently); libconfig parses that; walk() goes through
 * the tree against the option table and reports whatever is not in it or not as it should be.
 */
#include "config.h"

#include "err.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FILE_BYTES_MAX (1024 * 1024)
#define SECRET_BYTES_MAX 4096
#define DEPTH_MAX 8
#define FOUND_MAX 64 /* bytes of a found text that an error repeats */

static_assert(sizeof(enum log_level) == sizeof(int), "log_level is an OPTION_WORD");

/* --- reading the text --- */

struct long_number {
	unsigned int line;
	char *text; /* as written */
};

struct reading {
	const char *name; /* of the file, for errors */
	struct buf *errors;
	bool failed;
	bool broken; /* the tree ends at a syntax error: what is missing says nothing */
	struct long_number *long_numbers;
	size_t long_count;
	config_t tree;
};

struct scanner {
	struct reading *reading;
	const char *p, *end;
	unsigned int line;
	struct buf out;
};

static char *part_of(const char *text, size_t len)
{
	char *p = strndup(text, len);

	if (!p)
		die_oom();
	return p;
}

static void reading_done(struct reading *r)
{
	for (size_t i = 0; i < r->long_count; i++)
		free(r->long_numbers[i].text);
	free(r->long_numbers);
	config_destroy(&r->tree);
}

__attribute__((format(printf, 4, 5))) static void complain(
	struct reading *r, unsigned int line, const char *key, const char *format, ...)
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
	buf_add(&s->out, s->p, (size_t)(end - s->p));
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
	struct reading *r = s->reading;

	r->long_numbers = xrealloc(r->long_numbers, (r->long_count + 1) * sizeof *r->long_numbers);
	r->long_numbers[r->long_count++] = (struct long_number){ .line = s->line, .text = xstrdup(text) };
}

/* Not a plain integer (1.5, 1e3, 0xZZ): 0, libconfig will say what it is. */
static int integer_of(const char *text, long long *ret)
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
	_cleanup_(freep) char *text = part_of(s->p, (size_t)(end - s->p));
	long long v;

	if (!integer_of(text, &v) || (v >= INT_MIN && v <= INT_MAX)) {
		copy_through(s, end);
		return;
	}
	/* strtoll() ends at the limits, which no option reaches: walk() finds them out of range. */
	keep_long_number(s, text);
	buf_printf(&s->out, "%lldL", v);
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
			complain(s->reading, s->line, NULL, "found a NUL byte, wanted text");
			return -EINVAL;
		}
		if (starts(s, "@include")) {
			complain(s->reading, s->line, NULL, "@include is not supported; write everything into this file");
			return -EINVAL;
		}
		copy_token(s);
	}
	return 0;
}

static const char *syntax_hint(const char *text)
{
	return strcmp(text, "syntax error") == 0 ?
		"; look here and one line up: texts stand in \"quotes\", a setting ends with ; and a group is { … };" :
		strcmp(text, "duplicate setting name") == 0 ? "; this key stands twice in its group: remove one" : "";
}

static int parse(struct reading *r, const char *bytes, size_t len)
{
	struct scanner s = { .reading = r, .p = bytes, .end = bytes + len, .line = 1 };
	int error;

	config_init(&r->tree);
	buf_reserve(&s.out, len);
	buf_str(&s.out, "");
	error = scan(&s);
	if (error == 0 && !config_read_string(&r->tree, s.out.p)) {
		const char *text = config_error_text(&r->tree);

		/* told after what walk() finds in front of it */
		r->broken = true;
		r->tree.error_text = text ? text : "syntax error";
	}
	buf_done(&s.out);
	return error;
}

static void complain_syntax(struct reading *r)
{
	const char *text = config_error_text(&r->tree);

	if (r->broken)
		complain(r, (unsigned int)MAX(config_error_line(&r->tree), 1), NULL, "%s%s", text, syntax_hint(text));
}

/* --- the tree against the table --- */

struct walk {
	struct reading *reading;
	const struct option *rows;
	size_t count;
	void *base;
	const char *group;                   /* stands before the keys in errors, with its dot; "" */
	unsigned int line[OPTION_COUNT_MAX]; /* where each row was found; 0: nowhere */
};

static void clip(const char *text, struct buf *out)
{
	size_t n = strnlen(text, FOUND_MAX + 1);

	if (n <= FOUND_MAX) {
		option_quote(text, out);
		return;
	}
	n = FOUND_MAX;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--; /* not through a character */
	_cleanup_(freep) char *head = part_of(text, n);

	option_quote(head, out);
	buf_str(out, "…");
}

static void found_int64(const struct reading *r, const config_setting_t *s, struct buf *out)
{
	long long v;

	for (size_t i = 0; i < r->long_count; i++)
		if (r->long_numbers[i].line == s->line && integer_of(r->long_numbers[i].text, &v) && v == s->value.llval) {
			buf_str(out, r->long_numbers[i].text);
			return;
		}
	buf_int(out, s->value.llval);
}

static void found(const struct reading *r, const config_setting_t *s, struct buf *out);

static void found_array(const struct reading *r, const config_setting_t *s, struct buf *out)
{
	int n = config_setting_length(s);

	buf_str(out, "[");
	for (int i = 0; i < MIN(n, 4); i++) {
		buf_str(out, i > 0 ? ", " : " ");
		found(r, config_setting_get_elem(s, (unsigned int)i), out);
	}
	buf_str(out, n > 4 ? ", … ]" : " ]");
}

static void found(const struct reading *r, const config_setting_t *s, struct buf *out)
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
	complain(w->reading, line, key.p, "%s", text.p);
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
		const char *rest = w->rows[i].path + len;
		int word = (int)strcspn(rest, ".");

		if (strncmp(w->rows[i].path, path, len) != 0)
			continue;
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
	complain(w->reading, s->line, key.p, "%s", text.p);
	buf_done(&text);
	buf_done(&key);
}

static void walk(struct walk *w, const config_setting_t *group, const char *prefix, int depth);

static void walk_member(struct walk *w, const config_setting_t *s, const char *prefix, int depth)
{
	struct buf path = { 0 };
	const struct option *o;

	buf_printf(&path, "%s%s%s", prefix, *prefix ? "." : "", config_setting_name(s));
	o = option_find(w->rows, w->count, path.p);
	if (o)
		take_option(w, o, s);
	else if (!option_is_group(w->rows, w->count, path.p))
		unknown_key(w, path.p, s);
	else if (!config_setting_is_group(s))
		complain(w->reading, s->line, path.p, "found a single value, wanted a group { … }");
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

static void complain_missing(struct walk *w, unsigned int line)
{
	for (size_t i = 0; i < w->count && !w->reading->broken; i++)
		if (!w->rows[i].initial && w->line[i] == 0)
			complain_option(w, &w->rows[i], line, "is missing");
}

/* --- dated versions --- */

static void read_version(struct reading *r, const struct config_section *section, struct config_versions *versions,
	const config_setting_t *group)
{
	struct walk w = { .reading = r, .rows = section->rows, .count = section->row_count };
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
	complain_missing(&w, group->line);
	now = w.base;
	before = versions->count > 1 ? (const void *)((const char *)w.base - section->size) : NULL;
	if (before && now->effective_on <= before->effective_on)
		complain(r, group->line, section->name, "each version's effective_on must be later than the one before it");
}

static void read_section(
	struct reading *r, const struct config_section *section, void *target, const config_setting_t *list)
{
	struct config_versions *versions = (void *)((char *)target + section->offset);
	int n = config_setting_type(list) == CONFIG_TYPE_LIST ? config_setting_length(list) : 0;

	versions->size = section->size;
	if (n == 0)
		complain(r, list->line, section->name, "wanted a list of versions ( { … }, { … } )");
	for (int i = 0; i < n; i++) {
		const config_setting_t *e = config_setting_get_elem(list, (unsigned int)i);

		if (config_setting_is_group(e))
			read_version(r, section, versions, e);
		else
			complain(r, list->line, section->name, "version %d is not a group { … }", i + 1);
	}
}

static const struct config_section *section_of(const struct config_section *sections, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

static void unknown_section(
	struct reading *r, const struct config_section *sections, size_t count, const config_setting_t *s)
{
	struct option names[OPTION_COUNT_MAX] = { 0 };
	const struct option *near;

	assert(count <= OPTION_COUNT_MAX);
	for (size_t i = 0; i < count; i++)
		names[i].path = sections[i].name;
	near = option_nearest(names, count, config_setting_name(s));
	complain(r, s->line, config_setting_name(s), near ? "unknown group; did you mean %s?" : "unknown group%s",
		near ? near->path : "");
}

static void read_sections(struct reading *r, const struct config_section *sections, size_t count, void *target)
{
	const config_setting_t *root = config_root_setting(&r->tree);
	bool seen[OPTION_COUNT_MAX] = { false };

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned int)i);
		const struct config_section *section = section_of(sections, count, config_setting_name(s));

		if (section) {
			seen[section - sections] = true;
			read_section(r, section, target, s);
		} else {
			unknown_section(r, sections, count, s);
		}
	}
	for (size_t i = 0; i < count && !r->broken; i++)
		if (!seen[i])
			complain(r, 1, sections[i].name, "is missing, wanted a list of versions ( { … } )");
}

bool config_check_source(const char *text)
{
	return *text != '\0';
}

int config_read_versions(const char *bytes, size_t len, const char *name, const struct config_section *sections,
	size_t count, void *target, struct buf *errors)
{
	struct reading r = { .name = name, .errors = errors };

	if (parse(&r, bytes, len) == 0) {
		read_sections(&r, sections, count, target);
		complain_syntax(&r);
	}
	reading_done(&r);
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

/* --- the configuration --- */

/* "host", "host:port", "[::1]:port" behind an optional scheme. 0, or -EINVAL; *ret_host points into text. */
static int split_address(const char *text, int port, const char **ret_host, size_t *ret_len, int *ret_port)
{
	const char *end;
	long v = port;

	if (*text == '[') {
		*ret_host = text + 1;
		*ret_len = strcspn(text + 1, "]");
		end = text + 1 + *ret_len + 1;
		if (text[1 + *ret_len] != ']' || strspn(text + 1, "0123456789abcdefABCDEF:.") < *ret_len)
			return -EINVAL;
	} else {
		*ret_host = text;
		*ret_len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_");
		end = text + *ret_len;
	}
	if (*end == ':') {
		size_t n = strspn(++end, "0123456789");

		v = n > 0 && n <= 5 ? strtol(end, NULL, 10) : -1;
		end += n;
	}
	if (*ret_len == 0 || *ret_len > 253 || *end != '\0' || v < 1 || v > 65535)
		return -EINVAL;
	*ret_port = (int)v;
	return 0;
}

static bool scheme(const char **text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*text, word, n) != 0)
		return false;
	*text += n;
	return true;
}

static int split_mqtt(const char *url, const char **host, size_t *len, int *port, bool *tls)
{
	*tls = scheme(&url, "mqtts://");
	if (!*tls && !scheme(&url, "mqtt://"))
		return -EINVAL;
	return split_address(url, *tls ? 8883 : 1883, host, len, port);
}

static bool check_mqtt_url(const char *text)
{
	const char *host;
	size_t len;
	int port;
	bool tls;

	return split_mqtt(text, &host, &len, &port, &tls) == 0;
}

static bool check_listen(const char *text)
{
	const char *host;
	size_t len;
	int port;

	return !*text || split_address(text, 0, &host, &len, &port) == 0;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool check_http_url(const char *text)
{
	if (!*text)
		return true;
	return (scheme(&text, "http://") || scheme(&text, "https://")) && *text && *text != '/' && printable(text);
}

static bool check_word(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-");

	return n <= 64 && text[n] == '\0';
}

static bool check_instance(const char *text)
{
	return *text && check_word(text);
}

/* MQTT 5 §4.7: + stands alone between slashes, # alone at the end. Shared subscriptions reorder (DESIGN §7). */
static bool check_filter(const char *text)
{
	if (!*text || strncmp(text, "$share", 6) == 0)
		return false;
	for (const char *p = text; *p; p++) {
		bool first = p == text || p[-1] == '/';

		if (*p == '#' && (!first || p[1]))
			return false;
		if (*p == '+' && (!first || (p[1] && p[1] != '/')))
			return false;
	}
	return printable(text);
}

static bool check_database(const char *text)
{
	return strlen(text) <= 128 && printable(text);
}

#define AT(member) offsetof(struct config, member)
#define DAYS_MS(n) (INT64_C(86400000) * (n))

static const struct option options[] = {
	{ .path = "instance", .type = OPTION_TEXT, .offset = AT(instance), .initial = "main", .check = check_instance,
	  .wants = "1 to 64 of A-Z a-z 0-9 . _ -",
	  .help = "The name of this daemon in logs, metrics and the retained status." },
	{ .path = "policy", .type = OPTION_PATH, .offset = AT(policy_path), .initial = "policy.conf",
	  .help = "Dated policy data (thresholds, deadlines, eligibility), each with its source. Must exist." },
	{ .path = "store.path", .type = OPTION_PATH, .offset = AT(store.path), .initial = "nurseryd.db",
	  .help = "The SQLite database: ledger and state. A lock file and the WAL stand beside it." },
	{ .path = "mqtt.url", .type = OPTION_TEXT, .offset = AT(mqtt.url), .initial = "mqtt://127.0.0.1:1883",
	  .check = check_mqtt_url, .wants = "mqtt://host:port, or mqtts://host:port for TLS, the port from 1 to 65535",
	  .help = "The broker. mqtts:// for TLS." },
	{ .path = "mqtt.client_id", .type = OPTION_TEXT, .offset = AT(mqtt.client_id), .initial = "", .check = check_word,
	  .wants = "at most 64 of A-Z a-z 0-9 . _ -",
	  .help = "\"\": nurseryd-<random, kept in the database>. Two daemons with one id steal each other's messages." },
	{ .path = "mqtt.protocol", .type = OPTION_WORD, .offset = AT(mqtt.protocol), .initial = "5", .words = "3.1.1|5",
	  .help = "\"5\", or \"3.1.1\" for a broker without MQTT 5 (slower: 20 messages in flight)." },
	{ .path = "mqtt.subscribe", .type = OPTION_TEXTS, .offset = AT(mqtt.subscribe), .initial = "nursery/v1/+/+/+/up/+",
	  .min = 1, .max = CONFIG_SUBSCRIBE_MAX, .check = check_filter, .wants = "a topic filter, not $share",
	  .help = "Topic filters, at most 16; a province's daemon takes \"nursery/v1/33/+/+/up/+\"." },
	{ .path = "mqtt.sandbox", .type = OPTION_BOOL, .offset = AT(mqtt.sandbox), .initial = "true",
	  .help = "Also answer nursery-test/v1/…: judged and receipted, nothing stored, nobody called." },
	{ .path = "mqtt.gap_grace", .type = OPTION_DURATION, .offset = AT(mqtt.gap_grace_ms), .initial = "10m", .min = 100,
	  .max = DAYS_MS(30),
	  .help = "Ask a sender for missing messages after so long; 3 times in all, 10 times as long apart." },
	{ .path = "mqtt.username", .type = OPTION_TEXT, .offset = AT(mqtt.username), .initial = "", .check = check_database,
	  .wants = "at most 128 bytes without blanks", .help = "\"\": anonymous." },
	{ .path = "mqtt.password_file", .type = OPTION_SECRET, .offset = AT(mqtt.password_file), .initial = "",
	  .help = "Holds the password. A relative name that is not beside this file is a systemd credential\n"
		  "(LoadCredential=)." },
	{ .path = "mqtt.ca_file", .type = OPTION_PATH, .offset = AT(mqtt.ca_file), .initial = "",
	  .help = "PEM of the authority that signed the broker's certificate; \"\": the system's authorities." },
	{ .path = "mqtt.cert_file", .type = OPTION_PATH, .offset = AT(mqtt.cert_file), .initial = "",
	  .help = "Our own certificate and its key, PEM, where the broker asks for one." },
	{ .path = "mqtt.key_file", .type = OPTION_SECRET, .offset = AT(mqtt.key_file), .initial = "",
	  .help = "The key of cert_file." },
	{ .path = "http.listen", .type = OPTION_TEXT, .offset = AT(http.listen), .initial = "127.0.0.1:8640",
	  .check = check_listen, .wants = "host:port, the port from 1 to 65535, or \"\" for no TCP",
	  .help = "API, page and metrics. Keep it on loopback and put a TLS proxy in front. \"\": no TCP." },
	{ .path = "http.socket", .type = OPTION_PATH, .offset = AT(http.socket), .initial = "nurseryd.sock",
	  .help = "Unix socket of nurseryctl, mode 0660: who may open it is known by uid. \"\": none." },
	{ .path = "influx.url", .type = OPTION_TEXT, .offset = AT(influx.url), .initial = "", .check = check_http_url,
	  .wants = "http://host:port or https://host:port, or \"\" for off",
	  .help = "InfluxDB or VictoriaMetrics, such as \"http://127.0.0.1:8086\". \"\": off." },
	{ .path = "influx.api", .type = OPTION_WORD, .offset = AT(influx.api), .initial = "v1", .words = "v1|v2",
	  .help = "\"v1\": /write with database; \"v2\": /api/v2/write with org and bucket." },
	{ .path = "influx.database", .type = OPTION_TEXT, .offset = AT(influx.database), .initial = "nursery",
	  .check = check_database, .wants = "at most 128 bytes without blanks", .help = "Where \"v1\" writes." },
	{ .path = "influx.org", .type = OPTION_TEXT, .offset = AT(influx.org), .initial = "", .check = check_database,
	  .wants = "at most 128 bytes without blanks", .help = "Where \"v2\" writes: org and bucket." },
	{ .path = "influx.bucket", .type = OPTION_TEXT, .offset = AT(influx.bucket), .initial = "", .check = check_database,
	  .wants = "at most 128 bytes without blanks", .help = "See org." },
	{ .path = "influx.token_file", .type = OPTION_SECRET, .offset = AT(influx.token_file), .initial = "",
	  .help = "Holds the token (v2), or user:password (v1). Relative names as in mqtt.password_file." },
	{ .path = "influx.sites", .type = OPTION_BOOL, .offset = AT(influx.sites), .initial = "true",
	  .help = "Also write the measurement site_enrolment: one series a nursery." },
	{ .path = "indicators.every", .type = OPTION_DURATION, .offset = AT(indicators.every_ms), .initial = "10s",
	  .min = 50, .max = DAYS_MS(1), .help = "How often changed units are computed again." },
	{ .path = "limits.per_site", .type = OPTION_RATE, .offset = AT(limits.per_site), .initial = "120/min", .min = 1,
	  .max = 1000000,
	  .help = "Messages of one nursery. Above: receipt E_RATE, a count and no row; never for the first sight of an\n"
		  "incident." },
	{ .path = "log.level", .type = OPTION_WORD, .offset = AT(log_level), .initial = "info",
	  .min = LOG_LEVEL_ERROR, .words = "error|warning|info|debug",
	  .help = "\"error\", \"warning\", \"info\" or \"debug\"; SIGHUP takes a new one over." },
};

static_assert(ARRAY_SIZE(options) <= OPTION_COUNT_MAX, "enlarge OPTION_COUNT_MAX");

/* What the rest of the program wants to know in parts. The texts were checked, so nothing fails. */
static void derive(struct config *c)
{
	const char *host = "";
	size_t len = 0;

	split_mqtt(c->mqtt.url, &host, &len, &c->mqtt.port, &c->mqtt.tls);
	c->mqtt.host = part_of(host, len);
	len = 0;
	if (*c->http.listen)
		split_address(c->http.listen, 0, &host, &len, &c->http.listen_port);
	c->http.listen_host = part_of(host, len);
	c->mqtt.protocol_v5 = c->mqtt.protocol == 1;
	c->mqtt.protocol = c->mqtt.protocol_v5 ? 5 : 3;
	while (c->mqtt.subscribe[c->mqtt.subscribe_count])
		c->mqtt.subscribe_count++;
	c->limits.per_site_count = c->limits.per_site.count;
	c->limits.per_site_ms = c->limits.per_site.every_ms;
}

static bool tls_file_without_tls(const struct config *c)
{
	return !c->mqtt.tls && (*c->mqtt.ca_file || *c->mqtt.cert_file || *c->mqtt.key_file);
}

static bool half_certificate(const struct config *c)
{
	return !*c->mqtt.cert_file != !*c->mqtt.key_file;
}

static bool password_without_user(const struct config *c)
{
	return *c->mqtt.password_file && !*c->mqtt.username;
}

static bool influx_without_place(const struct config *c)
{
	if (!*c->influx.url)
		return false;
	return c->influx.api == CONFIG_INFLUX_V1 ? !*c->influx.database : !*c->influx.org || !*c->influx.bucket;
}

static bool socket_too_long(const struct config *c)
{
	return strlen(c->http.socket) >= sizeof ((struct sockaddr_un *)NULL)->sun_path;
}

static bool nobody_can_ask(const struct config *c)
{
	return !*c->http.listen && !*c->http.socket;
}

static bool policy_unreadable(const struct config *c)
{
	struct stat st;

	return stat(c->policy_path, &st) < 0 || !S_ISREG(st.st_mode) || access(c->policy_path, R_OK) < 0;
}

static const struct rule {
	const char *path; /* the line of this key is named */
	bool (*broken)(const struct config *c);
	const char *text;
} rules[] = {
	{ "policy", policy_unreadable,
	  "the policy file does not exist or cannot be read; copy the shipped config/policy.conf there, or name the right one" },
	{ "mqtt.url", tls_file_without_tls, "ca_file, cert_file and key_file need mqtts://; change the url or empty them" },
	{ "mqtt.cert_file", half_certificate, "cert_file and key_file go together; set both or none" },
	{ "mqtt.password_file", password_without_user, "a password needs mqtt.username" },
	{ "http.socket", socket_too_long, "the absolute path of a Unix socket has at most 107 bytes; choose a shorter one" },
	{ "http.listen", nobody_can_ask, "with listen and socket both empty nobody can ask; set one" },
	{ "influx.api", influx_without_place, "api \"v1\" needs influx.database, \"v2\" needs influx.org and influx.bucket" },
};

static void apply_rules(struct walk *w, const struct config *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct option *o = option_find(options, ARRAY_SIZE(options), rules[i].path);
		_cleanup_(freep) char *said = NULL;
		struct buf text = { 0 };

		if (!rules[i].broken(c))
			continue;
		if (o->type == OPTION_PATH)
			option_value(o, c, &text);
		said = buf_take(&text);
		complain(w->reading, MAX(w->line[o - options], 1U), o->path, "%s%s%s", said, *said ? ": " : "",
			rules[i].text);
	}
}

int config_read_bytes(const char *path, size_t max, struct buf *ret)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	do {
		buf_reserve(ret, 4096);
		n = read(fd, ret->p + ret->len, 4096);
		if (n < 0)
			return -errno;
		ret->len += (size_t)n;
		ret->p[ret->len] = '\0';
		if (ret->len > max)
			return -EFBIG;
	} while (n > 0);
	return 0;
}

int config_read_secret(const char *path, char **ret)
{
	struct buf b = { 0 };
	int r = config_read_bytes(path, SECRET_BYTES_MAX, &b);

	if (r == -EFBIG || (r == 0 && memchr(b.p, '\0', b.len)))
		r = -EINVAL;
	if (r == 0) {
		if (b.len > 0 && b.p[b.len - 1] == '\n')
			b.p[--b.len] = '\0';
		*ret = xstrdup(b.p);
	}
	if (b.p)
		explicit_bzero(b.p, b.cap);
	buf_done(&b);
	return r;
}

/* The directory that relative paths count from, absolute. */
static int directory_of(const char *path, char **ret)
{
	struct buf b = { 0 };
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *dir;

	if (slash)
		buf_add(&b, path, MAX((size_t)(slash - path), (size_t)1));
	else
		buf_str(&b, ".");
	dir = realpath(b.p, NULL);
	buf_done(&b);
	*ret = dir;
	return dir ? 0 : -errno;
}

static void read_text(struct walk *w, const struct buf *text)
{
	if (parse(w->reading, text->p ? text->p : "", text->len) < 0)
		return;
	walk(w, config_root_setting(&w->reading->tree), "", 0);
	complain_syntax(w->reading);
}

static int load(struct config *c, const char *path, const char *dir, struct buf *errors)
{
	struct reading r = { .name = path ? path : "(defaults)", .errors = errors };
	struct walk w = { .reading = &r, .rows = options, .count = ARRAY_SIZE(options), .base = c, .group = "" };
	struct buf text = { 0 };
	int error = path ? config_read_bytes(path, FILE_BYTES_MAX, &text) : 0;

	if (error < 0) {
		buf_printf(errors, "%s: the configuration cannot be read: %s\n", path, strerror(-error));
	} else {
		read_text(&w, &text);
		option_resolve(options, ARRAY_SIZE(options), c, dir, getenv("CREDENTIALS_DIRECTORY"));
		derive(c);
		if (!r.broken)
			apply_rules(&w, c);
		error = r.failed ? -EINVAL : 0;
		reading_done(&r);
	}
	buf_done(&text);
	return error;
}

int config_load(const char *path, struct config **ret, struct buf *errors)
{
	_cleanup_(config_freep) struct config *c = xcalloc(1, sizeof *c);
	_cleanup_(freep) char *dir = NULL;
	int r;

	option_initialise(options, ARRAY_SIZE(options), c);
	c->file = xstrdup(path ? path : "");
	r = directory_of(path, &dir);
	if (r < 0)
		buf_printf(errors, "%s: the configuration cannot be read: %s\n", path ? path : ".", strerror(-r));
	else
		r = load(c, path, dir, errors);
	if (r < 0)
		return r;
	*ret = c;
	c = NULL; /* ownership moved to the caller */
	return 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	option_release(options, ARRAY_SIZE(options), c);
	free(c->mqtt.host);
	free(c->http.listen_host);
	free(c->file);
	free(c);
}

void config_freep(struct config **c)
{
	config_free(*c);
}

void config_print(const struct config *c, struct buf *out)
{
	struct config written = *c;

	written.mqtt.protocol = c->mqtt.protocol_v5; /* as OPTION_WORD has it */
	buf_str(out, "# Configuration of nurseryd (libconfig). Relative paths are relative to this file; what is left out has the\n"
		     "# value shown in the shipped file. Check with: nurseryd -c FILE --check-config\n\n");
	option_print(options, ARRAY_SIZE(options), &written, out);
}
