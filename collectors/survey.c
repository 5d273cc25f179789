/* SPDX-License-Identifier: MIT
 *
 * A ballot (one anonymous answer sheet) or a tally (counts of answers) of a half-year's round. Source: CONTRACT §1,
 * `survey`; which answers count: DOMAIN §5.
 *
 * Tables. `ballot` and `tally` hold every accepted message. Their keys begin with the round, so that a message touches
 * the present half-year only; the one index beside them (round, token, counts, site) answers both for the natural key and
 * whether a token is live at a second site. `survey_site` holds what the indicators read, one row a (round, site,
 * respondent): sums over its ballots, and its counting tally. It is moved along by differences (what the ballot gave
 * before, what it gives now), so that neither a message nor a recomputation reads all ballots of a nursery again.
 */
#include "survey.h"

#include "../daemon/clock.h"
#include "../daemon/facts.h"
#include "../daemon/standing.h"
#include "fields.h"

#include <errno.h>
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
				"答卷数不应超过发放数", "answered must not exceed invited", NULL);
	for (int q = 0; q < QUESTION_COUNT; q++) {
		int64_t sum = s->tally[q][0] == COUNT_UNKNOWN ? 0 : fields_sum(s->tally[q], ANSWER_MAX);
		char path[32];

		if (sum <= s->answered)
			continue;
		snprintf(path, sizeof path, "/body/%s", question_words[q]);
		fields_disagree(f, E_SUM_MISMATCH, path, sum, "<= ", s->answered, "各档答案数之和不应超过答卷数",
				"the answers to a question must not exceed answered", NULL);
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

/* ---- facts ---- */

int64_t survey_round_of_day(int64_t day)
{
	int year, month, day_of_month;

	clock_date_of(day, &year, &month, &day_of_month);
	return (int64_t)year * 2 + (month > 6);
}

/* "2026H2", as the decoder has checked it. */
static int64_t round_of_text(const char *text)
{
	return strtol(text, NULL, 10) * 2 + (text[5] == '2');
}

static int64_t first_day_of(int64_t round)
{
	return clock_day_of((int)(round / 2), round % 2 == 0 ? 1 : 7, 1);
}

/* A round's answers are shown whole on every day of its half-year (DOMAIN §2). No day of ours is before 1970. */
static int touch(struct fold *f, const struct site *site, int64_t round)
{
	if (first_day_of(round) <= 0)
		return 0;
	return standing_mark_period(f, site, first_day_of(round), first_day_of(round + 1) - 1);
}

/* The tables' keys begin with the round: one seek in each round that has answers, newest first. */
#define ROUNDS(table) \
	"WITH RECURSIVE rounds(round) AS (SELECT max(round) FROM " table " UNION ALL" \
	" SELECT (SELECT max(round) FROM " table " WHERE round < rounds.round) FROM rounds WHERE rounds.round IS NOT NULL)"

int survey_mark_rounds(struct fold *f, const struct site *site)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    ROUNDS("survey_site") " SELECT round FROM rounds WHERE EXISTS (SELECT 1 FROM survey_site x"
			    " WHERE x.round = rounds.round AND x.site = ?)",
			    "i", site->id);

	while (r >= 0 && (r = store_step(q)) > 0)
		r = touch(f, site, store_int(q, 0));
	return r;
}

/* Rounds of before are few: the first nurseries registered before anybody was asked, but for those that are to come. */
int survey_mark_before(struct fold *f, const char *unit, int64_t first, int64_t before)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    ROUNDS("survey_site") " SELECT round FROM rounds WHERE round BETWEEN ?2 AND ?3 AND EXISTS (SELECT 1 FROM"
			    " (SELECT id FROM site WHERE unit = ?1 UNION ALL SELECT s.id FROM register g CROSS JOIN site s ON s.code = g.site"
			    " WHERE g.unit = ?1) m CROSS JOIN survey_site x WHERE x.round = rounds.round AND x.site = m.id)",
			    "tii", unit, survey_round_of_day(MAX(first, INT64_C(0))), survey_round_of_day(before - 1));

	while (r >= 0 && (r = store_step(q)) > 0) {
		int64_t from = MAX(first, first_day_of(store_int(q, 0)));

		r = dirty_mark_period(&f->dirty, f->store, unit, from, MIN(before, first_day_of(store_int(q, 0) + 1)) - 1);
	}
	return r;
}

