/* SPDX-License-Identifier: MIT
 *
 * For test_histories: a short, random history of five nurseries in three units (and a fourth that only the official
 * register names): messages of every feed, late, amended, retracted, corrected and repeated; imports, policies, our own
 * stops, officers' findings. The same seed gives the same history.
 */
#pragma once

#include "../../daemon/buf.h"
#include "../../daemon/clock.h"
#include "../../daemon/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_DAY INT64_C(20488) /* 2026-02-04 */
#define DAYS 70
#define LAST_DAY (FIRST_DAY + DAYS - 1)
#define SITES 5
#define FEEDS 4

enum step_kind { STEP_MESSAGE, STEP_IMPORT, STEP_POLICY, STEP_ACT, STEP_MOVE };
struct step {
	int64_t at, order;
	enum step_kind kind;
	char *topic, *payload; /* topic: of an import its kind */
};

struct history {
	uint64_t random;
	struct step *steps;
	size_t count;
	int64_t seq[SITES][FEEDS];
};

static const struct {
	const char *code, *division;
} nurseries[SITES] = {
	{ "52330106MJ0000018E", "330106" }, { "52330106MJ0000018E-01", "330402" }, { "91330106MA0000023E", "330402" },
	{ "91330106MA0000023E-01", "330106" }, { "12330106000000035P", "310101" },
};
static const char *const feeds[FEEDS] = { "registration", "enrolment", "incident", "survey" };
enum { REGISTRATION, ENROLMENT, INCIDENT, SURVEY };

/* xorshift64* */
static inline int64_t any(struct history *h, int64_t low, int64_t high)
{
	h->random ^= h->random >> 12;
	h->random ^= h->random << 25;
	h->random ^= h->random >> 27;
	return low + (int64_t)((h->random * UINT64_C(2685821657736338717)) >> 33) % (high - low + 1);
}

static inline bool chance(struct history *h, int percent)
{
	return any(h, 1, 100) <= percent;
}

/* MIN would ask the dice twice. */
static inline int64_t no_later(int64_t at, int64_t latest)
{
	return at < latest ? at : latest;
}

static inline char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline char *text_of(const char *format, ...)
{
	char *text;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		abort();
	va_end(ap);
	return text;
}

static inline const char *date_of(int64_t day)
{
	static char texts[8][CLOCK_TEXT_SIZE];
	static int next;

	next = (next + 1) % 8;
	return clock_format_day(day, texts[next]);
}

static inline const char *time_of(int64_t at)
{
	static char texts[8][CLOCK_TEXT_SIZE];
	static int next;

	next = (next + 1) % 8;
	return clock_format_time(at, texts[next]);
}

static inline void add_step(struct history *h, int64_t at, enum step_kind kind, char *topic, char *payload)
{
	h->steps = xrealloc(h->steps, (h->count + 1) * sizeof *h->steps);
	h->steps[h->count] = (struct step){ at, (int64_t)h->count, kind, topic, payload };
	h->count++;
}

/* Mostly at once, some a while later, some weeks. */
static inline int64_t arrival(struct history *h, int64_t sent_at)
{
	int64_t delay = chance(h, 75) ? any(h, 0, 20000) : chance(h, 50) ? any(h, 0, 6 * HOUR_MS) : any(h, 0, 25 * DAY_MS);

	return no_later(sent_at + delay, clock_day_start_ms(LAST_DAY + 1) - 1);
}

/* body NULL: a retract. ref 0: a report. Returns its seq. */
static inline int64_t say(struct history *h, int site, int feed, const char *division, int64_t sent_at, char *body, int64_t ref)
{
	int64_t seq = ++h->seq[site][feed], at = arrival(h, sent_at);
	char *topic = text_of("nursery/v1/%.2s/%s/%s/up/%s", division, division, nurseries[site].code, feeds[feed]);
	const char *reason = chance(h, 10) ? "seam-fault" : "typing error"; /* NURSERYD_FAULT_APPLY: our code fails on it */
	char *amends = ref ? text_of(",\"ref\":{\"epoch\":1,\"seq\":%lld},\"reason\":\"%s\"", (long long)ref, reason) : xstrdup("");
	char *payload = text_of("{\"v\":1,\"site\":\"%s\",\"division\":\"%s\",\"epoch\":1,\"seq\":%lld,\"sent_at\":\"%s\",\"kind\":\"%s\"%s%s%s}",
				nurseries[site].code, division, (long long)seq, time_of(sent_at),
				!ref ? "report" : body ? "amend" : "retract", amends, body ? ",\"body\":" : "", body ? body : "");

	add_step(h, at, STEP_MESSAGE, topic, payload);
	if (chance(h, 5)) /* the same bytes again */
		add_step(h, at + any(h, 1, DAY_MS), STEP_MESSAGE, xstrdup(topic), xstrdup(payload));
	free(amends);
	free(body);
	return seq;
}

