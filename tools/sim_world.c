/* SPDX-License-Identifier: MIT */
#include "sim_world.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "../daemon/ids.h"
#include "sim_geography.h"
#include "sim_random.h"

#include <stdio.h>

#define CHAIN_EVERY 40 /* one legal entity in so many runs … */
#define CHAIN_SITES 3  /* … so many sites: USCC-01 … */
#define ORGANISATIONS 1000000

const char *const sim_feed_names[SIM_FEEDS] = { "registration", "enrolment", "incident", "survey" };

/* Shares in ‰ add up to 1000. USCC 52: social organisation, 91: enterprise, 12: public institution. */
static const struct sim_facility facilities[] = {
	{ "nursery", "托育中心", "market", "91", "MA", 430, 1800, 4200 },
	{ "nursery", "托育园", "civil", "52", "MJ", 180, 1300, 2600 },
	{ "kindergarten_class", "幼儿园托班", "civil", "52", "MJ", 120, 900, 1800 },
	{ "kindergarten_class", "幼儿园托班", "establishment", "12", "MB", 90, 700, 1200 },
	{ "community", "社区托育点", "civil", "52", "MJ", 90, 800, 1600 },
	{ "workplace", "职工托育园", "market", "91", "MA", 40, 600, 1500 },
	{ "centre", "托育综合服务中心", "establishment", "12", "MB", 20, 900, 1600 },
	{ "family_point", "家庭托育点", "market", "91", "MA", 30, 1500, 3000 },
};

struct share {
	const char *word;
	unsigned int share;
};

static const struct share filings[] = {
	{ "filed", 780 }, { "none", 60 }, { "submitted", 50 }, { "change_pending", 40 }, { "defects", 30 },
	{ "licensed", 20 }, { "withdrawn", 10 }, { "cancelled", 10 },
};
static const struct share operations[] = {
	{ "operating", 970 }, { "suspended", 15 }, { "preparing", 10 }, { "closed", 5 },
};

static const char *drawn(struct sim_random *r, const struct share *shares)
{
	unsigned int x = sim_random_below(r, 1000);

	for (; x >= shares->share; shares++)
		x -= shares->share;
	return shares->word;
}

static const struct sim_facility *draw_facility(struct sim_random *r)
{
	unsigned int x = sim_random_below(r, 1000);
	const struct sim_facility *f = facilities;

	for (; x >= f->share; f++)
		x -= f->share;
	return f;
}

