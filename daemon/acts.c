/* SPDX-License-Identifier: MIT */
#include "acts.h"

#include "api.h"
#include "erase.h"
#include "lint.h"
#include "replay.h"

#include <errno.h>
#include <stdio.h>

static void problem(struct act_answer *ret, int status, const char *title, const char *detail)
{
	struct api_response rs = { 0 };

	api_problem(&rs, status, title, detail, NULL, NULL, NULL);
	ret->status = rs.status;
	ret->content_type = rs.content_type;
	ret->body = rs.body;
	rs.body = (struct buf){ 0 }; /* ownership moved to the answer */
	api_response_done(&rs);
}

void act_refuse_clock(struct act_answer *ret)
{
	problem(ret, 503, "The clock is wrong", "nothing is taken until the clock is right; see the log");
}

static void answer_json(struct act_answer *ret, int status, json *value)
{
	ret->status = status;
	ret->content_type = "application/json";
	json_compact(value, &ret->body);
	json_free(value);
}

void act_answer_rebuild(struct act_answer *ret, int r, const struct rebuild_report *report, const char *why)
{
	json *value;

	if (r == -EBUSY) {
		problem(ret, 409, "One rebuild at a time", why);
		return;
	}
	if (r != REBUILD_DONE) {
		problem(ret, r < 0 ? 503 : 409, "The tables were not rebuilt", r < 0 ? why : report->text);
		return;
	}
	value = json_new_object();
	json_set(value, "ok", json_new_bool(true));
	json_set(value, "rows", json_new_int(report->rows));
	json_set(value, "replaced", json_new_text(report->tables));
	json_set(value, "pause_ms", json_new_int(report->pause_ms));
	json_set(value, "text", json_new_text(report->text));
	answer_json(ret, 200, value);
}

void act_answer_plain(struct act_answer *ret, int status, const char *detail)
{
	json *value;

	if (status >= 400) {
		problem(ret, status, "Not done", detail);
		return;
	}
	value = json_new_object();
	json_set(value, "detail", json_new_text(detail));
	answer_json(ret, status, value);
}

static json *told_lines(const struct import_error *errors, size_t count)
{
	json *list = json_new_list();

	for (size_t i = 0; i < count; i++) {
		json *item = json_new_object();

		json_set(item, "line", json_new_int(errors[i].line));
		json_set(item, "column", json_new_text(errors[i].column));
		json_set(item, "value", json_new_text(errors[i].value));
		json_set(item, "zh", json_new_text(errors[i].zh));
		json_set(item, "en", json_new_text(errors[i].en));
		json_push(list, item);
	}
	return list;
}

/* A bad row names line, column, value and rule, and nothing of the file is imported. */
static void refuse_import(struct act_answer *ret, const char *kind, const struct import_report *report)
{
	json *problem_value = json_new_object();
	char detail[128];

	snprintf(detail, sizeof detail, "%zu errors in the file; nothing of it was imported", report->error_count);
	json_set(problem_value, "type", json_new_text("about:blank"));
	json_set(problem_value, "title", json_new_text("The file was not imported"));
	json_set(problem_value, "status", json_new_int(422));
	json_set(problem_value, "detail", json_new_text(detail));
	json_set(problem_value, "kind", json_new_text(kind));
	json_set(problem_value, "errors", told_lines(report->errors, MIN(report->error_count, (size_t)IMPORT_ERRORS_MAX)));
	answer_json(ret, 422, problem_value);
	ret->content_type = "application/problem+json";
}

static int perform_import(struct ingest *in, const char *kind, const char *body, size_t len, const char *actor, int64_t now,
			  struct act_answer *ret)
{
	struct import_report report;
	struct ledger_head head = in->ledger.head;
	char hash[HASH_HEX_SIZE];
	json *value;
	int r;

