/* SPDX-License-Identifier: MIT */
#include "erase.h"

#include "clock.h"
#include "privacy.h"

#include <errno.h>

#define REASON_MAX 200 /* characters */
#define ROWS_MAX 64    /* one message and its replays */

/* A row, copied. */
struct target {
	int64_t n;
	struct buf topic, payload, outcome;
};

struct erasing {
	const char *reason, *actor;
	int64_t rows[ROWS_MAX];
	size_t count;
	struct topic topic;
	struct erased *ret;
	int refusal;
};

static void target_done(struct target *t)
{
	buf_done(&t->topic);
	buf_done(&t->payload);
	buf_done(&t->outcome);
}

/* 1 found, 0 no such row. */
static int read_target(struct store *s, int64_t n, struct target *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	int r = ledger_rows(s, n, n, &q);

	if (r < 0 || (r = ledger_step(q, &row)) <= 0)
		return r;
	ret->n = n;
	buf_str(&ret->topic, row.topic);
	buf_add(&ret->payload, row.payload, row.payload_len);
	buf_add(&ret->outcome, row.outcome, row.outcome_len);
	return 1;
}

static bool reason_good(const char *text, int64_t today)
{
	size_t len = strlen(text), characters = 0;

	for (size_t i = 0; i < len; i++)
		characters += ((unsigned char)text[i] & 0xc0) != 0x80;
	return characters >= 1 && characters <= REASON_MAX && !privacy_has_mobile(text, len) &&
	       !privacy_has_identity_number(text, len, today);
}

static void set_digest(json *object, const char *key, const struct buf *bytes)
{
	uint8_t sha[HASH_SIZE];
	char hex[HASH_HEX_SIZE];

	hash_sha256(bytes->p, bytes->len, sha);
	json_set(object, key, json_new_text(hash_hex(sha, hex)));
}

static void stand_in(const struct collector *c, const struct target *t, const json *root, enum status status, struct buf *out)
{
	json *mark = json_new_object(), *kept;

	kept = status == STATUS_ACCEPTED && c && root ? envelope_forget(c, root) : json_new_object();
	set_digest(mark, "sha256", &t->payload);
	json_set(mark, "size", json_new_int((int64_t)t->payload.len));
	json_set(kept, "erased", mark);
	json_canonical(kept, out);
	json_free(kept);
}

/* What the act's row says of one row of the ledger; fold.c reads it. */
static int describe(struct ingest *in, const struct erasing *e, const struct target *t, struct buf *out)
{
	_cleanup_(outcome_done) struct outcome o = { 0 };
	_cleanup_(json_freep) json *root = NULL, *act = json_new_object();
	_cleanup_(buf_done) struct buf payload = { 0 }, outcome = { 0 };
	char hex[HASH_HEX_SIZE];
	uint8_t print[HASH_SIZE];
	size_t offset;
	int r = outcome_read(t->outcome.p, t->outcome.len, &o);

	if (r >= 0)
		r = outcome_forget(t->outcome.p, t->outcome.len, &outcome);
	if (r < 0)
		return r;
	(void)json_parse(t->payload.p, t->payload.len, DEPTH_MAX, &root, &offset);
	stand_in(collector_of(e->topic.feed), t, root, o.status, &payload);
	json_set(act, "n", json_new_int(t->n));
	json_set(act, "of", json_new_int(e->ret->of));
	json_set(act, "site", json_new_text(e->topic.site));
	json_set(act, "feed", json_new_text(e->topic.feed));
	json_set(act, "reason", json_new_text(e->reason));
	json_set(act, "payload", json_new_text_len(payload.p, payload.len));
	json_set(act, "outcome", json_new_text_len(outcome.p, outcome.len));
	set_digest(act, "payload_sha256", &t->payload);
	set_digest(act, "outcome_sha256", &t->outcome);
	if (root) {
		door_fingerprint(&in->door, root, hex);
		json_set(act, "fingerprint", json_new_text(hex));
	}
	if (o.status != STATUS_ACCEPTED) {
		fold_print(t->topic.p, t->payload.p, t->payload.len, print);
		json_set(act, "print", json_new_text(hash_hex(print, hex)));
	}
	json_canonical(act, out);
	return 0;
}

