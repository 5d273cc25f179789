/* SPDX-License-Identifier: MIT */
#include "fold.h"

#include "../collectors/incident.h"
#include "casework.h"
#include "clock.h"
#include "frozen.h"
#include "imports.h"
#include "months.h"
#include "policy_row.h"
#include "rules.h"
#include "signals.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>

/* ---- hot state that is not the streams ---- */

static int load_policy(struct fold *f)
{
	policy_free(f->policy);
	f->policy = NULL;
	return MIN(policy_row_newest(f->store, &f->policy), 0);
}

static void set_today(struct fold *f, int64_t day)
{
	f->dirty.today = day;
	f->dirty.past_before =
		f->policy ? months_first_day(day - policy_freeze(f->policy, day)->days_after_month_end) : INT64_MIN;
}

static int load_today(struct fold *f)
{
	int64_t turn = STORE_NULL;
	int r = store_get_int(f->store, &turn, "SELECT min(at) FROM due WHERE kind = 'day'", "");

	set_today(f, turn == STORE_NULL ? 0 : clock_local_day(turn) - 1);
	f->due_changed = true;
	return MIN(r, 0);
}

int fold_open(struct store *s, struct fold *ret)
{
	int r;

	*ret = (struct fold){ .store = s };
	r = streams_load(s, &ret->streams);
	if (r >= 0)
		r = standing_load(ret);
	if (r >= 0)
		r = load_policy(ret);
	return r < 0 ? r : load_today(ret);
}

void fold_done(struct fold *f)
{
	streams_done(&f->streams);
	dirty_forget(&f->dirty);
	policy_free(f->policy);
	f->policy = NULL;
}

int fold_before_commit(struct fold *f)
{
	return streams_flush(&f->streams, f->store);
}

void fold_commit(struct fold *f)
{
	streams_commit(&f->streams);
}

size_t fold_mark(const struct fold *f)
{
	return streams_mark(&f->streams);
}

int fold_rollback(struct fold *f, size_t mark)
{
	int r;

	streams_undo(&f->streams, mark);
	if (mark == 0)
		streams_commit(&f->streams);
	dirty_forget(&f->dirty);
	r = standing_load(f);
	if (r >= 0)
		r = load_policy(f);
	return r < 0 ? r : load_today(f);
}

/* ---- messages ---- */

/* What the fold needs to know of a row that is a message. */
struct told {
	const struct ledger_row *row;
	const struct topic *topic;
	const struct collector *collector; /* NULL: unknown feed */
	enum status status;
	bool identified, jump_refused;
	int64_t epoch, seq;
	const struct message *message; /* of an accepted one */
	int64_t replay_of, replay_received_at; /* 0: no replay */
};

static int find_site(struct fold *f, const struct told *t, struct site **ret)
{
	*ret = NULL;
	if (!t->collector || !ids_site_valid(t->topic->site))
		return 0;
	*ret = streams_find(&f->streams, t->topic->site);
	return *ret ? 0 : streams_create(&f->streams, f->store, t->topic->site, t->row->n, ret);
}

void fold_print(const char *topic, const char *payload, size_t len, uint8_t ret[static HASH_SIZE])
{
	_cleanup_(buf_done) struct buf both = { 0 };

	buf_add(&both, topic, strlen(topic) + 1);
	buf_add(&both, payload, len);
	hash_sha256(both.p, both.len, ret);
}

static int note_refusal(struct fold *f, const struct told *t, const struct site *site)
{
	uint8_t print[HASH_SIZE];

	fold_print(t->row->topic, t->row->payload, t->row->payload_len, print);
	return store_run(f->store, "INSERT INTO refused(n, status, site, feed, received_at, print) VALUES(?, ?, ?, ?, ?, ?)",
			 "itiiih", t->row->n, status_words[t->status], site ? site->id : STORE_NULL,
			 t->collector ? (int64_t)t->collector->number : STORE_NULL, t->row->received_at, print);
}

