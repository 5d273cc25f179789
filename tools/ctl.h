/* SPDX-License-Identifier: MIT
 *
 * nurseryctl: the parts that its files share. A verb asks by ctl_ask (the daemon's socket, or a database file
 * through the same api_answer), and prints.
 */
#pragma once

#include "../daemon/buf.h"
#include "../daemon/err.h"
#include "../daemon/json.h"

#include <stdbool.h>
#include <stddef.h>

enum ctl_exit {
	EXIT_FINE,
	EXIT_NO,          /* the answer is no */
	EXIT_USAGE,       /* wrong usage */
	EXIT_UNREACHABLE, /* the daemon could not be reached */
};

#define CTL_ARGS_MAX 1000

struct ctl {
	const char *socket; /* NULL: the usual places */
	const char *db;     /* NULL: ask the daemon */
	bool json;
	const char *outcome, *site, *feed, *province, *state, *unit, *kind, *limit, *after; /* filters, NULL: none */
	const char *head;   /* "N:HASH" */
	const char *reason, *document, *from; /* of an act; from: a day */
	const char *source, *event; /* of a signal */
	const char *year, *cycle, *out; /* of a report; out: a file, NULL: stdout */
	bool csv;
	bool rejudge;
	const char *at;     /* lint: as if received then; NULL: now */
	int patience_s;     /* for an answer; 0: the usual */
	const char *args[CTL_ARGS_MAX]; /* behind the verb */
	size_t arg_count;
};

struct verb {
	const char *name, *usage, *what;
	size_t arg_min, arg_max;
	int (*run)(const struct ctl *ctl); /* an enum ctl_exit */
};
extern const struct verb verbs[];
extern const size_t verb_count;

/* --- ctl_client.c --- */

struct ctl_answer {
	int status; /* of HTTP */
	json *value; /* NULL when the body is not JSON */
	struct buf text;
};
void ctl_answer_done(struct ctl_answer *a);
/* EXIT_FINE whatever the status; EXIT_UNREACHABLE with a sentence on stderr; EXIT_USAGE when the file is no database. */
int ctl_ask(const struct ctl *ctl, const char *method, const char *target, const char *content_type,
	    const struct buf *body, struct ctl_answer *ret);
/* The same for GET, and a status that is not 2xx is told on stderr and is EXIT_NO. */
int ctl_get(const struct ctl *ctl, const char *target, struct ctl_answer *ret);
/* The same of the object LIST/ID. */
int ctl_get_one(const struct ctl *ctl, const char *list, const char *id, struct ctl_answer *ret);
/* POST, which needs the daemon (`on`: what the user named, told with --db); with --json the answer is printed as it came. */
int ctl_post(const struct ctl *ctl, const char *on, const char *target, const char *content_type, const struct buf *body,
	     struct ctl_answer *ret);
/* All pages of a list, or `limit` items when the user gave one: {items, next}. */
int ctl_get_all(const struct ctl *ctl, const char *target, size_t limit, json **ret);
/* On stderr for people; with --json the answer as it came is printed, too. */
void ctl_tell_lines(const json *list); /* of a file: line, column, value and what is said of it, to stderr; NULL is fine */
void ctl_tell_problem(const struct ctl *ctl, const struct ctl_answer *a);
/* The whole file, "-" is stdin. -EFBIG above max. */
int ctl_read_file(const char *path, size_t max, struct buf *ret);
const char *ctl_text_of(const json *object, const char *key); /* "" when it has none */

/* --- ctl_target.c --- */

void ctl_add_param(struct buf *target, const char *key, const char *value); /* percent-encoded; value NULL: nothing */
void ctl_add_segment(struct buf *target, const char *text);
bool ctl_id_plain(const char *id); /* may stand in a path as it is */

/* --- ctl_table.c: aligned columns; a CJK character is two columns wide --- */

/* What others wrote may hold characters that a terminal obeys (C0, C1, directions): each is a "?". The caller frees. */
char *ctl_tamed(const char *text);

struct ctl_table {
	size_t columns;
	char **cells; /* row after row; owned */
	size_t count, cap;
	bool right[16]; /* this column is a number */
};
void ctl_table_done(struct ctl_table *t);
void ctl_cell(struct ctl_table *t, const char *text);
void ctl_cellf(struct ctl_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ctl_table_print(const struct ctl_table *t);
size_t ctl_width(const char *text);

/* --- ctl_print.c: what several verbs print --- */

int ctl_wrong(const char *text, const char *what); /* told on stderr; EXIT_USAGE */
void ctl_print_json(const json *value);
const char *ctl_number(const json *object, const char *key, char text[static 48]); /* text; "" when it is none */
void ctl_clock_cell(struct ctl_table *t, const json *clock); /* a deadline and the time left; NULL: an empty cell */
/* A heading and the members `keys` of each object; nothing of an empty list. */
void ctl_print_parts(const json *list, const char *head, const char *const *keys, size_t count);

/* --- ctl_lists.c --- */

#define CTL_ALL ((size_t)1000000)

struct ctl_column {
	const char *key, *head;
	bool right;
};
/* `usual` items unless --limit says more or less. */
int ctl_show_list(const struct ctl *ctl, const char *target, size_t usual, const struct ctl_column *columns, size_t count);

/* --- ctl_act.c: officers' acts --- */

json *ctl_act_body(const char *act);
/* The act on LIST/ID with the reason and the document that were given; told, and an exit code. Takes over body. */
int ctl_act_post(const struct ctl *ctl, const char *list, const char *id, json *body);

/* --- the verbs, each an enum ctl_exit --- */

int ctl_ack(const struct ctl *ctl);
int ctl_alerts(const struct ctl *ctl);
int ctl_backup(const struct ctl *ctl);
int ctl_brief(const struct ctl *ctl);
int ctl_case(const struct ctl *ctl);
int ctl_erase(const struct ctl *ctl);
int ctl_import(const struct ctl *ctl);
int ctl_imports(const struct ctl *ctl);
int ctl_influx(const struct ctl *ctl);
int ctl_lint(const struct ctl *ctl);
int ctl_messages(const struct ctl *ctl);
int ctl_rebuild(const struct ctl *ctl);
int ctl_replay(const struct ctl *ctl);
int ctl_report(const struct ctl *ctl);
int ctl_signal(const struct ctl *ctl);
int ctl_site(const struct ctl *ctl);
int ctl_status(const struct ctl *ctl);
int ctl_unit(const struct ctl *ctl);
int ctl_units(const struct ctl *ctl);
int ctl_verify(const struct ctl *ctl);
int ctl_worklist(const struct ctl *ctl);
