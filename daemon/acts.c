/* SPDX-License-Identifier: MIT */
#include "acts.h"

#include "api.h"
#include "lint.h"

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

/* A bad row names line, column, value and rule, and nothing of the file is imported. */
static void refuse_import(struct act_answer *ret, const char *kind, const struct import_report *report)
{
	json *problem_value = json_new_object(), *errors = json_new_list();
	char detail[128];
	size_t told = MIN(report->error_count, (size_t)IMPORT_ERRORS_MAX);

	for (size_t i = 0; i < told; i++) {
		const struct import_error *e = &report->errors[i];
		json *item = json_new_object();

		json_set(item, "line", json_new_int(e->line));
		json_set(item, "column", json_new_text(e->column));
		json_set(item, "value", json_new_text(e->value));
		json_set(item, "zh", json_new_text(e->zh));
		json_set(item, "en", json_new_text(e->en));
		json_push(errors, item);
	}
	snprintf(detail, sizeof detail, "%zu errors in the file; nothing of it was imported", report->error_count);
	json_set(problem_value, "type", json_new_text("about:blank"));
	json_set(problem_value, "title", json_new_text("The file was not imported"));
	json_set(problem_value, "status", json_new_int(422));
	json_set(problem_value, "detail", json_new_text(detail));
	json_set(problem_value, "kind", json_new_text(kind));
	json_set(problem_value, "errors", errors);
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
	const char *prefix;
	int (*perform)(struct ingest *in, const char *rest, const char *body, size_t len, const char *actor, int64_t now,
		       struct act_answer *ret);
} routes[] = {
	{ "/api/v1/imports/", perform_import },
	{ "/api/v1/lint/", perform_lint },
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