/* Voids the message that an amend or retract refers to, for good, even if it has not arrived yet. */
static int void_reference(struct fold *f, const struct told *t, struct site *site)
{
	const struct message *m = t->message;
	int feed = t->collector->number;
	int r = store_run(f->store, "INSERT OR IGNORE INTO void(site, feed, epoch, seq, n) VALUES(?, ?, ?, ?, ?)", "iiiii",
			  site->id, (int64_t)feed, m->ref_epoch, m->ref_seq, t->row->n);

	if (r < 0)
		return r;
	streams_change(&f->streams, site);
	site->streams[feed - 1].flags |= STREAM_HAS_VOIDS;
	if (!t->collector->void_message)
		return 0;
	return t->collector->void_message(f, site, m->ref_epoch, m->ref_seq, t->row->n, t->row->received_at);
}

static int is_voided(struct fold *f, const struct told *t, const struct site *site, bool *ret)
{
	int64_t n = 0;
	int r = 0;

	*ret = false;
	if (site->streams[t->collector->number - 1].flags & STREAM_HAS_VOIDS)
		r = store_get_int(f->store, &n, "SELECT 1 FROM void WHERE site = ? AND feed = ? AND epoch = ? AND seq = ?",
				  "iiii", site->id, (int64_t)t->collector->number, t->epoch, t->seq);
	*ret = n != 0;
	return MIN(r, 0);
}

static int apply_accepted(struct fold *f, const struct told *t, struct site *site)
{
	struct fold_row row = { .n = t->replay_of ? t->replay_of : t->row->n,
				.received_at = t->replay_of ? t->replay_received_at : t->row->received_at,
				.by_n = t->row->n,
				.now = t->row->received_at,
				.site = site,
				.collector = t->collector,
				.message = t->message };
	int r = 0;

	if (t->message->kind != KIND_REPORT)
		r = void_reference(f, t, site);
	if (r < 0 || t->message->kind == KIND_RETRACT || !t->collector->apply)
		return r;
	r = is_voided(f, t, site, &row.voided);
	return r < 0 ? r : t->collector->apply(f, &row);
}

int fold_replay_has_effect(struct fold *f, int64_t n, bool *ret)
{
	int64_t found = 0;
	int r = store_get_int(f->store, &found,
			      "SELECT 1 FROM refused WHERE n = ?1"
			      " AND NOT EXISTS (SELECT 1 FROM replay WHERE of = ?1 AND accepted = 1)",
			      "i", n);

	*ret = found != 0;
	return MIN(r, 0);
}

/* The original consumed its identity, unless today's decoder alone can read it. */
static int consume_once(struct fold *f, const struct told *t, struct site *site)
{
	int64_t consumed = 0;
	int r = store_get_int(f->store, &consumed, "SELECT 1 FROM message WHERE n = ? AND epoch = ? AND seq = ?", "iii",
			      t->replay_of, t->epoch, t->seq);

	if (r < 0 || consumed || !t->identified)
		return MIN(r, 0);
	return streams_consume(&f->streams, f->store, site, t->collector, t->epoch, t->seq, t->row->n, t->replay_received_at,
			       t->jump_refused);
}

/* A message judged again. Its facts come in as if its own row had been accepted; nobody is called because it is still
 * refused: that was done when it came. */
static int fold_replay(struct fold *f, const struct told *t, struct site *site)
{
	bool accepted = t->status == STATUS_ACCEPTED, effect;
	int r = fold_replay_has_effect(f, t->replay_of, &effect);

	if (r >= 0)
		r = store_run(f->store, "INSERT INTO replay(n, of, accepted) VALUES(?, ?, ?)", "iii", t->row->n, t->replay_of,
			      (int64_t)accepted);
	if (r >= 0 && !accepted)
		r = note_refusal(f, t, site);
	if (r < 0 || !accepted || !effect)
		return r;
	if (!site)
		return -EUCLEAN;
	r = consume_once(f, t, site);
	return r < 0 ? r : apply_accepted(f, t, site);
}

