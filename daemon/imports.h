/* SPDX-License-Identifier: MIT
 *
 * Meaning: reference data from CSV files (CONTRACT §3 "Import columns"), a row a kind. A file is judged whole before it
 * becomes a ledger row: a bad row names line, column, value and rule, and nothing of the file is imported. Adding a
 * kind is adding a row to the table in imports.c and its table to the schema.
 */
#pragma once

#include "facts.h"

#define IMPORT_ERRORS_MAX 20
#define IMPORT_BYTES_MAX (16 * 1024 * 1024)

struct import_error {
	int line; /* 1 is the header; 0: the whole file */
	char column[32];
	char value[80];
	const char *zh, *en; /* the rule */
};
struct import_report {
	int64_t rows;
	int line; /* of the row that was read last */
	size_t error_count; /* all of them; the first IMPORT_ERRORS_MAX are described */
	struct import_error errors[IMPORT_ERRORS_MAX];
	size_t note_count; /* import_note's, the first ones */
	struct import_error notes[IMPORT_ERRORS_MAX];
};

bool import_kind_known(const char *kind);
void import_kinds(struct buf *ret); /* "divisions, workdays, …" */
/* UTF-8 with or without BOM, LF or CRLF, RFC 4180 quotes. Pure. */
void import_check(const char *kind, const char *csv, size_t len, struct import_report *ret);
/* Of a file that import_check found good: codes and ids that nothing knows, as notes. It is imported all the same: what they name may
 * come later, and the contract refuses no unknown code (docs/readings.md). */
int import_note(struct store *s, const char *kind, const char *csv, size_t len, struct import_report *ret);
/* The bytes of a ledger row that import_check found good. */
int import_apply(struct fold *f, const char *kind, const char *csv, size_t len, int64_t n, int64_t *ret_rows);

/* Marks the days from `first` to today of the units of a division: of the unit itself, of a province's ("33" or "330000"), or of
 * all (""). Only such as have sites, from their first datum on. */
int import_mark_units(struct fold *f, const char *division, int64_t first);