/* The ballot that counts for a (site, round, token). */
struct ballot {
	bool exists;
	int64_t site, epoch, seq, n;
	int64_t respondent, answers[2]; /* policy, service; STORE_NULL = don't know */
	char code[SITE_ID_SIZE];
};

static void read_ballot(store_stmt *q, struct ballot *ret)
{
	*ret = (struct ballot){ .exists = true,
				.site = store_int(q, 0),
				.epoch = store_int(q, 1),
				.seq = store_int(q, 2),
				.n = store_int(q, 3),
				.respondent = store_int(q, 4),
				.answers = { store_int(q, 5), store_int(q, 6) } };
	snprintf(ret->code, sizeof ret->code, "%s", store_text(q, 7));
}

/* Left to itself SQLite reads all ballots of the round, or of the site (seen: 2 ms a ballot at 250 a site). */
#define BALLOT \
	"SELECT b.site, b.epoch, b.seq, b.n, b.respondent, b.policy, b.service, s.code" \
	" FROM ballot b INDEXED BY ballot_by_token CROSS JOIN site s ON s.id = b.site" \
	" WHERE b.round = ?1 AND b.token = ?2 AND b.counts = 1"

static int own_ballot(struct store *s, int64_t site, int64_t round, const char *token, struct ballot *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, BALLOT " AND b.site = ?3", "iti", round, token, site);

	*ret = (struct ballot){ 0 };
	if (r >= 0)
		r = store_step(q);
	if (r > 0)
		read_ballot(q, ret);
	return MIN(r, 0);
}

/* The same token at other sites: none, one (*ret), or more (2: how many does not matter). A sender that gives every
 * ballot of a province one token costs no more than this. */
static int other_ballots(struct store *s, int64_t site, int64_t round, const char *token, struct ballot *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int count = 0, r = store_query(s, &q, BALLOT " AND b.site <> ?3 ORDER BY b.site LIMIT 2", "iti", round, token, site);

	*ret = (struct ballot){ 0 };
	while (r >= 0 && (r = store_step(q)) > 0)
		if (count++ == 0)
			read_ballot(q, ret);
	return r < 0 ? r : count;
}

/* sign +1 or -1. A ballot that is left out is still a live one: its site's tally stays out, too. */
static int add_ballot(struct store *s, const struct ballot *b, int64_t round, int sign, bool left_out)
{
	int64_t all[2], good[2];

	if (!b->exists)
		return 0;
	for (int i = 0; i < 2; i++) {
		bool said = !left_out && b->answers[i] != STORE_NULL;

		all[i] = said ? sign : 0;
		good[i] = said && b->answers[i] >= SATISFIED_FROM ? sign : 0;
	}
	return store_run(s,
			 "INSERT INTO survey_site(round, site, respondent, ballots, left_out, policy_good, policy_all,"
			 " service_good, service_all) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
			 " ballots = ballots + excluded.ballots, left_out = left_out + excluded.left_out,"
			 " policy_good = policy_good + excluded.policy_good, policy_all = policy_all + excluded.policy_all,"
			 " service_good = service_good + excluded.service_good, service_all = service_all + excluded.service_all",
			 "iiiiiiiii", round, b->site, b->respondent, (int64_t)sign, (int64_t)(left_out ? sign : 0), good[0],
			 all[0], good[1], all[1]);
}

static int move_ballot(struct store *s, const struct ballot *b, int64_t round, bool left_out)
{
	int r = add_ballot(s, b, round, -1, !left_out);

	return r < 0 ? r : add_ballot(s, b, round, 1, left_out);
}

/* A token live at two sites is an integrity flag of both units: they are counted once a minute at most. */
static int ask_flags(struct fold *f, const struct site *site)
{
	return site && site->unit[0] ? fold_ask_due(f, (f->dirty.now / MINUTE_MS + 1) * MINUTE_MS, "flags", site->unit) : 0;
}

