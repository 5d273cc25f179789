/* SPDX-License-Identifier: MIT */
#include "fields.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "../daemon/privacy.h"

#include <inttypes.h>
#include <stdio.h>

const struct json_path body_path = { .key = "body" };

/* One value on its way into the struct. */
struct slot {
	const struct field *field;
	const json *value;
	const struct json_path *path;
	char *facts;
	const struct reading *r;
};

static void *target(const struct slot *s)
{
	return s->facts + s->field->offset;
}

static void report(const struct slot *s, enum code code, const char *got, const char *want)
{
	_cleanup_(freep) char *path = privacy_path(s->path, s->r->received_day);

	findings_add(s->r->findings, code, path, got, want);
}

/* A refused text is shown to its sender, who mends it by it, unless it holds a telephone number. */
static void report_text(const struct slot *s, enum code code, const char *want)
{
	const char *text = json_text(s->value);
	bool may_show = privacy_may_show(text, json_text_len(s->value), NULL, s->r->received_day);

	report(s, code, may_show ? text : NULL, want);
}

/* A telephone or identity number typed into the place of a count is not shown. */
static void report_number(const struct slot *s, enum code code, int64_t got, int64_t min, int64_t max)
{
	char number[32], range[64];
	int len = snprintf(number, sizeof number, "%" PRId64, got);
	bool hidden = privacy_bytes_suspicious(number, (size_t)len, NULL, s->r->received_day);

	snprintf(range, sizeof range, "%" PRId64 "..%" PRId64, min, max);
	report(s, code, hidden ? NULL : number, range);
}

static const char *const kind_names[] = {
	[JSON_KIND_NULL] = "null",   [JSON_KIND_BOOL] = "boolean", [JSON_KIND_INT] = "integer",
	[JSON_KIND_REAL] = "number", [JSON_KIND_TEXT] = "string",  [JSON_KIND_LIST] = "array",
	[JSON_KIND_OBJECT] = "object",
};

/* A value of the wrong type is described by no table, so it is looked through like an unknown field; a number in the
 * place of a number is not: 15000000000.00 yuan is a slip, not a telephone. */
static void report_type(const struct slot *s, enum json_type want)
{
	enum json_type got = json_kind(s->value);

	report(s, E_TYPE, kind_names[got], kind_names[want]);
	if (got != JSON_KIND_REAL || want != JSON_KIND_INT)
		privacy_check_unknown(s->value, s->path, s->r->received_day, s->r->findings);
}

static bool has_kind(const struct slot *s, enum json_type want)
{
	if (json_kind(s->value) == want)
		return true;
	report_type(s, want);
	return false;
}

static void clear_count(const struct field *field, void *at)
{
	(void)field;
	*(int64_t *)at = COUNT_UNKNOWN;
}

static bool count_of(const struct slot *s, int64_t min, int64_t max, int64_t *ret)
{
	if (!has_kind(s, JSON_KIND_INT))
		return false;
	*ret = json_int(s->value);
	if (*ret >= min && *ret <= max)
		return true;
	report_number(s, E_RANGE, *ret, min, max);
	return false;
}

static void read_count(const struct slot *s)
{
	int64_t count;

	if (count_of(s, s->field->min, s->field->max, &count))
		*(int64_t *)target(s) = count;
}

static void clear_flag(const struct field *field, void *at)
{
	*(bool *)at = field->otherwise != 0;
}

static void read_flag(const struct slot *s)
{
	if (has_kind(s, JSON_KIND_BOOL))
		*(bool *)target(s) = json_bool(s->value);
}

static void clear_trilean(const struct field *field, void *at)
{
	(void)field;
	*(enum trilean *)at = TRI_UNKNOWN;
}

static void read_trilean(const struct slot *s)
{
	if (has_kind(s, JSON_KIND_BOOL))
		*(enum trilean *)target(s) = json_bool(s->value) ? TRI_YES : TRI_NO;
}

