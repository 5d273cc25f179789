/* SPDX-License-Identifier: MIT
 *
 * Ports: a row of the configuration's list `people`, and the words of the roles (docs/operator.md, People). Pure.
 */
#pragma once

#include "options.h"

enum role { ROLE_VIEWER, ROLE_DUTY_OFFICER, ROLE_PROV_HC, ROLE_PROV_DRC, ROLE_NHC, ROLE_NDRC, ROLE_OPERATOR, ROLE_COUNT };
#define ROLE(name) (1u << ROLE_##name)
#define ROLES_ANY ((1u << ROLE_COUNT) - 1)
/* Whoever takes part in what DOMAIN §4 calls acts of officers; the operator stands at the machine and may, too. */
#define ROLES_OFFICERS \
	(ROLE(DUTY_OFFICER) | ROLE(PROV_HC) | ROLE(PROV_DRC) | ROLE(NHC) | ROLE(NDRC) | ROLE(OPERATOR))
extern const char *const role_words[ROLE_COUNT + 1];
unsigned roles_of(const char *word); /* its bit, 0: no such role */
void roles_write(unsigned roles, const char *between, struct buf *out);

#define PEOPLE_MAX 512
#define PERSON_NAME_SIZE 32
#define PERSON_SCOPE_MAX 16
#define PERSON_CONTACTS_MAX 4

/* A row of `people`. */
struct person {
	unsigned int line;                  /* of the file */
	char *name;                         /* [A-Za-z0-9._-]{1,31}: stands in the ledger as `actor` */
	char *roles[ROLE_COUNT + 1];        /* ends with NULL */
	int64_t uid;                        /* -1: none */
	char *token_sha256;                 /* 64 hex digits, or "" */
	char *token_file;                   /* holds the token itself; or "" */
	char *scope[PERSON_SCOPE_MAX + 1];  /* provinces (2 digits) and units (6); none: the whole country */
	char *contacts[PERSON_CONTACTS_MAX + 1]; /* for notifications: "mailto:…", "tel:…" */
};
#define PERSON_OPTION_COUNT 7
extern const struct option person_options[PERSON_OPTION_COUNT];
