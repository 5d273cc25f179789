/* SPDX-License-Identifier: MIT
 *
 * Ports: the only file that includes <jansson.h>. `json` is a borrowed or owned jansson value; a getter
 * borrows from its parent, json_parse and the builders hand over a reference that json_free drops.
 */
#pragma once

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct json_t json;

/* jansson owns the symbols json_real and json_equal; ours must not be taken for them when linking. */
#define json_real json_real_value_of
#define json_equal json_values_equal

enum json_type {
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INT,  /* an integer without fraction or exponent that fits 64 bits */
	JSON_KIND_REAL, /* any other number */
	JSON_KIND_TEXT,
	JSON_KIND_LIST,
	JSON_KIND_OBJECT,
};

/* Strict: UTF-8 without BOM, no duplicate keys, no \u0000, no trailing bytes, nesting <= max_depth (the
 * outermost value is 1), integers that fit 64 bits, other numbers that fit a double. Any JSON value is taken. -EINVAL with *ret_offset = the byte where it went wrong. */
int json_parse(const char *text, size_t len, int max_depth, json **ret, size_t *ret_offset);
/* The same for a tree that does not outlive the handling of one message: it stands in memory that is this thread's and is
 * used again, so that nothing is allocated or freed node by node. The second such tree at a time is an ordinary one.
 * Freed with json_free, too; nothing of it may be kept or changed. */
int json_parse_passing(const char *text, size_t len, int max_depth, json **ret, size_t *ret_offset);
void json_free(json *value); /* NULL is fine */
static inline void json_freep(json **value)
{
	json_free(*value);
}

enum json_type json_kind(const json *value);
int64_t json_int(const json *value);           /* of JSON_KIND_INT */
double json_real(const json *value);           /* of JSON_KIND_INT or JSON_KIND_REAL */
bool json_bool(const json *value);             /* of JSON_KIND_BOOL */
const char *json_text(const json *value);      /* of JSON_KIND_TEXT; never holds a NUL */
size_t json_text_len(const json *value);
size_t json_count(const json *value);          /* entries of a list or an object; else 0 */
json *json_at(const json *list, size_t index); /* NULL when out of range */
json *json_get(const json *object, const char *key); /* NULL when absent or not an object */
bool json_equal(const json *a, const json *b); /* as JSON values; NULL equals NULL only */

/* Walk an object: for (void *i = json_first(o); i; i = json_next(o, i)). In insertion order. */
void *json_first(const json *object);
void *json_next(const json *object, void *iterator);
const char *json_key(void *iterator);
json *json_value(void *iterator);

/* Where a walk stands: links on the walker's stack, so that nothing is allocated until a finding needs the text.
 * NULL is the whole document. */
struct json_path {
	const struct json_path *parent;
	const char *key; /* NULL: an entry of a list */
	size_t index;
};
/* Appends the JSON Pointer (RFC 6901: "~" is ~0 and "/" is ~1). */
void json_pointer(const struct json_path *path, struct buf *out);

/* Sorted keys, no spaces, UTF-8: the canonical form that is hashed (DOMAIN §6). */
void json_canonical(const json *value, struct buf *out);
/* Insertion order, no spaces. */
void json_compact(const json *value, struct buf *out);

/* Builders: never NULL. json_set and json_push take over the reference to value; NULL is JSON null. */
json *json_new_object(void);
json *json_new_list(void);
json *json_new_text(const char *text); /* NULL, or bytes that are not UTF-8: JSON null */
json *json_new_text_len(const char *text, size_t len);
json *json_new_int(int64_t v);
json *json_new_real(double v); /* not finite: JSON null */
json *json_new_bool(bool v);
json *json_new_null(void);
void json_set(json *object, const char *key, json *value);
void json_push(json *list, json *value);
json *json_keep(json *value); /* one more reference */
