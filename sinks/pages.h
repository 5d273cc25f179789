/* SPDX-License-Identifier: MIT
 *
 * Edges: the queue of pages (DOMAIN §4). An alert that calls people becomes rows of table notification, one a sink, peer
 * and contact, in one transaction with the cursor over alert.changed_n: whatever dies, each is queued once. A row is
 * sent until an answer says it was taken, always with the same key, so a receiver can drop what it has.
 *
 *   raise     the routes' sinks and the first contact, at once (what is not S1: not in the quiet hours)
 *   escalate  S1 and S2 that nobody acknowledged: the next contact, then the province (policy `escalation`)
 *   resolve   the alert was closed: everyone who was called
 *
 * The key is a digest of the ledger row that raised the alert: a rebuild keeps it, another database has others.
 * Nothing here talks to anybody.
 */
#pragma once

#include "../daemon/config.h"
#include "../daemon/hash.h"
#include "../daemon/policy.h"
#include "../daemon/store.h"

#define PAGES_KEY_SIZE 33
/* Of alert a: nobody has acknowledged it. The one place that says what an acknowledgement is; it does not close an alert. */
#define PAGES_UNACKNOWLEDGED \
	"a.state = 'open' AND NOT EXISTS (SELECT 1 FROM alert_act k WHERE k.alert = a.id AND k.act = 'acknowledge')"

enum page_kind { PAGE_RAISE, PAGE_ESCALATE, PAGE_RESOLVE, PAGE_KIND_COUNT };
extern const char *const page_kind_words[PAGE_KIND_COUNT];

struct pages {
	struct store *store;                /* borrowed: the write connection */
	const struct config_notify *notify; /* borrowed */
	int64_t cursor;                     /* alerts changed by rows up to this one are queued */
	bool on;
};

struct page {
	int64_t id, alert, attempts, created_at;
	enum page_kind kind;
	int64_t level;
	bool drill;
	char key[PAGES_KEY_SIZE];
	char contact[65];
};

/* Where it was left; a queue that is new begins with the ledger's head: who switches pages on is not called of the past. */
int pages_open(struct pages *p, struct store *s, const struct config_notify *notify, int64_t head_n, int64_t now);
/* The clock was set back by so much: what waits is due by so much earlier. */
int pages_set_back(struct pages *p, int64_t ms);
/* What was written in the future was written by a clock that has been set back since, when nobody looked: it counts from now. */
int pages_come_back(struct pages *p, int64_t now);
/* What rows up to head_n did to the alerts; cheap when nothing happened. > 0: so many rows were queued. */
int pages_collect(struct pages *p, const struct policy *policy, int64_t head_n, int64_t now);
/* What time does: > 0 so many rows were queued. */
int pages_escalate(struct pages *p, const struct policy *policy, int64_t now);

/* The oldest that are due at this peer, at most `most`; *ret_count of them. */
int pages_due(struct pages *p, const char *sink, int64_t peer, int64_t now, struct page *ret, size_t most, size_t *ret_count);
/* again_at: STORE_NULL, or when it is to be said again (an alertmanager forgets). */
int pages_delivered(struct pages *p, int64_t id, const char *answer, int64_t again_at, int64_t now);
int pages_failed(struct pages *p, int64_t id, const char *answer, int64_t next_at);
/* Never again: too old, or nobody is there any more. */
int pages_give_up(struct pages *p, int64_t id, const char *why);

struct pages_waiting {
	int64_t count, oldest_at; /* not yet delivered once; oldest_at STORE_NULL: none */
};
int pages_waiting(struct pages *p, struct pages_waiting *ret);
