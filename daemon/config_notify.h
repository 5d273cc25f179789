/* SPDX-License-Identifier: MIT
 *
 * Ports: who is called, and how (group `notify` of the configuration). Lists of rows, each with the line it stands on;
 * what they name must exist, or the file is refused with that line.
 */
#pragma once

#include "options.h"

#define NOTIFY_TEXTS_MAX 8

/* A list `name = ( { … }, { … } );`: items in the file's order. Every item begins with its line. */
struct config_items {
	void *first;
	size_t count;
};

struct config_list {
	const char *path;
	const struct option *rows;
	size_t row_count;
	size_t size;   /* of one item */
	size_t offset; /* of struct config_items in the target */
	const char *help;
};

enum notify_kind { NOTIFY_ALERTMANAGER, NOTIFY_WEBHOOK, NOTIFY_WECOM, NOTIFY_DINGTALK, NOTIFY_FEISHU, NOTIFY_MAIL };
enum notify_trust { NOTIFY_INSIDE, NOTIFY_OUTSIDE };
enum notify_language { NOTIFY_ZH, NOTIFY_EN };
enum notify_tls { NOTIFY_TLS_REQUIRED, NOTIFY_TLS_OFF };

struct notify_sink {
	unsigned int line;
	char *name;
	int kind, trust, language, tls;
	char *urls[NOTIFY_TEXTS_MAX + 1];
	char *secret_file, *token_file, *ca_file;
	char *from;
	char *to[NOTIFY_TEXTS_MAX + 1];
	int64_t resolve_timeout_ms;
};

struct notify_contact {
	unsigned int line;
	char *name, *sink, *address;
};

struct notify_route {
	unsigned int line;
	char *rule, *unit;                           /* "": any */
	char *severity[NOTIFY_TEXTS_MAX + 1];        /* empty: any */
	bool drill;
	char *sinks[NOTIFY_TEXTS_MAX + 1], *contacts[NOTIFY_TEXTS_MAX + 1], *province[NOTIFY_TEXTS_MAX + 1];
};

struct config_notify {
	bool drill;
	int64_t quiet_from_ms, quiet_until_ms; /* after midnight, Shanghai; equal: none */
	struct config_items sinks, contacts, routes;
};

extern const struct config_list config_notify_lists[];
extern const size_t config_notify_list_count;

/* What the rows say of one another; each mistake is told with its line. */
struct config_reading;
void config_notify_check(struct config_reading *r, const struct config_notify *n);

static inline const struct notify_sink *notify_sinks(const struct config_notify *n)
{
	return n->sinks.first;
}
static inline const struct notify_contact *notify_contacts(const struct config_notify *n)
{
	return n->contacts.first;
}
static inline const struct notify_route *notify_routes(const struct config_notify *n)
{
	return n->routes.first;
}
const struct notify_sink *notify_sink_of(const struct config_notify *n, const char *name);       /* NULL: none */
const struct notify_contact *notify_contact_of(const struct config_notify *n, const char *name); /* NULL: none */
/* The ids of DOMAIN §4's rules, ends with NULL: a route for a misspelt one would call nobody. */
extern const char *const notify_rules[];
