/* SPDX-License-Identifier: MIT
 *
 * Three sources feed one short queue: acts whose time has come, then (every TRICK_EVERY messages) a trick,
 * else the ground: the registrations of all sites, then enrolments, round after round (or, with --days, each
 * at its hour of the day). A site that acts before its registration went out sends that first.
 */
#include "sim_queue.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"

#include <stdio.h>

#define TRICK_EVERY 8      /* messages */
#define LOAD_DAYS 380      /* enrolment-load walks back so far: nurseryd takes 400 days */
#define STAGGER_S 3        /* between the first acts of two scenarios: `all` is no single instant */
#define PRINT_RATE 1000    /* messages a second of simulated time when --rate is 0 */
#define REGISTRATION_MS 20 /* between two registrations on the first day of --days */
#define LATE_PER_MILLE 20
#define MISSING_PER_MILLE 10

/* ---- the queue ---- */

struct sim_message *sim_push(struct sim_stream *s, const char *feed, int64_t seq)
{
	struct sim_message *m = &s->queue[s->queued++];

	m->feed = feed;
	m->epoch = s->o->epoch;
	m->seq = seq;
	m->at_ms = s->clock_ms;
	m->unreadable = m->not_utf8 = false;
	buf_reset(&m->payload);
	s->made++;
	return m;
}

int64_t sim_next_seq(struct sim_stream *s, struct sim_site *site, enum sim_feed feed)
{
	return s->o->first_seq + site->issued[feed]++;
}

struct sim_envelope sim_envelope_of(const struct sim_stream *s, const struct sim_site *site, enum sim_feed feed,
				    int64_t seq)
{
	return (struct sim_envelope){ .site = site, .feed = feed, .epoch = s->o->epoch, .seq = seq,
				      .sent_ms = s->clock_ms, .kind = "report" };
}

struct sim_message *sim_push_for(struct sim_stream *s, const struct sim_site *site, enum sim_feed feed, int64_t seq)
{
	struct sim_message *m = sim_push(s, sim_feed_names[feed], seq);

	sim_write_topic(s->w, site, s->o->sandbox, m->feed, &m->topic);
	return m;
}

static void push_registration(struct sim_stream *s, struct sim_site *site)
{
	int64_t seq = sim_next_seq(s, site, SIM_REGISTRATION);
	struct sim_envelope e = sim_envelope_of(s, site, SIM_REGISTRATION, seq);

	sim_write_registration(s->w, &e, &sim_push_for(s, site, SIM_REGISTRATION, seq)->payload);
}

static void push_missing_registration(struct sim_stream *s, struct sim_site *site)
{
	if (site->issued[SIM_REGISTRATION] == 0)
		push_registration(s, site);
}

struct sim_message *sim_push_enrolment(struct sim_stream *s, const struct sim_site *site, int64_t seq, int64_t day,
				       int revision)
{
	struct sim_envelope e = sim_envelope_of(s, site, SIM_ENROLMENT, seq);
	struct sim_message *m = sim_push_for(s, site, SIM_ENROLMENT, seq);
	struct sim_enrolment figures;

	sim_world_enrolment(s->w, site, day, revision, &figures);
	sim_write_enrolment(s->w, &e, &figures, &m->payload);
	return m;
}

/* A few more have answered since the last report. */
static void push_surveys(struct sim_stream *s, struct sim_site *site)
{
	struct sim_survey survey;

	for (int i = 0; i < SIM_SURVEYS_MAX; i++) {
		struct sim_envelope e;
		int64_t seq;

		if (!sim_world_survey(s->w, site, clock_local_day(s->clock_ms), &survey))
			return;
		seq = sim_next_seq(s, site, SIM_SURVEY);
		e = sim_envelope_of(s, site, SIM_SURVEY, seq);
		sim_write_survey(s->w, &e, &survey, &sim_push_for(s, site, SIM_SURVEY, seq)->payload);
	}
}

/* ---- acts ---- */

static int by_time(const void *a, const void *b)
{
	const struct sim_plan *p = a, *q = b;

	if (p->after_s != q->after_s)
		return p->after_s < q->after_s ? -1 : 1;
	return p->act < q->act ? -1 : p->act > q->act;
}

static void plan_acts(struct sim_stream *s)
{
	s->plans = xcalloc(sim_act_count, sizeof *s->plans);
	for (size_t i = 0; i < sim_act_count; i++) {
		const struct sim_act *a = &sim_acts[i];
		int64_t lead = sim_scenario_has(s->o->scenarios, SIM_ALL) ? a->scenario * STAGGER_S : 0;

		if (sim_scenario_has(s->o->scenarios, a->scenario))
			s->plans[s->plan_count++] = (struct sim_plan){ a, s->o->fire_after + lead + a->step * s->o->step };
	}
	qsort(s->plans, s->plan_count, sizeof *s->plans, by_time);
}

