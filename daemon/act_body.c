/* SPDX-License-Identifier: MIT */
#include "act_body.h"

#include "privacy.h"

#define BODY_DEPTH 2

static const struct {
	const char *key;
	size_t bytes_max;
	bool flag;
} fields[] = {
	{ "act", 31, false },	   { "reason", 2000, false },  { "document", 300, false }, { "joint_document", 300, false },
	{ "evidence", 500, false }, { "alert", 20, false },	{ "for", 20, false },	    { "where", 300, false },
	{ "when", 10, false },	   { "cycle", 9, false },      { "opens_on", 10, false },  { "into", 20, false },
	{ "finding", 20, false },  { "unit", 6, false },       { "ground", 10, false },	   { "override", 0, true },
	{ "rule", 31, false },	   { "source", 20, false },    { "site", 21, false },	    { "event", 64, false },
	{ "level", 20, false },	   { "at", 40, false },	       { "division", 6, false },   { "effective_on", 10, false },
};

static bool field_good(const char *key, const json *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].flag ? json_kind(value) == JSON_KIND_BOOL :
						json_kind(value) == JSON_KIND_NULL ||
							(json_kind(value) == JSON_KIND_TEXT && json_text_len(value) <= fields[i].bytes_max);
	return false;
}

/* What officers write stays in the ledger for good: no numbers of persons. */
static bool speaks_of_a_person(const json *value, int64_t today)
{
	const char *text = json_kind(value) == JSON_KIND_TEXT ? json_text(value) : "";

	return privacy_has_mobile(text, strlen(text)) || privacy_has_identity_number(text, strlen(text), today);
}

static int refuse(int status, const char *title, const char *detail, const char **ret_title, const char **ret_detail)
{
	*ret_title = title;
	*ret_detail = detail;
	return status;
}

int act_body_read(const char *bytes, size_t len, int64_t today, json **ret, const char **ret_title, const char **ret_detail)
{
	const json *act;
	size_t offset;

	if (json_parse(bytes, len, BODY_DEPTH, ret, &offset) < 0 || json_kind(*ret) != JSON_KIND_OBJECT)
		return refuse(400, "the body is not a JSON object", "{\"act\":…,\"reason\":…,\"document\":…}", ret_title, ret_detail);
	for (void *i = json_first(*ret); i; i = json_next(*ret, i)) {
		if (!field_good(json_key(i), json_value(i)))
			return refuse(422, "a field is unknown, too long or of the wrong type", "the fields are listed in docs/cases.md",
				      ret_title, ret_detail);
		if (speaks_of_a_person(json_value(i), today))
			return refuse(422, "personal data", "what is written here stays for good: leave numbers of persons out", ret_title,
				      ret_detail);
	}
	act = json_get(*ret, "act");
	if (!act || json_kind(act) != JSON_KIND_TEXT || json_text_len(act) == 0)
		return refuse(422, "which act?", "the text `act` is missing", ret_title, ret_detail);
	return 0;
}
