/* SPDX-License-Identifier: MIT
 *
 * Simulator: what one nursery reports on one day. Group rules and ratios: DOMAIN §2 (托育机构设置标准).
 */
#include "sim_world.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "sim_random.h"

/* ‰ of the usual, January … December: fewer in the spring festival weeks and in the summer, most in autumn. */
static const int season[12] = { 960, 900, 970, 990, 1000, 985, 900, 890, 1010, 1030, 1030, 1010 };
/* ‰ who come, give or take 40, so never more than there are; Sunday … Saturday: Mondays start slowly, Fridays end early. */
static const int attendance[7] = { 910, 925, 950, 950, 945, 925, 900 };
#define INFECTIONS 35 /* ‰ fewer from December to February */
#define RARELY 100    /* one class-day in so many breaks a rule */

struct group {
	const char *type;
	int limit, ratio; /* children of a class; children per carer */
};
static const struct group infant = { "infant", 10, 3 };
static const struct group toddler = { "toddler", 15, 5 };
static const struct group older = { "older", 20, 7 };
static const struct group mixed = { "mixed", 18, 5 };
static const struct group family = { "mixed", 5, 3 };

static int month_of(int64_t day)
{
	int year, month, day_of_month;

	clock_date_of(day, &year, &month, &day_of_month);
	return month;
}

static bool working(const struct sim_world *w, int64_t day)
{
	int64_t i = day - w->calendar_first;
	int8_t said = i >= 0 && i < w->calendar_days ? w->calendar[i] : 0;
	int weekday = clock_weekday(day);

	return said != 0 ? said > 0 : weekday >= 1 && weekday <= 5;
}

static int divide_up(int a, int b)
{
	return (a + b - 1) / b;
}

static int children_of_day(const struct sim_world *w, const struct sim_site *s, int total_places, int64_t day)
{
	struct sim_random r = sim_random_of(w->seed ^ 7, s->index, (uint64_t)day / 7); /* by the week */
	int usual = total_places * s->occupancy / 1000;

	int children = usual * season[month_of(day) - 1] / 1000 + sim_random_between(&r, -1, 1);

	return MAX(children, 0);
}

/* Spreads the children of one age group over classes, and its carers; most keep the rules. */
static void add_classes(struct sim_enrolment *e, const struct group *g, int children, struct sim_random *r)
{
	int limit = g->limit + (sim_random_below(r, RARELY) == 0 ? 2 : 0);
	int count = divide_up(children, limit);

	for (int i = 0; i < count && e->class_count < SIM_CLASSES_MAX; i++) {
		struct sim_class *c = &e->classes[e->class_count++];
		int short_by = sim_random_below(r, RARELY) == 0;

		c->type = g->type;
		c->children = children / count + (i < children % count);
		c->carers = MAX(1, divide_up(c->children, g->ratio) - short_by);
		e->carers += c->carers;
	}
}

static void fill_ages(struct sim_enrolment *e, const struct sim_site *s, int children, int places,
		      struct sim_random *r)
{
	const struct sim_places *p = &s->places;
	int infants = children * p->infant / places, toddlers = children * p->toddler / places;
	int together = children * p->mixed / places;
	int olders = children - infants - toddlers - together;

	e->under12 = infants;
	e->m12_23 = toddlers + together / 2;
	e->over36 = olders * sim_random_between(r, 0, 6) / 100;
	e->m24_35 = children - e->under12 - e->m12_23 - e->over36;
	add_classes(e, &infant, infants, r);
	add_classes(e, &toddler, toddlers, r);
	add_classes(e, p->infant + p->toddler + p->older == 0 ? &family : &mixed, together, r);
	add_classes(e, &older, olders, r);
}

static void fill_modes(struct sim_enrolment *e, const struct sim_site *s, int children)
{
	e->halfday = children * s->half_day / 1000;
	e->hourly = children * 2 / 100;
	e->temporary = children / 100;
	e->fullday = children - e->halfday - e->hourly - e->temporary;
}

static int came(int64_t day, int children, struct sim_random *r)
{
	int month = month_of(day);
	int usual = attendance[clock_weekday(day)] - (month == 12 || month <= 2 ? INFECTIONS : 0);

	return children * (usual + sim_random_between(r, -40, 40)) / 1000;
}

void sim_world_enrolment(const struct sim_world *w, const struct sim_site *s, int64_t day, int revision,
			 struct sim_enrolment *e)
{
	struct sim_random r = sim_random_of(w->seed + (uint64_t)revision, s->index, (uint64_t)day);
	const struct sim_places *p = &s->places;
	int places = p->infant + p->toddler + p->older + p->mixed;
	bool runs = s->operation[0] == 'o'; /* operating */
	int children = runs ? children_of_day(w, s, places, day) : 0;

	*e = (struct sim_enrolment){ .as_of = day, .places = places, .open = runs && working(w, day), .guards = 1 };
	fill_ages(e, s, children, places, &r);
	fill_modes(e, s, children);
	e->attended = e->open ? came(day, children, &r) : 0;
	e->waiting = s->index % 10 == 0 ? -1 : (int)sim_random_below(&r, 9);
	e->carers += (int)sim_random_below(&r, 3);
	e->health = places >= 30;
	if (s->index % 97 == 96)
		e->places = -1; /* some never tell */
}
