/* SPDX-License-Identifier: MIT */
#include "satisfaction.h"

#include "../collectors/survey.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

const char *const satisfaction_verdict_words[SATISFACTION_VERDICTS] = {
	[SATISFACTION_OK] = "ok",
	[SATISFACTION_AMBER] = "amber",
	[SATISFACTION_RED] = "red",
	[SATISFACTION_INSUFFICIENT] = "insufficient",
};

/* ---- statistics ---- */

static struct satisfaction_interval wilson(double p, double n, double z)
{
	double middle = p + z * z / (2 * n), spread = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
	double whole = 1 + z * z / n;

	return (struct satisfaction_interval){ fmax(0, (middle - spread) / whole), fmin(1, (middle + spread) / whole) };
}

struct satisfaction_interval satisfaction_interval(int64_t good, int64_t n, int64_t entitled, double z)
{
	double p = (double)good / (double)n, people = (double)n;
	struct satisfaction_interval interval;

	if (n == entitled)
		return (struct satisfaction_interval){ p, p };
	if (n < entitled)
		people = (double)n * (double)(entitled - 1) / (double)(entitled - n);
	interval = wilson(p, people, z);
	/* Exactly so, and not a rounding away from it. */
	if (good == 0)
		interval.low = 0;
	if (good == n)
		interval.high = 1;
	return interval;
}

/* part < share ‰ of whole, exactly: counts are at most 10^6 a message and site. */
static bool below(int64_t part, int64_t per_mille, int64_t whole)
{
	return (__int128)part * 1000 < (__int128)per_mille * whole;
}

bool satisfaction_insufficient(const struct satisfaction_cell *c, const struct policy_satisfaction *r)
{
	if (c->institutions)
		return below(c->n, r->institutions_share_per_mille, c->entitled);
	if (c->n < r->enough_answers && below(c->n, r->enough_share_per_mille, c->entitled))
		return true;
	return below(c->n, r->least_share_per_mille, c->entitled) || below(c->answering, r->sites_share_per_mille, c->sites);
}

static bool red(const struct satisfaction_cell *c, const struct policy_satisfaction *r)
{
	struct satisfaction_cell ballots = *c;

	ballots.good = c->ballots_good;
	ballots.n = c->ballots_n;
	ballots.answering = c->ballots_answering;
	if (ballots.n == 0 || satisfaction_insufficient(&ballots, r))
		return false;
	return satisfaction_interval(ballots.good, ballots.n, ballots.entitled, strtod(r->z, NULL)).high * 1000 < (double)r->red_below_per_mille;
}

enum satisfaction_verdict satisfaction_verdict(const struct satisfaction_cell *c, const struct policy_satisfaction *r)
{
	if (satisfaction_insufficient(c, r))
		return SATISFACTION_INSUFFICIENT;
	if (red(c, r))
		return SATISFACTION_RED;
	return below(c->good, r->amber_below_per_mille, c->n) ? SATISFACTION_AMBER : SATISFACTION_OK;
}

/* ---- the unit's answers ---- */

/* All live answers of the round (DOMAIN §2), of sites that are operating or not, and also of those that begin later in
 * the half-year: they are not in counted_site. Entitled are the people of the operating ones. */
#define CELL_SQL(question) \
	"WITH belongs AS (SELECT site, operating, usable, under36 FROM temp.counted_site UNION ALL" \
	" SELECT id, 0, 0, NULL FROM site WHERE unit = ?3 AND NOT EXISTS (SELECT 1 FROM registration r" \
	" WHERE r.site = site.id AND r.counts = 1 AND r.effective_on <= ?4))," \
	" answer AS (SELECT c.site, c.operating, c.usable, c.under36, s.ballots > 0 AS by_ballot, s.left_out," \
	" iif(s.ballots > 0, s." question "_good, s.tally_" question "_good) AS good," \
	" iif(s.ballots > 0, s." question "_all, s.tally_" question "_all) AS n" \
	" FROM belongs c LEFT JOIN survey_site s ON s.round = ?1 AND s.site = c.site AND s.respondent = ?2)" \
	" SELECT ifnull(sum(good), 0), ifnull(sum(n), 0), ifnull(sum(n > 0), 0)," \
	" ifnull(sum(good) FILTER (WHERE by_ballot), 0), ifnull(sum(n) FILTER (WHERE by_ballot), 0)," \
	" ifnull(sum(n > 0) FILTER (WHERE by_ballot), 0), ifnull(sum(left_out), 0), ifnull(sum(operating), 0)," \
	" ifnull(sum(under36) FILTER (WHERE operating AND usable), 0), ifnull(sum(operating AND usable), 0) FROM answer"