static int move_other(struct fold *f, const struct ballot *other, int64_t round, bool left_out)
{
	const struct site *site = streams_find(&f->streams, other->code);
	int r = move_ballot(f->store, other, round, left_out);

	return r < 0 || !site ? r : touch(f, site, round);
}

/* What counts for (site, round, token) was `before` and is `after`, another message or none. A token live at two sites:
 * both are left out (DOMAIN §5). */
static int settle(struct fold *f, const struct site *site, int64_t round, const char *token, const struct ballot *before,
		  const struct ballot *after)
{
	struct ballot other;
	int others, r = others = other_ballots(f->store, site->id, round, token, &other);

	if (r >= 0)
		r = add_ballot(f->store, before, round, -1, others > 0);
	if (r >= 0)
		r = add_ballot(f->store, after, round, 1, others > 0);
	if (r >= 0 && others == 1 && before->exists != after->exists)
		r = move_other(f, &other, round, after->exists);
	if (r >= 0 && others > 0)
		r = ask_flags(f, streams_find(&f->streams, other.code));
	if (r >= 0 && others > 0)
		r = ask_flags(f, site);
	return r < 0 ? r : touch(f, site, round);
}

static int set_counts(struct store *s, const struct ballot *b, int64_t round, bool counts)
{
	if (!b->exists)
		return 0;
	return store_run(s, "UPDATE ballot SET counts = ? WHERE round = ? AND site = ? AND epoch = ? AND seq = ? AND n = ?",
			 "iiiiii", (int64_t)counts, round, b->site, b->epoch, b->seq, b->n);
}

static int insert_ballot(struct fold *f, const struct fold_row *row, int64_t round, bool counts)
{
	const struct survey *s = &row->message->facts.survey;

	return store_run(f->store,
			 "INSERT INTO ballot(round, site, epoch, seq, n, token, void, counts, respondent, policy, service, safety,"
			 " price, overall) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 "iiiiitiiiiiiii", round, row->site->id, row->message->epoch, row->message->seq, row->n, s->token,
			 (int64_t)row->voided, (int64_t)counts, (int64_t)s->respondent, s->answers[QUESTION_POLICY],
			 s->answers[QUESTION_SERVICE], s->answers[QUESTION_SAFETY], s->answers[QUESTION_PRICE],
			 s->answers[QUESTION_OVERALL]);
}

/* Of the live messages of one (site, round, token) the highest (epoch, seq) counts; of equals the first received. */
static bool outranks(const struct message *m, const struct ballot *b)
{
	return !b->exists || m->epoch > b->epoch || (m->epoch == b->epoch && m->seq > b->seq);
}

static int apply_ballot(struct fold *f, const struct fold_row *row, int64_t round)
{
	const struct survey *s = &row->message->facts.survey;
	const struct ballot after = { .exists = true,
				      .site = row->site->id,
				      .respondent = s->respondent,
				      .answers = { s->answers[QUESTION_POLICY], s->answers[QUESTION_SERVICE] } };
	struct ballot before;
	bool counts;
	int r = own_ballot(f->store, row->site->id, round, s->token, &before);

	if (r < 0)
		return r;
	counts = !row->voided && outranks(row->message, &before);
	r = insert_ballot(f, row, round, counts);
	if (r < 0 || !counts)
		return r;
	r = set_counts(f->store, &before, round, false);
	return r < 0 ? r : settle(f, row->site, round, s->token, &before, &after);
}

/* The ballot that counts was voided: the highest live one that is left stands in its place. */
static int replace_ballot(struct fold *f, const struct site *site, int64_t round, const char *token,
			  const struct ballot *before)
{
	struct ballot after;
	int r = set_counts(f->store, before, round, false);

	if (r >= 0)
		r = store_run(f->store,
			      "UPDATE ballot SET counts = 1 WHERE round = ?1 AND site = ?3 AND (epoch, seq, n) ="
			      " (SELECT epoch, seq, n FROM ballot INDEXED BY ballot_by_token WHERE round = ?1 AND token = ?2"
			      " AND counts = 0 AND site = ?3 AND void = 0 ORDER BY epoch DESC, seq DESC, n LIMIT 1)",
			      "iti", round, token, site->id);
	if (r >= 0)
		r = own_ballot(f->store, site->id, round, token, &after);
	return r < 0 ? r : settle(f, site, round, token, before, &after);
}