/* Check character of an organisation's own code, GB 11714: weights 3 7 9 10 5 8 4 2, MOD 11. */
static char organisation_check(const char code[static 8])
{
	static const int weights[8] = { 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;

	for (int i = 0; i < 8; i++)
		sum += weights[i] * (code[i] <= '9' ? code[i] - '0' : code[i] - 'A' + 10);
	return "0X987654321"[sum % 11];
}

/* Multiplying by an odd number that is no multiple of 5 permutes 0 … 999,999: unique without a set, and the
 * numbers of neighbours do not look alike. */
static unsigned int organisation_number(uint64_t seed, uint64_t organisation)
{
	return (unsigned int)((organisation * 387420489 + sim_mix(seed) % ORGANISATIONS) % ORGANISATIONS);
}

static void write_uscc(const struct sim_world *w, struct sim_site *s, uint64_t organisation)
{
	char own[16];

	snprintf(own, sizeof own, "%s%06u", s->facility->code, organisation_number(w->seed, organisation));
	snprintf(s->id, sizeof s->id, "%s%s%s%c", s->facility->uscc, sim_world_division(w, s)->code, own,
		 organisation_check(own));
	s->id[18] = '\0';
	s->id[17] = ids_uscc_check(s->id);
}

/* A low-discrepancy walk over the people: any first n sites are spread as the people are. */
static uint32_t place_of(const struct sim_world *w, uint64_t total, uint64_t index)
{
	uint64_t x = sim_mix(w->seed) + index * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t person = (uint64_t)(((unsigned __int128)x * total) >> 64);
	uint32_t i = 0;

	while (i + 1 < w->division_count && person >= w->divisions[i].weight)
		person -= w->divisions[i++].weight;
	return i;
}

static int fives(int v)
{
	return v / 5 * 5;
}

/* 20 … 150, small ones more often; a family point is one group of at most 5 children. */
static void draw_places(struct sim_random *r, struct sim_site *s)
{
	struct sim_places *p = &s->places;
	int one = sim_random_between(r, 20, 150), other = sim_random_between(r, 20, 150);
	int total = fives(MIN(one, other));

	if (strcmp(s->facility->word, "family_point") == 0) {
		p->mixed = 5;
		return;
	}
	p->infant = fives(total * sim_random_between(r, 0, 18) / 100);
	p->toddler = fives(total * sim_random_between(r, 20, 38) / 100);
	p->mixed = sim_random_below(r, 10) == 0 ? 15 : 0;
	if (p->infant + p->toddler + p->mixed > total)
		p->mixed = 0;
	p->older = total - p->infant - p->toddler - p->mixed;
}

/* facility: the chain's, or NULL to draw one */
static void draw_site(const struct sim_world *w, struct sim_site *s, const struct sim_facility *facility)
{
	struct sim_random r = sim_random_of(w->seed, s->index, 0);
	int64_t newest = clock_day_of(2025, 12, 31);

	s->facility = draw_facility(&r);
	if (facility)
		s->facility = facility;
	s->filing = drawn(&r, filings);
	s->operation = drawn(&r, operations);
	draw_places(&r, s);
	s->fee = (int)sim_random_between(&r, (int)s->facility->fee_min / 50, (int)s->facility->fee_max / 50) * 50;
	s->occupancy = sim_random_between(&r, 520, 930);
	if (sim_random_below(&r, 100) == 0)
		s->occupancy = 1060; /* W_OVER_CAPACITY happens */
	s->half_day = sim_random_between(&r, 30, 150);
	s->filed_day = newest - sim_random_between(&r, 0, 4 * 365);
	s->effective_day = s->filed_day + sim_random_between(&r, 5, 60);
}

/* Sites of a chain share the entity's USCC: its facility and the division of its registrar. */
static void make_site(struct sim_world *w, uint64_t total, uint32_t index)
{
	struct sim_site *s = &w->sites[index];
	uint32_t in_chain = index % CHAIN_EVERY;
	uint32_t head = index - (in_chain < CHAIN_SITES ? in_chain : 0);
	bool chain = in_chain < CHAIN_SITES && head + CHAIN_SITES <= w->site_count && head > 0;

	s->index = index;
	s->division = place_of(w, total, index);
	draw_site(w, s, chain && index != head ? w->sites[head].facility : NULL);
	if (chain && index != head) {
		memcpy(s->id, w->sites[head].id, 18);
	} else {
		write_uscc(w, s, index);
	}
	if (chain)
		snprintf(s->id + 18, sizeof s->id - 18, "-%02u", in_chain + 1);
}

/* The incidents' city has a site even in a province of one. */
static int settle_city(struct sim_world *w, const char *wish)
{
	uint32_t d = 0;

	while (wish && d < w->division_count && strcmp(w->divisions[d].unit, wish) != 0)
		d++;
	if (d == w->division_count) {
		sim_complain("--city %s: no division of province %s counts for that unit; give one such as %s", wish,
			     w->province, w->divisions[0].unit);
		return 1;
	}
	snprintf(w->city, sizeof w->city, "%s", w->divisions[d].unit);
	w->sites[0].division = d;
	write_uscc(w, &w->sites[0], 0);
	return 0;
}

/* Whatever --start says, the nursery was there before the first day it reports. */
static void begin_before(struct sim_site *s, int64_t day)
{
	s->effective_day = MIN(s->effective_day, day - 1);
	s->filed_day = MIN(s->filed_day, s->effective_day - 5);
}

static int build(struct sim_world *w, const struct sim_options *o)
{
	_cleanup_(freep) char *dir = NULL;
	uint64_t total = 0;

	if (sim_geography_find(o->data, &dir) > 0 || sim_geography_load(w, dir) > 0)
		return 1;
	for (size_t i = 0; i < w->division_count; i++)
		total += w->divisions[i].weight;
	w->site_count = (size_t)o->sites;
	w->sites = xcalloc(w->site_count, sizeof *w->sites);
	for (size_t i = 0; i < w->site_count; i++) {
		make_site(w, total, (uint32_t)i);
		begin_before(&w->sites[i], clock_local_day(o->start_ms) - o->days);
	}
	return settle_city(w, o->city);
}

int sim_world_new(const struct sim_options *o, struct sim_world **ret)
{
	_cleanup_(sim_world_freep) struct sim_world *w = xcalloc(1, sizeof *w);

	w->seed = (uint64_t)o->seed;
	snprintf(w->province, sizeof w->province, "%.2s", o->province);
	if (build(w, o) > 0)
		return 1;
	*ret = w;
	w = NULL; /* ownership moved to the caller */
	return 0;
}

void sim_world_free(struct sim_world *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->division_count; i++)
		free(w->divisions[i].name);
	free(w->divisions);
	free(w->sites);
	free(w->calendar);
	free(w);
}

const struct sim_division *sim_world_division(const struct sim_world *w, const struct sim_site *s)
{
	return &w->divisions[s->division];
}

struct sim_site *sim_world_city_site(struct sim_world *w, size_t k)
{
	size_t count = 0;

	for (size_t i = 0; i < w->site_count; i++)
		count += strcmp(sim_world_division(w, &w->sites[i])->unit, w->city) == 0;
	k %= MAX(count, (size_t)1);
	for (size_t i = 0; i < w->site_count; i++)
		if (strcmp(sim_world_division(w, &w->sites[i])->unit, w->city) == 0 && k-- == 0)
			return &w->sites[i];
	return &w->sites[0];
}