static int64_t characters(const char *text)
{
	int64_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* Length, then form; NULL when refused. */
static const char *text_of(const struct slot *s)
{
	const struct field *field = s->field;
	const char *text;

	if (!has_kind(s, JSON_KIND_TEXT))
		return NULL;
	text = json_text(s->value);
	if (field->free_text)
		privacy_check_unknown(s->value, s->path, s->r->received_day, s->r->findings);
	if (field->max > 0 && (characters(text) < field->min || characters(text) > field->max)) {
		report_number(s, E_RANGE, characters(text), field->min, field->max);
		return NULL;
	}
	if (field->check && !field->check(text)) {
		report_text(s, E_FORMAT, field->form);
		return NULL;
	}
	return text;
}

static void clear_text(const struct field *field, void *at)
{
	(void)field;
	*(char *)at = '\0';
}

static void read_text(const struct slot *s)
{
	const char *text = text_of(s);

	if (text && json_text_len(s->value) < s->field->size)
		memcpy(target(s), text, json_text_len(s->value) + 1);
}

static void clear_string(const struct field *field, void *at)
{
	(void)field;
	*(const char **)at = NULL;
}

static void read_string(const struct slot *s)
{
	*(const char **)target(s) = text_of(s);
}

static void clear_word(const struct field *field, void *at)
{
	(void)field;
	*(int *)at = WORD_UNKNOWN;
}

static int word_number(const char *const *words, const char *text)
{
	for (int i = 0; words[i]; i++)
		if (words[i][0] == text[0] && strcmp(words[i], text) == 0)
			return i;
	return WORD_UNKNOWN;
}

static void report_word(const struct slot *s, enum code code)
{
	struct buf want = { 0 };

	for (const char *const *word = s->field->words; *word; word++)
		buf_printf(&want, "%s%s", word == s->field->words ? "" : ", ", *word);
	report_text(s, code, want.p);
	buf_done(&want);
}

static void read_word(const struct slot *s)
{
	int *at = target(s);

	if (!has_kind(s, JSON_KIND_TEXT))
		return;
	*at = word_number(s->field->words, json_text(s->value));
	if (*at != WORD_UNKNOWN)
		return;
	report_word(s, s->field->other_allowed ? W_ENUM : E_ENUM);
	if (s->field->other_allowed)
		*at = (int)s->field->otherwise;
}

static void clear_words(const struct field *field, void *at)
{
	(void)field;
	*(uint32_t *)at = 0;
}

static void read_words(const struct slot *s)
{
	struct json_path here = { .parent = s->path };
	struct slot item = { .field = s->field, .path = &here, .facts = s->facts, .r = s->r };
	uint32_t *bits = target(s);

	if (!has_kind(s, JSON_KIND_LIST))
		return;
	for (; here.index < json_count(s->value); here.index++) {
		int word;

		item.value = json_at(s->value, here.index);
		if (!has_kind(&item, JSON_KIND_TEXT))
			continue;
		word = word_number(s->field->words, json_text(item.value));
		if (word == WORD_UNKNOWN)
			report_word(&item, E_ENUM);
		else
			*bits |= UINT32_C(1) << word;
	}
	*(bool *)(s->facts + s->field->known) = true;
}

static void read_moment(const struct slot *s, int (*parse)(const char *, int64_t *), const char *form)
{
	int64_t moment;

	if (!has_kind(s, JSON_KIND_TEXT))
		return;
	if (parse(json_text(s->value), &moment) == 0)
		*(int64_t *)target(s) = moment;
	else
		report_text(s, E_FORMAT, form);
}

static void read_day(const struct slot *s)
{
	read_moment(s, clock_parse_day, "YYYY-MM-DD, a day that exists");
}

static void read_time(const struct slot *s)
{
	read_moment(s, clock_parse_time, "RFC 3339 with offset, as 2026-11-23T17:30:00+08:00");
}

static void read_object(const struct slot *s)
{
	fields_read(s->field->fields, s->value, s->path, s->facts, s->r);
}

static void clear_list(const struct field *field, void *at)
{
	(void)field;
	(void)at;
}

static void read_list(const struct slot *s)
{
	const struct field *field = s->field;
	struct json_path here = { .parent = s->path };
	size_t count = json_count(s->value);
	char *entries = target(s);

	if (!has_kind(s, JSON_KIND_LIST))
		return;
	if (count > (size_t)field->max) {
		report_number(s, E_RANGE, (int64_t)count, 0, field->max);
		privacy_check_unknown(s->value, s->path, s->r->received_day, s->r->findings); /* no table reads it */
		return;
	}
	for (; here.index < count; here.index++)
		fields_read(field->fields, json_at(s->value, here.index), &here, entries + here.index * field->size,
			    s->r);
	*(int *)(s->facts + field->count) = (int)count;
	*(bool *)(s->facts + field->known) = true;
}

static void read_counts(const struct slot *s)
{
	struct json_path here = { .parent = s->path };
	struct slot item = { .field = s->field, .path = &here, .facts = s->facts, .r = s->r };
	int64_t *counts = target(s), first = COUNT_UNKNOWN;
	bool whole = true;

	if (!has_kind(s, JSON_KIND_LIST))
		return;
	if (json_count(s->value) != (size_t)s->field->max) {
		report_number(s, E_RANGE, (int64_t)json_count(s->value), s->field->max, s->field->max);
		privacy_check_unknown(s->value, s->path, s->r->received_day, s->r->findings); /* no table reads it */
		return;
	}
	for (; here.index < (size_t)s->field->max; here.index++) {
		item.value = json_at(s->value, here.index);
		whole &= count_of(&item, 0, COUNT_MAX, here.index ? &counts[here.index] : &first);
	}
	if (whole)
		counts[0] = first; /* last: it says that all are known */
}

static void read_any(const struct slot *s)
{
	*(const json **)target(s) = s->value;
}

static const struct {
	enum json_type kind;
	void (*read)(const struct slot *s);
	void (*clear)(const struct field *field, void *at); /* NULL: by its own rows */
} types[] = {
	[FIELD_COUNT] = { JSON_KIND_INT, read_count, clear_count },
	[FIELD_FLAG] = { JSON_KIND_BOOL, read_flag, clear_flag },
	[FIELD_TRILEAN] = { JSON_KIND_BOOL, read_trilean, clear_trilean },
	[FIELD_TEXT] = { JSON_KIND_TEXT, read_text, clear_text },
	[FIELD_STRING] = { JSON_KIND_TEXT, read_string, clear_string },
	[FIELD_WORD] = { JSON_KIND_TEXT, read_word, clear_word },
	[FIELD_WORDS] = { JSON_KIND_LIST, read_words, clear_words },
	[FIELD_DAY] = { JSON_KIND_TEXT, read_day, clear_count },
	[FIELD_TIME] = { JSON_KIND_TEXT, read_time, clear_count },
	[FIELD_OBJECT] = { JSON_KIND_OBJECT, read_object, NULL },
	[FIELD_LIST] = { JSON_KIND_LIST, read_list, clear_list },
	[FIELD_COUNTS] = { JSON_KIND_LIST, read_counts, clear_count },
	[FIELD_ANY] = { JSON_KIND_OBJECT, read_any, clear_string },
};

void fields_clear(const struct field *fields, void *facts)
{
	char *base = facts;

	for (const struct field *field = fields; field->name; field++) {
		if (types[field->type].clear)
			types[field->type].clear(field, base + field->offset);
		else
			fields_clear(field->fields, facts);
		if (field->type == FIELD_LIST)
			*(int *)(base + field->count) = 0;
		if (field->type == FIELD_LIST || field->type == FIELD_WORDS)
			*(bool *)(base + field->known) = false;
	}
}

/* Senders keep an order, so the row after the last one is tried first. */
static const struct field *row_of(const struct field *fields, const struct field *likely, const char *key)
{
	const struct field *field;

	for (field = likely; field->name; field++)
		if (strcmp(field->name, key) == 0)
			return field;
	for (field = fields; field != likely; field++)
		if (strcmp(field->name, key) == 0)
			return field;
	return NULL;
}

/* Numbers, booleans and null cannot speak of a child; the rest might. */
static void report_unknown(const struct slot *s)
{
	enum json_type kind = json_kind(s->value);
	bool harmless = kind != JSON_KIND_TEXT && kind != JSON_KIND_LIST && kind != JSON_KIND_OBJECT;

	report(s, harmless ? W_UNKNOWN_FIELD : E_UNKNOWN_FIELD, NULL, NULL);
	privacy_check_unknown_key(s->path, s->r->received_day, s->r->findings);
	privacy_check_unknown(s->value, s->path, s->r->received_day, s->r->findings);
}

static void read_field(const struct slot *s)
{
	const struct field *field = s->field;

	if (field->presence == NULLABLE && json_kind(s->value) == JSON_KIND_NULL)
		return;
	types[field->type].read(s);
}

static void absent(const struct slot *s)
{
	if (s->field->presence == REQUIRED)
		report(s, E_MISSING, NULL, kind_names[types[s->field->type].kind]);
	else if (s->field->presence == OPTIONAL && s->field->type == FIELD_COUNT)
		*(int64_t *)target(s) = s->field->otherwise;
}

static void read_absent(const struct field *fields, uint64_t seen, const struct json_path *parent, void *facts,
			const struct reading *r)
{
	for (int i = 0; fields[i].name; i++) {
		struct json_path path = { .parent = parent, .key = fields[i].name };
		struct slot s = { .field = &fields[i], .path = &path, .facts = facts, .r = r };

		if (!(seen >> i & 1))
			absent(&s);
	}
}

void fields_read(const struct field *fields, const json *object, const struct json_path *path, void *facts,
		 const struct reading *r)
{
	struct slot s = { .value = object, .path = path, .facts = facts, .r = r };
	const struct field *likely = fields;
	uint64_t seen = 0;

	fields_clear(fields, facts);
	if (!has_kind(&s, JSON_KIND_OBJECT))
		return;
	for (void *i = json_first(object); i; i = json_next(object, i)) {
		struct json_path here = { .parent = path, .key = json_key(i) };

		s.value = json_value(i);
		s.path = &here;
		s.field = row_of(fields, likely, here.key);
		if (!s.field) {
			report_unknown(&s);
			continue;
		}
		seen |= UINT64_C(1) << (s.field - fields);
		likely = s.field + 1;
		read_field(&s);
	}
	read_absent(fields, seen, path, facts, r);
}

int64_t fields_sum(const int64_t *counts, size_t count)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		if (counts[i] == COUNT_UNKNOWN)
			return COUNT_UNKNOWN;
		sum += counts[i];
	}
	return sum;
}

