/* SPDX-License-Identifier: MIT
 *
 * Meaning: a JSON object read by a table. A row says what one field is and where it goes; one loop reads, checks
 * and reports all of them. Nothing is allocated unless there is something to report. Source: CONTRACT §1.
 *
 * Every target of a row is set: to the value, or to "unknown" (COUNT_UNKNOWN, -1, "", NULL, TRI_UNKNOWN), which a
 * refused value leaves, too. So a check across fields only has to ask whether its operands are known.
 */
#pragma once

#include "collector.h"

enum field_type {
	FIELD_COUNT,   /* int64_t: an integer within min…max */
	FIELD_FLAG,    /* bool; `otherwise` when unknown */
	FIELD_TRILEAN, /* enum trilean */
	FIELD_TEXT,    /* char[size]: copied */
	FIELD_STRING,  /* const char *: borrowed from the JSON */
	FIELD_WORD,    /* int: the number of the word */
	FIELD_WORDS,   /* uint32_t: a list of words, a bit each; and bool at `known` */
	FIELD_DAY,     /* int64_t: day */
	FIELD_TIME,    /* int64_t: ms */
	FIELD_OBJECT,  /* its `fields` go into the same struct */
	FIELD_LIST,    /* entries by `fields` into an array of at most max × size; int at `count`, bool at `known` */
	FIELD_COUNTS,  /* int64_t[max]: a list of exactly max counts; [0] COUNT_UNKNOWN when unknown */
	FIELD_ANY,     /* const json *: borrowed, whatever it is */
};

enum presence {
	REQUIRED,
	NULLABLE, /* may be null or absent */
	OPTIONAL, /* may be absent; a count is then `otherwise` */
};

struct field {
	const char *name;
	enum field_type type;
	enum presence presence;
	bool free_text;     /* may hold whatever a person writes: looked through for mobile numbers */
	bool other_allowed; /* a word that is not in the list is only W_ENUM and taken as `otherwise` */
	int64_t otherwise;
	size_t offset, size, known, count;
	int64_t min, max; /* of a count; of the characters of a text; max entries of a list */
	const char *const *words; /* ends with NULL */
	bool (*check)(const char *text); /* the form of a text */
	const char *form;                /* what `check` wants, for the receipt */
	const struct field *fields;      /* ends with a row without name */
};

#define FIELDS_MAX 64 /* rows of one table */
#define COUNT_MAX 1000000
#define WORD_UNKNOWN (-1)

struct reading {
	int64_t received_day;
	struct findings *findings;
};

/* Reads an object into the struct at `facts`. A value that is no object is E_TYPE and leaves all unknown. */
void fields_read(const struct field *fields, const json *object, const struct json_path *path, void *facts,
		 const struct reading *r);
/* Sets everything that the table can set to unknown. */
void fields_clear(const struct field *fields, void *facts);

/* A finding of two figures that do not go together: "got 41, want <= 42" (relation "<= "; "" for equal). zh, en
 * and fix NULL: the code's own texts. */
void fields_disagree(struct findings *f, enum code code, const char *path, int64_t got, const char *relation,
		     int64_t want, const char *zh, const char *en, const char *fix);
/* COUNT_UNKNOWN when one of them is. */
int64_t fields_sum(const int64_t *counts, size_t count);

/* What stays of an accepted object when its texts are erased: the facts. Free text becomes ERASED_TEXT, a word outside its list
 * the word it was taken for; what the table does not know goes. A new value. */
#define ERASED_TEXT "erased"
json *fields_forget(const struct field *fields, const json *object);

extern const struct json_path body_path;
