/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#ifndef __has_feature /* gcc has a macro instead */
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, len)
#define ASAN_UNPOISON_MEMORY_REGION(p, len)
#endif

#undef json_equal /* in this file these two names are jansson's */
#undef json_real

/* ---- memory of passing trees (DESIGN §4.11) ----
 *
 * jansson takes one pair of allocation functions for the whole process, so what they serve is decided by this thread's
 * `filling`. A node that is freed on the way stays; all are gone at once with the root. What does not fit is malloc's,
 * and then the tree is freed node by node, after all. */
#define PASSING_SIZE ((size_t)64 * 1024) /* an enrolment with four classes takes 8 KiB */
#define ALIGNMENT 16

static _Thread_local struct {
	char *bytes;
	size_t used;
	const json_t *root; /* NULL: free to be used */
	bool filling, spilled;
} passing;

static bool is_passing(const void *p)
{
	return passing.bytes && (uintptr_t)p - (uintptr_t)passing.bytes < PASSING_SIZE;
}

static void *allocate(size_t size)
{
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	char *p;

	if (!passing.filling || rounded > PASSING_SIZE - passing.used) {
		passing.spilled |= passing.filling;
		return malloc(size);
	}
	p = passing.bytes + passing.used;
	passing.used += rounded;
	ASAN_UNPOISON_MEMORY_REGION(p, size);
	return p;
}

static void release(void *p)
{
	if (!is_passing(p))
		free(p);
}

/* Before anything asks jansson for memory. */
__attribute__((constructor)) static void take_over_allocation(void)
{
	json_set_alloc_funcs(allocate, release);
}

static void passing_empty(void)
{
	passing.root = NULL;
	passing.used = 0;
	passing.spilled = false;
	ASAN_POISON_MEMORY_REGION(passing.bytes, PASSING_SIZE);
}

/* Where nesting first exceeds max_depth, or len. A byte scan, because jansson's own limit (2,048) is fixed and
 * its recursion would already have built the tree. Brackets in strings do not count; broken input is left to
 * the parser. */
static size_t too_deep_at(const char *text, size_t len, int max_depth)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '"')
			in_string = !in_string;
		else if (in_string && c == '\\')
			i++;
		else if (in_string)
			continue;
		else if ((c == '{' || c == '[') && ++depth > max_depth)
			return i;
		else if (c == '}' || c == ']')
			depth--;
	}
	return len;
}

int json_parse(const char *text, size_t len, int max_depth, json **ret, size_t *ret_offset)
{
	json_error_t error = { .position = 0 };

	*ret = NULL;
	*ret_offset = 0;
	if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		return -EINVAL;
	*ret_offset = too_deep_at(text, len, max_depth);
	if (*ret_offset < len)
		return -EINVAL;
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (*ret)
		return 0;
	*ret_offset = error.position > 0 ? MIN((size_t)error.position, len) : 0;
	return -EINVAL;
}

int json_parse_passing(const char *text, size_t len, int max_depth, json **ret, size_t *ret_offset)
{
	int r;

	if (passing.root)
		return json_parse(text, len, max_depth, ret, ret_offset);
	if (!passing.bytes) {
		passing.bytes = aligned_alloc(ALIGNMENT, PASSING_SIZE);
		if (!passing.bytes)
			die_oom();
		passing_empty();
	}
	passing.filling = true;
	r = json_parse(text, len, max_depth, ret, ret_offset);
	passing.filling = false;
	passing.root = *ret;
	if (!passing.root) /* of a refused text nothing is left */
		passing_empty();
	return r;
}

void json_free(json *value)
{
	bool passes = value && value == passing.root;

	if (!passes || passing.spilled)
		json_decref(value);
	if (passes)
		passing_empty();
}

enum json_type json_kind(const json *value)
{
	static const enum json_type kinds[] = {
		[JSON_OBJECT] = JSON_KIND_OBJECT, [JSON_ARRAY] = JSON_KIND_LIST, [JSON_STRING] = JSON_KIND_TEXT,
		[JSON_INTEGER] = JSON_KIND_INT,	  [JSON_REAL] = JSON_KIND_REAL,	 [JSON_TRUE] = JSON_KIND_BOOL,
		[JSON_FALSE] = JSON_KIND_BOOL,	  [JSON_NULL] = JSON_KIND_NULL,
	};

	return kinds[json_typeof(value)];
}

int64_t json_int(const json *value)
{
	return json_integer_value(value);
}

double json_real_value_of(const json *value)
{
	return json_number_value(value);
}

bool json_bool(const json *value)
{
	return json_is_true(value);
}

const char *json_text(const json *value)
{
	return json_string_value(value);
}

size_t json_text_len(const json *value)
{
	return json_string_length(value);
}

size_t json_count(const json *value)
{
	return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

json *json_at(const json *list, size_t index)
{
	return json_array_get(list, index);
}

json *json_get(const json *object, const char *key)
{
	return json_object_get(object, key);
}

bool json_values_equal(const json *a, const json *b)
{
	return a == b || (a && b && json_equal(a, b));
}

void *json_first(const json *object)
{
	return json_object_iter((json *)object);
}

void *json_next(const json *object, void *iterator)
{
	return json_object_iter_next((json *)object, iterator);
}

const char *json_key(void *iterator)
{
	return json_object_iter_key(iterator);
}

json *json_value(void *iterator)
{
	return json_object_iter_value(iterator);
}

static void add_escaped(const char *key, struct buf *out)
{
	for (; *key; key++) {
		if (*key == '~')
			buf_str(out, "~0");
		else if (*key == '/')
			buf_str(out, "~1");
		else
			buf_char(out, *key);
	}
}

void json_pointer(const struct json_path *path, struct buf *out)
{
	if (!path)
		return;
	json_pointer(path->parent, out);
	buf_char(out, '/');
	if (path->key)
		add_escaped(path->key, out);
	else
		buf_int(out, (int64_t)path->index);
}

static int add_bytes(const char *bytes, size_t len, void *out)
{
	buf_add(out, bytes, len);
	return 0;
}

static void dump(const json *value, size_t flags, struct buf *out)
{
	if (json_dump_callback(value, add_bytes, out, flags | JSON_COMPACT | JSON_ENCODE_ANY) < 0)
		die_oom(); /* a parsed or built tree is finite and UTF-8: only memory can be missing */
}

void json_canonical(const json *value, struct buf *out)
{
	dump(value, JSON_SORT_KEYS, out);
}

void json_compact(const json *value, struct buf *out)
{
	dump(value, 0, out);
}

static json *built(json *value)
{
	if (!value)
		die_oom();
	return value;
}

json *json_new_object(void)
{
	return built(json_object());
}

json *json_new_list(void)
{
	return built(json_array());
}

json *json_new_text(const char *text)
{
	json *value = text ? json_string(text) : NULL;

	return value ? value : json_null();
}

json *json_new_text_len(const char *text, size_t len)
{
	json *value = text ? json_stringn(text, len) : NULL;

	return value ? value : json_null();
}

json *json_new_int(int64_t v)
{
	return built(json_integer(v));
}

json *json_new_real(double v)
{
	return isfinite(v) ? built(json_real(v)) : json_null();
}

json *json_new_bool(bool v)
{
	return json_boolean(v);
}

json *json_new_null(void)
{
	return json_null();
}

void json_set(json *object, const char *key, json *value)
{
	json_object_set_new(object, key, value ? value : json_null());
}

void json_push(json *list, json *value)
{
	json_array_append_new(list, value ? value : json_null());
}

json *json_keep(json *value)
{
	return json_incref(value);
}