void fields_disagree(struct findings *f, enum code code, const char *path, int64_t got, const char *relation,
		     int64_t want, const char *zh, const char *en, const char *fix)
{
	const struct code_text *text = &code_texts[code];
	char got_text[32], want_text[64];

	snprintf(got_text, sizeof got_text, "%" PRId64, got);
	snprintf(want_text, sizeof want_text, "%s%" PRId64, relation, want);
	findings_add_text(f, code, path, got_text, want_text, zh ? zh : text->zh, en ? en : text->en,
			  fix ? fix : text->fix);
}

/* ---- erasing texts ---- */

static const struct field *field_named(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static bool in_list(const char *const *words, const char *text)
{
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

static json *forget_list(const struct field *fields, const json *list)
{
	json *kept = json_new_list();

	for (size_t i = 0; i < json_count(list); i++)
		json_push(kept, fields_forget(fields, json_at(list, i)));
	return kept;
}

static json *forget_value(const struct field *field, json *value)
{
	enum json_type kind = json_kind(value);

	if (kind == JSON_KIND_TEXT && field->free_text)
		return json_new_text(ERASED_TEXT);
	if (kind == JSON_KIND_TEXT && field->other_allowed && !in_list(field->words, json_text(value)))
		return json_new_text(field->words[field->otherwise]);
	if (field->type == FIELD_OBJECT && kind == JSON_KIND_OBJECT)
		return fields_forget(field->fields, value);
	if (field->type == FIELD_LIST && kind == JSON_KIND_LIST)
		return forget_list(field->fields, value);
	return json_keep(value);
}

json *fields_forget(const struct field *fields, const json *object)
{
	json *kept = json_new_object();

	for (void *i = json_first(object); i; i = json_next(object, i)) {
		const struct field *field = field_named(fields, json_key(i));

		if (field)
			json_set(kept, field->name, forget_value(field, json_value(i)));
	}
	return kept;
}
