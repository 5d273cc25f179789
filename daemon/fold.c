/* SPDX-License-Identifier: MIT */
#include "fold_acts.h"

#include "clock.h"
#include "months.h"
#include "policy_row.h"
#include "rules.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>

/* ---- hot state that is not the streams ---- */

int fold_load_policy(struct fold *f)
{
	policy_free(f->policy);
	f->policy = NULL;
	return MIN(policy_row_newest(f->store, &f->policy), 0);
}

void fold_set_today(struct fold *f, int64_t day)
{
	f->dirty.today = day;
	f->dirty.past_before =
		f->policy ? months_first_day(day - policy_freeze(f->policy, day)->days_after_month_end) : INT64_MIN;
}

static int load_today(struct fold *f)
{
	int64_t turn = STORE_NULL;
	int r = store_get_int(f->store, &turn, "SELECT min(at) FROM due WHERE kind = 'day'", "");

	fold_set_today(f, turn == STORE_NULL ? 0 : clock_local_day(turn) - 1);
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
		r = fold_load_policy(ret);
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
		r = fold_load_policy(f);
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
	streams_flag(&f->streams, site, t->collector, STREAM_HAS_VOIDS);
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

int fold_ledger_row(struct fold *f, const struct ledger_row *row)
{
	struct topic topic;
	int r;

	f->dirty.now = row->received_at;
	if (fold_act(f, row, &r))
		return r;
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