/* Of the live tallies of one (site, round, respondent) the highest (epoch, seq) counts; its sums go to survey_site. */
static int recount_tally(struct fold *f, const struct site *site, int64_t round, int64_t respondent)
{
	int r = store_run(f->store,
			  "UPDATE tally SET counts = 1 - counts WHERE round = ?1 AND site = ?2 AND respondent = ?3 AND counts <>"
			  " (n = ifnull((SELECT n FROM tally WHERE round = ?1 AND site = ?2 AND respondent = ?3 AND void = 0"
			  " ORDER BY epoch DESC, seq DESC, n LIMIT 1), 0))",
			  "iii", round, site->id, respondent);

	if (r >= 0)
		r = store_run(f->store, "INSERT OR IGNORE INTO survey_site(round, site, respondent) VALUES(?, ?, ?)", "iii",
			      round, site->id, respondent);
	if (r >= 0)
		r = store_run(f->store,
			      "UPDATE survey_site SET (tally_policy_good, tally_policy_all, tally_service_good,"
			      " tally_service_all) = (SELECT ifnull(sum(policy4 + policy5), 0),"
			      " ifnull(sum(policy1 + policy2 + policy3 + policy4 + policy5), 0), ifnull(sum(service4 + service5), 0),"
			      " ifnull(sum(service1 + service2 + service3 + service4 + service5), 0) FROM tally"
			      " WHERE round = ?1 AND site = ?2 AND respondent = ?3 AND counts = 1)"
			      " WHERE round = ?1 AND site = ?2 AND respondent = ?3",
			      "iii", round, site->id, respondent);
	return r < 0 ? r : touch(f, site, round);
}

/* The questions that no indicator asks for, as "1 0 4 12 14"; NULL: not asked. */
static const char *counts_text(const int64_t counts[static ANSWER_MAX], struct buf *text)
{
	if (counts[0] == COUNT_UNKNOWN)
		return NULL;
	for (int i = 0; i < ANSWER_MAX; i++) {
		if (i > 0)
			buf_char(text, ' ');
		buf_int(text, counts[i]);
	}
	return text->p;
}

/* counts[0] unknown: the question was not asked, and every column of it is NULL. */
static int64_t count_of(const int64_t counts[static ANSWER_MAX], int answer)
{
	return counts[0] == COUNT_UNKNOWN ? STORE_NULL : counts[answer - 1];
}

static int insert_tally(struct fold *f, const struct fold_row *row, int64_t round)
{
	const struct survey *s = &row->message->facts.survey;
	const int64_t *policy = s->tally[QUESTION_POLICY], *service = s->tally[QUESTION_SERVICE];
	_cleanup_(buf_done) struct buf safety = { 0 }, price = { 0 }, overall = { 0 };

	return store_run(f->store,
			 "INSERT INTO tally(round, site, respondent, epoch, seq, n, void, counts, invited, answered, policy1,"
			 " policy2, policy3, policy4, policy5, service1, service2, service3, service4, service5, safety, price,"
			 " overall) VALUES(?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 "iiiiiiiiiiiiiiiiiiittt", round, row->site->id, (int64_t)s->respondent, row->message->epoch,
			 row->message->seq, row->n, (int64_t)row->voided, s->invited, s->answered, count_of(policy, 1),
			 count_of(policy, 2), count_of(policy, 3), count_of(policy, 4), count_of(policy, 5),
			 count_of(service, 1), count_of(service, 2), count_of(service, 3), count_of(service, 4),
			 count_of(service, 5), counts_text(s->tally[QUESTION_SAFETY], &safety),
			 counts_text(s->tally[QUESTION_PRICE], &price), counts_text(s->tally[QUESTION_OVERALL], &overall));
}