	if (!import_kind_known(kind)) {
		_cleanup_(buf_done) struct buf kinds = { 0 };

		buf_str(&kinds, "known kinds: ");
		import_kinds(&kinds);
		problem(ret, 404, "No such kind of import", kinds.p);
		return 0;
	}
	r = ingest_import(in, kind, body, len, actor, now, &report, &head);
	if (r == 1) {
		refuse_import(ret, kind, &report);
		return 0;
	}
	if (r < 0) {
		problem(ret, 503, "The import could not be stored", store_why(in->store));
		return r;
	}
	value = json_new_object();
	json_set(value, "kind", json_new_text(kind));
	json_set(value, "rows", json_new_int(report.rows));
	json_set(value, "unchanged", json_new_bool(r == 2)); /* the same file twice changes nothing */
	json_set(value, "n", json_new_int(head.n));
	json_set(value, "hash", json_new_text(hash_hex(head.hash, hash)));
	if (import_note(in->store, kind, body, len, &report) >= 0)
		json_set(value, "notes", told_lines(report.notes, report.note_count));
	answer_json(ret, r == 2 ? 200 : 201, value);
	return 0;
}

/* Stores nothing, so nobody is asked who he is; but to a stranger (TCP, no actor) nothing stored is told: whether a
 * guessed incident is a repeat of a real one is nobody's business. */
static int perform_lint(struct ingest *in, const char *feed, const char *body, size_t len, const char *actor, int64_t now,
			struct act_answer *ret)
{
	int r = lint_payload(in, feed, body, len, now, actor[0] != '\0', &ret->body);

	if (r < 0) {
		problem(ret, 503, "The store cannot be read", store_why(in->store));
		return r;
	}
	ret->status = 200;
	ret->content_type = "application/json";
	return 0;
}

static const struct {
	int status;
	const char *title, *detail;
} replay_refusals[] = {
	[REPLAY_NO_ROW] = { 404, "No such row", "the ledger has no row of this number" },
	[REPLAY_ACT] = { 409, "This row is no message", "only what a nursery sent can be judged again" },
	[REPLAY_NOT_KEPT] = { 409, "The payload is not there",
			      "the ledger keeps a stand-in of this payload (personal data, unreadable, or erased):"
			      " there is nothing to judge; the nursery must send it again" },
	[REPLAY_REPEAT] = { 409, "The message is a repeat",
			    "today's decoder reads an identity from it that another row has consumed" },
};

/* Not the store's failure: the fold failed on this very row, and everything was taken back. */
static int refuse_failure(struct ingest *in, int r, struct act_answer *ret)
{
	if (ingest_store_failed(r)) {
		problem(ret, 503, "The store failed", store_why(in->store));
		return r;
	}
	problem(ret, 500, "nurseryd failed on this row", "our bug: nothing was changed; see the log and tell the makers");
	return 0;
}

static void answer_replay(struct act_answer *ret, const struct replayed *done)
{
	json *value = NULL;
	char hash[HASH_HEX_SIZE];
	size_t offset;

	if (json_parse(done->receipt.p, done->receipt.len, 16, &value, &offset) < 0)
		value = json_new_object(); /* our own text; not reached */
	json_set(value, "n", json_new_int(done->row.n));
	json_set(value, "hash", json_new_text(hash_hex(done->row.hash, hash)));
	json_set(value, "replay_of", json_new_int(done->of));
	json_set(value, "effect", json_new_bool(done->effect));
	json_set(value, "text",
		 json_new_text(done->effect ? "accepted now; it counts as received when it first came" :
					      "no effect: what was decided stands, or the verdict is still no"));
	answer_json(ret, 201, value);
}

static int perform_replay(struct ingest *in, int64_t n, const char *body, size_t len, const char *actor, int64_t now,
			  struct act_answer *ret)
{
	struct replayed done;
	int r = replay_row(in, n, actor, now, &done);

