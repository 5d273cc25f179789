/* SPDX-License-Identifier: MIT */
#include "ingest_message.h"

#include "clock.h"
#include "frozen.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>

/* Acts of the daemon itself, and codes with their verdict: no findings. */
static const struct findings no_findings;

int ingest_open(struct store *s, struct ingest *ret)
{
	int r;

	*ret = (struct ingest){ .store = s };
	r = ledger_open(s, &ret->ledger);
	if (r >= 0)
		r = fold_open(s, &ret->fold);
	if (r >= 0)
		r = door_open(s, &ret->fold.streams, &ret->door);
#ifdef NURSERYD_SEAMS
	const char *fault = getenv("NURSERYD_FAULT_APPLY");

	ret->seam_fault = fault ? (strcmp(fault, "unclean") == 0 ? -EUCLEAN : -EINVAL) : 0;
	ret->seam_keep_hot = getenv("NURSERYD_KEEP_HOT") != NULL;
#endif
	return r;
}

void ingest_done(struct ingest *in)
{
	rates_done(&in->rates);
	door_done(&in->door);
	fold_done(&in->fold);
	buf_done(&in->bytes);
	buf_done(&in->outcome);
	buf_done(&in->stand_in);
	free(in->out);
	*in = (struct ingest){ 0 };
}

/* A failure of the store, not of one message: the whole batch waits. */
bool ingest_store_failed(int r)
{
	return r == -ENOSPC || r == -EIO || r == -EBUSY || r == -EROFS || r == -EUCLEAN || r == -ENOENT;
}

bool ingest_is_fault(int r)
{
	return r < 0 && (r == -EUCLEAN || !ingest_store_failed(r));
}

/* ---- transactions ---- */

static int roll_back(struct ingest *in)
{
	store_rollback(in->store);
	in->staged = (struct ingest_counters){ 0 };
	in->out_count = 0;
	buf_reset(&in->bytes);
	ledger_rollback(&in->ledger);
	rates_rollback(&in->rates);
#ifdef NURSERYD_SEAMS
	if (in->seam_keep_hot) { /* what a forgotten undo would do: the crash suite must turn red */
		fold_commit(&in->fold);
		return 0;
	}
#endif
	return fold_rollback(&in->fold, 0);
}

static int begin(struct ingest *in)
{
	in->out_count = 0;
	buf_reset(&in->bytes);
	in->staged = (struct ingest_counters){ 0 };
	in->monotonic_ms = clock_monotonic_ms();
	return store_begin(in->store);
}

static void add_counters(struct ingest_counters *to, const struct ingest_counters *from)
{
	for (size_t i = 0; i < ARRAY_SIZE(to->by_status); i++)
		to->by_status[i] += from->by_status[i];
	to->duplicates += from->duplicates;
	to->rate_limited += from->rate_limited;
	to->sandbox += from->sandbox;
	to->status_messages += from->status_messages;
	to->status_malformed += from->status_malformed;
	to->empty += from->empty;
	to->batches++;
}

static int commit(struct ingest *in)
{
	int r = fold_before_commit(&in->fold);

	if (r >= 0)
		r = store_commit(in->store);
	if (r < 0) {
		in->counters.failed_batches++;
		roll_back(in);
		return r;
	}
	ledger_commit(&in->ledger);
	rates_commit(&in->rates);
	fold_commit(&in->fold);
	add_counters(&in->counters, &in->staged);
	return 0;
}

int ingest_append(struct ingest *in, const char *topic, const char *payload, size_t len, const struct verdict *v, int64_t now,
		  struct ledger_head *ret)
{
	struct ledger_row row = { .received_at = now, .topic = topic, .payload = payload, .payload_len = len };
	int r;

	buf_reset(&in->outcome);
	outcome_write(v, &in->outcome);
	row.outcome = in->outcome.p;
	row.outcome_len = in->outcome.len;
	r = ledger_append(&in->ledger, &row);
	if (r >= 0 && ret)
		*ret = in->ledger.head;
	return r < 0 ? r : fold_ledger_row(&in->fold, &row);
}

static int append_act(struct ingest *in, const char *topic, const char *payload, size_t len, const char *actor, int64_t now)
{
	const struct verdict v = { .status = STATUS_ACCEPTED, .findings = &no_findings, .actor = actor };

	return ingest_append(in, topic, payload, len, &v, now, NULL);
}