static int apply(struct fold *f, const struct fold_row *row)
{
	const struct survey *s = &row->message->facts.survey;
	int64_t round = round_of_text(s->round);
	int r;

	if (s->form == FORM_BALLOT)
		return apply_ballot(f, row, round);
	r = insert_tally(f, row, round);
	return r < 0 || row->voided ? r : recount_tally(f, row->site, round, s->respondent);
}

#define MESSAGES_MAX 8 /* of one identity: there is one, but for repeats that nobody could compare */

struct voided {
	int64_t round, respondent;
	char token[sizeof(((struct survey *)0)->token)];
};

/* Which keys the messages of an identity have. Ends the query. */
static int read_keys(store_stmt *q, struct voided *ret, size_t *ret_count)
{
	_cleanup_(store_resetp) store_stmt *rows = q;
	int r;

	*ret_count = 0;
	while ((r = store_step(rows)) > 0 && *ret_count < MESSAGES_MAX) {
		struct voided *v = &ret[(*ret_count)++];

		v->round = store_int(rows, 0);
		v->respondent = store_int(rows, 1);
		snprintf(v->token, sizeof v->token, "%s", store_text(rows, 2));
	}
	return MIN(r, 0);
}

static int void_ballot(struct fold *f, const struct site *site, int64_t epoch, int64_t seq, const struct voided *key)
{
	struct ballot before;
	int r = own_ballot(f->store, site->id, key->round, key->token, &before);

	if (r >= 0)
		r = store_run(f->store, "UPDATE ballot SET void = 1 WHERE round = ? AND site = ? AND epoch = ? AND seq = ?",
			      "iiii", key->round, site->id, epoch, seq);
	if (r < 0 || !before.exists || before.epoch != epoch || before.seq != seq)
		return r;
	return replace_ballot(f, site, key->round, key->token, &before);
}

static int void_ballots(struct fold *f, const struct site *site, int64_t epoch, int64_t seq)
{
	struct voided keys[MESSAGES_MAX];
	store_stmt *q;
	size_t count = 0;
	int r = store_query(f->store, &q,
			    ROUNDS("ballot") " SELECT b.round, b.respondent, b.token FROM rounds CROSS JOIN ballot b"
			    " ON b.round = rounds.round AND b.site = ?1 AND b.epoch = ?2 AND b.seq = ?3 WHERE b.void = 0",
			    "iii", site->id, epoch, seq);

	if (r >= 0)
		r = read_keys(q, keys, &count);
	for (size_t i = 0; r >= 0 && i < count; i++)
		r = void_ballot(f, site, epoch, seq, &keys[i]);
	return r;
}

static int void_tallies(struct fold *f, const struct site *site, int64_t epoch, int64_t seq)
{
	struct voided keys[MESSAGES_MAX];
	store_stmt *q;
	size_t count = 0;
	int r = store_query(f->store, &q,
			    ROUNDS("tally") " SELECT t.round, t.respondent, '' FROM rounds CROSS JOIN tally t"
			    " ON t.round = rounds.round AND t.site = ?1 AND t.respondent IN (0, 1) AND t.epoch = ?2 AND t.seq = ?3"
			    " WHERE t.void = 0",
			    "iii", site->id, epoch, seq);

	if (r >= 0)
		r = read_keys(q, keys, &count);
	for (size_t i = 0; r >= 0 && i < count; i++) {
		r = store_run(f->store,
			      "UPDATE tally SET void = 1 WHERE round = ? AND site = ? AND respondent = ? AND epoch = ? AND seq = ?",
			      "iiiii", keys[i].round, site->id, keys[i].respondent, epoch, seq);
		if (r >= 0)
			r = recount_tally(f, site, keys[i].round, keys[i].respondent);
	}
	return r;
}

static int void_message(struct fold *f, const struct site *site, int64_t epoch, int64_t seq, int64_t n, int64_t now)
{
	int r = void_ballots(f, site, epoch, seq);

	(void)n;
	(void)now;
	return r < 0 ? r : void_tallies(f, site, epoch, seq);
}

const struct collector collector_survey = {
	.feed = "survey",
	.number = 4,
	.decode = decode,
	.fields = fields_of,
	.apply = apply,
	.void_message = void_message,
};