	(void)body;
	(void)len;
	if (r == 0)
		answer_replay(ret, &done);
	else if (r > 0)
		problem(ret, replay_refusals[r].status, replay_refusals[r].title, replay_refusals[r].detail);
	buf_done(&done.receipt);
	return r < 0 ? refuse_failure(in, r, ret) : 0;
}

static const struct {
	int status;
	const char *title, *detail;
} erase_refusals[] = {
	[ERASE_NO_ROW] = { 404, "No such row", "the ledger has no row of this number" },
	[ERASE_ACT] = { 409, "This row is no message", "only what a nursery sent can be erased" },
	[ERASE_NOTHING] = { 409, "There is nothing to erase", "the ledger holds a stand-in of this payload already" },
	[ERASE_REASON] = { 422, "A reason is needed",
			   "{\"reason\":\"…\"}: 1 to 200 characters, and no personal data: it stays on record" },
};

static int perform_erase(struct ingest *in, int64_t n, const char *body, size_t len, const char *actor, int64_t now,
			 struct act_answer *ret)
{
	_cleanup_(json_freep) json *question = NULL;
	const json *reason;
	struct erased done;
	size_t offset;
	json *value;
	int r;

	(void)json_parse(body, len, 2, &question, &offset);
	reason = json_get(question, "reason");
	r = erase_row(in, n, reason && json_kind(reason) == JSON_KIND_TEXT ? json_text(reason) : "", actor, now, &done);
	if (r > 0)
		problem(ret, erase_refusals[r].status, erase_refusals[r].title, erase_refusals[r].detail);
	if (r != 0)
		return r < 0 ? refuse_failure(in, r, ret) : 0;
	value = json_new_object();
	json_set(value, "n", json_new_int(done.last.n));
	json_set(value, "erased", json_new_int(done.of));
	json_set(value, "rows", json_new_int(done.rows));
	json_set(value, "wal_emptied", json_new_bool(!in->wal_holds_erased));
	json_set(value, "text", json_new_text("the texts are gone from the ledger and the tables; backups made before still hold them"));
	answer_json(ret, 201, value);
	return 0;
}

/* "{n}/WHAT" */
static const struct {
	const char *what;
	int (*perform)(struct ingest *in, int64_t n, const char *body, size_t len, const char *actor, int64_t now,
		       struct act_answer *ret);
} row_acts[] = {
	{ "/replay", perform_replay },
	{ "/erase", perform_erase },
};

static int perform_on_row(struct ingest *in, const char *rest, const char *body, size_t len, const char *actor, int64_t now,
			  struct act_answer *ret)
{
	size_t digits = strspn(rest, "0123456789");

	for (size_t i = 0; digits > 0 && digits <= 15 && i < ARRAY_SIZE(row_acts); i++)
		if (strcmp(rest + digits, row_acts[i].what) == 0)
			return row_acts[i].perform(in, atoll(rest), body, len, actor, now, ret);
	problem(ret, 404, "No such row", "a row of the ledger is a whole number");
	return 0;
}

static const struct {
	const char *prefix;
	int (*perform)(struct ingest *in, const char *rest, const char *body, size_t len, const char *actor, int64_t now,
		       struct act_answer *ret);
} routes[] = {
	{ "/api/v1/imports/", perform_import },
	{ "/api/v1/lint/", perform_lint },
	{ "/api/v1/messages/", perform_on_row },
};

int act_perform(struct ingest *in, const char *method, const char *path, const char *body, size_t len, const char *actor,
		int64_t now, struct act_answer *ret)
{
	(void)method; /* only POSTs come here */
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		size_t prefix = strlen(routes[i].prefix);
		char rest[128];

		if (strncmp(path, routes[i].prefix, prefix) != 0)
			continue;
		snprintf(rest, sizeof rest, "%.*s", (int)strcspn(path + prefix, "?"), path + prefix);
		return routes[i].perform(in, rest, body ? body : "", len, actor, now, ret);
	}
	problem(ret, 404, "No such act", "this nurseryd does not know this act yet");
	return 0;
}
