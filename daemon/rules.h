/* SPDX-License-Identifier: MIT
 *
 * Meaning: what is called to somebody's attention (DOMAIN §4): a row a rule, and raising and clearing of its
 * alerts, which are folded rows: raised once a (rule, subject), whatever is redelivered, amended or replayed.
 */
#pragma once

#include "facts.h"

struct rule {
	const char *id;
	const char *article;  /* of 管理办法, or where it comes from */
	const char *severity; /* of the alert */
	bool page;            /* somebody is called now */
	const char *zh, *en;  /* the sentence; the alert's fields complete it */
};
extern const struct rule rules[];
extern const size_t rule_count;
const struct rule *rule_of(const char *id); /* NULL when unknown */

/* An event after a row of it was folded. */
struct rule_event {
	int64_t n, now;
	const char *site, *event, *unit, *division;
	int severity;
	bool unconfirmed;
	int64_t occurred_at, known_at; /* known_at: earliest ever reported */
};
int rules_event(struct fold *f, const struct rule_event *e);
/* Something on an `incident` topic was not accepted: content unknown, somebody is called from the topic alone. */
int rules_incident_unreadable(struct fold *f, int64_t n, int64_t now, const char *site, const char *division);
/* Is such an alert of the site open? 1 yes, 0 no. */
int rules_is_unreadable_open(struct store *s, const char *site);
/* A later accepted incident of the site clears it. */
int rules_incident_readable(struct fold *f, int64_t n, int64_t now, const char *site);