static inline char *registration_body(struct history *h, int64_t effective_on)
{
	static const char *const facilities[] = { "nursery", "nursery", "kindergarten_class", "family_point" };
	static const char *const filings[] = { "filed", "filed", "licensed", "none" };
	static const char *const operations[] = { "operating", "operating", "operating", "suspended", "preparing" };

	return text_of("{\"effective_on\":\"%s\",\"name\":\"第一托育中心\",\"facility\":\"%s\",\"registrar\":\"civil\","
		       "\"registration\":\"%s\",\"filing\":\"%s\",\"operation\":\"%s\",\"places\":{\"infant\":%d,\"toddler\":15,"
		       "\"older\":20,\"mixed\":0},\"inclusive\":%s,\"disclosed\":true,\"insured_until\":\"%s\"}",
		       date_of(effective_on), facilities[any(h, 0, 3)], chance(h, 90) ? "registered" : "cancelled", filings[any(h, 0, 3)],
		       operations[any(h, 0, 4)], (int)any(h, 0, 20), chance(h, 50) ? "true" : "null",
		       date_of(effective_on + any(h, 0, 200)));
}

static inline void register_site(struct history *h, int site)
{
	const char *own = nurseries[site].division;
	int64_t start = FIRST_DAY + any(h, -40, 20), sent = clock_day_start_ms(FIRST_DAY + any(h, 0, 25)) + any(h, 0, DAY_MS - 1), first;

	first = say(h, site, REGISTRATION, chance(h, 85) ? own : "330106", sent, registration_body(h, start), 0);
	for (int i = 0; i < 3; i++) {
		int64_t later = sent + any(h, HOUR_MS, 30 * DAY_MS), day = clock_local_day(later);

		if (later > clock_day_start_ms(LAST_DAY) || !chance(h, 60))
			continue;
		if (chance(h, 25))
			say(h, site, REGISTRATION, own, later, NULL, first);
		else
			say(h, site, REGISTRATION, chance(h, 80) ? own : "330402", later, registration_body(h, day + any(h, -50, 12)),
			    chance(h, 30) ? first : 0);
	}
}

static inline char *enrolment_body(struct history *h, int64_t as_of)
{
	int infants = (int)any(h, 0, 6), toddlers = (int)any(h, 0, 12), older = (int)any(h, 0, 9), half = (int)any(h, 0, infants);
	bool open = chance(h, 75);

	return text_of("{\"as_of\":\"%s\",\"open\":%s,\"places\":%s,\"enrolled\":{\"under12\":%d,\"m12_23\":%d,\"m24_35\":%d,\"over36\":1},"
		       "\"mode\":{\"fullday\":%d,\"halfday\":%d,\"hourly\":1,\"temporary\":0},\"attended\":%d,"
		       "\"classes\":[{\"type\":\"infant\",\"children\":%d,\"carers\":1},{\"type\":\"mixed\",\"children\":%d,\"carers\":2}]}",
		       date_of(as_of), open ? "true" : "false", chance(h, 70) ? "30" : "null", infants, toddlers, older,
		       infants - half + toddlers + older, half, open ? infants + toddlers : 0, infants, toddlers);
}

static inline void report_stock(struct history *h, int site)
{
	int density = (int)any(h, 5, 60); /* some are silent for weeks */

	for (int64_t day = FIRST_DAY - 30; day <= LAST_DAY; day++) {
		int64_t sent = clock_day_start_ms(MAX(day, FIRST_DAY)) + any(h, 14 * HOUR_MS, 19 * HOUR_MS), seq, later;

		if (!chance(h, day < FIRST_DAY ? 10 : density))
			continue;
		seq = say(h, site, ENROLMENT, nurseries[site].division, sent, enrolment_body(h, day), 0);
		later = no_later(sent + any(h, HOUR_MS, 20 * DAY_MS), clock_day_start_ms(LAST_DAY));
		if (chance(h, 8))
			say(h, site, ENROLMENT, nurseries[site].division, later, enrolment_body(h, day + any(h, -3, 0)), seq);
		else if (chance(h, 8))
			say(h, site, ENROLMENT, nurseries[site].division, later, NULL, seq);
		else if (chance(h, 8))
			say(h, site, ENROLMENT, nurseries[site].division, later, enrolment_body(h, day), 0);
	}
}

