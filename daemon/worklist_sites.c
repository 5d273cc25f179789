/* SPDX-License-Identifier: MIT
 *
 * The kinds of the worklist that look at the reports of one operating nursery. Facts are keyed day first, so its days are
 * walked back one seek each, and only as far as the answer needs: one or two for a nursery that reports, five open ones
 * for one that keeps to its places.
 */
#include "worklist.h"

#include "../collectors/registration.h"
#include "clock.h"
#include "err.h"
#include "groups.h"
#include "workdays.h"

#define SILENT_DAYS_MAX 400 /* how far back the last report of a silent one is looked for: none may be older (CONTRACT §1) */
#define BREACH_DAYS_MAX 90  /* a breach whose end nobody reported is forgotten then: the nursery is silent by that time */

/* The site's counting reports from the newest day down to the oldest. */
#define REPORTS(columns) \
	"WITH RECURSIVE days(day) AS (VALUES(?2) UNION ALL SELECT day - 1 FROM days WHERE day > ?3) SELECT e.day" columns \
	" FROM days CROSS JOIN enrolment e ON e.day = days.day AND e.site = ?1 AND e.counts = 1"

/* ---- silent-site ---- */

/* The newest day whose report is expected by now: today from the evening on (DOMAIN §2, completeness). */
static int64_t newest_expected(const struct worklist_asked *a)
{
	int64_t evening = clock_day_start_ms(a->today) + policy_reporting(a->policy, a->today)->timely_by_ms;

	return a->now >= evening ? a->today : a->today - 1;
}

/* The first of the newest so many working days. */
static int first_of_working_days(const struct worklist_asked *a, int64_t newest, int64_t count, int64_t *ret)
{
	int64_t day = newest + 1;
	int r = 0;

	while (r >= 0 && count > 0 && day > newest - SILENT_DAYS_MAX) {
		bool expected;

		r = workdays_expected(a->store, --day, &expected);
		count -= r >= 0 && expected;
	}
	*ret = day;
	return r;
}

/* 1 and the day of the newest report that is not older. */
static int newest_report(const struct worklist_asked *a, int64_t site, int64_t oldest, int64_t *ret)
{
	return store_get_int(a->store, ret, REPORTS("") " LIMIT 1", "iii", site, a->today + 1, oldest);
}

static int is_operating(const struct worklist_asked *a, const struct worklist_site *site, int64_t day, bool *ret)
{
	int64_t operating = 0;
	int r = store_get_int(a->store, &operating,
			      "SELECT operation = ?3 AND ifnull((SELECT registration FROM register WHERE site = ?5 AND effective_on <= ?2"
			      " AND registration IS NOT NULL ORDER BY effective_on DESC LIMIT 1), registration) = ?4 FROM registration"
			      " WHERE site = ?1 AND effective_on <= ?2 AND counts = 1 ORDER BY effective_on DESC LIMIT 1",
			      "iiiit", site->id, day, (int64_t)OPERATION_OPERATING, (int64_t)REGISTRATION_REGISTERED, site->code);

	*ret = operating != 0;
	return r;
}

/* The working days behind the last report on which one was expected of the site. */
static int count_silent(const struct worklist_asked *a, const struct worklist_site *site, int64_t newest, int64_t last_report,
			int64_t *ret_count, int64_t *ret_since)
{
	int64_t oldest = MAX(MAX(last_report + 1, site->expected_from), newest - SILENT_DAYS_MAX);
	int r = 0;

	*ret_count = 0;
	for (int64_t day = newest; r >= 0 && day >= oldest; day--) {
		bool counts;

		r = workdays_expected(a->store, day, &counts);
		if (r >= 0 && counts)
			r = is_operating(a, site, day, &counts);
		if (r < 0 || !counts)
			continue;
		++*ret_count;
		*ret_since = day;
	}
	return MIN(r, 0);
}

int worklist_silent(const struct worklist_asked *a, const struct worklist_site *site, struct worklist_found *ret)
{
	int64_t days = policy_worklist(a->policy, a->today)->silent_working_days, newest = newest_expected(a);
	int64_t first = 0, last_report = 0, count = 0;
	char text[CLOCK_TEXT_SIZE];
	int r = first_of_working_days(a, newest, days, &first);

	if (r < 0 || site->expected_from > first)
		return MIN(r, 0);
	r = newest_report(a, site->id, first, &last_report);
	if (r != 0)
		return MIN(r, 0);
	r = newest_report(a, site->id, newest - SILENT_DAYS_MAX, &last_report);
	if (r >= 0)
		r = count_silent(a, site, newest, last_report, &count, &ret->since);
	if (r < 0 || count < days)
		return MIN(r, 0);
	ret->detail = json_new_object();
	json_set(ret->detail, "working_days", json_new_int(count));
	json_set(ret->detail, "last_report", json_new_text(last_report ? clock_format_day(last_report, text) : NULL));
	return 1;
}

