/* SPDX-License-Identifier: MIT
 *
 * The contract's objects (CONTRACT §2) as JSON, built from rows. Who shows them (HTTP, retained MQTT topics,
 * nurseryctl --db) shows the same. Nothing here reads a clock: `today` is the caller's Shanghai day.
 *
 * 0 done, *ret is the caller's; OBJECT_NONE: no such thing, *ret is NULL; < 0 the store failed.
 */
#pragma once

#include "ids.h"
#include "indicators.h"
#include "json.h"
#include "ledger.h"
#include "store.h"

#define OBJECT_NONE 1

/* A ledger row. alone: with payload and outcome_json, as GET /messages/{n} shows it. */
int object_message(const struct ledger_row *row, bool alone, json **ret);

/* site: the row's id. Alone it looks for the last report as far back as one may lie (400 days), in a list only
 * as far as it is usable (31 days). */
int object_site(struct store *s, int64_t id, int64_t today, bool alone, json **ret);

/* Where it belonged first and every move, those to come, too: what the acts on a site decide upon, and nothing else. */
int object_site_moves(struct store *s, int64_t id, json **ret);

/* alone: with every stage, and what officers found. */
int object_incident(struct store *s, int64_t site, const char *event, bool alone, json **ret);

/* Deadlines (deadlines.h) put beside an incident, an alert, a case: `next_clock` {id, zh, en, due_at, state} or null; alone also
 * `clocks`, a list of {id, zh, en, from, due_at, met_at, state}; a case's with the subject. policy NULL: none. */
int object_incident_clocks(struct store *s, const struct policy *p, int64_t site, const char *event, bool alone, int64_t now, json *object);
int object_alert_clocks(struct store *s, const struct policy *p, int64_t id, int64_t now, json *object);
int object_case_clocks(struct store *s, const struct policy *p, const char *id, bool alone, int64_t now, json *object);

/* inside: for the commission's own people; otherwise without site and subject. */
int object_alert(struct store *s, int64_t id, bool inside, json **ret);
/* The same alone: inside with what officers did about it. */
int object_alert_alone(struct store *s, int64_t id, bool inside, json **ret);
/* "A-000123" → 123; -EINVAL for another form. */
int object_alert_id(const char *text, int64_t *ret);

/* alone: with history, evidence, signatures and the acts that its state allows, each with what is missing.
 * policy may be NULL. */
int object_case(struct store *s, const char *id, bool alone, json **ret);

/* The policy of a reader that answers many questions: parsed anew only when the ledger has a newer one. */
struct policy_cache {
	struct policy *policy;
	int64_t n; /* its ledger row */
};
void policy_cache_done(struct policy_cache *c);

/* What several indicator objects of one answer need, and who reads them. Zero-initialised is empty, and for readers
 * outside: cells of few answers are suppressed (DOMAIN §5). */
struct province_sums {
	struct policy_cache *policies; /* lent by the reader; NULL: the policy is read for this answer */
	struct policy *policy;         /* NULL: not asked for yet */
	char province[3];              /* whose units these are; "": not asked for yet */
	int64_t units;
	char (*members)[UNIT_SIZE]; /* they, so many */
	char (*strays)[UNIT_SIZE]; /* with samples, but no unit that the divisions know */
	size_t stray_count;
	bool inside; /* the reader has a role, or sits at the machine */
};
void province_sums_done(struct province_sums *c);
/* c->policy becomes the ledger's newest, lent or read; NULL: there is none. */
int province_sums_policy(struct store *s, struct province_sums *c);

/* The indicator object, everywhere the same: one after the other from a day to a day (of a month: its first), both
 * inclusive, as JSON text appended to a buffer. */
struct indicator_walk;
/* revision: a month's earlier one, as it was frozen; 0: the present ones. unit, indicator and period stay the caller's. */
int indicator_walk_new(struct store *s, struct province_sums *cache, const char *unit, const char *indicator, const char *period,
		       int64_t from, int64_t to, int64_t revision, struct indicator_walk **ret);
int indicator_walk_next(struct indicator_walk *w, struct buf *out, int64_t *ret_as_of); /* 1 an object, 0 the end */
void indicator_walk_free(struct indicator_walk *w);
static inline void indicator_walk_freep(struct indicator_walk **w)
{
	indicator_walk_free(*w);
}

/* One of them. as_of is the sample's own day. */
int object_indicator_text(struct store *s, struct province_sums *cache, const char *unit, const char *indicator,
			  const char *period, int64_t as_of, struct buf *out);
/* The same, read back. */
int object_indicator(struct store *s, struct province_sums *cache, const char *unit, const char *indicator,
		     const char *period, int64_t as_of, json **ret);

/* What the acts on a unit's title decide upon, and nothing else: for their If-Match (etag.h). */
int object_title(struct store *s, const char *unit, int64_t today, json **ret);
/* 1 yes, 0 no: a county division maps to it, or a site counts for it. */
int object_unit_known(struct store *s, const char *unit);
/* Designation, indicators (headlines; all of them when alone), open alerts. OBJECT_NONE when neither the
 * divisions nor any site knows the unit. */
int object_unit_text(struct store *s, struct province_sums *cache, const char *unit, int64_t today, bool alone, struct buf *out);
/* The same, read back. */
int object_unit(struct store *s, struct province_sums *cache, const char *unit, int64_t today, bool alone, json **ret);

/* province: two digits. */
int object_province(struct store *s, struct province_sums *cache, const char *province, bool alone, json **ret);

/* The units of a province ("33"), or of all ("" or NULL): of all county divisions, and those in which a site
 * stands without the divisions knowing it. Sorted; the caller frees the list with free(). */
int object_units_of(struct store *s, const char *province, char (**ret)[UNIT_SIZE], size_t *ret_count);
/* Those of the county divisions alone: a province's average is made of them. */
int object_units_of_divisions(struct store *s, const char *province, char (**ret)[UNIT_SIZE], size_t *ret_count);
