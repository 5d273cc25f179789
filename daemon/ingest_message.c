/* SPDX-License-Identifier: MIT
 *
 * One message: the door's verdict, then a row and its fold, or the first verdict again (repeats), or E_RATE; births and last
 * wills; the receipt that a payload would get.
 */
#include "ingest_message.h"

#include "clock.h"
#include "log.h"
#include "rules.h"

#include <errno.h>
#include <stdio.h>

static const struct findings no_findings;

/* ---- receipts ---- */

static struct buf *begin_outgoing(struct ingest *in, const struct topic *t, const char *what)
{
	in->out = xgrow(in->out, in->out_count, &in->out_cap, sizeof *in->out);
	in->out[in->out_count].topic_at = in->bytes.len;
	buf_add(&in->bytes, t->text, t->site_len);
	buf_str(&in->bytes, what);
	buf_add(&in->bytes, "", 1);
	in->out[in->out_count].payload_at = in->bytes.len;
	return &in->bytes;
}

static void end_outgoing(struct ingest *in)
{
	struct outgoing *o = &in->out[in->out_count++];

	o->payload_len = in->bytes.len - o->payload_at;
}

static void send_receipt(struct ingest *in, const struct topic *t, const struct receipt *r)
{
	receipt_write(r, begin_outgoing(in, t, "/down/receipt"));
	end_outgoing(in);
}

static int64_t next_seq(const struct ingest *in, const struct topic *t)
{
	const struct passed *p = &in->passed;

	if (!p->decoded.site_valid || !p->decoded.collector)
		return 1;
	if (t->sandbox) /* as if it were the highest seen */
		return p->decoded.message.identified ? p->decoded.message.seq + 1 : 1;
	return streams_next_seq(streams_find(&in->fold.streams, t->site), p->decoded.collector);
}

/* ---- one message ---- */