static inline char *incident_body(struct history *h, int number, int64_t occurred)
{
	static const char *const stages[] = { "first", "first", "follow_up", "final" };
	static const char *const types[] = { "fall", "fire", "food_poisoning", "missing_child" };
	static const char *const counts[] = { "0", "0", "0", "null", "1" };

	return text_of("{\"event\":\"E-%d\",\"stage\":\"%s\",\"occurred_at\":\"%s\",\"known_at\":\"%s\",\"type\":\"%s\",\"children\":"
		       "{\"dead\":%s,\"critical\":%s,\"serious\":%s,\"minor\":%d,\"missing\":%s},\"sick\":%d}",
		       number, stages[any(h, 0, 3)], time_of(occurred), time_of(occurred + any(h, 0, HOUR_MS)), types[any(h, 0, 3)],
		       counts[any(h, 0, 4)], counts[any(h, 0, 4)], counts[any(h, 0, 4)], (int)any(h, 0, 2), counts[any(h, 0, 4)],
		       (int)any(h, 0, 6));
}

static inline void hurt(struct history *h, int site)
{
	for (int number = 0; number < any(h, 0, 3); number++) {
		int64_t occurred = clock_day_start_ms(FIRST_DAY + any(h, 0, DAYS - 2)) + any(h, 0, DAY_MS - 1), first = 0;

		for (int i = 0; i < any(h, 1, 4); i++) {
			int64_t sent = no_later(occurred + any(h, 0, 90 * MINUTE_MS), clock_day_start_ms(LAST_DAY + 1) - 1), seq;

			if (i > 0 && chance(h, 20)) {
				say(h, site, INCIDENT, nurseries[site].division, sent, NULL, first);
				continue;
			}
			seq = say(h, site, INCIDENT, nurseries[site].division, sent,
				  incident_body(h, number, occurred - (chance(h, 20) ? DAY_MS : 0)), i > 0 && chance(h, 30) ? first : 0);
			first = first ? first : seq;
		}
		if (chance(h, 40))
			add_step(h, no_later(occurred + any(h, 0, 20 * DAY_MS), clock_day_start_ms(LAST_DAY)), STEP_ACT,
				 text_of("act/incident/%s/E-%d", nurseries[site].code, number),
				 xstrdup("{\"act\":\"liability\",\"finding\":\"nursery\",\"reason\":\"inspection\"}"));
	}
}

static inline char *survey_body(struct history *h)
{
	const char *round = chance(h, 80) ? "2026H1" : "2025H2", *who = chance(h, 70) ? "family" : "institution";
	int good = (int)any(h, 0, 20), bad = (int)any(h, 0, 9);

	if (chance(h, 25))
		return text_of("{\"round\":\"%s\",\"form\":\"tally\",\"respondent\":\"%s\",\"invited\":99,\"answered\":60,"
			       "\"policy\":[%d,0,0,1,%d],\"service\":[0,%d,0,%d,1]}",
			       round, who, bad, good, bad, good);
	return text_of("{\"round\":\"%s\",\"form\":\"ballot\",\"respondent\":\"%s\",\"token\":\"AAAABBBBCCCC00%02d\","
		       "\"answers\":{\"policy\":%d,\"service\":%s}}",
		       round, who, (int)any(h, 0, 12), (int)any(h, 1, 5), chance(h, 80) ? "5" : "null");
}

static inline void ask_families(struct history *h, int site)
{
	for (int i = 0; i < any(h, 0, 12); i++) {
		int64_t sent = clock_day_start_ms(FIRST_DAY + any(h, 0, DAYS - 2)) + any(h, 0, DAY_MS - 1);
		int64_t ref = h->seq[site][SURVEY] && chance(h, 30) ? any(h, 1, h->seq[site][SURVEY]) : 0;

		say(h, site, SURVEY, nurseries[site].division, sent, ref && chance(h, 50) ? NULL : survey_body(h), ref);
	}
}

