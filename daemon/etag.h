/* SPDX-License-Identifier: MIT
 *
 * Ground: ETags (RFC 9110 §8.8.3, §13.1). A thing that officers act on has a tag of two parts, "VERSION.REPRESENTATION":
 * the second changes with every byte of the answer, so that a cache is never wrong; the first with what is decided upon
 * alone. If-Match of an act looks at the first: a number that was computed meanwhile, or a clock that ran out, is no
 * reason to refuse a decision; a title, case, alert or event that was changed is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ETAG_SIZE 64         /* with its quotes */
#define ETAG_VERSION_SIZE 18 /* 16 hex digits */

/* It tells one text from another, and nobody gains by a collision. */
void etag_version(const char *bytes, size_t len, char ret[static ETAG_VERSION_SIZE]);
/* version: "" none */
void etag_write(const char *version, const char *bytes, size_t len, char ret[static ETAG_SIZE]);
/* If-None-Match: weak comparison of the whole tag. */
bool etag_none_match_knows(const char *if_none_match, const char *etag);
/* If-Match: strong comparison of the version, so W/"…" never matches; "*" is the caller's. */
bool etag_match_names(const char *if_match, const char *version);
