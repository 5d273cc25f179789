/* SPDX-License-Identifier: MIT
 *
 * Engines: reports (docs/reports.md). A kind of report is a table of sections, a section a title, columns and a function
 * that reads rows. Building gives a JSON object of codes and numbers, made of the objects that the API shows
 * (objects.h); rendering makes HTML or CSV of it, and is the only place that knows either.
 *
 * A report is read in slices: every call of a section's `read` is one short read transaction (DESIGN §4.15), so a
 * report may show one row that is younger than another; the ledger's head is read last and covers all of them.
 */
#pragma once

#include "ids.h"
#include "json.h"
#include "objects.h"
#include "policy.h"

#define REPORT_NONE 1  /* there is no such case, province … */
#define REPORT_WRONG 2 /* a year that has not begun, a cycle of another length than the policy's */

struct report;

enum report_shown {
	SHOWN_TEXT,
	SHOWN_LINE,   /* on one line */
	SHOWN_TIME,   /* that, and an instant as Shanghai's */
	SHOWN_NUMBER, /* to the right, also where it is a decimal string or missing */
	SHOWN_CODE,   /* every character matters */
};

struct report_column {
	const char *key, *zh, *en; /* the last of a list has no key */
	enum report_shown shown;
	const char *(*say)(const char *code); /* the code's Chinese word, or NULL when it has none */
};

struct report_section {
	const char *id, *zh, *en; /* the last of a list has no id */
	const struct report_column *columns;
	bool pairs; /* one row, shown as headings and values */
	bool each_unit; /* read once a unit of the report, r->unit */
	bool late;      /* read when the others are, shown in its place */
	/* Adds rows. REPORT_MORE: there are more, call again. */
	int (*read)(struct report *r, json *rows);
	const char *note_zh, *note_en; /* below the title, or NULL */
};
#define REPORT_MORE 1

struct report_kind {
	const char *id, *zh, *en;
	const char *basis_zh, *basis_en; /* where it is asked for */
	const struct report_section *sections;
	/* In the first slice: what the sections share. REPORT_NONE, REPORT_WRONG. */
	int (*open)(struct report *r);
	bool wide; /* prints across the page */
};
extern const struct report_section report_check; /* the last section of every report: the ledger's head */
extern const struct report_kind report_case, report_annual, report_recommend;

/* One report while it is built. */
struct report {
	struct store *store; /* borrowed */
	const struct report_kind *kind;
	const char *subject; /* the case's id, or the province; borrowed */
	const char *cycle;   /* of recommend */
	int year;            /* of annual */
	bool inside;         /* the reader has a role: cases that nothing was published of, too */
	int64_t now, today;
	/* what open() and the sections leave for the next ones */
	struct policy *policy; /* NULL: there is none */
	struct province_sums sums;
	json *title; /* {zh, en} */
	json *about; /* the case; of annual and recommend the province */
	json *kept;  /* an object: what one section leaves for a later one */
	char (*units)[UNIT_SIZE];
	size_t unit_count;
	const char *unit; /* of `each_unit` */
	size_t at;        /* how far the present section is; 0 when it begins */
	int64_t *rows;    /* of the ledger that were spoken of: report_remember */
	size_t row_count, row_cap;
};

/* Everything but what is borrowed is zero. Fills kind … today before. 0 and the caller's *ret, REPORT_NONE, REPORT_WRONG, < 0. */
int report_build(struct report *r, json **ret);
void report_done(struct report *r);

void report_html(const struct report_kind *kind, const json *report, struct buf *out);
void report_csv(const struct report_kind *kind, const json *report, struct buf *out);

/* ---- for the sections ---- */

void report_entitle(struct report *r, const char *zh, const char *en); /* both copied */
void report_remember(struct report *r, int64_t n);
/* Sorted, each once. */
void report_rows_settle(struct report *r);

/* Copies the members "same same to=from" of an object, null when absent. */
void report_take(json *row, const json *object, const char *keys);
int64_t report_int(const json *object, const char *key); /* 0 when it is no integer */
const char *report_text(const json *object, const char *key); /* "" when it is no text */
json *report_said(const char *zh, const char *en);

/* ---- reports of a province (report_units.c) ---- */

/* Its units, its object, the policy. Cells of few answers are suppressed: such a report may be handed to anybody. */
int report_open_province(struct report *r);
/* The unit's object as of a day; its name is remembered for report_unit_row. */
int report_unit_object(struct report *r, int64_t day, bool alone, json **ret);
json *report_unit_row(const struct report *r); /* {unit, name}, shown in: */
#define REPORT_UNIT_COLUMNS                                                \
	{ .key = "unit", .zh = "单位", .en = "unit", .shown = SHOWN_LINE }, \
	{ .key = "name", .zh = "名称", .en = "name", .shown = SHOWN_LINE }
const char *report_eligible(const struct report *r, const char *unit); /* yes, no, ask; NULL without a policy */
/* Who recommends it: the name of its province, or the corps. */
json *report_recommender(const struct report *r, const char *unit);

/* Words of the codes that reports show; NULL for what has none. */
const char *report_word(const char *code);
const char *report_case_act(const char *code);
const char *report_title_act(const char *code);
const char *report_indicator(const char *code);
const char *report_rule(const char *code);
