/* SPDX-License-Identifier: MIT */
#include "lint.h"

#include "ids.h"

#include <stdio.h>

/* Stands where the payload names none, so that only the missing field is told and no mismatch with a topic. */
#define NO_SITE "52330106MJ0000018E"
#define NO_DIVISION "330106"

static bool take_text(const json *root, const char *key, char *text, size_t size)
{
	const json *value = root ? json_get(root, key) : NULL;

	if (!value || json_kind(value) != JSON_KIND_TEXT)
		return false;
	snprintf(text, size, "%s", json_text(value));
	return true;
}

/* false: the payload does not say whose it is. */
static bool topic_of(const char *feed, const char *payload, size_t len, struct topic *ret)
{
	_cleanup_(json_freep) json *root = NULL;
	size_t offset;
	bool named;

	*ret = (struct topic){ .site = NO_SITE, .division = NO_DIVISION };
	if (len <= PAYLOAD_MAX)
		(void)json_parse(payload, len, DEPTH_MAX, &root, &offset); /* not JSON: the door says so */
	named = take_text(root, "site", ret->site, sizeof ret->site);
	take_text(root, "division", ret->division, sizeof ret->division);
	snprintf(ret->province, sizeof ret->province, "%.2s", ret->division);
	snprintf(ret->feed, sizeof ret->feed, "%s", feed);
	return named;
}

int lint_payload(struct ingest *in, const char *feed, const char *payload, size_t len, int64_t now, bool with_state,
		 struct buf *receipt)
{
	struct topic topic;
	bool named = topic_of(feed, payload, len, &topic);

	return ingest_lint(in, &topic, payload, len, now, named && with_state, receipt);
}