/* What was done since the savepoint that was made at this head and mark. */
static int take_back(struct ingest *in, const struct ledger_head *head, size_t mark)
{
	store_rollback_to(in->store);
	ledger_rollback_to(&in->ledger, head);
	return fold_rollback(&in->fold, mark);
}

/* Appends an act of the daemon's own. 1: our own code cannot fold it (a bug); then nothing was appended. */
static int append_guarded(struct ingest *in, const struct buf *topic, const struct buf *payload, int64_t at, const char *next)
{
	struct ledger_head head = in->ledger.head;
	size_t mark = fold_mark(&in->fold);
	int r = store_savepoint(in->store);

	if (r < 0)
		return r;
	r = append_act(in, topic->p, payload->p, payload->len, "daemon", at);
	if (r >= 0)
		return store_release(in->store);
	if (!ingest_is_fault(r))
		return r;
	log_error("due.fault", "row=%lld topic=%s error=%d why=\"%s\" next=\"%s\"", (long long)head.n + 1, topic->p, r,
		  store_why(in->store), next);
	r = take_back(in, &head, mark);
	return r < 0 ? r : 1;
}

/* The row of a due time becomes a fault, which the fold passes over (fold_acts.c), and somebody looks at it. */
static int append_due_row(struct ingest *in, const struct buf *topic, const struct buf *payload, int64_t at)
{
	const struct verdict fault = { .status = STATUS_FAULT, .findings = &no_findings, .actor = "daemon" };
	int r = append_guarded(in, topic, payload, at, "kept as fault, look at it");

	return r <= 0 ? r : ingest_append(in, topic->p, payload->p, payload->len, &fault, at, NULL);
}

/* Inside a transaction: time passes before anything received now is folded. */
static int append_due(struct ingest *in, int64_t now, int *ret_count)
{
	_cleanup_(buf_done) struct buf topic = { 0 }, payload = { 0 };
	int64_t at;
	int r;

	while ((r = fold_due(&in->fold, now, &topic, &payload, &at)) > 0) {
		/* The row carries the time it was due, not that of a late awakening; the ledger's time never falls. */
		r = append_due_row(in, &topic, &payload, at);
		if (r < 0)
			return r;
		++*ret_count;
	}
	return r;
}

static int take_guarded(struct ingest *in, const struct incoming *m, int64_t now)
{
	size_t mark = fold_mark(&in->fold), outs = in->out_count, bytes = in->bytes.len;
	struct ledger_head head = in->ledger.head;
	struct ingest_counters counters = in->staged;
	int r = store_savepoint(in->store);

	if (r < 0)
		return r;
	r = ingest_take(in, m, now);
	if (ingest_is_fault(r)) {
		log_error("message.fault", "row=%lld error=%d why=\"%s\" next=\"kept as fault, look at it\"",
			  (long long)head.n + 1, r, store_why(in->store));
		in->out_count = outs;
		in->bytes.len = bytes;
		in->staged = counters;
		r = take_back(in, &head, mark);
		if (r >= 0)
			r = ingest_take_culprit(in, m, now);
		return r;
	}
	return r < 0 ? r : store_release(in->store);
}

typedef int (*take_fn)(struct ingest *in, const struct incoming *m, int64_t now);

static int take_each(struct ingest *in, const struct incoming *messages, size_t count, int64_t now, take_fn fn)
{
	int due = 0, r = 0;

	for (size_t i = 0; r >= 0 && i < count; i++) {
		int64_t at = messages[i].received_at ? messages[i].received_at : now;

		r = append_due(in, at, &due);
		if (r >= 0)
			r = fn(in, &messages[i], at);
	}
	return r;
}

int ingest_batch(struct ingest *in, const struct incoming *messages, size_t count, int64_t now)
{
	int r = begin(in);

	if (r < 0) {
		in->counters.failed_batches++;
		return r;
	}
	r = take_each(in, messages, count, now, ingest_take);
	if (ingest_is_fault(r)) {
		log_error("batch.fault", "messages=%zu error=%d why=\"%s\" next=\"one by one\"", count, r, store_why(in->store));
		roll_back(in);
		r = begin(in);
		if (r >= 0)
			r = take_each(in, messages, count, now, take_guarded);
	}
	if (r < 0) {
		in->counters.failed_batches++;
		roll_back(in);
		return r;
	}
	return commit(in);
}

int ingest_act(struct ingest *in, const char *topic, const char *payload, size_t len, const char *actor, int64_t now,
	       struct ledger_head *ret)
{
	int due = 0, r = begin(in);

