/* SPDX-License-Identifier: MIT
 *
 * The ledger's rows, its head, and the imports. No index over all history serves the filters (DESIGN §4.14): a
 * call scans on in ascending n until its page or its budget is full, and `next` says where it got to.
 */
#include "api_route.h"

#include "clock.h"
#include "envelope.h"

#include <errno.h>
#include <stdio.h>

#define SCAN_ROWS_MAX 200000
#define CLOCK_EVERY 256 /* rows between two looks at the clock */

struct filter {
	const char *outcome, *site, *feed;
};

/* The outcome is canonical JSON, and inside a string every quote is escaped: "status":" can only be the key. */
static bool has_status(const struct ledger_row *row, const char *status)
{
	static const char key[] = "\"status\":\"";
	const char *at = memmem(row->outcome, row->outcome_len, key, sizeof key - 1);
	size_t len = strlen(status);

	if (!at)
		return false;
	at += sizeof key - 1;
	return (size_t)(row->outcome + row->outcome_len - at) > len && memcmp(at, status, len) == 0 && at[len] == '"';
}

static bool passes(const struct filter *f, const struct ledger_row *row)
{
	struct topic t;

	if (f->outcome && !has_status(row, f->outcome))
		return false;
	if (!f->site && !f->feed)
		return true;
	if (f->site && !strstr(row->topic, f->site))
		return false; /* cheap, and true for nearly all */
	if (topic_parse(row->topic, &t) < 0)
		return false;
	return (!f->site || strcmp(t.site, f->site) == 0) && (!f->feed || strcmp(t.feed, f->feed) == 0);
}

/* Payloads for people with a role: what /incidents asks one for must not stand open here; ballots one by one would
 * undo the suppression of small cells (DOMAIN §5); acts hold an officer's words, a site, or what an erasure left. */
