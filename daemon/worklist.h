/* SPDX-License-Identifier: MIT
 *
 * Engines: the worklist (DOMAIN §4): what an officer should look after, and what is no alert: nobody is called, nothing is
 * raised or cleared, it is on the list while it is so. So nothing of it is stored: a page is asked of the folded tables, kind
 * by kind and site by site, within the deadline of one read transaction (DESIGN §4.15). A page may therefore be short,
 * even empty, and still have a next one. A kind is a row of the table in worklist.c.
 */
#pragma once

#include "json.h"
#include "policy.h"
#include "store.h"

struct worklist;

/* Where a page begins: behind this. key: site × 8 + the feed's number, 0 of what is not about a feed. */
struct worklist_place {
	size_t kind;
	int64_t key;
};

struct worklist_asked {
	struct store *store;
	const struct policy *policy;
	const char *unit; /* NULL: all */
	const char *kind; /* NULL: all */
	bool inside;      /* may hear which nursery, and the figures */
	int64_t today, now;
	int64_t deadline_ms; /* monotonic */
	size_t limit;
};

/* A nursery that is registered and operating today. */
struct worklist_site {
	int64_t id, expected_from, facility;
	const char *code, *unit;
};

/* What stands on the list. */
struct worklist_found {
	int64_t since; /* day */
	json *detail;  /* handed over */
};

struct worklist_kind {
	const char *id, *zh, *en;
	const char *source; /* of the rule */
	/* Pushes what stands behind *key, in rising order, and moves *key. 1: stopped before the end. */
	int (*scan)(struct worklist *w, const struct worklist_kind *kind, int64_t *key);
	/* Of a kind about operating nurseries: 1 is on the list, 0 not. */
	int (*examine)(const struct worklist_asked *a, const struct worklist_site *site, struct worklist_found *ret);
};
extern const struct worklist_kind worklist_kinds[];
extern const size_t worklist_kind_count;
bool worklist_kind_known(const char *id);

/* Appends to items; *place moves. 1: there is more behind it; 0: the end. */
int worklist_page(const struct worklist_asked *asked, struct worklist_place *place, json *items);

/* ---- worklist_sites.c ---- */
int worklist_silent(const struct worklist_asked *a, const struct worklist_site *site, struct worklist_found *ret);
int worklist_over_capacity(const struct worklist_asked *a, const struct worklist_site *site, struct worklist_found *ret);
int worklist_carer_ratio(const struct worklist_asked *a, const struct worklist_site *site, struct worklist_found *ret);
