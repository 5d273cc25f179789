/* SPDX-License-Identifier: MIT */
#include "officer_acts.h"

#include "clock.h"
#include "etag.h"
#include "objects.h"
#include "officer_kinds.h"

#include <errno.h>
#include <stdio.h>

/* ---- the body ---- */

static int read_body(struct acting *a)
{
	const char *title, *detail;
	int status = act_body_read(a->rq->body ? a->rq->body : "", a->rq->len, clock_local_day(a->rq->now), &a->body, &title, &detail);

	if (status != 0)
		return officer_refuse(a, status, title, detail);
	a->act = body_text(a->body, "act");
	return 0;
}

/* ---- through the door ---- */

#define ACTIONS "/actions"

/* {prefix}ID[/EVENT]/actions */
static bool split_path(struct acting *a, const char *path)
{
	size_t len = strcspn(path, "?"), part;

	a->kind = officer_kind_of(path, NULL);
	if (!a->kind || len < strlen(ACTIONS) || strncmp(path + len - strlen(ACTIONS), ACTIONS, strlen(ACTIONS)) != 0)
		return false;
	path += strlen(a->kind->prefix);
	part = strcspn(path, "/");
	snprintf(a->id, sizeof a->id, "%.*s", (int)MIN(part, (size_t)OFFICER_SEGMENT_MAX - 1), path);
	path += part + 1;
	snprintf(a->event, sizeof a->event, "%.*s", (int)MIN(strcspn(path, "/"), (size_t)OFFICER_SEGMENT_MAX - 1), path);
	return true;
}

bool officer_act_is(const char *path)
{
	struct acting a = { 0 };

	return split_path(&a, path);
}

static void answer_done(struct acting *a, const struct act_done *done)
{
	uint8_t hash[HASH_SIZE] = { 0 };
	char text[HASH_HEX_SIZE], alert[32];
	json *value = json_new_object();

	(void)ledger_hash_of(a->in->store, done->n, hash);
	json_set(value, "n", json_new_int(done->n));
	json_set(value, "hash", json_new_text(hash_hex(hash, text)));
	json_set(value, "act", json_new_text(done->act));
	json_set(value, "state", json_new_text(done->state));
	json_set(value, "case", json_new_text(done->case_id[0] ? done->case_id : NULL));
	if (done->alert)
		snprintf(alert, sizeof alert, "A-%06lld", (long long)done->alert);
	json_set(value, "alert", json_new_text(done->alert ? alert : NULL));
	json_compact(value, &a->ret->body);
	json_free(value);
	a->ret->status = 201;
	a->ret->content_type = "application/json";
}

/* 1: answered, by the first answer or by 422. The print is of the path as it was asked, so a key belongs to one target. */
static int repeat_of_key(struct acting *a)
{
	struct act_done done;
	uint8_t print[HASH_SIZE];
	int r = a->key[0] ? casework_done_by_key(a->in->store, a->key, &done) : 0;

	if (r <= 0)
		return r;
	casework_print(a->topic.p, a->rq->body, a->rq->len, print);
	if (memcmp(print, done.print, HASH_SIZE) != 0)
		return officer_refuse(a, 422, "this Idempotency-Key was used for another act", "a new act needs a new key");
	answer_done(a, &done);
	return 1;
}

static void make_key(struct acting *a)
{
	_cleanup_(buf_done) struct buf both = { 0 };
	uint8_t sha[HASH_SIZE];

	if (!*a->rq->key)
		return;
	buf_add(&both, a->rq->who->name, strlen(a->rq->who->name) + 1);
	buf_str(&both, a->rq->key);
	hash_sha256(both.p, both.len, sha);
	hash_hex(sha, a->key);
}

static int check_match(struct acting *a)
{
	_cleanup_(json_freep) json *object = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	char version[ETAG_VERSION_SIZE];
	int r;

	if (!*a->rq->if_match || strcmp(a->rq->if_match, "*") == 0)
		return 0;
	r = a->kind->object(a, &object);
	if (r != 0)
		return r < 0 ? r : officer_refuse(a, 412, "it is not there", "If-Match names a version of something that does not exist");
	json_compact(object, &text);
	etag_version(text.p, text.len, version);
	return etag_match_names(a->rq->if_match, version) ? 0 :
							    officer_refuse(a, 412, "it has changed meanwhile", "read it again, then decide again");
}

/* Before the guards: the row that a key stands for may have changed what they see. */
static int set_topic_for_key(struct acting *a)
{
	int64_t id;

	if (strcmp(a->kind->topic, "incident") == 0)
		buf_printf(&a->topic, "act/incident/%s/%s", a->id, a->event);
	else if (object_alert_id(a->id, &id) == 0 && strcmp(a->kind->topic, "alert") == 0)
		buf_printf(&a->topic, "act/alert/A-%06lld", (long long)id);
	else
		buf_printf(&a->topic, "act/%s/%s", a->kind->topic, a->id);
	return 0;
}

static int append(struct acting *a, int64_t now)
{
	static const struct findings none;
	_cleanup_(buf_done) struct buf roles = { 0 };
	struct verdict v = { .status = STATUS_ACCEPTED, .findings = &none, .actor = a->rq->who->name, .key = a->key[0] ? a->key : NULL };
	int r;

	roles_write(a->rq->who->roles & ~ROLE(VIEWER), ",", &roles);
	v.roles = roles.p ? roles.p : "";
	r = ingest_append(a->in, a->topic.p, a->rq->body, a->rq->len, &v, now, &a->row);
	a->done = r >= 0;
	return r;
}

/* Inside the transaction, time has passed up to now: a refusal leaves no row. */
static int go_through(struct ingest *in, void *context, int64_t now)
{
	struct acting *a = context;
	int r;

	(void)in;
	set_topic_for_key(a);
	r = repeat_of_key(a);
	if (r == 0)
		r = check_match(a);
	buf_reset(&a->topic);
	if (r == 0)
		r = a->kind->examine(a);
	if (r == 0)
		r = append(a, now);
	return MIN(r, 0);
}

static void acting_done(struct acting *a)
{
	buf_done(&a->topic);
	json_free(a->body);
}

int officer_act_perform(struct ingest *in, const struct officer_request *rq, struct act_answer *ret)
{
	_cleanup_(acting_done) struct acting a = { .in = in, .rq = rq, .ret = ret };
	struct act_done done;
	int r;

	if (!split_path(&a, rq->path) || read_body(&a) != 0)
		return 0;
	a.kind = officer_kind_of(rq->path, a.act);
	make_key(&a);
	r = ingest_transaction(in, rq->now, go_through, &a);
	if (r >= 0 && a.done)
		r = casework_done(in->store, a.row.n, &done);
	if (r < 0) {
		buf_reset(&ret->body);
		officer_refuse(&a, ingest_store_failed(r) && r != -EUCLEAN ? 503 : 500, "the act could not be stored", store_why(in->store));
		return r == -EUCLEAN ? 0 : ingest_store_failed(r) ? r : 0;
	}
	if (a.done)
		answer_done(&a, &done);
	return 0;
}
