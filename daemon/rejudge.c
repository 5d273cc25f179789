/* SPDX-License-Identifier: MIT */
#include "rejudge.h"

#include "ingest.h"
#include "schema.h"

#include <errno.h>
#include <stdio.h>

#define ROWS_AT_ONCE 2000 /* in one transaction */

struct rejudging {
	struct store *old, *fresh;
	struct ingest *in;
	rejudge_told told;
	void *context;
	struct rejudged *ret;
};

/* The instance's own key among them: fingerprints stay comparable. */
static int copy_instance(struct rejudging *rj)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(rj->old, &q, "SELECT name, value FROM instance", "");

	return r < 0 ? r : store_copy_rows(rj->fresh, "INSERT INTO instance VALUES(?, ?)", q);
}

static int is_kept(struct rejudging *rj, int64_t n, const struct outcome *o, bool *ret)
{
	static const enum code codes[] = { E_PII, E_JSON, E_TOO_LARGE };
	int64_t erased = 0;
	int r = store_get_int(rj->old, &erased, "SELECT 1 FROM erased WHERE n = ?", "i", n);

	*ret = !erased;
	for (size_t i = 0; i < json_count(o->errors); i++)
		for (size_t k = 0; k < ARRAY_SIZE(codes); k++)
			*ret = *ret && code_of(json_text(json_get(json_at(o->errors, i), "code"))) != (int)codes[k];
	return MIN(r, 0);
}

static void note_change(struct rejudging *rj, const struct ledger_row *row, const struct outcome *was, const struct verdict *now,
			const struct buf *outcome)
{
	rj->ret->judged++;
	if (was->status != now->status) {
		rj->ret->changed++;
		rj->told(rj->context, row->n, row->topic, status_words[was->status], status_words[now->status]);
	} else if (outcome->len != row->outcome_len || memcmp(outcome->p, row->outcome, outcome->len) != 0) {
		rj->ret->findings++;
	}
}

static const char *actor_of(const struct outcome *o)
{
	const json *actor = json_get(o->root, "actor");

	return actor && json_kind(actor) == JSON_KIND_TEXT ? json_text(actor) : NULL;
}

/* Today's verdict into in->outcome, and a stand-in where the payload may no longer be kept. 1: the first one stands. */
static int judge(struct rejudging *rj, const struct topic *t, const struct outcome *was, struct ledger_row *row)
{
	struct ingest *in = rj->in;
	struct passed *p = &in->passed;
	struct verdict v;
	int64_t at = was->replay_of ? was->replay_received_at : row->received_at;
	int r = door_judge_again(&in->door, t, row->payload, row->payload_len, at, was, p);

	if (r < 0)
		return r;
	if (p->first_n > 0 || p->long_ago)
		return 1;
	v = p->verdict;
	v.actor = actor_of(was);
	v.replay_of = was->replay_of;
	v.replay_received_at = was->replay_received_at;
	buf_reset(&in->outcome);
	outcome_write(&v, &in->outcome);
	note_change(rj, row, was, &v, &in->outcome);
	if (v.status == STATUS_REFUSED_PII) {
		buf_reset(&in->stand_in);
		door_stand_in(&in->door, &p->decoded, row->payload, row->payload_len, &in->stand_in);
		row->payload = in->stand_in.p;
		row->payload_len = in->stand_in.len;
	}
	row->outcome = in->outcome.p;
	row->outcome_len = in->outcome.len;
	return 0;
}

static int take_message(struct rejudging *rj, const struct topic *t, struct ledger_row *row)
{
	_cleanup_(outcome_done) struct outcome was = { 0 };
	bool kept = false;
	int r = outcome_read(row->outcome, row->outcome_len, &was);

	if (r >= 0)
		r = is_kept(rj, row->n, &was, &kept);
	if (r < 0 || !kept)
		return r;
	r = judge(rj, t, &was, row);
	passed_done(&rj->in->passed);
	return MIN(r, 0);
}

static int take_row(struct rejudging *rj, const struct ledger_row *old)
{
	struct ledger_row row = *old;
	struct topic t;
	int r = topic_parse(row.topic, &t) == 0 ? take_message(rj, &t, &row) : 0;

	if (r >= 0)
		r = ledger_append(&rj->in->ledger, &row);
	if (r >= 0)
		r = fold_ledger_row(&rj->in->fold, &row);
	if (r >= 0 && strncmp(row.topic, "act/import/divisions", 20) == 0)
		r = door_load_divisions(&rj->in->door);
	rj->ret->rows++;
	return r;
}

static int take_slice(struct rejudging *rj, int64_t from, int64_t to)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	int r = ledger_rows(rj->old, from, to, &q);

	if (r >= 0)
		r = store_begin(rj->fresh);
	while (r >= 0 && (r = ledger_step(q, &row)) > 0)
		r = take_row(rj, &row);
	if (r >= 0)
		r = fold_before_commit(&rj->in->fold);
	if (r >= 0)
		r = store_commit(rj->fresh);
	if (r < 0)
		return r;
	ledger_commit(&rj->in->ledger);
	fold_commit(&rj->in->fold);
	return 0;
}

static int take_all(struct rejudging *rj)
{
	uint8_t hash[HASH_SIZE] = { 0 };
	struct ledger_head head;
	int64_t bad;
	int r = ledger_last(rj->old, &head);

	for (int64_t n = 0; r >= 0 && n < head.n; n += ROWS_AT_ONCE) {
		int64_t to = MIN(n + ROWS_AT_ONCE, head.n);

		r = ledger_verify(rj->old, n + 1, to, hash, &bad);
		if (r > 0) {
			rj->ret->bad_row = bad;
			return -EUCLEAN;
		}
		if (r >= 0)
			r = take_slice(rj, n + 1, to);
	}
	return r;
}

static int run(struct rejudging *rj, const char *db_path, const char *new_path)
{
	int r = store_open(db_path, STORE_READ, &rj->old);

	if (r >= 0)
		r = store_open(new_path, STORE_WRITE, &rj->fresh);
	if (r >= 0)
		r = schema_migrate(rj->fresh);
	if (r >= 0)
		r = copy_instance(rj);
	if (r >= 0)
		r = ingest_open(rj->fresh, rj->in);
	if (r >= 0)
		r = take_all(rj);
	return r < 0 ? r : store_checkpoint(rj->fresh, true, NULL);
}

static void remove_database(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_(freep) char *file = NULL;

		if (asprintf(&file, "%s%s", path, ends[i]) < 0)
			die_oom();
		unlink(file);
	}
}

int rejudge_run(const char *db_path, const char *new_path, rejudge_told told, void *context, struct rejudged *ret)
{
	struct rejudging rj = { .told = told, .context = context, .ret = ret, .in = xcalloc(1, sizeof *rj.in) };
	int r;

	*ret = (struct rejudged){ 0 };
	if (access(new_path, F_OK) == 0) {
		free(rj.in);
		return -EEXIST;
	}
	r = run(&rj, db_path, new_path);
	if (rj.in->store)
		ingest_done(rj.in);
	free(rj.in);
	store_free(rj.fresh);
	store_free(rj.old);
	if (r < 0)
		remove_database(new_path);
	return r;
}