static int repeat_of(struct ingest *in, const struct topic *t, const struct incoming *m)
{
	uint8_t sha[HASH_SIZE];
	_cleanup_(outcome_done) struct outcome o = { 0 };
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	int r = ledger_rows(in->store, in->passed.first_n, in->passed.first_n, &q);

	if (r < 0 || (r = ledger_step(q, &row)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	r = outcome_read(row.outcome, row.outcome_len, &o);
	if (r < 0)
		return r;
	in->staged.duplicates++;
	hash_sha256(m->payload, m->len, sha);
	send_receipt(in, t,
		     &(struct receipt){ .feed = t->feed, .identified = o.identified, .epoch = o.epoch, .seq = o.seq,
					.sha256 = o.identified ? NULL : sha, .status = o.status, .received_at = row.received_at, .ledger = row.n, .hash = row.hash,
					.errors = o.errors, .warnings = o.warnings, .next_seq = next_seq(in, t),
					.duplicate = true });
	return 0;
}

static int long_ago(struct ingest *in, const struct topic *t, int64_t now)
{
	const struct message *m = &in->passed.decoded.message;

	in->staged.duplicates++;
	send_receipt(in, t,
		     &(struct receipt){ .feed = t->feed, .identified = true, .epoch = m->epoch, .seq = m->seq,
					.status = STATUS_ACCEPTED, .received_at = now, .findings = &no_findings,
					.next_seq = next_seq(in, t), .duplicate = true, .unverified = true });
	return 0;
}

static void answer(struct ingest *in, const struct topic *t, const struct verdict *v, const struct ledger_row *row,
		   const char *payload, size_t len, int64_t now)
{
	struct receipt r = { .feed = t->feed, .identified = v->identified, .epoch = v->epoch, .seq = v->seq,
			     .status = v->status, .received_at = row ? row->received_at : now, .ledger = row ? row->n : 0,
			     .hash = row ? row->hash : NULL, .findings = v->findings, .next_seq = next_seq(in, t),
			     .sandbox = t->sandbox };
	uint8_t sha[HASH_SIZE];

	if (!v->identified) {
		hash_sha256(payload, len, sha);
		r.sha256 = sha;
	}
	send_receipt(in, t, &r);
}

/* Would a row of this message call somebody? One that cannot be read does, while no alert of its site is open: then it
 * must become a row, whatever was seen before. */
static int would_call(struct ingest *in, const struct topic *t, bool *ret)
{
	const struct collector *c = collector_of(t->feed);
	int r = 0;

	*ret = false;
	if (!c || !c->never_silent)
		return 0;
	r = rules_is_unreadable_open(in->store, t->site);
	*ret = r == 0;
	return MIN(r, 0);
}

/* Identical rejects of one site within an hour are one row and a count (DOMAIN §6): a sender that loops fills no disk.
 * Only messages without a readable identity come here: the others are repeats already. *ret_n: the row; 0: none. */
static int find_identical_reject(struct ingest *in, const struct topic *t, const struct ledger_row *row,
				 const struct verdict *v, int64_t *ret_n)
{
	uint8_t print[HASH_SIZE];
	bool calls;
	int r;

	*ret_n = 0;
	if (v->identified || v->status == STATUS_ACCEPTED)
		return 0;
	r = would_call(in, t, &calls);
	if (r < 0 || calls)
		return r;
	fold_print(row->topic, row->payload, row->payload_len, print);
	r = store_get_int(in->store, ret_n, "SELECT n FROM refused WHERE print = ? AND received_at > ? ORDER BY n DESC LIMIT 1",
			  "hi", print, row->received_at - HOUR_MS);
	if (r <= 0)
		return r;
	return store_run(in->store,
			 "INSERT INTO collapsed(n, count, last_at) VALUES(?1, 1, ?2)"
			 " ON CONFLICT DO UPDATE SET count = count + 1, last_at = excluded.last_at",
			 "ii", *ret_n, row->received_at);
}

static int store_row(struct ingest *in, const struct topic *t, const struct incoming *m, const struct verdict *v, int64_t now)
{
	const struct decoded *d = &in->passed.decoded;
	struct ledger_row row = { .received_at = now, .topic = m->topic, .payload = m->payload, .payload_len = m->len };
	int r;

	if (d->state == PAYLOAD_UNREADABLE || v->status == STATUS_REFUSED_PII) {
		buf_reset(&in->stand_in);
		door_stand_in(&in->door, d, m->payload, m->len, &in->stand_in);
		row.payload = in->stand_in.p;
		row.payload_len = in->stand_in.len;
	}
	r = find_identical_reject(in, t, &row, v, &in->passed.first_n);
	if (r < 0 || in->passed.first_n > 0)
		return r < 0 ? r : repeat_of(in, t, m);
	buf_reset(&in->outcome);
	outcome_write(v, &in->outcome);
	row.outcome = in->outcome.p;
	row.outcome_len = in->outcome.len;
	r = ledger_append(&in->ledger, &row);
	if (r >= 0)
		r = fold_message(&in->fold, &row, t, d, v);
#ifdef NURSERYD_SEAMS
	if (r >= 0 && in->seam_fault && v->status == STATUS_ACCEPTED && memmem(m->payload, m->len, "seam-fault", 10))
		r = in->seam_fault;
#endif
	if (r < 0)
		return r;
	in->staged.by_status[v->status]++;
	answer(in, t, v, &row, m->payload, m->len, now);
	return 0;
}

/* {"v":1,"state":"online"|"offline"}; NULL: it is not. */
static const json *state_in(const json *root)
{
	const json *v = json_get(root, "v"), *state = json_get(root, "state");

	if (!v || json_kind(v) != JSON_KIND_INT || json_int(v) != 1 || !state || json_kind(state) != JSON_KIND_TEXT)
		return NULL;
	return strcmp(json_text(state), "online") == 0 || strcmp(json_text(state), "offline") == 0 ? state : NULL;
}

/* Retained birth and last will: the latest state of the site's connection, no ledger row, no receipt. */
static int take_status(struct ingest *in, const struct topic *t, const struct incoming *m, int64_t now)
{
	_cleanup_(json_freep) json *root = NULL;
	const json *state = NULL;
	size_t offset;

	in->staged.status_messages++;
	if (t->sandbox)
		return 0;
	if (m->len <= PAYLOAD_MAX && json_parse(m->payload, m->len, DEPTH_MAX, &root, &offset) == 0)
		state = state_in(root);
	if (!ids_site_valid(t->site) || !state) {
		in->staged.status_malformed++;
		log_debug("status.malformed", "site=%.21s bytes=%zu next=\"ignored\"", ids_site_valid(t->site) ? t->site : "?",
			  m->len);
		return 0;
	}
	return store_run(in->store,
			 "INSERT INTO site_status(site, state, at) VALUES(?, ?, ?)"
			 " ON CONFLICT DO UPDATE SET state = excluded.state, at = excluded.at WHERE state <> excluded.state",
			 "tti", t->site, json_text(state), now);
}

static int take_judged(struct ingest *in, const struct topic *t, const struct incoming *m, int64_t now)
{
	struct passed *p = &in->passed;

	if (t->sandbox) {
		in->staged.sandbox++;
		answer(in, t, &p->verdict, NULL, m->payload, m->len, now);
		return 0;
	}
	if (p->first_n > 0)
		return repeat_of(in, t, m);
	if (p->long_ago)
		return long_ago(in, t, now);
	return store_row(in, t, m, &p->verdict, now);
}

/* ---- above the rate (limits.per_site) ---- */

/* Not judged, no row, the identity is not consumed: the same bytes are taken later. */
static void answer_too_fast(struct ingest *in, const struct topic *t, const struct incoming *m, int64_t now)
{
	struct findings findings = { 0 };
	struct verdict v = { .status = STATUS_REJECTED,
			     .identified = in->passed.verdict.identified,
			     .epoch = in->passed.verdict.epoch,
			     .seq = in->passed.verdict.seq,
			     .findings = &findings };

	findings_add(&findings, E_RATE, "", NULL, NULL);
	in->staged.rate_limited++;
	answer(in, t, &v, NULL, m->payload, m->len, now);
	findings_done(&findings);
}

/* "Never for the first sight of an incident": one that was not seen, or that cannot be read while nobody is called
 * because of its site, is judged however many came before it. What is left is a loop: repeats of what is on record, and
 * more unreadable ones of a site that somebody is calling already. */
static int must_be_judged(struct ingest *in, const struct topic *t, bool *ret)
{
	const struct passed *p = &in->passed;

	*ret = false;
	if (!p->decoded.collector || !p->decoded.collector->never_silent || t->sandbox || p->first_n > 0)
		return 0;
	*ret = p->verdict.identified;
	return *ret ? 0 : would_call(in, t, ret);
}

static int take_too_fast(struct ingest *in, const struct topic *t, const struct incoming *m, int64_t now)
{
	bool judged;
	int r = must_be_judged(in, t, &judged);

	if (r < 0)
		return r;
	if (judged)
		return take_judged(in, t, m, now);
	answer_too_fast(in, t, m, now);
	return 0;
}

int ingest_take(struct ingest *in, const struct incoming *m, int64_t now)
{
	bool in_time;
	struct topic t;
	int r;

	if (topic_parse(m->topic, &t) < 0) {
		log_warning("message.strange_topic", "next=\"ignored: not a topic of nursery/v1\"");
		return 0;
	}
	if (m->len == 0) { /* a zero-length payload is nothing: it clears a retained message */
		in->staged.empty++;
		return 0;
	}
	if (strcmp(t.feed, "status") == 0)
		return take_status(in, &t, m, now);
	in_time = rates_take(&in->rates, t.sandbox, t.site, in->monotonic_ms);
	r = door_judge(&in->door, &t, m->payload, m->len, now, &in->passed);
	if (r >= 0)
		r = in_time ? take_judged(in, &t, m, now) : take_too_fast(in, &t, m, now);
	passed_done(&in->passed);
	return r;
}

/* As if nothing had come of its site. */
static int judge_as_first(struct ingest *in, const struct topic *t, const char *payload, size_t len, int64_t now)
{
	static const struct streams nobody;
	int r;

	in->door.streams = &nobody;
	r = door_judge(&in->door, t, payload, len, now, &in->passed);
	in->door.streams = &in->fold.streams;
	return r;
}

/* ---- the receipt a payload would get ---- */

/* highest seen + 1, had the message been taken. */
static int64_t next_seq_after(const struct site *site, const struct passed *p)
{
	const struct collector *c = p->decoded.collector;
	const struct stream *st = site && c ? &site->streams[c->number - 1] : NULL;
	int64_t highest = st ? st->highest : 0;

	if (!p->verdict.identified || findings_has(p->verdict.findings, E_SEQ_JUMP) || (st && p->verdict.epoch < st->epoch))
		return highest + 1;
	return (st && p->verdict.epoch == st->epoch ? MAX(highest, p->verdict.seq) : p->verdict.seq) + 1;
}

static void write_lint(struct ingest *in, const struct topic *t, const char *payload, size_t len, int64_t now, bool with_state)
{
	const struct verdict *v = &in->passed.verdict;
	const struct site *site = with_state ? streams_find(&in->fold.streams, t->site) : NULL;
	uint8_t sha[HASH_SIZE];

	hash_sha256(payload, len, sha);
	send_receipt(in, t,
		     &(struct receipt){ .feed = t->feed, .identified = v->identified, .epoch = v->epoch, .seq = v->seq,
					.status = v->status, .received_at = now, .findings = v->findings,
					.next_seq = next_seq_after(site, &in->passed), .sha256 = v->identified ? NULL : sha });
}

int ingest_lint(struct ingest *in, const struct topic *t, const char *payload, size_t len, int64_t now, bool with_state,
		struct buf *receipt)
{
	struct passed *p = &in->passed;
	int accepted = 0, r;

	in->out_count = 0;
	buf_reset(&in->bytes);
	r = with_state ? door_judge(&in->door, t, payload, len, now, p) : judge_as_first(in, t, payload, len, now);
	if (r >= 0 && p->first_n > 0)
		r = repeat_of(in, t, &(struct incoming){ .payload = payload, .len = len });
	else if (r >= 0 && p->long_ago)
		r = long_ago(in, t, now);
	else if (r >= 0)
		write_lint(in, t, payload, len, now, with_state);
	if (r >= 0) {
		static const char yes[] = "\"status\":\"accepted\"";
		const struct outgoing *o = &in->out[0];

		buf_add(receipt, in->bytes.p + o->payload_at, o->payload_len);
		/* Quotes inside texts are escaped: this can only be the key. */
		accepted = memmem(in->bytes.p + o->payload_at, o->payload_len, yes, sizeof yes - 1) != NULL;
	}
	passed_done(p);
	in->staged = (struct ingest_counters){ 0 };
	in->out_count = 0;
	return r < 0 ? r : accepted;
}

/* Where the very door fails (a row that it compares with was damaged: verify says so), the message has no identity that could be
 * taken for another's. */
static int judge_culprit(struct ingest *in, const struct topic *t, const struct incoming *m, int64_t now)
{
	int r = door_judge(&in->door, t, m->payload, m->len, now, &in->passed);

	if (!ingest_is_fault(r))
		return r;
	passed_done(&in->passed);
	r = judge_as_first(in, t, m->payload, m->len, now);
	in->passed.verdict.identified = false;
	return r;
}

int ingest_take_culprit(struct ingest *in, const struct incoming *m, int64_t now)
{
	char whole[] = "";
	struct finding finding = { .code = E_FAULT, .path = whole, .zh = code_texts[E_FAULT].zh,
				   .en = code_texts[E_FAULT].en, .fix = code_texts[E_FAULT].fix };
	struct findings findings = { .items = &finding, .count = 1, .errors = 1 };
	struct verdict v;
	struct topic t;
	int r;

	if (topic_parse(m->topic, &t) < 0)
		return 0;
	r = judge_culprit(in, &t, m, now);
	if (r >= 0) {
		v = in->passed.verdict;
		v.status = v.status == STATUS_REFUSED_PII ? v.status : STATUS_FAULT;
		v.findings = &findings;
		r = store_row(in, &t, m, &v, now);
	}
	passed_done(&in->passed);
	return r;
}