	/* Before the very first row there is no calendar, and it must be the policy. */
	if (r >= 0 && in->ledger.head.n > 0)
		r = append_due(in, now, &due);
	if (r >= 0)
		r = append_act(in, topic, payload, len, actor, now);
	if (r < 0) {
		roll_back(in);
		return r;
	}
	r = commit(in);
	if (r >= 0 && strncmp(topic, "act/import/divisions", 20) == 0)
		r = door_load_divisions(&in->door);
	if (r >= 0 && ret)
		*ret = in->ledger.head;
	return r;
}

int ingest_reload(struct ingest *in)
{
	int r;

	fold_done(&in->fold);
	r = fold_open(in->store, &in->fold);
	return r < 0 ? r : door_load_divisions(&in->door);
}

int ingest_transaction(struct ingest *in, int64_t now, ingest_fn fn, void *context)
{
	int due = 0, r = begin(in);

	if (r >= 0)
		r = append_due(in, now, &due);
	if (r >= 0)
		r = fn(in, context, now);
	if (r < 0) {
		roll_back(in);
		return r;
	}
	return commit(in);
}

/* A month that cannot be folded stays open, is tried again, and keeps no other from being frozen. */
static int append_frozen(struct ingest *in, int64_t now, int most, int *ret_count)
{
	_cleanup_(buf_done) struct buf topic = { 0 }, payload = { 0 };
	struct frozen_walk walk = { 0 };
	int64_t at;
	int r = 0;

	while (*ret_count < most && (r = frozen_next(&in->fold, &walk, now, &topic, &payload, &at)) > 0) {
		r = append_guarded(in, &topic, &payload, at, "freeze the others, try again");
		if (r < 0)
			return r;
		*ret_count += r == 0;
	}
	return MIN(r, 0);
}

int ingest_freeze(struct ingest *in, int64_t now, int most, int *ret_count)
{
	int64_t any = 0;
	int r = store_get_int(in->store, &any, "SELECT 1 FROM open_month WHERE month < ? LIMIT 1", "i", in->fold.dirty.past_before);

	*ret_count = 0;
	if (r <= 0)
		return r;
	r = begin(in);
	if (r >= 0)
		r = append_frozen(in, now, most, ret_count);
	if (r < 0) {
		roll_back(in);
		return r;
	}
	return commit(in);
}

int ingest_due(struct ingest *in, int64_t now, int *ret_count)
{
	int64_t at;
	int r = fold_next_due(&in->fold, &at);

	*ret_count = 0;
	if (r < 0 || at > now)
		return r;
	r = begin(in);
	if (r >= 0)
		r = append_due(in, now, ret_count);
	if (r < 0) {
		roll_back(in);
		return r;
	}
	return commit(in);
}

/* ---- imports and policy ---- */

static int last_import_is(struct ingest *in, const char *kind, const uint8_t sha[static HASH_SIZE], bool *ret)
{
	int64_t n = 0;
	int r = store_get_int(in->store, &n,
			      "SELECT n FROM import WHERE n = (SELECT max(n) FROM import WHERE kind = ?) AND sha256 = ?", "th",
			      kind, sha);

	*ret = n > 0;
	return MIN(r, 0);
}

int ingest_import(struct ingest *in, const char *kind, const char *csv, size_t len, const char *actor, int64_t now,
		  struct import_report *ret, struct ledger_head *ret_head)
{
	uint8_t sha[HASH_SIZE];
	char topic[64];
	bool same;
	int r;

	import_check(kind, csv, len, ret);
	if (ret->error_count > 0)
		return 1;
	hash_sha256(csv, len, sha);
	r = last_import_is(in, kind, sha, &same);
	if (r < 0 || same)
		return r < 0 ? r : 2;
	snprintf(topic, sizeof topic, "act/import/%s", kind);
	return ingest_act(in, topic, csv, len, actor, now, ret_head);
}

int ingest_policy(struct ingest *in, const struct buf *bytes, const char *actor, int64_t now)
{
	int64_t same = 0;
	int r = store_get_int(in->store, &same, "SELECT 1 FROM policy WHERE n = (SELECT max(n) FROM policy) AND bytes = ?", "b",
			      bytes->p, bytes->len);

	if (r < 0 || same)
		return MIN(r, 0);
	return ingest_act(in, "act/policy", bytes->p, bytes->len, actor, now, NULL);
}
