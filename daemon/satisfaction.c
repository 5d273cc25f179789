/* SPDX-License-Identifier: MIT */
#include "satisfaction.h"

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
 * the half-year. Entitled are the people of the operating ones. */
static void find_cell(const struct measuring *m, struct satisfaction_cell *ret)
{
	const struct answers *a = &m->sums->answers[m->cell];

	*ret = (struct satisfaction_cell){
		.good = a->good,
		.n = a->all,
		.answering = a->sites,
		.ballots_good = a->ballots_good,
		.ballots_n = a->ballots_all,
		.ballots_answering = a->ballots_sites,
		.left_out = a->left_out,
		.sites = m->sums->operating,
		.entitled = m->sums->under36,
		.entitled_known = m->sums->usable > 0,
		.institutions = m->cell == ANSWERS_INSTITUTION_POLICY || m->cell == ANSWERS_INSTITUTION_SERVICE,
	};
	if (ret->institutions) {
		ret->entitled_known = true;
		ret->entitled = ret->sites;
	}
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

	find_cell(m, &c);
	ret->numerator = c.good;
	ret->denominator = c.n;
	if (c.n > 0)
		verdict = satisfaction_verdict(&c, rules);
	if (verdict == SATISFACTION_INSUFFICIENT) {
		ret->status = c.n == 0 ? "no_data" : "insufficient";
		snprintf(ret->reason, sizeof ret->reason, "%s", c.n == 0 ? "survey answers" : "too few survey answers");
	}
	write_detail(&c, verdict, strtod(rules->z, NULL), ret);
	return 0;
}
