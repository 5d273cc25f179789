/* SPDX-License-Identifier: MIT
 *
 * verify and rebuild work on the file, also beside a running daemon: a second reader sees one consistent state,
 * and what the daemon says of its head is held against the file from outside.
 */
#include "ctl.h"

#include "../daemon/rejudge.h"
#include "../daemon/verify.h"

#include <errno.h>
#include <stdio.h>

#define REBUILD_SECONDS (24 * 3600) /* a country's ledger takes its time */

/* The database, and the head it must have: the user's, or what the daemon says now. */
static int ask_where(const struct ctl *ctl, char *path, size_t path_size, char *head, size_t head_size)
{
	_cleanup_(ctl_answer_done) struct ctl_answer where = { 0 }, now = { 0 };
	const json *n;
	int r;

	if (ctl->db) {
		snprintf(path, path_size, "%s", ctl->db);
		snprintf(head, head_size, "%s", ctl->head ? ctl->head : "");
		return EXIT_FINE;
	}
	r = ctl_get(ctl, "/api/v1/store", &where);
	if (r == EXIT_FINE)
		r = ctl_get(ctl, "/api/v1/ledger/head", &now);
	if (r != EXIT_FINE)
		return r;
	n = json_get(now.value, "n");
	snprintf(path, path_size, "%s", ctl_text_of(where.value, "path"));
	if (ctl->head)
		snprintf(head, head_size, "%s", ctl->head);
	else if (n && json_kind(n) == JSON_KIND_INT && json_int(n) > 0)
		snprintf(head, head_size, "%lld:%s", (long long)json_int(n), ctl_text_of(now.value, "hash"));
	return EXIT_FINE;
}

static void print_json(const struct verify_report *v)
{
	_cleanup_(json_freep) json *o = json_new_object();

	json_set(o, "ok", json_new_bool(v->ok));
	json_set(o, "rows", json_new_int(v->rows));
	json_set(o, "bad_row", v->bad_row ? json_new_int(v->bad_row) : NULL);
	json_set(o, "table", json_new_text(v->table[0] ? v->table : NULL));
	json_set(o, "head_n", json_new_int(v->head_n));
	json_set(o, "head_hash", json_new_text(v->head_hash));
	json_set(o, "text", json_new_text(v->text));
	ctl_print_json(o);
}

static int report(const struct ctl *ctl, int r, const char *path, const struct verify_report *v)
{
	if (r < 0) {
		fprintf(stderr, "nurseryctl: %s: %s%s%s\n", path, strerror(-r), v->text[0] ? ": " : "", v->text);
		return ctl->db ? EXIT_USAGE : EXIT_NO;
	}
	if (ctl->json)
		print_json(v);
	else
		printf("%s\nhead %lld:%s\n", v->text, (long long)v->head_n, v->head_hash);
	return v->ok ? EXIT_FINE : EXIT_NO;
}

int ctl_verify(const struct ctl *ctl)
{
	struct verify_report v = { 0 };
	char path[4096] = "", head[128] = "";
	uint8_t hash[HASH_SIZE];
	int64_t n;
	int r;

	if (ctl->head && verify_read_head(ctl->head, &n, hash) < 0) {
		fprintf(stderr, "nurseryctl: --head %s: wanted is N:HASH with 64 hexadecimal digits\n", ctl->head);
		return EXIT_USAGE;
	}
	r = ask_where(ctl, path, sizeof path, head, sizeof head);
	if (r != EXIT_FINE)
		return r;
	r = verify_run(path, head[0] ? head : NULL, &v);
	return report(ctl, r, path, &v);
}

/* The daemon does it beside its messages, and answers when it is done. */
static int rebuild_by_daemon(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf body = { 0 };
	struct ctl patient = *ctl;
	int r;

	patient.patience_s = REBUILD_SECONDS;
	buf_str(&body, "{}");
	r = ctl_post(&patient, "rebuild", "/api/v1/rebuild", "application/json", &body, &a);
	if (r == EXIT_FINE && !ctl->json)
		puts(ctl_text_of(a.value, "text"));
	return r;
}

/* ---- --rejudge: a new database, the old one is only read ---- */

struct changes {
	bool json;
	json *list;
};

static void tell_change(void *context, int64_t n, const char *topic, const char *was, const char *now)
{
	struct changes *c = context;
	json *item;

	if (!c->json) {
		printf("row %lld: %s → %s  %s\n", (long long)n, was, now, topic);
		return;
	}
	item = json_new_object();
	json_set(item, "n", json_new_int(n));
	json_set(item, "topic", json_new_text(topic));
	json_set(item, "was", json_new_text(was));
	json_set(item, "now", json_new_text(now));
	json_push(c->list, item);
}

static void print_rejudged(const struct changes *c, const char *path, const struct rejudged *done)
{
	_cleanup_(json_freep) json *o = json_new_object();

	if (!c->json) {
		printf("%lld messages judged again: %lld verdicts changed, %lld with other findings; see %s, the old database is"
		       " untouched\n", (long long)done->judged, (long long)done->changed, (long long)done->findings, path);
		return;
	}
	json_set(o, "file", json_new_text(path));
	json_set(o, "rows", json_new_int(done->rows));
	json_set(o, "judged", json_new_int(done->judged));
	json_set(o, "verdicts_changed", json_new_int(done->changed));
	json_set(o, "findings_changed", json_new_int(done->findings));
	json_set(o, "changed", json_keep(c->list));
	ctl_print_json(o);
}

static int rejudge(const struct ctl *ctl)
{
	_cleanup_(json_freep) json *list = json_new_list();
	struct changes changes = { ctl->json, list };
	struct rejudged done;
	char path[4096] = "", head[128] = "", fresh[sizeof path + 16];
	int r = ask_where(ctl, path, sizeof path, head, sizeof head);

	if (r != EXIT_FINE)
		return r;
	snprintf(fresh, sizeof fresh, "%s.rejudged", path);
	r = rejudge_run(path, fresh, tell_change, &changes, &done);
	if (r >= 0) {
		print_rejudged(&changes, fresh, &done);
		return EXIT_FINE;
	}
	if (done.bad_row)
		fprintf(stderr, "nurseryctl: row %lld does not fit the chain: nothing was judged\n", (long long)done.bad_row);
	else
		fprintf(stderr, "nurseryctl: %s: %s\n", r == -EEXIST ? fresh : path, strerror(-r));
	return EXIT_NO;
}

int ctl_rebuild(const struct ctl *ctl)
{
	struct verify_report v = { 0 };
	int r;

	if (ctl->rejudge)
		return rejudge(ctl);
	if (!ctl->db)
		return rebuild_by_daemon(ctl);
	r = rebuild_run(ctl->db, &v);
	return report(ctl, r, ctl->db, &v);
}