static int is_gone(struct store *s, const struct target *t, bool *ret)
{
	static const enum code codes[] = { E_PII, E_JSON, E_TOO_LARGE };
	_cleanup_(outcome_done) struct outcome o = { 0 };
	int64_t erased = 0;
	int r = store_get_int(s, &erased, "SELECT 1 FROM erased WHERE n = ?", "i", t->n);

	if (r >= 0)
		r = outcome_read(t->outcome.p, t->outcome.len, &o);
	*ret = erased != 0;
	for (size_t i = 0; r >= 0 && i < json_count(o.errors); i++)
		for (size_t k = 0; k < ARRAY_SIZE(codes); k++)
			*ret = *ret || code_of(json_text(json_get(json_at(o.errors, i), "code"))) == (int)codes[k];
	return MIN(r, 0);
}

static int erase_one(struct ingest *in, struct erasing *e, int64_t n, int64_t now)
{
	static const struct findings none;
	const struct verdict v = { .status = STATUS_ACCEPTED, .findings = &none, .actor = e->actor };
	_cleanup_(buf_done) struct buf act = { 0 };
	_cleanup_(target_done) struct target t = { 0 };
	bool gone = false;
	int r = read_target(in->store, n, &t);

	if (r > 0)
		r = is_gone(in->store, &t, &gone);
	if (r < 0 || gone)
		return r;
	r = describe(in, e, &t, &act);
	if (r >= 0)
		r = ingest_append(in, "act/erase", act.p, act.len, &v, now, &e->ret->last);
	if (r >= 0)
		r = store_run(in->store,
			      "UPDATE ledger SET (payload, outcome) = (SELECT payload, outcome FROM erased WHERE n = ?1)"
			      " WHERE n = ?1",
			      "i", n);
	e->ret->rows++;
	return r;
}

static int in_transaction(struct ingest *in, void *context, int64_t now)
{
	struct erasing *e = context;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < e->count; i++)
		r = erase_one(in, e, e->rows[i], now);
	if (r >= 0 && e->ret->rows == 0) {
		e->refusal = ERASE_NOTHING;
		return -ECANCELED; /* takes the transaction back */
	}
	return r;
}

/* The message's own row, and all that judged it again. 0, or a refusal. */
static int find_rows(struct store *s, int64_t n, struct erasing *e)
{
	_cleanup_(target_done) struct target t = { 0 };
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t of = n;
	int r = store_get_int(s, &of, "SELECT of FROM replay WHERE n = ?", "i", n);

	if (r >= 0)
		r = read_target(s, of, &t);
	if (r <= 0)
		return r < 0 ? r : ERASE_NO_ROW;
	if (topic_parse(t.topic.p, &e->topic) < 0)
		return ERASE_ACT;
	e->ret->of = e->rows[e->count++] = of;
	r = store_query(s, &q, "SELECT n FROM replay WHERE of = ? ORDER BY n", "i", of);
	while (r >= 0 && (r = store_step(q)) > 0 && e->count < ROWS_MAX)
		e->rows[e->count++] = store_int(q, 0);
	return r > 0 ? -E2BIG : r;
}

void erase_empty_wal(struct ingest *in)
{
	int r = store_checkpoint(in->store, true, NULL);

	in->wal_holds_erased = r < 0 || store_wal_bytes(in->store) > 0;
}

int erase_row(struct ingest *in, int64_t n, const char *reason, const char *actor, int64_t now, struct erased *ret)
{
	struct erasing e = { .reason = reason, .actor = actor, .ret = ret };
	int r;

	*ret = (struct erased){ 0 };
	if (!reason_good(reason, clock_local_day(now)))
		return ERASE_REASON;
	r = find_rows(in->store, n, &e);
	if (r == 0)
		r = ingest_transaction(in, now, in_transaction, &e);
	if (r < 0)
		return e.refusal ? e.refusal : r;
	if (r == 0)
		erase_empty_wal(in);
	return r;
}
