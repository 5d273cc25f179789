/* SPDX-License-Identifier: MIT
 *
 * Rules about what people say of a unit, and whether its figures can be believed (DOMAIN §4 art5-3, art5-2-falsification, §5).
 */
#include "rules_asked.h"

#include "../collectors/survey.h"
#include "clock.h"
#include "json.h"

#include <stdio.h>

/* ---- art5-3 ---- */

struct opinion_said {
	char verdict[16];
	double low;
};

/* The cell as the month's last revision has it (satisfaction.h); 1 found. */
static int cell_of(const struct asked *a, const struct indicator *i, int64_t month, struct opinion_said *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	_cleanup_(json_freep) json *detail = NULL;
	const json *verdict, *low;
	size_t offset;
	int r = store_query(a->f->store, &q,
			    "SELECT detail FROM frozen WHERE unit = ? AND month = ? AND indicator = ? ORDER BY revision DESC LIMIT 1",
			    "tit", a->unit, month, i->id);

	*ret = (struct opinion_said){ .low = -1 };
	if (r < 0 || (r = store_step(q)) <= 0 || store_is_null(q, 0))
		return MIN(r, 0);
	if (json_parse(store_text(q, 0), strlen(store_text(q, 0)), 4, &detail, &offset) < 0)
		return 0;
	verdict = json_get(detail, "verdict");
	low = json_at(json_get(detail, "interval"), 0);
	if (!verdict || json_kind(verdict) != JSON_KIND_TEXT || !low)
		return 0;
	snprintf(ret->verdict, sizeof ret->verdict, "%s", json_text(verdict));
	ret->low = json_real(low);
	return 1;
}

/* A round is over with June and December. */
static int64_t last_round_end(int64_t month)
{
	int year, number, day;

	clock_date_of(month, &year, &number, &day);
	return number == 12 ? month : number >= 6 ? clock_day_of(year, 6, 1) : clock_day_of(year - 1, 12, 1);
}

static int is_content(const struct asked *a, const struct indicator *i, const struct policy_satisfaction *p, bool *ret)
{
	int64_t end = last_round_end(a->month);
	int r = 0;

	*ret = true;
	for (int64_t k = 0; r >= 0 && *ret && k < p->clear_rounds; k++, end = last_round_end(asked_month_before(end))) {
		struct opinion_said said;

		r = cell_of(a, i, end, &said);
		*ret = r > 0 && strcmp(said.verdict, "insufficient") != 0 && said.low * 1000 >= (double)p->clear_from_per_mille;
	}
	return MIN(r, 0);
}

int rules_cell(const struct asked *a, const struct indicator *i)
{
	static const struct {
		const char *verdict, *severity;
	} grades[] = { { "red", "S2" }, { "amber", "S3" } };
	const struct policy_satisfaction *p = policy_satisfaction(a->f->policy, a->last_day);
	struct opinion_said said;
	bool content = false;
	int r = cell_of(a, i, a->month, &said);

	for (size_t k = 0; r > 0 && k < ARRAY_SIZE(grades); k++)
		if (strcmp(said.verdict, grades[k].verdict) == 0)
			return asked_follow(a, "art5-3", i->id, RUN_RAISE, true, grades[k].severity);
	if (r >= 0)
		r = is_content(a, i, p, &content);
	return r < 0 || !content ? MIN(r, 0) : asked_follow(a, "art5-3", i->id, RUN_CLEAR, true, NULL);
}

/* ---- art5-2-falsification ---- */

/* Tokens live at two sites, one of them the unit's: a flag each, while the round or the next one runs. */
static int token_flags(struct store *s, const char *unit, int64_t round, int64_t *ret)
{
	return store_get_int(s, ret,
			     "SELECT count(DISTINCT b.round || b.token) FROM site s JOIN survey_site v ON v.round IN (?2, ?2 - 1)"
			     " AND v.site = s.id AND v.left_out > 0 JOIN ballot b ON b.round = v.round AND b.site = s.id"
			     " AND b.counts = 1 WHERE s.unit = ?1 AND EXISTS(SELECT 1 FROM ballot o WHERE o.round = b.round"
			     " AND o.token = b.token AND o.counts = 1 AND o.site <> b.site)",
			     "ti", unit, round);
}

/* Cells with more answers than people entitled, in the newest frozen month. */
static int cell_flags(const struct asked *a, int64_t *ret)
{
	return store_get_int(a->f->store, ret,
			     "SELECT count(*) FROM frozen z WHERE unit = ?1 AND month = ?2 AND detail LIKE"
			     " '%more_answers_than_entitled%' AND revision = (SELECT max(revision) FROM frozen WHERE unit = ?1"
			     " AND month = ?2 AND indicator = z.indicator)",
			     "ti", a->unit, a->month);
}

int rules_unit_flags(struct asked *a)
{
	int64_t day = clock_local_day(a->now), tokens = 0, cells = 0, flags;
	int r = token_flags(a->f->store, a->unit, survey_round_of_day(day), &tokens);

	if (r >= 0)
		r = cell_flags(a, &cells);
	if (r < 0)
		return r;
	flags = tokens + cells;
	a->last_day = day;
	return asked_follow(a, "art5-2-falsification", "integrity-flags",
		      flags > policy_falsification(a->f->policy, day)->flags_above ? RUN_RAISE :
		      flags == 0						   ? RUN_CLEAR :
										     RUN_STAYS,
		      true, NULL);
}

int rules_all_flags(struct fold *f, int64_t n, int64_t now)
{
	char unit[UNIT_SIZE] = "";
	int r;

	for (;;) {
		_cleanup_(store_resetp) store_stmt *q = NULL;

		r = store_query(f->store, &q,
				"SELECT min(s.unit) FROM survey_site v JOIN site s ON s.id = v.site AND s.unit > ?2"
				" WHERE v.round IN (?1, ?1 - 1) AND v.left_out > 0",
				"it", survey_round_of_day(clock_local_day(now)), unit);
		if (r < 0 || (r = store_step(q)) <= 0 || store_is_null(q, 0))
			return MIN(r, 0);
		snprintf(unit, sizeof unit, "%s", store_text(q, 0));
		store_reset(q);
		q = NULL;
		r = rules_flags(f, n, now, unit);
		if (r < 0)
			return r;
	}
}
