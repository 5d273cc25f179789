/* SPDX-License-Identifier: MIT
 *
 * Meaning: the words and places of the survey feed. Numbers are stored: add at the end only.
 */
#pragma once

#include "collector.h"

enum survey_form {
	FORM_BALLOT,
	FORM_TALLY,
	FORM_COUNT,
};

enum respondent {
	RESPONDENT_FAMILY,
	RESPONDENT_INSTITUTION,
	RESPONDENT_COUNT,
};

/* Places in `answers` and `tally`. */
enum question {
	QUESTION_POLICY,
	QUESTION_SERVICE,
	QUESTION_SAFETY,
	QUESTION_PRICE,
	QUESTION_OVERALL,
	QUESTION_COUNT,
};

#define ANSWER_MAX 5 /* 1 = very dissatisfied … 5 = very satisfied */
#define SATISFIED_FROM 4 /* answers 4 and 5 (DOMAIN §5) */

extern const char *const survey_form_words[FORM_COUNT + 1];
extern const char *const respondent_words[RESPONDENT_COUNT + 1];
extern const char *const question_words[QUESTION_COUNT + 1];

/* The round that a day shows: its half-year as a number, year × 2, + 1 for H2. Stored. */
int64_t survey_round_of_day(int64_t day);

/* Marks the days that show answers of the site for computing: it comes to its unit, or leaves it. */
int survey_mark_rounds(struct fold *f, const struct site *site);
/* Marks the unit's days from `first` on that lie before `before` and show answers. */
int survey_mark_before(struct fold *f, const char *unit, int64_t first, int64_t before);

extern const struct collector collector_survey;
