/* SPDX-License-Identifier: MIT
 *
 * A row of the ledger that is an act: a prefix of its topic is a row of the table acts[], a due time a row of due_kinds. Everything
 * that it does follows from its bytes and the tables before it.
 */
#include "fold_acts.h"

#include "../collectors/incident.h"
#include "casework.h"
#include "clock.h"
#include "frozen.h"
#include "imports.h"
#include "months.h"
#include "register.h"
#include "rules.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>

static int ask_evening(struct fold *f, int64_t day)
{
	return fold_ask_due(f, clock_day_start_ms(day) + policy_reporting(f->policy, day)->timely_by_ms, "evening", "");
}

/* The first row is the policy, and starts the calendar. */
static int start_calendar(struct fold *f, const struct ledger_row *row)
{
	int64_t day = clock_local_day(row->received_at);
	int r = fold_ask_due(f, clock_day_start_ms(day + 1), "day", "");

	fold_set_today(f, day);
	return r < 0 ? r : ask_evening(f, day);
}

/* Each version holds from its effective_on: what happened before it is judged as it was. */
static int act_policy(struct fold *f, const struct ledger_row *row, const char *rest)
{
	_cleanup_(policy_freep) struct policy *before = f->policy;
	int r = store_run(f->store, "INSERT INTO policy(n, bytes) VALUES(?, ?)", "ib", row->n, row->payload, row->payload_len);

	(void)rest;
	f->policy = NULL;
	if (r >= 0)
		r = fold_load_policy(f);
	fold_set_today(f, f->dirty.today);
	if (r >= 0 && before && !policy_judges_alike(before, f->policy))
		r = incident_judge_again(f, row->n, row->received_at);
	if (r >= 0)
		r = rules_policy(f, row->n, row->received_at);
	if (r < 0)
		return r;
	/* Whatever a policy says of days, it says of all of them. */
	return row->n > 1 ? import_mark_units(f, "", 0) : start_calendar(f, row);
}

static int act_import(struct fold *f, const struct ledger_row *row, const char *kind)
{
	uint8_t sha[HASH_SIZE];
	int64_t rows = 0;
	int r = import_apply(f, kind, row->payload, row->payload_len, row->n, &rows);

	if (r < 0)
		return r;
	/* Designations, targets, averages, declared items: what the rules about indicators compare with. */
	r = rules_everything(f, row->n, row->received_at);
	if (r >= 0 && strcmp(kind, "workdays") == 0)
		r = rules_calendar(f, row->n, row->received_at);
	if (r >= 0 && strcmp(kind, "designations") == 0)
		r = rules_titles(f, row->n, row->received_at, NULL);
	if (r < 0)
		return r;
	hash_sha256(row->payload, row->payload_len, sha);
	return store_run(f->store, "INSERT INTO import(n, kind, received_at, rows, sha256) VALUES(?, ?, ?, ?, ?)", "itiih",
			 row->n, kind, row->received_at, rows, sha);
}

/* The calendar goes on whatever the rules do. */
static int turn_day(struct fold *f, int64_t at)
{
	int64_t day = clock_local_day(at);
	int r = fold_ask_due(f, clock_day_start_ms(day + 1), "day", "");

	fold_set_today(f, day);
	if (r >= 0)
		r = ask_evening(f, day);
	return r < 0 ? r : dirty_mark_all(&f->dirty, f->store, day, day);
}

static int due_day(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	int r = turn_day(f, at);

	(void)subject;
	return r < 0 ? r : rules_day(f, row->n, row->received_at);
}

/* From now on today's reports are expected (DOMAIN §2, completeness). */
static int due_evening(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	(void)row;
	(void)subject;
	return dirty_mark_all(&f->dirty, f->store, clock_local_day(at), clock_local_day(at));
}

static int due_incident(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	char site[SITE_ID_SIZE];
	const char *slash = strchr(subject, '/');
	const struct site *known;

	(void)at;
	if (!slash || (size_t)(slash - subject) >= sizeof site)
		return -EUCLEAN;
	snprintf(site, sizeof site, "%.*s", (int)(slash - subject), subject);
	known = streams_find(&f->streams, site);
	return known ? incident_refresh(f, row->n, row->received_at, known, slash + 1) : -EUCLEAN;
}

/* A month of a unit is frozen: its values are in the row (freeze.h). Its samples only have to say so. */
static int due_month(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	char unit[UNIT_SIZE];
	int64_t month;
	int r = frozen_fold(f, row, subject, unit, &month);

	(void)at;
	if (r >= 0)
		r = rules_month(f, row->n, row->received_at, unit);
	return r < 0 ? r : dirty_refresh(&f->dirty, f->store, unit, months_next(month) - 1);
}

static int due_province(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	(void)at;
	return rules_province(f, row->n, row->received_at, subject);
}

static int due_flags(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	(void)at;
	return rules_flags(f, row->n, row->received_at, subject);
}

/* An S1 of a named unit that nobody confirmed or denied in time counts as confirmed for the case (DOMAIN §3). */
static int due_unconfirmed(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	(void)at;
	return casework_still_unconfirmed(f, row->n, row->received_at, subject);
}

