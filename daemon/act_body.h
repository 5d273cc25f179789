/* SPDX-License-Identifier: MIT
 *
 * Meaning: the body of an officer's act (docs/cases.md): which fields there are, and that none of them speaks of a person.
 */
#pragma once

#include "json.h"

#include <stdint.h>

/* 0 and the object, the caller's also on errors; else the HTTP status of a refusal with its words. */
int act_body_read(const char *bytes, size_t len, int64_t today, json **ret, const char **ret_title, const char **ret_detail);
