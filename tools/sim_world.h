/* SPDX-License-Identifier: MIT
 *
 * Simulator: the seeded province. Divisions and their names are the real ones of divisions.csv; the
 * nurseries are invented: no name, number or figure belongs to anybody. Sites stand where people live
 * (population-*.csv), else equally. What a nursery reports on a day is a function of (seed, site, day).
 */
#pragma once

#include "sim_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_SITE_SIZE 24
#define SIM_CLASSES_MAX 24

enum sim_feed {
	SIM_REGISTRATION,
	SIM_ENROLMENT,
	SIM_INCIDENT,
	SIM_SURVEY,
	SIM_FEEDS,
};
extern const char *const sim_feed_names[SIM_FEEDS];

struct sim_division {
	char code[8];
	char unit[8];
	char *name;      /* owned: "西湖区" */
	uint64_t weight; /* people, or 1 */
};

struct sim_facility {
	const char *word;       /* the contract's */
	const char *suffix;     /* of the name */
	const char *registrar;
	const char *uscc;       /* positions 1–2 */
	const char *code;       /* first letters of the organisation's own code */
	unsigned int share;     /* ‰ of the sites */
	unsigned int fee_min, fee_max;
};

struct sim_places {
	int infant, toddler, older, mixed;
};

struct sim_site {
	char id[SIM_SITE_SIZE];
	uint32_t index, division;
	const struct sim_facility *facility;
	const char *filing, *operation;
	struct sim_places places;
	int fee, occupancy, half_day; /* yuan a month; ‰ of the places; ‰ of the children */
	int64_t filed_day, effective_day;
	uint32_t issued[SIM_FEEDS]; /* messages so far; the next seq is first_seq + issued */
	int64_t survey_round;       /* year × 2, + 1 in the second half; of the answers counted here */
	int answers;                /* sent in this round */
};

struct sim_world {
	uint64_t seed;
	char province[3];
	struct sim_division *divisions;
	size_t division_count;
	struct sim_site *sites;
	size_t site_count;
	int8_t *calendar; /* by day from calendar_first: +1 work, −1 rest, 0 as the weekday says */
	int64_t calendar_first, calendar_days;
	char city[8];
};

struct sim_class {
	const char *type;
	int children, carers;
};

struct sim_enrolment {
	int64_t as_of;
	bool open;
	int places; /* −1: not told */
	int under12, m12_23, m24_35, over36;
	int fullday, halfday, hourly, temporary;
	int attended, waiting; /* waiting −1: not told */
	struct sim_class classes[SIM_CLASSES_MAX];
	size_t class_count;
	int carers, health, guards;
};

/* One message of a half-year's survey; a question's answers in the order of sim_survey_questions. */
#define SIM_QUESTIONS 5
extern const char *const sim_survey_questions[SIM_QUESTIONS];
struct sim_survey {
	int64_t round; /* as in struct sim_site */
	bool tally, institution;
	char token[17];
	int answers[SIM_QUESTIONS]; /* of a ballot; 0: does not know */
	int invited, answered;
	int counts[SIM_QUESTIONS][5];
};

/* 0 and *ret; > 0: it cannot be built, and the user was told why. */
int sim_world_new(const struct sim_options *o, struct sim_world **ret);
void sim_world_free(struct sim_world *w);
static inline void sim_world_freep(struct sim_world **w)
{
	sim_world_free(*w);
}

const struct sim_division *sim_world_division(const struct sim_world *w, const struct sim_site *site);
/* The k-th site (wrapping) of the city the incidents happen in; there is always one. */
struct sim_site *sim_world_city_site(struct sim_world *w, size_t k);
/* The figures of a day; revision 1, 2 … are later corrections of it. Sums always agree. */
void sim_world_enrolment(const struct sim_world *w, const struct sim_site *site, int64_t day, int revision,
			 struct sim_enrolment *ret);
/* The site's next message of the day's round; false: all who take part have answered. */
bool sim_world_survey(const struct sim_world *w, struct sim_site *site, int64_t day, struct sim_survey *ret);