static bool needs_role(const char *topic)
{
	static const char *const closed[] = { "/up/incident", "/up/survey" };
	static const char *const open_acts[] = { "act/policy", "act/import/", "act/daemon/" };

	for (size_t i = 0; i < ARRAY_SIZE(closed); i++)
		if (strstr(topic, closed[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(open_acts); i++)
		if (strncmp(topic, open_acts[i], strlen(open_acts[i])) == 0)
			return false;
	return strncmp(topic, "act/", strlen("act/")) == 0;
}

/* The findings without what they quote of the message. */
static json *without_got(const json *findings)
{
	json *list = json_new_list();

	for (size_t i = 0; findings && i < json_count(findings); i++) {
		const json *finding = json_at(findings, i);
		json *kept = json_new_object();

		for (void *k = json_first(finding); k; k = json_next(finding, k))
			if (strcmp(json_key(k), "got") != 0)
				json_set(kept, json_key(k), json_keep(json_value(k)));
		json_push(list, kept);
	}
	return list;
}

static bool quotes(const struct ledger_row *row, const char *key)
{
	return memmem(row->outcome, row->outcome_len, key, strlen(key)) != NULL;
}

/* Our own acts name nobody. Canonical JSON: no text can hold these quotes unescaped. */
static bool names_somebody(const struct ledger_row *row)
{
	return quotes(row, "\"actor\":") && !quotes(row, "\"actor\":\"daemon\"");
}

/* What the row's hash was made of (DOMAIN §6): of an erased one what stood there before. */
struct digests {
	uint8_t payload[HASH_SIZE], outcome[HASH_SIZE];
	int64_t erased_by; /* the act's row; 0: not erased */
	bool outcome_kept; /* the bytes that were hashed are there */
};

static int read_digests(struct store *s, const struct ledger_row *row, struct digests *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const void *payload, *outcome;
	uint8_t kept[HASH_SIZE];
	size_t len[2];
	int r = store_query(s, &q, "SELECT by_n, payload_sha256, outcome_sha256 FROM erased WHERE n = ?", "i", row->n);

	*ret = (struct digests){ .outcome_kept = true };
	hash_sha256(row->payload, row->payload_len, ret->payload);
	hash_sha256(row->outcome, row->outcome_len, ret->outcome);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	payload = store_blob(q, 1, &len[0]);
	outcome = store_blob(q, 2, &len[1]);
	if (len[0] != HASH_SIZE || len[1] != HASH_SIZE)
		return -EUCLEAN;
	memcpy(kept, ret->outcome, HASH_SIZE);
	memcpy(ret->payload, payload, HASH_SIZE);
	memcpy(ret->outcome, outcome, HASH_SIZE);
	ret->erased_by = store_int(q, 0);
	ret->outcome_kept = memcmp(kept, ret->outcome, HASH_SIZE) == 0;
	return 0;
}

/* Where all of the outcome but a name or a word is told, its digest would tell that to whoever tries words; so would the
 * payload's, since the row's hash is made of both. Where the outcome is told whole the hash alone answers such a try,
 * and the digests tell nothing new. */
static bool digests_would_tell(const struct ledger_row *row, const struct digests *d)
{
	return needs_role(row->topic) && (quotes(row, "\"got\":") || names_somebody(row) || !d->outcome_kept);
}

static void set_digest(json *object, const char *key, const uint8_t *sha256)
{
	char text[HASH_HEX_SIZE];

	json_set(object, key, sha256 ? json_new_text(hash_hex(sha256, text)) : NULL);
}

static void set_digests(json *object, const struct digests *d, bool told)
{
	set_digest(object, "payload_sha256", told ? d->payload : NULL);
	set_digest(object, "outcome_sha256", told ? d->outcome : NULL);
}

/* What a reader without a role is not told of a row: its payload, what findings quote of it, who acted, upon which event. */
static void close_row(const struct ledger_row *row, bool alone, json *message)
{
	static const char incident_act[] = "act/incident";

	if (!needs_role(row->topic))
		return;
	if (strncmp(row->topic, incident_act, strlen(incident_act)) == 0)
		json_set(message, "topic", json_new_text(incident_act));
	json_set(message, "errors", without_got(json_get(message, "errors")));
	json_set(message, "warnings", without_got(json_get(message, "warnings")));
	if (!alone)
		return;
	json_set(message, "payload", NULL);
	if (quotes(row, "\"got\":") || names_somebody(row))
		json_set(message, "outcome_json", NULL);
}

struct scan {
	struct store *store;
	json *items;
	size_t limit;
	int64_t rows, deadline;
	int64_t at;  /* the last row looked at */
	bool full; /* page or budget: there may be more */
	bool inside; /* the reader has a role */
};

static int list_row(struct scan *scan, const struct ledger_row *row)
{
	struct digests d;
	json *message;
	int r = read_digests(scan->store, row, &d);

	if (r < 0)
		return r;
	object_message(row, false, &message);
	set_digests(message, &d, scan->inside || !digests_would_tell(row, &d));
	if (!scan->inside)
		close_row(row, false, message);
	json_push(scan->items, message);
	return 0;
}

static int scan_row(struct scan *scan, const struct filter *f, const struct ledger_row *row)
{
	int r = passes(f, row) ? list_row(scan, row) : 0;

	scan->at = row->n;
	scan->rows++;
	scan->full = json_count(scan->items) >= scan->limit || scan->rows >= SCAN_ROWS_MAX ||
		     (scan->rows % CLOCK_EVERY == 0 && clock_monotonic_ms() >= scan->deadline);
	return r;
}

/* Everything but accepted rows is listed by n in `refused`, which is short. */
static int rows_from(struct api_call *c, int64_t from, store_stmt **q)
{
	const char *outcome = c->params[PARAM_OUTCOME];

	if (!outcome || strcmp(outcome, "accepted") == 0)
		return ledger_rows(c->api->store, from, INT64_MAX, q);
	return store_query(c->api->store, q,
			   "SELECT l.n, l.received_at, l.topic, l.payload, l.outcome, l.hash FROM refused r"
			   " CROSS JOIN ledger l ON l.n = r.n WHERE r.n >= ?1 AND r.status = ?2 ORDER BY r.n",
			   "it", from, outcome);
}

static int scan_on(struct api_call *c, int64_t after, struct scan *scan)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const struct filter f = { c->params[PARAM_OUTCOME], c->params[PARAM_SITE], c->params[PARAM_FEED] };
	struct ledger_row row;
	int r = rows_from(c, after + 1, &q);

	while (r >= 0 && !scan->full && (r = ledger_step(q, &row)) > 0)
		r = scan_row(scan, &f, &row);
	return r < 0 ? r : 0;
}

static int list_messages(struct api_call *c, json **ret)
{
	_cleanup_(json_freep) json *items = json_new_list();
	struct scan scan = {
		.store = c->api->store,
		.items = items,
		.limit = api_limit(c),
		.inside = c->rq->trusted,
		.deadline = clock_monotonic_ms() + API_ANSWER_BUDGET_MS,
	};
	struct ledger_head head;
	int64_t after;
	int r;

	if (api_after_int(c, &after) < 0)
		return 0;
	r = scan_on(c, after, &scan);
	if (r >= 0)
		r = ledger_last(c->api->store, &head);
	if (r < 0)
		return r;
	*ret = api_list_int(json_keep(items), scan.full && scan.at < head.n ? scan.at : 0);
	return 0;
}

static bool parse_n(const char *text, int64_t *ret)
{
	if (!*text || strlen(text) > 15 || strspn(text, "0123456789") != strlen(text))
		return false;
	*ret = atoll(text);
	return true;
}

/* Which row erased it. The digests are told once more with it. */
static void tell_erased(const struct digests *d, bool told, json *message)
{
	json *erased;

	if (!d->erased_by)
		return;
	erased = json_new_object();
	json_set(erased, "by", json_new_int(d->erased_by));
	set_digests(erased, d, told);
	json_set(message, "erased", erased);
	json_set(message, "payload_kept", json_new_bool(false));
}

/* Identical rejects of one site within an hour are one row and a count (DOMAIN §6): how many more of it came. */
static int tell_repeats(struct api_call *c, int64_t n, json *message)
{
	int64_t repeats = 0;
	int r = store_get_int(c->api->store, &repeats, "SELECT count FROM collapsed WHERE n = ?", "i", n);

	json_set(message, "repeats", json_new_int(repeats));
	return MIN(r, 0);
}

static int one_message(struct api_call *c, json **ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	struct digests d;
	bool told;
	int64_t n;
	int r;

	if (!parse_n(c->holes[0], &n))
		return API_NOT_FOUND;
	r = ledger_rows(c->api->store, n, n, &q);
	if (r >= 0)
		r = ledger_step(q, &row);
	if (r <= 0)
		return r < 0 ? r : API_NOT_FOUND;
	r = read_digests(c->api->store, &row, &d);
	if (r < 0)
		return r;
	told = c->rq->trusted || !digests_would_tell(&row, &d);
	r = object_message(&row, true, ret);
	if (r == 0) {
		set_digests(*ret, &d, told);
		tell_erased(&d, told, *ret);
		r = tell_repeats(c, n, *ret);
	}
	if (r == 0 && !c->rq->trusted)
		close_row(&row, true, *ret);
	return r;
}

static int ledger_head(struct api_call *c, json **ret)
{
	char text[HASH_HEX_SIZE];
	struct ledger_head head;
	int64_t indicators_n = 0;
	int r = ledger_last(c->api->store, &head);

	if (r >= 0)
		r = store_get_int(c->api->store, &indicators_n, "SELECT value FROM progress WHERE name = 'indicators_n'",
				  "");
	if (r < 0)
		return r;
	*ret = json_new_object();
	json_set(*ret, "n", json_new_int(head.n));
	json_set(*ret, "hash", json_new_text(hash_hex(head.hash, text)));
	json_set(*ret, "at", head.n > 0 ? json_new_text(clock_format_time(head.received_at, text)) : NULL);
	json_set(*ret, "indicators_n", json_new_int(indicators_n));
	return 0;
}

static json *import_of(store_stmt *q)
{
	char text[MAX(HASH_HEX_SIZE, CLOCK_TEXT_SIZE)];
	size_t len;
	const void *sha256 = store_blob(q, 4, &len);
	json *i = json_new_object();

	json_set(i, "n", json_new_int(store_int(q, 0)));
	json_set(i, "kind", json_new_text(store_text(q, 1)));
	json_set(i, "received_at", json_new_text(clock_format_time(store_int(q, 2), text)));
	json_set(i, "rows", json_new_int(store_int(q, 3)));
	json_set(i, "sha256", len == HASH_SIZE ? json_new_text(hash_hex(sha256, text)) : NULL);
	json_set(i, "actor", json_new_text(store_text(q, 5)));
	return i;
}

static int list_imports(struct api_call *c, json **ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	_cleanup_(json_freep) json *items = json_new_list();
	size_t limit = api_limit(c);
	int64_t after, last = 0;
	int r;

	if (api_after_int(c, &after) < 0)
		return 0;
	/* Who did it stands in the row's hashed outcome. */
	r = store_query(c->api->store, &q,
			"SELECT i.n, i.kind, i.received_at, i.rows, i.sha256,"
			" json_extract(l.outcome, '$.actor')"
			" FROM import i CROSS JOIN ledger l ON l.n = i.n WHERE i.n > ?1 ORDER BY i.n LIMIT ?2",
			"ii", after, (int64_t)limit + 1);
	while (r >= 0 && (r = store_step(q)) > 0 && json_count(items) < limit) {
		json_push(items, import_of(q));
		last = store_int(q, 0);
	}
	if (r < 0)
		return r;
	*ret = api_list_int(json_keep(items), r > 0 ? last : 0);
	return 0;
}

const struct api_route api_message_routes[] = {
	{ .method = "GET", .pattern = "/messages", .handler = list_messages,
	  .params = P(LIMIT) | P(AFTER) | P(OUTCOME) | P(SITE) | P(FEED) },
	{ .method = "GET", .pattern = "/messages/{n}", .handler = one_message },
	{ .method = "GET", .pattern = "/ledger/head", .handler = ledger_head },
	{ .method = "GET", .pattern = "/imports", .handler = list_imports, .params = P(LIMIT) | P(AFTER) },
	{ 0 },
};