static int fold_told(struct fold *f, const struct told *t)
{
	struct site *site;
	int r = find_site(f, t, &site);

	f->dirty.now = t->row->received_at;
	if (r >= 0 && t->replay_of)
		return fold_replay(f, t, site);
	if (r >= 0 && t->status != STATUS_ACCEPTED)
		r = note_refusal(f, t, site);
	if (r >= 0 && site && t->identified)
		r = streams_consume(&f->streams, f->store, site, t->collector, t->epoch, t->seq, t->row->n,
				    t->row->received_at, t->jump_refused);
	if (r < 0)
		return r;
	if (t->status == STATUS_ACCEPTED)
		return site ? apply_accepted(f, t, site) : -EUCLEAN;
	if (t->collector && t->collector->never_silent)
		return rules_incident_unreadable(f, t->row->n, t->row->received_at, t->topic->site, t->topic->division);
	return 0;
}

int fold_message(struct fold *f, const struct ledger_row *row, const struct topic *topic, const struct decoded *d,
		 const struct verdict *v)
{
	return fold_told(f, &(struct told){ .row = row,
					    .topic = topic,
					    .collector = d->collector,
					    .status = v->status,
					    .identified = v->identified,
					    .jump_refused = findings_has(v->findings, E_SEQ_JUMP),
					    .epoch = v->epoch,
					    .seq = v->seq,
					    .message = &d->message });
}

static int fold_message_again(struct fold *f, const struct ledger_row *row, const struct topic *topic)
{
	_cleanup_(outcome_done) struct outcome o = { 0 };
	_cleanup_(freep) struct message *m = NULL;
	struct told t = { .row = row, .topic = topic, .collector = collector_of(topic->feed) };
	int r = outcome_read(row->outcome, row->outcome_len, &o);

	if (r < 0)
		return r;
	t.status = o.status;
	t.identified = o.identified;
	t.jump_refused = o.jump_refused;
	t.epoch = o.epoch;
	t.seq = o.seq;
	t.replay_of = o.replay_of;
	t.replay_received_at = o.replay_received_at;
	if (o.status == STATUS_ACCEPTED) {
		m = xcalloc(1, sizeof *m);
		if (!t.collector)
			return -EUCLEAN;
		r = envelope_facts(t.collector, row->payload, row->payload_len,
				   o.replay_of ? o.replay_received_at : row->received_at, m);
		if (r < 0)
			return -EUCLEAN;
		snprintf(m->division, sizeof m->division, "%.6s", topic->division);
		snprintf(m->site, sizeof m->site, "%.21s", topic->site);
		t.message = m;
	}
	return fold_told(f, &t);
}

/* ---- acts ---- */

static int ask_evening(struct fold *f, int64_t day)
{
	return fold_ask_due(f, clock_day_start_ms(day) + policy_reporting(f->policy, day)->timely_by_ms, "evening", "");
}

/* The first row is the policy, and starts the calendar. */
static int start_calendar(struct fold *f, const struct ledger_row *row)
{
	int64_t day = clock_local_day(row->received_at);
	int r = fold_ask_due(f, clock_day_start_ms(day + 1), "day", "");

	set_today(f, day);
	return r < 0 ? r : ask_evening(f, day);
}

/* Whatever a policy says of days, it says of all of them. */
static int mark_everything(struct fold *f)
{
	int64_t first = f->dirty.today;
	int r = store_get_int(f->store, &first, "SELECT ifnull(min(effective_on), ?1) FROM registration", "i", first);

	return r < 0 ? r : dirty_mark_all(&f->dirty, f->store, first, f->dirty.today);
}

