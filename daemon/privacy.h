/* SPDX-License-Identifier: MIT
 *
 * Meaning: the door against personal data of children (CONTRACT §1 "No personal data"). Pure.
 */
#pragma once

#include "codes.h"
#include "json.h"

/* Rule 1 and 2 of CONTRACT, over the whole parsed payload: forbidden keys anywhere, identity numbers in every
 * string and key. site: the topic's site id if it is valid, else NULL; a value equal to it or its USCC is exempt. received_day bounds
 * the dates inside identity numbers. Adds E_PII with the path. */
void privacy_check(const json *root, const char *site, int64_t received_day, struct findings *f);

/* Rule 3 over a part that no field table describes (an unknown field, the body of an unknown feed, a value of the
 * wrong type): mobile numbers in keys, texts and numbers; identity numbers, too, where they come as JSON numbers,
 * which privacy_check does not look at. */
void privacy_check_unknown(const json *value, const struct json_path *path, int64_t received_day,
			   struct findings *f);
/* The key of an unknown field, whose value privacy_check_unknown looks at. */
void privacy_check_unknown_key(const struct json_path *path, int64_t received_day, struct findings *f);
/* The JSON Pointer, ending above the first key that itself holds a number of a person or is longer than
 * PATH_KEY_MAX bytes: a path is shown and kept. The caller frees it. */
#define PATH_KEY_MAX 128
char *privacy_path(const struct json_path *path, int64_t received_day);

/* Rule 3: a mainland mobile number in free text (name, reason, unknown fields' keys, strings, numbers). */
bool privacy_has_mobile(const char *text, size_t len);
bool privacy_has_identity_number(const char *text, size_t len, int64_t today);
bool privacy_key_forbidden(const char *key);

/* For bytes that are not JSON: true when rule 2 or 3 matches anywhere in them (only decides the receipt's
 * status and code; such bytes are never kept either way). The USCC of site (valid, or NULL) is exempt. */
bool privacy_bytes_suspicious(const char *bytes, size_t len, const char *site, int64_t today);

/* Whether a text may stand in `got`: neither it nor what is left of it there (GOT_MAX characters) is suspicious. A cut may
 * make a telephone number of a longer run. */
bool privacy_may_show(const char *text, size_t len, const char *site, int64_t today);
