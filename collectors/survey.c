/* SPDX-License-Identifier: MIT
 *
 * A ballot (one anonymous answer sheet) or a tally (counts of answers) of a half-year's round. Source: CONTRACT §1,
 * `survey`.
 */
#include "survey.h"

#include "fields.h"

#include <stdio.h>

const char *const survey_form_words[FORM_COUNT + 1] = {
	[FORM_BALLOT] = "ballot",
	[FORM_TALLY] = "tally",
};

const char *const respondent_words[RESPONDENT_COUNT + 1] = {
	[RESPONDENT_FAMILY] = "family",
	[RESPONDENT_INSTITUTION] = "institution",
};

const char *const question_words[QUESTION_COUNT + 1] = {
	[QUESTION_POLICY] = "policy", [QUESTION_SERVICE] = "service", [QUESTION_SAFETY] = "safety",
	[QUESTION_PRICE] = "price",   [QUESTION_OVERALL] = "overall",
};

/* `pattern` is matched character by character: "0" stands for a digit, "A" for a digit or a capital letter, "H" for
 * itself, "2" for 1 or 2. */
static bool matches(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++) {
		bool digit = *text >= '0' && *text <= '9';
		bool fits = *pattern == '0'   ? digit
			    : *pattern == 'A' ? digit || (*text >= 'A' && *text <= 'Z')
			    : *pattern == '2' ? *text == '1' || *text == '2'
					      : *text == *pattern;

		if (!fits)
			return false;
	}
	return *text == '\0';
}

static bool round_valid(const char *text)
{
	return matches(text, "0000H2");
}

static bool token_valid(const char *text)
{
	return matches(text, "AAAAAAAAAAAAAAAA");
}

#define AT(member) .offset = offsetof(struct survey, member)
#define ANSWER(key, question) \
	{ .name = key, .presence = NULLABLE, AT(answers[question]), .min = 1, .max = ANSWER_MAX }
#define TALLY(key, question) \
	{ .name = key, .type = FIELD_COUNTS, .presence = NULLABLE, AT(tally[question]), .max = ANSWER_MAX }

static const struct field answer_fields[] = {
	ANSWER("policy", QUESTION_POLICY),
	ANSWER("service", QUESTION_SERVICE),
	ANSWER("safety", QUESTION_SAFETY),
	ANSWER("price", QUESTION_PRICE),
	ANSWER("overall", QUESTION_OVERALL),
	{ 0 },
};

#define COMMON_ROWS                                                                                         \
	{ .name = "round", .type = FIELD_TEXT, AT(round), .size = sizeof(((struct survey *)0)->round),       \
	  .check = round_valid, .form = "YYYYH1 or YYYYH2" },                                                \
	{ .name = "form", .type = FIELD_WORD, AT(form), .words = survey_form_words },                        \
	{ .name = "respondent", .type = FIELD_WORD, AT(respondent), .words = respondent_words }

#define BALLOT_ROWS(needed)                                                                                 \
	{ .name = "token", .type = FIELD_TEXT, .presence = needed, AT(token),                                \
	  .size = sizeof(((struct survey *)0)->token), .check = token_valid, .form = "[0-9A-Z]{16}" },       \
	{ .name = "answers", .type = FIELD_OBJECT, .presence = needed, .fields = answer_fields }

#define TALLY_ROWS(needed)                                                                                  \
	{ .name = "invited", .presence = needed, AT(invited), .max = COUNT_MAX },                            \
	{ .name = "answered", .presence = needed, AT(answered), .max = COUNT_MAX },                          \
	TALLY("policy", QUESTION_POLICY), TALLY("service", QUESTION_SERVICE), TALLY("safety", QUESTION_SAFETY), \
	TALLY("price", QUESTION_PRICE), TALLY("overall", QUESTION_OVERALL)

static const struct field ballot_fields[] = { COMMON_ROWS, BALLOT_ROWS(REQUIRED), { 0 } };
static const struct field tally_fields[] = { COMMON_ROWS, TALLY_ROWS(REQUIRED), { 0 } };
/* When `form` cannot be read: neither form's fields are missing or unknown, all the other errors are told. */
static const struct field either_fields[] = { COMMON_ROWS, BALLOT_ROWS(NULLABLE), TALLY_ROWS(NULLABLE), { 0 } };

static const struct field *fields_of(const json *body)
{
	const json *form = json_get(body, "form");

	if (!form || json_kind(form) != JSON_KIND_TEXT)
		return either_fields;
	if (strcmp(json_text(form), survey_form_words[FORM_BALLOT]) == 0)
		return ballot_fields;
	return strcmp(json_text(form), survey_form_words[FORM_TALLY]) == 0 ? tally_fields : either_fields;
}

static void check_tally(const struct survey *s, struct findings *f)
{
	if (s->answered == COUNT_UNKNOWN)
		return;
	if (s->invited != COUNT_UNKNOWN && s->answered > s->invited)
		fields_disagree(f, E_SUM_MISMATCH, "/body/answered", s->answered, "<= ", s->invited,
				"答卷数不应超过发放数", "answered must not exceed invited");
	for (int q = 0; q < QUESTION_COUNT; q++) {
		int64_t sum = s->tally[q][0] == COUNT_UNKNOWN ? 0 : fields_sum(s->tally[q], ANSWER_MAX);
		char path[32];

		if (sum <= s->answered)
			continue;
		snprintf(path, sizeof path, "/body/%s", question_words[q]);
		fields_disagree(f, E_SUM_MISMATCH, path, sum, "<= ", s->answered, "各档答案数之和不应超过答卷数",
				"the answers to a question must not exceed answered");
	}
}

static void decode(const json *body, int64_t received_day, struct message *m)
{
	const struct reading r = { .received_day = received_day, .findings = &m->findings };
	struct survey *s = &m->facts.survey;

	fields_clear(either_fields, s); /* the other form's facts, too */
	fields_read(fields_of(body), body, &body_path, s, &r);
	check_tally(s, &m->findings);
}

const struct collector collector_survey = {
	.feed = "survey",
	.number = 4,
	.decode = decode,
	.apply = NULL,
	.void_message = NULL,
};
