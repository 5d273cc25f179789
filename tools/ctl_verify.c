/* SPDX-License-Identifier: MIT
 *
 * verify and rebuild work on the file, also beside a running daemon: a second reader sees one consistent state,
 * and what the daemon says of its head is held against the file from outside.
 */
#include "ctl.h"

#include "../daemon/verify.h"

#include <stdio.h>

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
	_cleanup_(buf_done) struct buf text = { 0 };

	json_set(o, "ok", json_new_bool(v->ok));
	json_set(o, "rows", json_new_int(v->rows));
	json_set(o, "bad_row", v->bad_row ? json_new_int(v->bad_row) : NULL);
	json_set(o, "table", json_new_text(v->table[0] ? v->table : NULL));
	json_set(o, "head_n", json_new_int(v->head_n));
	json_set(o, "head_hash", json_new_text(v->head_hash));
	json_set(o, "text", json_new_text(v->text));
	json_compact(o, &text);
	puts(text.p);
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
	int r = ask_where(ctl, path, sizeof path, head, sizeof head);

	if (r != EXIT_FINE)
		return r;
	r = verify_run(path, head[0] ? head : NULL, &v);
	return report(ctl, r, path, &v);
}

int ctl_rebuild(const struct ctl *ctl)
{
	struct verify_report v = { 0 };
	int r;

	if (ctl->db) {
		r = rebuild_run(ctl->db, &v);
		return report(ctl, r, ctl->db, &v);
	}
	r = ctl_verify(ctl);
	if (r == EXIT_NO)
		fputs("nurseryctl: the daemon holds the database: stop it, then nurseryctl --db FILE rebuild\n", stderr);
	return r;
}