/* ---- breaches ---- */

enum said { SAID_NOTHING, SAID_BREACH, SAID_CLEAN };

/* An open day. */
struct open_day {
	int64_t day, enrolled, places; /* STORE_NULL: unknown */
	const char *classes;
	struct groups_said groups;
};
typedef enum said (*says_fn)(const struct worklist_asked *a, const struct worklist_site *site, struct open_day *d);

struct run {
	enum said said;
	int64_t length, oldest;
	struct open_day newest; /* its figures, without classes */
};

/* places: the report's own, else the registered ones of that day. */
static const char open_days_sql[] = REPORTS(
	", e.under12 + e.m12_23 + e.m24_35 + e.over36, ifnull(e.places, (SELECT places_infant + places_toddler + places_older"
	" + places_mixed FROM registration WHERE site = ?1 AND effective_on <= e.day AND counts = 1 ORDER BY effective_on DESC"
	" LIMIT 1)), e.classes") " WHERE e.open = 1";

static void extend(struct run *run, enum said said, const struct open_day *d)
{
	if (said != run->said)
		*run = (struct run){ .said = said, .newest = *d };
	run->length++;
	run->oldest = d->day;
}

/* On the list by so many open days in breach running, off by so many clean ones: the newest of such runs decides. Walked
 * from the newest day back; a day that says nothing ends a run. 1: on the list. */
static int find_breach(const struct worklist_asked *a, const struct worklist_site *site, says_fn says, struct run *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const struct policy_worklist *p = policy_worklist(a->policy, a->today);
	int r = store_query(a->store, &q, open_days_sql, "iii", site->id, a->today + 1, a->today - BREACH_DAYS_MAX);
	bool on = false;

	*ret = (struct run){ 0 };
	while (r >= 0 && (r = store_step(q)) > 0) {
		struct open_day d = { .day = store_int(q, 0), .enrolled = store_int(q, 1), .places = store_int(q, 2),
				      .classes = store_text(q, 3) };
		enum said said = says(a, site, &d);

		if (on && said != SAID_BREACH)
			break;
		extend(ret, said, &d);
		if (said == SAID_CLEAN && ret->length >= p->clean_open_days)
			return 0;
		on = said == SAID_BREACH && ret->length >= p->breach_open_days;
	}
	return r < 0 ? r : on;
}

static void tell_run(const struct run *run, struct worklist_found *ret)
{
	char text[CLOCK_TEXT_SIZE];

	ret->since = run->oldest;
	ret->detail = json_new_object();
	json_set(ret->detail, "open_days", json_new_int(run->length));
	json_set(ret->detail, "last_day", json_new_text(clock_format_day(run->newest.day, text)));
}

static enum said capacity_says(const struct worklist_asked *a, const struct worklist_site *site, struct open_day *d)
{
	(void)a;
	(void)site;
	if (d->enrolled == STORE_NULL || d->places == STORE_NULL)
		return SAID_NOTHING;
	return d->enrolled > d->places ? SAID_BREACH : SAID_CLEAN;
}

int worklist_over_capacity(const struct worklist_asked *a, const struct worklist_site *site, struct worklist_found *ret)
{
	struct run run;
	int r = find_breach(a, site, capacity_says, &run);

	if (r <= 0)
		return r;
	tell_run(&run, ret);
	json_set(ret->detail, "enrolled", json_new_int(run.newest.enrolled));
	json_set(ret->detail, "places", json_new_int(run.newest.places));
	return 1;
}

static enum said ratio_says(const struct worklist_asked *a, const struct worklist_site *site, struct open_day *d)
{
	groups_judge(policy_groups(a->policy, d->day), site->facility == FACILITY_FAMILY_POINT, d->classes, &d->groups);
	if (d->groups.short_of_carers > 0)
		return SAID_BREACH;
	return d->groups.groups > 0 && d->groups.unknown == 0 ? SAID_CLEAN : SAID_NOTHING;
}

int worklist_carer_ratio(const struct worklist_asked *a, const struct worklist_site *site, struct worklist_found *ret)
{
	struct run run;
	int r = find_breach(a, site, ratio_says, &run);

	if (r <= 0)
		return r;
	tell_run(&run, ret);
	json_set(ret->detail, "groups", json_new_int(run.newest.groups.groups));
	json_set(ret->detail, "short_of_carers", json_new_int(run.newest.groups.short_of_carers));
	return 1;
}
