/* SPDX-License-Identifier: MIT */
#include "person.h"

#include "err.h"
#include "hash.h"

const char *const role_words[ROLE_COUNT + 1] = {
	[ROLE_VIEWER] = "viewer", [ROLE_DUTY_OFFICER] = "duty_officer", [ROLE_PROV_HC] = "prov_hc",
	[ROLE_PROV_DRC] = "prov_drc", [ROLE_NHC] = "nhc", [ROLE_NDRC] = "ndrc", [ROLE_OPERATOR] = "operator",
};

unsigned roles_of(const char *word)
{
	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (strcmp(role_words[i], word) == 0)
			return 1u << i;
	return 0;
}

void roles_write(unsigned roles, const char *between, struct buf *out)
{
	bool first = true;

	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (roles >> i & 1) {
			buf_str(out, first ? "" : between);
			buf_str(out, role_words[i]);
			first = false;
		}
}

/* ---- a row of the configuration ---- */

#define WORD "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-"

static bool is_name(const char *text)
{
	size_t n = strspn(text, WORD);

	return n > 0 && n < PERSON_NAME_SIZE && text[n] == '\0';
}

static bool is_role(const char *text)
{
	return roles_of(text) != 0;
}

static bool is_sha256(const char *text)
{
	uint8_t sha[HASH_SIZE];

	return !*text || hash_from_hex(text, sha) == 0;
}

static bool is_scope(const char *text)
{
	size_t len = strlen(text);

	return (len == 2 || len == 6) && strspn(text, "0123456789") == len;
}

static bool is_contact(const char *text)
{
	return *text && strlen(text) <= 200;
}

#define AT(member) .offset = offsetof(struct person, member)

const struct option person_options[PERSON_OPTION_COUNT] = {
	{ .path = "name", .type = OPTION_TEXT, AT(name), .check = is_name, .wants = "1 to 31 of A-Z a-z 0-9 . _ -" },
	{ .path = "roles", .type = OPTION_TEXTS, AT(roles), .min = 1, .max = ROLE_COUNT, .check = is_role,
	  .wants = "viewer, duty_officer, prov_hc, prov_drc, nhc, ndrc or operator" },
	{ .path = "uid", .type = OPTION_INT, AT(uid), .initial = "-1", .min = -1, .max = INT32_MAX },
	{ .path = "token_sha256", .type = OPTION_TEXT, AT(token_sha256), .initial = "", .check = is_sha256,
	  .wants = "64 hex digits (the SHA-256 of the token, never the token), or \"\"" },
	{ .path = "token_file", .type = OPTION_SECRET, AT(token_file), .initial = "" },
	{ .path = "scope", .type = OPTION_TEXTS, AT(scope), .initial = "", .max = PERSON_SCOPE_MAX, .check = is_scope,
	  .wants = "a province of 2 digits or a unit of 6" },
	{ .path = "contacts", .type = OPTION_TEXTS, AT(contacts), .initial = "", .max = PERSON_CONTACTS_MAX, .check = is_contact,
	  .wants = "an address, at most 200 bytes" },
};
