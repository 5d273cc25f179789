/* SPDX-License-Identifier: MIT */
#include "etag.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a */
static unsigned long long digest(const char *bytes, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

void etag_version(const char *bytes, size_t len, char ret[static ETAG_VERSION_SIZE])
{
	snprintf(ret, ETAG_VERSION_SIZE, "%016llx", digest(bytes, len));
}

void etag_write(const char *version, const char *bytes, size_t len, char ret[static ETAG_SIZE])
{
	snprintf(ret, ETAG_SIZE, "\"%s%s%016llx-%zx\"", version, *version ? "." : "", digest(bytes, len), len);
}

bool etag_none_match_knows(const char *if_none_match, const char *etag)
{
	return strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag);
}

bool etag_match_names(const char *if_match, const char *version)
{
	size_t len = strlen(version);
	const char *open, *close;

	for (const char *p = if_match; (open = strchr(p, '"')) && (close = strchr(open + 1, '"')); p = close + 1) {
		bool weak = open - if_match >= 2 && open[-2] == 'W' && open[-1] == '/';

		/* Behind the dot a proxy may have added its -gzip. */
		if (!weak && (size_t)(close - open - 1) > len && memcmp(open + 1, version, len) == 0 && open[1 + len] == '.')
			return true;
	}
	return false;
}
