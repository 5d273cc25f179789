/* SPDX-License-Identifier: MIT
 *
 * Meaning: what is called to somebody's attention (DOMAIN §4): a row a rule, and raising and clearing of its
 * alerts, which are folded rows: raised once a (rule, subject), whatever is redelivered, amended or replayed. The rules
 * stand by sense in rules_incident.c and rules_indicator.c; docs/rules.md tells them all.
 */
#pragma once

#include "facts.h"

struct rule {
	const char *id;
	const char *article;  /* of 管理办法, or where it comes from */
	const char *severity; /* of the alert */
	bool page;            /* somebody is called now */
	bool by_hand;         /* an officer may raise it, with a source */
	const char *zh, *en;  /* the sentence; the alert's fields complete it */
};
extern const struct rule rules[];
extern const size_t rule_count;
const struct rule *rule_of(const char *id); /* NULL when unknown */

/* An event after a row of it was folded. */
struct rule_event {
	int64_t n, now;
	int64_t site_id;
	const char *site, *event, *unit, *division;
	int severity;
	bool unconfirmed;
	bool told; /* by a message that just came, not by time, a policy or an officer */
	int64_t occurred_at, known_at, first_received_at; /* known_at: earliest ever reported */
};
int rules_event(struct fold *f, const struct rule_event *e);
/* An officer found that the nursery is liable for the event. Only n, now, the texts and occurred_at are looked at. */
int rules_liability(struct fold *f, const struct rule_event *e);
/* The title of a unit (NULL: of any) changed, perhaps of days that lie behind: the S1 events of those days, and those with a liable
 * nursery, become what they would have been had the title been known. */
int rules_titles(struct fold *f, int64_t n, int64_t now, const char *unit);
/* Something on an `incident` topic was not accepted: content unknown, somebody is called from the topic alone. */
int rules_incident_unreadable(struct fold *f, int64_t n, int64_t now, const char *site, const char *division);
/* Is such an alert of the site open? 1 yes, 0 no. */
int rules_is_unreadable_open(struct store *s, const char *site);
/* A later accepted incident of the site clears it. */
int rules_incident_readable(struct fold *f, int64_t n, int64_t now, const char *site);

/* An officer's own alert: other circumstances, an event known from outside, a hard integrity flag (DOMAIN §4; signals.h).
 * Once a (rule, subject); -EINVAL for a rule that is not raised by hand. site may be NULL. */
struct rule_by_hand {
	int64_t n, now;
	const char *rule, *unit, *site, *subject;
};
int rules_by_hand(struct fold *f, const struct rule_by_hand *h);

/* ---- working days (rules_calendar.c) ---- */

/* The unit's title went on: is the end of its public period known? */
int rules_public_period(struct fold *f, int64_t n, int64_t now, const char *unit);
/* A calendar came: every unit again. */
int rules_calendar(struct fold *f, int64_t n, int64_t now);

/* ---- rules about indicators (rules_indicator.c and the files beside it, rules_asked.h): raised and cleared by frozen months and imports ---- */

/* A month of the unit was just frozen: its own rules, and a `due` row for those that compare it with its province. */
int rules_month(struct fold *f, int64_t n, int64_t now, const char *unit);
/* Such a `due` row. province: two digits. */
int rules_province(struct fold *f, int64_t n, int64_t now, const char *province);
/* A target, an average, a designation or a declared item changed: every unit again. */
int rules_everything(struct fold *f, int64_t n, int64_t now);
/* The policy changed: the same, and every unit whose ballots raise a flag. Events are judged by incident_judge_again. */
int rules_policy(struct fold *f, int64_t n, int64_t now);
/* A day turned: what is to be handed in once a year. */
int rules_day(struct fold *f, int64_t n, int64_t now);
/* A token became live at two sites, or no longer is. */
int rules_flags(struct fold *f, int64_t n, int64_t now, const char *unit);
