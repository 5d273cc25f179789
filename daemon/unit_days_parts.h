/* SPDX-License-Identifier: MIT
 *
 * Engines, private to unit_days*.c: a unit's facts in memory, from the first day asked for to the last.
 */
#pragma once

#include "unit_days.h"

/* What a report tells later days. */
struct stock {
	int64_t day; /* 0: there is no report */
	bool open;
	int64_t places, under36, attending; /* places: STORE_NULL when unknown */
};

/* A registration, or a row of the official register: NULL columns are no statement. */
struct standing {
	int64_t from;
	int64_t facility, registration, operation, filing, places, inclusive, disclosed, insured_until;
};
struct statement {
	int64_t from, filing, registration, inclusive;
	char unit[UNIT_SIZE]; /* "" no statement */
};

struct span {
	size_t at, count;
};

struct member {
	int64_t id, expected_from;
	char unit[UNIT_SIZE]; /* of its earliest registration */
	struct span standings, statements;
	struct stock latest, carried; /* carried: the last open report; known once looked for */
	bool carried_known;
	/* of the day at hand */
	bool belongs, exists, reported; /* belongs to the unit, whether it exists already or not */
	struct standing now;
	struct stock today; /* its report of this very day */
	int64_t earliest;   /* receipt of the key's first message; INT64_MAX: none */
	int64_t attended;
};

struct happened {
	size_t member;
	int64_t day, severity;
	bool late, unclear, liable;
};

/* What a site's respondents said in a round (table survey_site), by question: policy, service. */
struct opinion {
	size_t member;
	int64_t round, respondent, ballots, left_out;
	int64_t ballot_good[2], ballot_all[2], tally_good[2], tally_all[2];
};

struct counted_people {
	int64_t from;
	struct population resident, under3;
};

struct unit_days {
	struct fold *f;
	char unit[UNIT_SIZE];
	int64_t first, last, first_report;
	int64_t begin; /* the first day on which a site of the unit exists */
	struct member *members; /* in rising id */
	size_t member_count;
	struct standing *standings;
	size_t standing_count;
	struct statement *statements;
	size_t statement_count;
	struct happened *events;
	size_t event_count;
	struct opinion *opinions;
	size_t opinion_count;
	struct counted_people *people;
	size_t people_count;
	struct population unknown;
};

/* The report of a site that counts on a day: 1 found, 0 none. */
int unit_days_report(struct unit_days *u, int64_t site, int64_t day, struct stock *ret);
/* NULL: not one of the unit's. */
struct member *unit_days_member(struct unit_days *u, int64_t id);
/* Sets begin, of the standings loaded. */
void unit_days_set_begin(struct unit_days *u);