static int act_policy(struct fold *f, const struct ledger_row *row, const char *rest)
{
	int r = store_run(f->store, "INSERT INTO policy(n, bytes) VALUES(?, ?)", "ib", row->n, row->payload, row->payload_len);

	(void)rest;
	if (r >= 0)
		r = load_policy(f);
	set_today(f, f->dirty.today);
	if (r >= 0)
		r = rules_everything(f, row->n, row->received_at);
	if (r < 0)
		return r;
	return row->n > 1 ? mark_everything(f) : start_calendar(f, row);
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
	if (r < 0)
		return r;
	hash_sha256(row->payload, row->payload_len, sha);
	return store_run(f->store, "INSERT INTO import(n, kind, received_at, rows, sha256) VALUES(?, ?, ?, ?, ?)", "itiih",
			 row->n, kind, row->received_at, rows, sha);
}

static int due_day(struct fold *f, const struct ledger_row *row, int64_t at, const char *subject)
{
	int64_t day = clock_local_day(at);
	int r;

	(void)subject;
	set_today(f, day);
	r = rules_day(f, row->n, row->received_at);
	if (r >= 0)
		r = fold_ask_due(f, clock_day_start_ms(day + 1), "day", "");
	if (r >= 0)
		r = ask_evening(f, day);
	return r < 0 ? r : dirty_mark_all(&f->dirty, f->store, day, day);
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

static int act_due(struct fold *f, const struct ledger_row *row, const char *kind)
{
	_cleanup_(json_freep) json *payload = NULL;
	const json *at, *subject;
	size_t offset;
	int r;

	if (json_parse(row->payload, row->payload_len, DEPTH_MAX, &payload, &offset) < 0)
		return -EUCLEAN;
	at = json_get(payload, "at");
	subject = json_get(payload, "subject");
	if (!at || !subject || json_kind(at) != JSON_KIND_INT || json_kind(subject) != JSON_KIND_TEXT)
		return -EUCLEAN;
	r = store_run(f->store, "DELETE FROM due WHERE at = ? AND kind = ? AND subject = ?", "itt", json_int(at), kind,
		      json_text(subject));
	f->due_changed = true;
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

/* start, stop, connected, disconnected: what a sender could not deliver then was late because of us (DOMAIN §3
 * "unclear"). Jumps of the clock are on record, nothing follows from them. */
static int act_daemon(struct fold *f, const struct ledger_row *row, const char *what)
{
	static const char *const interruptions[] = { "start", "stop", "connected", "disconnected" };
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
	{ "act/designation/", casework_fold_designation },
	{ "act/signal/", signal_fold },
	{ "act/gap/lost", act_gap_lost },
};

int fold_ledger_row(struct fold *f, const struct ledger_row *row)
{
	struct topic topic;
	int r;

	f->dirty.now = row->received_at;
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		size_t len = strlen(acts[i].prefix);

		if (strncmp(row->topic, acts[i].prefix, len) == 0)
			return acts[i].fold(f, row, row->topic + len);
	}
	r = topic_parse(row->topic, &topic);
	return r < 0 ? -EUCLEAN : fold_message_again(f, row, &topic);
}

/* ---- due rows ---- */

int fold_next_due(struct fold *f, int64_t *ret_at)
{
	int64_t at = STORE_NULL;
	int r = 0;

	if (f->due_changed) {
		r = store_get_int(f->store, &at, "SELECT min(at) FROM due", "");
		if (r < 0)
			return r;
		f->next_due = at == STORE_NULL ? INT64_MAX : at;
		f->due_changed = false;
	}
	*ret_at = f->next_due;
	return 0;
}

int fold_due(struct fold *f, int64_t now, struct buf *topic, struct buf *payload, int64_t *ret_at)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = fold_next_due(f, ret_at);

	if (r < 0 || *ret_at > now)
		return MIN(r, 0);
	/* "day" sorts before "evening" and "incident": at the same instant the day turns first. */
	r = store_query(f->store, &q, "SELECT at, kind, subject FROM due ORDER BY at, kind, subject LIMIT 1", "");
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	buf_reset(topic);
	buf_reset(payload);
	buf_printf(topic, "act/due/%s", store_text(q, 1));
	buf_printf(payload, "{\"at\":%lld,\"subject\":", (long long)store_int(q, 0));
	buf_json(payload, store_text(q, 2), -1);
	buf_char(payload, '}');
	return 1;
}
