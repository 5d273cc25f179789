/* SPDX-License-Identifier: MIT
 *
 * What every fuzz target promises about what it tells a sender (CONTRACT §1): a broken promise aborts, and libFuzzer
 * keeps the input. Header-only, so that a target is one file.
 */
#pragma once

#include "../../daemon/clock.h"
#include "../../daemon/codes.h"
#include "../../daemon/json.h"
#include "../../daemon/privacy.h"

#include <stdio.h>
#include <stdlib.h>

#define FUZZ_SITE "52330106MJ0000018E"
#define FUZZ_DIVISION "330106"
#define FUZZ_RECEIVED_AT INT64_C(1795455000000) /* 2026-11-24T01:30+08:00, as tests/unit/test_decode.c */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Not assert(): it must hold with NDEBUG, too. */
#define PROMISE(holds)                                                                                   \
	do {                                                                                              \
		if (!(holds)) {                                                                           \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #holds);       \
			abort();                                                                          \
		}                                                                                         \
	} while (0)

static inline size_t fuzz_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* What is shown holds no number of a person (site: its own id is none) and is UTF-8. */
static inline void fuzz_check_shown(const char *text, const char *site)
{
	json *copy = json_new_text(text);

	PROMISE(json_kind(copy) == JSON_KIND_TEXT);
	PROMISE(!privacy_bytes_suspicious(text, strlen(text), site, clock_local_day(FUZZ_RECEIVED_AT)));
	json_free(copy);
}

/* Step by step and unescaped: "/" is ~1 in a pointer, and that 1 is nobody's digit. */
static inline void fuzz_check_path(const char *path, const char *site)
{
	_cleanup_(freep) char *step = xcalloc(1, strlen(path) + 1);

	while (*path == '/') {
		size_t len = 0;

		for (path++; *path && *path != '/'; path++) {
			PROMISE(*path != '~' || path[1] == '0' || path[1] == '1');
			step[len++] = *path != '~' ? *path : *++path == '1' ? '/' : '~';
		}
		step[len] = '\0';
		fuzz_check_shown(step, site);
	}
	PROMISE(*path == '\0');
}

static inline void fuzz_check_got(const char *got, const char *site)
{
	PROMISE(fuzz_characters(got) <= GOT_MAX);
	fuzz_check_shown(got, site);
}

static inline void fuzz_check_findings(const struct findings *f, const char *site)
{
	size_t errors = 0;
	bool pii = findings_has(f, E_PII);

	PROMISE(f->count <= FINDINGS_MAX);
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *x = &f->items[i];

		errors += code_texts[x->code].error;
		PROMISE(x->path && (*x->path == '\0' || *x->path == '/'));
		PROMISE(x->zh && x->en && x->fix);
		PROMISE(!pii || x->code == E_PII); /* it wins over all others */
		PROMISE(x->code != E_PII || !x->got);
		fuzz_check_path(x->path, site);
		if (x->got)
			fuzz_check_got(x->got, site);
	}
	PROMISE(errors == f->errors);
}
