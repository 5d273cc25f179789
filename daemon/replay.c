/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include <errno.h>

/* The original, copied: the statement that read it is needed again while the new row is folded. */
struct original {
	int64_t n, received_at;
	struct buf topic, payload;
	struct topic parts;
	struct outcome outcome;
};

struct replaying {
	const char *actor;
	struct original original;
	struct replayed *ret;
	int refusal; /* an enum replay_refusal; 0: none */
};

static void original_done(struct original *o)
{
	buf_done(&o->topic);
	buf_done(&o->payload);
	outcome_done(&o->outcome);
	*o = (struct original){ 0 };
}

/* 1 found, 0 no such row. */
static int read_row(struct store *s, int64_t n, struct original *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	int r = ledger_rows(s, n, n, &q);

	if (r < 0 || (r = ledger_step(q, &row)) <= 0)
		return r;
	ret->n = n;
	ret->received_at = row.received_at;
	buf_str(&ret->topic, row.topic);
	buf_add(&ret->payload, row.payload, row.payload_len);
	r = outcome_read(row.outcome, row.outcome_len, &ret->outcome);
	return r < 0 ? r : 1;
}

/* A payload that was not kept is a stand-in: nothing to judge. */
static bool is_kept(const struct outcome *o)
{
	static const enum code codes[] = { E_PII, E_JSON, E_TOO_LARGE };

	for (size_t i = 0; i < json_count(o->errors); i++)
		for (size_t k = 0; k < ARRAY_SIZE(codes); k++)
			if (code_of(json_text(json_get(json_at(o->errors, i), "code"))) == (int)codes[k])
				return false;
	return true;
}

/* A replay of a replay is one of its original. 0, or a refusal. */
static int find_original(struct store *s, int64_t n, struct original *ret)
{
	int64_t of, erased = 0;
	int r = read_row(s, n, ret);

	if (r > 0 && (of = ret->outcome.replay_of) > 0) {
		original_done(ret);
		r = read_row(s, of, ret);
	}
	if (r <= 0)
		return r < 0 ? r : REPLAY_NO_ROW;
	if (topic_parse(ret->topic.p, &ret->parts) < 0)
		return REPLAY_ACT;
	r = store_get_int(s, &erased, "SELECT 1 FROM erased WHERE n = ?", "i", ret->n);
	if (r < 0)
		return r;
	return is_kept(&ret->outcome) && !erased ? 0 : REPLAY_NOT_KEPT;
}

static int append(struct ingest *in, struct replaying *rp, const struct verdict *v, int64_t now)
{
	struct original *o = &rp->original;
	struct replayed *ret = rp->ret;
	const struct collector *c = in->passed.decoded.collector;
	int r;

	buf_reset(&in->stand_in);
	if (v->status == STATUS_REFUSED_PII)
		door_stand_in(&in->door, &in->passed.decoded, o->payload.p, o->payload.len, &in->stand_in);
	else
		buf_add(&in->stand_in, o->payload.p, o->payload.len);
	r = ingest_append(in, o->topic.p, in->stand_in.p, in->stand_in.len, v, now, &ret->row);
	if (r < 0)
		return r;
	receipt_write(&(struct receipt){ .feed = o->parts.feed, .identified = v->identified, .epoch = v->epoch, .seq = v->seq,
					 .status = v->status, .received_at = o->received_at, .ledger = ret->row.n,
					 .hash = ret->row.hash, .findings = v->findings,
					 .next_seq = streams_next_seq(streams_find(&in->fold.streams, o->parts.site), c) },
		      &ret->receipt);
	return 0;
}

static int judge_and_append(struct ingest *in, struct replaying *rp, int64_t now)
{
	struct original *o = &rp->original;
	struct passed *p = &in->passed;
	struct verdict v;
	int r = door_judge_again(&in->door, &o->parts, o->payload.p, o->payload.len, o->received_at, &o->outcome, p);

	if (r >= 0 && (p->first_n > 0 || p->long_ago)) {
		rp->refusal = REPLAY_REPEAT;
		r = -ECANCELED; /* takes the transaction back */
	}
	if (r >= 0) {
		v = p->verdict;
		v.actor = rp->actor;
		v.replay_of = o->n;
		v.replay_received_at = o->received_at;
		r = fold_replay_has_effect(&in->fold, o->n, &rp->ret->effect);
		rp->ret->effect = rp->ret->effect && v.status == STATUS_ACCEPTED;
	}
	if (r >= 0)
		r = append(in, rp, &v, now);
	passed_done(p);
	return r;
}

static int in_transaction(struct ingest *in, void *context, int64_t now)
{
	return judge_and_append(in, context, now);
}

int replay_row(struct ingest *in, int64_t n, const char *actor, int64_t now, struct replayed *ret)
{
	struct replaying rp = { .actor = actor, .ret = ret };
	int r = find_original(in->store, n, &rp.original);

	*ret = (struct replayed){ .of = rp.original.n };
	if (r == 0)
		r = ingest_transaction(in, now, in_transaction, &rp);
	original_done(&rp.original);
	return r < 0 && rp.refusal ? rp.refusal : r;
}
