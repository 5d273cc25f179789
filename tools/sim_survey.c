/* SPDX-License-Identifier: MIT
 *
 * Simulator: what families and institutions answer in a half-year's round. A nursery's own quality shifts all answers
 * about it; the price pleases least. Everything is a function of (seed, site, round, number of the answer).
 */
#include "sim_world.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "sim_random.h"

#include <stdio.h>

#define DONT_KNOW 40      /* ‰ of the answers */
#define TAKE_PART 900     /* ‰ of the nurseries */
#define TALLY_EVERY 6     /* one nursery in so many counts its answers itself */

const char *const sim_survey_questions[SIM_QUESTIONS] = { "policy", "service", "safety", "price", "overall" };
/* ‰ who answer 4 or 5, of families and of institutions; ± the nursery's own. */
static const int satisfied[2][SIM_QUESTIONS] = { { 860, 910, 940, 720, 890 }, { 830, 900, 950, 760, 880 } };
#define OWN 70 /* ‰ up or down */

static int64_t round_of(int64_t day)
{
	int year, month, day_of_month;

	clock_date_of(day, &year, &month, &day_of_month);
	return (int64_t)year * 2 + (month > 6);
}

/* 1…5, or 0 */
static int draw_answer(struct sim_random *r, int per_mille)
{
	int luck = (int)sim_random_below(r, 1000), rest;

	if (sim_random_below(r, 1000) < DONT_KNOW)
		return 0;
	if (luck < per_mille)
		return luck % 5 < 2 ? 4 : 5;
	rest = (int)sim_random_below(r, 10);
	return rest < 6 ? 3 : rest < 9 ? 2 : 1;
}

static void draw_token(struct sim_random *r, char token[static 17])
{
	static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (int i = 0; i < 16; i++)
		token[i] = signs[sim_random_below(r, 36)];
	token[16] = '\0';
}

struct taking_part {
	int families, children, own; /* own: ‰ */
	bool tally;
};

static struct taking_part taking_part(const struct sim_world *w, const struct sim_site *s, int64_t round)
{
	struct sim_random r = sim_random_of(w->seed ^ 11, s->index, (uint64_t)round);
	const struct sim_places *p = &s->places;
	struct taking_part t = { .own = sim_random_between(&r, -OWN, OWN) };

	t.children = (p->infant + p->toddler + p->older + p->mixed) * s->occupancy / 1000;
	t.families = t.children * sim_random_between(&r, 35, 85) / 100;
	t.tally = s->index % TALLY_EVERY == TALLY_EVERY - 1;
	if (sim_random_below(&r, 1000) >= TAKE_PART || s->operation[0] != 'o')
		t.children = t.families = -1;
	return t;
}

static void draw_ballot(const struct taking_part *t, struct sim_random *r, struct sim_survey *ret)
{
	draw_token(r, ret->token);
	for (int q = 0; q < SIM_QUESTIONS; q++)
		ret->answers[q] = draw_answer(r, satisfied[ret->institution][q] + t->own);
}

static void draw_tally(const struct taking_part *t, struct sim_random *r, struct sim_survey *ret)
{
	ret->invited = t->children;
	ret->answered = t->families;
	for (int i = 0; i < t->families; i++)
		for (int q = 0; q < SIM_QUESTIONS; q++) {
			int answer = draw_answer(r, satisfied[0][q] + t->own);

			if (answer > 0)
				ret->counts[q][answer - 1]++;
		}
}

/* First the institution itself, then its families, one by one or counted together. */
bool sim_world_survey(const struct sim_world *w, struct sim_site *s, int64_t day, struct sim_survey *ret)
{
	int64_t round = round_of(day);
	struct taking_part t = taking_part(w, s, round);
	struct sim_random r;

	if (s->survey_round != round)
		s->answers = 0;
	s->survey_round = round;
	if (s->answers > (t.tally ? MIN(t.families, 1) : t.families))
		return false;
	r = sim_random_of(w->seed ^ 12, s->index, (uint64_t)round * 100000 + (uint64_t)s->answers);
	*ret = (struct sim_survey){ .round = round, .institution = s->answers == 0, .tally = t.tally && s->answers > 0 };
	s->answers++;
	if (ret->tally)
		draw_tally(&t, &r, ret);
	else
		draw_ballot(&t, &r, ret);
	return true;
}