/* What is imported once in a while; at: when. */
static inline void import_something(struct history *h, int64_t at)
{
	static const char *const divisions[] = { "330203", "330106", "330402", "" };
	static const char *const units[] = { "330100", "330400", "310101", "330200" };
	int64_t day = FIRST_DAY + any(h, -20, DAYS);

	switch (any(h, 0, 6)) {
	case 0:
	case 1:
		add_step(h, at, STEP_IMPORT, xstrdup("register"),
			 text_of("site,effective_on,division,filing,registration,inclusive,source\n%s,%s,%s,%s,,%s,x\n",
				 nurseries[any(h, 0, SITES - 1)].code, date_of(day), divisions[any(h, 0, 3)], chance(h, 40) ? "filed" : "",
				 chance(h, 40) ? "true" : ""));
		break;
	case 2:
		add_step(h, at, STEP_IMPORT, xstrdup("population"),
			 text_of("division,reference_date,resident,under3,source\n%s,%s,%d,%s,x\n", units[any(h, 0, 3)], date_of(day),
				 (int)any(h, 1000, 900000), chance(h, 50) ? "4000" : ""));
		break;
	case 3:
		add_step(h, at, STEP_IMPORT, xstrdup("targets"),
			 text_of("division,indicator,value,by,source\n%s,places_per_1000,%d.5,%s,x\n",
				 chance(h, 50) ? "330000" : "330100", (int)any(h, 1, 9), date_of(day)));
		break;
	case 4:
		add_step(h, at, STEP_IMPORT, xstrdup("workdays"),
			 text_of("date,day,reason\n%s,%s,x\n", date_of(day), chance(h, 50) ? "rest" : "work"));
		break;
	case 5:
		add_step(h, at, STEP_IMPORT, xstrdup("designations"),
			 text_of("unit,name,cycle,status,effective_on,document\n%s,x,2025-2026,%s,%s,x\n", units[any(h, 0, 3)],
				 chance(h, 70) ? "named" : "applied", date_of(day)));
		break;
	default:
		add_step(h, at, STEP_IMPORT, xstrdup("declared"),
			 text_of("unit,item,period,numerator,denominator,document\n%s,%s,2026-0%d,%d,7,x\n", units[any(h, 0, 3)],
				 chance(h, 50) ? "rectifications_overdue" : "baseline_places_per_1000", (int)any(h, 1, 4), (int)any(h, 0, 9)));
	}
}

/* An officer's act. Among imports it keeps its order: it ranks with the register's rows. */
static inline void move_a_site(struct history *h, int64_t at)
{
	static const char *const divisions[] = { "330203", "330106", "330402", "310115" };

	add_step(h, at, STEP_MOVE, text_of("act/site/%s", nurseries[any(h, 0, SITES - 1)].code),
		 text_of("{\"act\":\"move\",\"division\":\"%s\",\"effective_on\":\"%s\",\"reason\":\"x\"}", divisions[any(h, 0, 3)],
			 date_of(FIRST_DAY + any(h, -20, DAYS))));
}

static inline int by_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static inline void history_make(uint64_t seed, struct history *h)
{
	*h = (struct history){ .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) };
	for (int site = 0; site < SITES; site++) {
		if (chance(h, 90))
			register_site(h, site);
		report_stock(h, site);
		hurt(h, site);
		ask_families(h, site);
	}
	for (int i = 0; i < 9; i++)
		import_something(h, clock_day_start_ms(FIRST_DAY + any(h, 1, DAYS - 1)) + any(h, 0, DAY_MS - 1));
	for (int i = 0; i < 2; i++)
		move_a_site(h, clock_day_start_ms(FIRST_DAY + any(h, 1, DAYS - 1)) + any(h, 0, DAY_MS - 1));
	for (int i = 0; i < 3; i++)
		add_step(h, clock_day_start_ms(FIRST_DAY + any(h, 1, DAYS - 1)) + any(h, 0, DAY_MS - 1), STEP_ACT, xstrdup("act/daemon/stop"),
			 xstrdup("{\"version\":\"x\"}"));
	if (chance(h, 50))
		add_step(h, clock_day_start_ms(FIRST_DAY + any(h, 5, DAYS - 1)), STEP_POLICY, NULL, NULL);
	qsort(h->steps, h->count, sizeof *h->steps, by_time);
}

/* The same, but everything arrives on the two days behind the last, in any order. Imports keep their order (the later one outranks),
 * before, beside or behind the messages; officers' acts come last, when there is something to act on. */
static inline void history_shuffle(struct history *h, uint64_t seed)
{
	int64_t start = clock_day_start_ms(LAST_DAY + 1), place = (int64_t)(seed % 3);

	h->random = (seed + 1) * UINT64_C(0xda942042e4dd58b5);
	for (size_t i = 0; i < h->count; i++) {
		struct step *step = &h->steps[i];
		int64_t of_two_days = (int64_t)i * 2 * DAY_MS / (int64_t)h->count;

		step->order = step->kind == STEP_MESSAGE ? any(h, 0, INT32_MAX) : (int64_t)i;
		step->at = start + (place == 0 ? 0 : place == 1 ? of_two_days : 2 * DAY_MS - 2);
		if (step->kind == STEP_MESSAGE)
			step->at = start + 1 + any(h, 0, 2 * DAY_MS - 4);
		else if (step->kind == STEP_ACT)
			step->at = start + 2 * DAY_MS - 1;
	}
	qsort(h->steps, h->count, sizeof *h->steps, by_time);
}

static inline void history_done(struct history *h)
{
	for (size_t i = 0; i < h->count; i++) {
		free(h->steps[i].topic);
		free(h->steps[i].payload);
	}
	free(h->steps);
}