static const struct {
	const char *kind;
	int (*fold)(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject);
} due_kinds[] = {
	{ "day", due_day },
	{ "evening", due_evening },
	{ "flags", due_flags },
	{ "incident", due_incident },
	{ "month", due_month },
	{ "province", due_province },
	{ "unconfirmed", due_unconfirmed },
};

/* What our own code could not fold when it was due (ingest.c) is passed over for ever, but for the calendar. */
static int pass_over(struct fold *f, const char *kind, int64_t at)
{
	return strcmp(kind, "day") == 0 ? turn_day(f, at) : 0;
}

static int act_due(struct fold *f, const struct ledger_row *row, const char *kind)
{
	_cleanup_(json_freep) json *payload = NULL;
	_cleanup_(outcome_done) struct outcome o = { 0 };
	const json *at, *subject;
	size_t offset;
	int r;

	if (json_parse(row->payload, row->payload_len, DEPTH_MAX, &payload, &offset) < 0)
		return -EUCLEAN;
	at = json_get(payload, "at");
	subject = json_get(payload, "subject");
	if (!at || !subject || json_kind(at) != JSON_KIND_INT || json_kind(subject) != JSON_KIND_TEXT)
		return -EUCLEAN;
	r = outcome_read(row->outcome, row->outcome_len, &o);
	if (r < 0)
		return r;
	r = store_run(f->store, "DELETE FROM due WHERE at = ? AND kind = ? AND subject = ?", "itt", json_int(at), kind,
		      json_text(subject));
	f->due_changed = true;
	if (r >= 0 && o.status == STATUS_FAULT)
		return pass_over(f, kind, json_int(at));
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(due_kinds); i++)
		if (strcmp(due_kinds[i].kind, kind) == 0)
			return due_kinds[i].fold(f, row, json_int(at), json_text(subject));
	return r < 0 ? r : -EUCLEAN;
}

static const char *text_in(const json *object, const char *key)
{
	const json *value = json_get(object, key);

	return value && json_kind(value) == JSON_KIND_TEXT ? json_text(value) : NULL;
}

/* What the erase row says of row n (erase.h). */
struct erasure {
	int64_t n, of; /* of: the row that the facts stand under */
	const char *site, *feed, *payload, *outcome, *fingerprint;
	uint8_t payload_sha256[HASH_SIZE], outcome_sha256[HASH_SIZE], print[HASH_SIZE];
	bool printed;
};

static int read_erasure(const json *root, struct erasure *e)
{
	const json *n = json_get(root, "n"), *of = json_get(root, "of");
	const char *payload_sha = text_in(root, "payload_sha256"), *outcome_sha = text_in(root, "outcome_sha256");
	const char *print = text_in(root, "print");

	if (!n || json_kind(n) != JSON_KIND_INT || !of || json_kind(of) != JSON_KIND_INT || !payload_sha || !outcome_sha)
		return -EUCLEAN;
	*e = (struct erasure){ .n = json_int(n), .of = json_int(of), .site = text_in(root, "site"), .feed = text_in(root, "feed"),
			       .payload = text_in(root, "payload"), .outcome = text_in(root, "outcome"),
			       .fingerprint = text_in(root, "fingerprint"), .printed = print != NULL };
	if (hash_from_hex(payload_sha, e->payload_sha256) < 0 || hash_from_hex(outcome_sha, e->outcome_sha256) < 0)
		return -EUCLEAN;
	if (!e->site || !e->feed || !e->payload || !e->outcome || (print && hash_from_hex(print, e->print) < 0))
		return -EUCLEAN;
	return 0;
}

/* The facts stay, but for free text: an erased text does not undo a count, an alert or a consumed seq. From its stand-in
 * the row folds to the same facts, so `rebuild` gives what this leaves. */
static int act_erase(struct fold *f, const struct ledger_row *row, const char *rest)
{
	_cleanup_(json_freep) json *root = NULL;
	const struct collector *c;
	const struct site *site;
	struct erasure e;
	size_t offset;
	int r;

	(void)rest;
	if (json_parse(row->payload, row->payload_len, DEPTH_MAX, &root, &offset) < 0 || read_erasure(root, &e) < 0)
		return -EUCLEAN;
	r = store_run(f->store,
		      "INSERT INTO erased(n, by_n, payload_sha256, payload, outcome_sha256, outcome, fingerprint)"
		      " VALUES(?, ?, ?, ?, ?, ?, ?)",
		      "iihbhtt", e.n, row->n, e.payload_sha256, e.payload, strlen(e.payload), e.outcome_sha256, e.outcome,
		      e.fingerprint);
	/* A copy of the refused bytes is still known when it comes again. */
	if (r >= 0 && e.printed)
		r = store_run(f->store, "UPDATE refused SET print = ? WHERE n = ?", "hi", e.print, e.n);
	c = collector_of(e.feed);
	site = streams_find(&f->streams, e.site);
	return r < 0 || !c || !c->forget || !site ? r : c->forget(f, site, e.of);
}

/* start, stop, connected, disconnected, a time when our clock was wrong and we took nothing: what a sender could not deliver then was late because of us (DOMAIN §3
 * "unclear"). Jumps of the clock are on record, nothing follows from them. */