static const struct {
	enum respondent respondent;
	const char *sql;
} cells[] = {
	[SATISFACTION_FAMILY_POLICY] = { RESPONDENT_FAMILY, CELL_SQL("policy") },
	[SATISFACTION_FAMILY_SERVICE] = { RESPONDENT_FAMILY, CELL_SQL("service") },
	[SATISFACTION_INSTITUTION_POLICY] = { RESPONDENT_INSTITUTION, CELL_SQL("policy") },
	[SATISFACTION_INSTITUTION_SERVICE] = { RESPONDENT_INSTITUTION, CELL_SQL("service") },
};

static void read_cell(store_stmt *q, struct satisfaction_cell *ret)
{
	*ret = (struct satisfaction_cell){
		.good = store_int(q, 0),
		.n = store_int(q, 1),
		.answering = store_int(q, 2),
		.ballots_good = store_int(q, 3),
		.ballots_n = store_int(q, 4),
		.ballots_answering = store_int(q, 5),
		.left_out = store_int(q, 6),
		.sites = store_int(q, 7),
		.entitled = store_int(q, 8),
		.entitled_known = store_int(q, 9) > 0,
	};
}

static int find_cell(const struct measuring *m, struct satisfaction_cell *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t round = survey_round_of_day(m->day), any = 0;
	int r = store_get_int(m->store, &any, "SELECT 1 FROM survey_site WHERE round = ? LIMIT 1", "i", round);

	*ret = (struct satisfaction_cell){ 0 };
	if (r < 0 || !any)
		return r; /* nobody has been asked yet: most days of a history cost no more than this */
	r = store_query(m->store, &q, cells[m->cell].sql, "iiti", round, (int64_t)cells[m->cell].respondent,
			m->unit, m->day);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	read_cell(q, ret);
	if (cells[m->cell].respondent == RESPONDENT_INSTITUTION) {
		ret->institutions = ret->entitled_known = true;
		ret->entitled = ret->sites;
	}
	return 0;
}

static void write_detail(const struct satisfaction_cell *c, enum satisfaction_verdict verdict, double z,
			 struct measured *ret)
{
	const char *const flags[] = {
		c->left_out > 0 ? "\"token_at_two_sites\"" : "",
		c->entitled_known && c->n > c->entitled ? "\"more_answers_than_entitled\"" : "",
	};
	struct satisfaction_interval interval;
	char bounds[64] = "null";

	if (c->n > 0) {
		interval = satisfaction_interval(c->good, c->n, c->entitled, z);
		snprintf(bounds, sizeof bounds, "[%.17g,%.17g]", interval.low, interval.high);
	}
	snprintf(ret->detail, sizeof ret->detail, "{\"interval\":%s,\"verdict\":\"%s\",\"flags\":[%s%s%s]}", bounds,
		 satisfaction_verdict_words[verdict], flags[0], flags[0][0] && flags[1][0] ? "," : "", flags[1]);
}

int satisfaction_measure(const struct measuring *m, struct measured *ret)
{
	const struct policy_satisfaction *rules = policy_satisfaction(m->policy, m->day);
	struct satisfaction_cell c;
	enum satisfaction_verdict verdict = SATISFACTION_INSUFFICIENT;
	int r = find_cell(m, &c);

	if (r < 0)
		return r;
	*ret = (struct measured){ .numerator = c.good, .denominator = c.n, .status = "ok" };
	if (c.n > 0)
		verdict = satisfaction_verdict(&c, rules);
	if (verdict == SATISFACTION_INSUFFICIENT) {
		ret->status = c.n == 0 ? "no_data" : "insufficient";
		snprintf(ret->reason, sizeof ret->reason, "%s", c.n == 0 ? "survey answers" : "too few survey answers");
	}
	write_detail(&c, verdict, strtod(rules->z, NULL), ret);
	return 0;
}