static struct sim_event_time *event_time(struct sim_stream *s, const struct sim_act *a)
{
	struct sim_event_time *t = &s->events[a->scenario][a->event];

	if (!t->begun)
		*t = (struct sim_event_time){ true, s->clock_ms - 9 * MINUTE_MS, s->clock_ms - 4 * MINUTE_MS };
	return t;
}

static void perform(struct sim_stream *s, const struct sim_act *a)
{
	struct sim_site *site = sim_world_city_site(s->w, (size_t)a->scenario * SIM_EVENTS_MAX + (size_t)a->event);
	const struct sim_event_time *t = event_time(s, a);
	struct sim_envelope e;
	char event[64];
	int64_t seq;

	push_missing_registration(s, site);
	seq = sim_next_seq(s, site, SIM_INCIDENT);
	e = sim_envelope_of(s, site, SIM_INCIDENT, seq);
	snprintf(event, sizeof event, "SIM-%lld-%s-%d", (long long)s->o->epoch, sim_scenario_name(a->scenario),
		 a->event + 1);
	sim_write_incident(s->w, &e, &a->incident, event, t->occurred_ms, t->known_ms,
			   &sim_push_for(s, site, SIM_INCIDENT, seq)->payload);
}

static bool act_due(const struct sim_stream *s, int64_t at_ms)
{
	return s->plan_done < s->plan_count &&
	       at_ms >= s->began_ms + s->plans[s->plan_done].after_s * SECOND_MS;
}

/* ---- tricks ---- */

static bool has_tricks(const struct sim_stream *s)
{
	return sim_scenario_has(s->o->scenarios, SIM_MESSY) || sim_scenario_has(s->o->scenarios, SIM_HOSTILE);
}

static bool trick_due(const struct sim_stream *s)
{
	return s->registered == s->w->site_count && s->made >= s->trick_at && has_tricks(s);
}

static void next_trick(struct sim_stream *s)
{
	struct sim_site *site = &s->w->sites[sim_random_below(&s->random, (uint32_t)s->w->site_count)];

	while (!sim_scenario_has(s->o->scenarios, sim_tricks[s->trick].scenario))
		s->trick = (s->trick + 1) % sim_trick_count;
	sim_play(s, &sim_tricks[s->trick], site, clock_local_day(s->clock_ms));
	s->trick = (s->trick + 1) % sim_trick_count;
	s->trick_at = s->made + TRICK_EVERY;
}

/* ---- the ground ---- */

static int by_hour(const void *a, const void *b)
{
	const struct sim_slot *p = a, *q = b;

	if (p->at_ms != q->at_ms)
		return p->at_ms < q->at_ms ? -1 : 1;
	return p->site < q->site ? -1 : p->site > q->site;
}

/* The Shanghai day that day number s->day of --days is about: from --start on, or the last N days. */
static int64_t day_of_stream(const struct sim_stream *s)
{
	int64_t first = clock_local_day(s->o->start_ms);

	return first + s->day - (s->o->simulated ? 0 : s->o->days - 1);
}

/* Most report between 9:00 and 17:30, some after the 18:00 of `timeliness`, some not at all. */
static void open_day(struct sim_stream *s)
{
	int64_t midnight = clock_day_start_ms(day_of_stream(s));

	s->day_slot = s->day_slot_count = 0;
	for (uint32_t i = 0; i < s->w->site_count; i++) {
		struct sim_random r = sim_random_of(s->w->seed ^ 9, i, (uint64_t)day_of_stream(s));
		uint32_t luck = sim_random_below(&r, 1000);
		int64_t hour = luck < LATE_PER_MILLE ? 18 * HOUR_MS + 1 + sim_random_below(&r, 4 * 3600 * 1000)
						     : 9 * HOUR_MS + sim_random_below(&r, 8 * 3600 * 1000 + 1800000);

		if (luck < 1000 - MISSING_PER_MILLE)
			s->day_slots[s->day_slot_count++] = (struct sim_slot){ midnight + hour, i };
	}
	qsort(s->day_slots, s->day_slot_count, sizeof *s->day_slots, by_hour);
}

static int64_t days_end_ms(const struct sim_stream *s)
{
	return clock_day_start_ms(clock_local_day(s->o->start_ms) + s->o->days) - 1;
}