static int act_daemon(struct fold *f, const struct ledger_row *row, const char *what)
{
	static const char *const interruptions[] = { "start", "stop", "connected", "disconnected", "clock_refused" };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(interruptions); i++)
		if (strcmp(what, interruptions[i]) == 0)
			r = store_run(f->store, "INSERT INTO interruption(at, n, what) VALUES(?, ?, ?)", "iit", row->received_at,
				      row->n, what);
	return r;
}

static int lose_range(struct fold *f, const struct site *site, const struct collector *c, int64_t epoch, const json *range)
{
	const json *first = json_at(range, 0), *last = json_at(range, 1);

	if (!first || !last || json_kind(first) != JSON_KIND_INT || json_kind(last) != JSON_KIND_INT)
		return -EUCLEAN;
	return streams_lose(f->store, site, c, epoch, json_int(first), json_int(last));
}

/* Asked for often enough (requests.h): {"epoch":1,"feed":"enrolment","ranges":[[2,4]],"site":"…"} */
static int act_gap_lost(struct fold *f, const struct ledger_row *row, const char *rest)
{
	_cleanup_(json_freep) json *payload = NULL;
	const json *epoch, *feed, *ranges, *code;
	const struct collector *c;
	const struct site *site;
	size_t offset;
	int r = 0;

	(void)rest;
	if (json_parse(row->payload, row->payload_len, DEPTH_MAX, &payload, &offset) < 0)
		return -EUCLEAN;
	epoch = json_get(payload, "epoch");
	feed = json_get(payload, "feed");
	ranges = json_get(payload, "ranges");
	code = json_get(payload, "site");
	if (!epoch || !feed || !ranges || !code || json_kind(epoch) != JSON_KIND_INT || json_kind(feed) != JSON_KIND_TEXT ||
	    json_kind(code) != JSON_KIND_TEXT)
		return -EUCLEAN;
	c = collector_of(json_text(feed));
	site = streams_find(&f->streams, json_text(code));
	if (!c || !site)
		return -EUCLEAN;
	for (size_t i = 0; r >= 0 && i < json_count(ranges); i++)
		r = lose_range(f, site, c, json_int(epoch), json_at(ranges, i));
	return r;
}

/* The rules are told of an event that a nursery is liable for. */
static int tell_liable(struct fold *f, const struct ledger_row *row, const struct site *site, const char *event)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct rule_event e = { .n = row->n, .now = row->received_at, .site = site->code, .site_id = site->id, .event = event };
	char unit[UNIT_SIZE], division[7];
	int r = store_query(f->store, &q, "SELECT unit, division, occurred_at, known_at, severity FROM incident WHERE site = ? AND event = ?",
			    "it", site->id, event);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	snprintf(unit, sizeof unit, "%s", store_text(q, 0));
	snprintf(division, sizeof division, "%s", store_text(q, 1));
	e.unit = unit;
	e.division = division;
	e.occurred_at = store_int(q, 2);
	e.known_at = store_int(q, 3);
	e.severity = (int)store_int(q, 4);
	return rules_liability(f, &e);
}

static int act_incident(struct fold *f, const struct ledger_row *row, const char *subject)
{
	const char *slash = strchr(subject, '/');
	char code[SITE_ID_SIZE];
	int r = casework_fold_incident(f, row, subject);

	if (r <= 0 || !slash)
		return r;
	snprintf(code, sizeof code, "%.*s", (int)MIN((size_t)(slash - subject), sizeof code - 1), subject);
	return tell_liable(f, row, streams_find(&f->streams, code), slash + 1);
}

static int act_designation(struct fold *f, const struct ledger_row *row, const char *unit)
{
	int r = casework_fold_designation(f, row, unit);

	if (r >= 0)
		r = rules_titles(f, row->n, row->received_at, unit);
	return r < 0 ? r : rules_public_period(f, row->n, row->received_at, unit);
}

/* The rules about indicators look again, as behind an import of the register. */
static int act_site(struct fold *f, const struct ledger_row *row, const char *site)
{
	int r = register_fold_act(f, row, site);

	return r < 0 ? r : rules_everything(f, row->n, row->received_at);
}

static const struct {
	const char *prefix;
	int (*fold)(struct fold *f, const struct ledger_row *row, const char *rest);
} acts[] = {
	{ "act/policy", act_policy },
	{ "act/import/", act_import },
	{ "act/due/", act_due },
	{ "act/daemon/", act_daemon },
	{ "act/erase", act_erase },
	{ "act/alert/", casework_fold_alert },
	{ "act/case/", casework_fold_case },
	{ "act/incident/", act_incident },
	{ "act/designation/", act_designation },
	{ "act/signal/", signal_fold },
	{ "act/site/", act_site },
	{ "act/gap/lost", act_gap_lost },
};

bool fold_act(struct fold *f, const struct ledger_row *row, int *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		size_t len = strlen(acts[i].prefix);

		if (strncmp(row->topic, acts[i].prefix, len) == 0) {
			*ret = acts[i].fold(f, row, row->topic + len);
			return true;
		}
	}
	return false;
}