/* Moment of the next ground message; INT64_MAX when there is none. */
static int64_t ground_time(struct sim_stream *s, int64_t now_ms)
{
	int64_t rate = s->o->rate > 0 ? s->o->rate : PRINT_RATE;

	if (s->o->days > 0 && s->registered == s->w->site_count) {
		while (s->day_slot == s->day_slot_count && s->day + 1 < s->o->days) {
			s->day++;
			open_day(s);
		}
		if (s->day_slot == s->day_slot_count)
			return INT64_MAX;
	}
	if (!s->o->simulated)
		return now_ms;
	if (s->o->days == 0)
		return s->o->start_ms + s->made * SECOND_MS / rate;
	return s->registered < s->w->site_count ? s->o->start_ms + s->registered * REGISTRATION_MS
						: s->day_slots[s->day_slot].at_ms;
}

static int64_t as_of(const struct sim_stream *s)
{
	int64_t today = clock_local_day(s->clock_ms);

	if (s->o->days > 0)
		return day_of_stream(s);
	return sim_scenario_is_load(s->o->scenarios) ? today - s->round % LOAD_DAYS : today;
}

static void ground(struct sim_stream *s)
{
	struct sim_site *site;

	while (s->registered < s->w->site_count) {
		site = &s->w->sites[s->registered++];
		if (site->issued[SIM_REGISTRATION] == 0) {
			push_registration(s, site);
			return;
		}
	}
	if (s->o->days > 0 && s->day_slot == s->day_slot_count)
		return; /* the last registration had gone before, and no day has reports */
	site = &s->w->sites[s->o->days > 0 ? s->day_slots[s->day_slot++].site : s->cursor];
	sim_push_enrolment(s, site, sim_next_seq(s, site, SIM_ENROLMENT), as_of(s), (int)(s->round / LOAD_DAYS));
	if (sim_scenario_has(s->o->scenarios, SIM_SURVEY_ROUND))
		push_surveys(s, site);
	if (s->o->days == 0 && ++s->cursor == s->w->site_count) {
		s->cursor = 0;
		s->round++;
	}
}

/* ---- the stream ---- */

struct sim_stream *sim_stream_new(const struct sim_options *o, struct sim_world *w)
{
	struct sim_stream *s = xcalloc(1, sizeof *s);

	s->o = o;
	s->w = w;
	s->random = sim_random_of(w->seed, 3, 3);
	plan_acts(s);
	if (o->days > 0) {
		s->day_slots = xcalloc(w->site_count, sizeof *s->day_slots);
		open_day(s);
	}
	return s;
}

void sim_stream_free(struct sim_stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SIM_QUEUE_MAX; i++) {
		buf_done(&s->queue[i].topic);
		buf_done(&s->queue[i].payload);
	}
	free(s->day_slots);
	free(s->plans);
	free(s);
}

static bool too_late(const struct sim_stream *s, int64_t at_ms)
{
	if (s->o->seconds > 0 && at_ms >= s->began_ms + s->o->seconds * SECOND_MS)
		return true;
	return s->o->days > 0 && s->o->simulated && at_ms > days_end_ms(s);
}

static void begin(struct sim_stream *s, int64_t now_ms)
{
	if (s->begun)
		return;
	s->begun = true;
	s->began_ms = s->clock_ms = s->o->simulated ? s->o->start_ms : now_ms;
}

/* A simulated clock stops at an act on its way to the next ground message; on the real clock, acts that are
 * left when the ground is used up are played at once. */
static int fill(struct sim_stream *s, int64_t now_ms)
{
	int64_t at = ground_time(s, now_ms);
	bool act;

	begin(s, now_ms);
	act = act_due(s, at);
	if (act)
		at = s->o->simulated ? s->began_ms + s->plans[s->plan_done].after_s * SECOND_MS : now_ms;
	if (at == INT64_MAX || too_late(s, at))
		return 1;
	s->queued = s->taken_of_queue = 0;
	s->clock_ms = MAX(s->clock_ms, at);
	if (act)
		perform(s, s->plans[s->plan_done++].act);
	else if (trick_due(s))
		next_trick(s);
	else
		ground(s);
	return 0;
}

int sim_stream_next(struct sim_stream *s, int64_t now_ms, const struct sim_message **ret)
{
	if (s->o->count > 0 && s->taken >= s->o->count)
		return 1;
	while (s->taken_of_queue == s->queued)
		if (fill(s, now_ms) > 0)
			return 1;
	*ret = &s->queue[s->taken_of_queue++];
	s->taken++;
	return 0;
}

size_t sim_stream_acts_left(const struct sim_stream *s)
{
	return s->plan_count - s->plan_done;
}
