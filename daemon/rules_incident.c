/* SPDX-License-Identifier: MIT
 *
 * Rules about one event, and about what came instead of one (DOMAIN §3, §4). An officer ends these alerts.
 */
#include "rules_raise.h"

#include "casework.h"
#include "clock.h"

#include <stdio.h>

static const char *rule_for(const char *status)
{
	static const struct {
		const char *status, *rule;
	} by_status[] = {
		{ "named", "art5-1" },
		{ "recheck", "art5-1" },
		{ "applied", "candidate-accident" },
		{ "province_review", "candidate-accident" },
		{ "province_publicity", "candidate-accident" },
		{ "recommended", "candidate-accident" },
		{ "national_review", "candidate-accident" },
		{ "national_publicity", "candidate-accident" },
		{ "objection", "candidate-accident" }, /* in a publicity: still a candidate */
	};

	for (size_t i = 0; i < ARRAY_SIZE(by_status); i++)
		if (strcmp(by_status[i].status, status) == 0)
			return by_status[i].rule;
	return "severe-incident";
}

static int follow_confirmation(struct fold *f, const struct rule_event *e, const char *subject)
{
	return store_run(f->store,
			 "UPDATE alert SET unconfirmed = ?1, changed_n = ?2 WHERE subject = ?3 AND state = 'open'"
			 " AND rule IN ('art5-1', 'candidate-accident', 'severe-incident') AND unconfirmed <> ?1",
			 "iit", (int64_t)e->unconfirmed, e->n, subject);
}

/* ---- S1 ---- */

/* A backfill is an event that was not reported while it was news. One that was, and of which a message says only later that a
 * child died, is news again; one that a new policy or a title makes worse is not. */
static bool is_backfill(const struct fold *f, const struct rule_event *e)
{
	int64_t heard = e->told ? e->first_received_at : e->now;

	return heard - e->known_at > policy_clocks(f->policy, clock_local_day(e->now))->page_age_limit_ms;
}

static int call_people(struct fold *f, const struct rule_event *e, struct raise *a)
{
	char status[32];
	int r = rules_designation_on(f->store, e->unit, clock_local_day(e->occurred_at), status);

	a->rule = rule_for(status);
	a->unconfirmed = e->unconfirmed;
	a->paged = !is_backfill(f, e);
	return r < 0 ? r : rules_raise_once(f, a);
}

/* ---- late reports ---- */

static int is_late(struct fold *f, const struct rule_event *e, bool *ret)
{
	int64_t clock_ms = policy_clocks(f->policy, clock_local_day(e->known_at))->nursery_to_county_ms, ours = 0;
	int r = 0;

	*ret = e->first_received_at - e->known_at > clock_ms;
	/* Our own start, stop or disconnect in between: unclear, and nobody is suspected. */
	if (*ret)
		r = store_get_int(f->store, &ours, "SELECT 1 FROM interruption WHERE at >= ? AND at <= ? LIMIT 1", "ii", e->known_at,
				  e->first_received_at);
	*ret = *ret && !ours;
	return MIN(r, 0);
}

/* ---- lowered figures ---- */

/* A figure counts with the worse ones before it: a critical child who dies lowers nothing, one who was never hurt does. */
static const struct {
	const char *figure;
	size_t from; /* first of the figures that are added up */
} figures[] = {
	{ "dead", 0 },	      { "critical", 0 },       { "serious", 0 }, { "minor", 0 },
	{ "adults_dead", 4 }, { "adults_serious", 4 }, { "sick", 6 },	 { "loss_yuan", 7 },
};
#define FIGURES ARRAY_SIZE(figures)

struct told_figures {
	int64_t epoch, seq;       /* of the messages that `here` is of */
	int64_t before[FIGURES];  /* the highest that messages with lower (epoch, seq) told, at least */
	int64_t here[FIGURES];
};

static void turn_message(struct told_figures *t, int64_t epoch, int64_t seq)
{
	if (t->epoch == epoch && t->seq == seq)
		return;
	t->epoch = epoch;
	t->seq = seq;
	for (size_t i = 0; i < FIGURES; i++)
		t->before[i] = MAX(t->before[i], t->here[i]);
}

/* An unknown part is no lower figure, and as an earlier one it is none at all. */
static bool message_lowers(struct told_figures *t, store_stmt *q)
{
	bool lowers = false;

	turn_message(t, store_int(q, FIGURES), store_int(q, FIGURES + 1));
	for (size_t i = 0; i < FIGURES; i++) {
		int64_t sum = 0;
		bool whole = true;

		for (size_t k = figures[i].from; k <= i; k++) {
			sum += store_is_null(q, (int)k) ? 0 : store_int(q, (int)k);
			whole = whole && !store_is_null(q, (int)k);
		}
		lowers = lowers || (whole && sum < t->before[i]);
		t->here[i] = MAX(t->here[i], sum);
	}
	return lowers;
}

static int is_lowered(struct fold *f, const struct rule_event *e, bool *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct told_figures t = { .epoch = -1 };
	int r = store_query(f->store, &q,
			    "SELECT * FROM (SELECT dead, critical, serious, minor, adults_dead, adults_serious, sick, loss_yuan, epoch,"
			    " seq, n FROM incident_message WHERE site = ? AND event = ? ORDER BY epoch DESC, seq DESC, n DESC LIMIT 512)"
			    " ORDER BY epoch, seq, n",
			    "it", e->site_id, e->event);

	*ret = false;
	while (r >= 0 && !*ret && (r = store_step(q)) > 0)
		*ret = message_lowers(&t, q);
	return MIN(r, 0);
}

/* ---- an event ---- */

/* Suspicions: an officer decides, nobody is called. */
static const struct {
	const char *rule;
	int (*holds)(struct fold *f, const struct rule_event *e, bool *ret);
} suspicions[] = {
	{ "late-report", is_late },
	{ "suspected-concealment", is_lowered },
};

int rules_event(struct fold *f, const struct rule_event *e)
{
	char subject[SITE_ID_SIZE + 66];
	struct raise a = { .unit = e->unit, .division = e->division, .site = e->site, .subject = subject, .n = e->n, .now = e->now };
	int r;

	snprintf(subject, sizeof subject, "%s/%s", e->site, e->event);
	r = follow_confirmation(f, e, subject);
	if (r >= 0 && e->severity == 1)
		r = call_people(f, e, &a);
	if (r >= 0 && e->severity == 1)
		r = casework_art5_1(f, e->n, e->now, subject, e->unconfirmed);
	a.unconfirmed = a.paged = false;
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(suspicions); i++) {
		bool holds = false;

		r = suspicions[i].holds(f, e, &holds);
		a.rule = suspicions[i].rule;
		if (r >= 0 && holds)
			r = rules_raise_once(f, &a);
	}
	return r;
}

int rules_liability(struct fold *f, const struct rule_event *e)
{
	char status[32], subject[SITE_ID_SIZE + 66];
	int r = rules_designation_on(f->store, e->unit, clock_local_day(e->occurred_at), status);

	if (r < 0 || strcmp(rule_for(status), "candidate-accident") != 0)
		return r;
	snprintf(subject, sizeof subject, "%s/%s", e->site, e->event);
	return rules_raise_once(f, &(struct raise){ .rule = "candidate-accident", .unit = e->unit, .division = e->division,
						    .site = e->site, .subject = subject, .n = e->n, .now = e->now });
}

/* ---- a title that is learnt of later ---- */

/* Of an S1 event, or one that a nursery is liable for, whose unit was titled or a candidate on its day. What was raised then is
 * an officer's business: nothing more was learnt of it. */
static int tell_title(struct fold *f, store_stmt *q, const char *unit, int64_t n, int64_t now)
{
	struct rule_event e = {
		.n = n, .now = now, .unit = unit, .site_id = store_int(q, 0), .site = store_text(q, 1), .event = store_text(q, 2),
		.division = store_text(q, 3), .severity = (int)store_int(q, 4), .unconfirmed = store_int(q, 5) != 0,
		.occurred_at = store_int(q, 6), .known_at = store_int(q, 7), .first_received_at = store_int(q, 8),
	};
	char status[32], subject[SITE_ID_SIZE + 66];
	int r = rules_designation_on(f->store, unit, clock_local_day(e.occurred_at), status);

	if (r < 0 || strcmp(rule_for(status), "severe-incident") == 0)
		return r; /* that alert was raised when the event came */
	snprintf(subject, sizeof subject, "%s/%s", e.site, e.event);
	r = rules_was_raised(f, rule_for(status), subject);
	if (r != 0)
		return MIN(r, 0);
	return e.severity == 1 ? rules_event(f, &e) : rules_liability(f, &e);
}

static int tell_titles(struct fold *f, int64_t n, int64_t now, const char *unit, int64_t since)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT i.site, s.code, i.event, i.division, i.severity, i.unconfirmed, i.occurred_at, i.known_at,"
			    " i.first_received_at FROM incident i INDEXED BY incident_by_unit CROSS JOIN site s ON s.id = i.site"
			    " WHERE i.unit = ? AND i.occurred_at >= ? AND (i.severity = 1 OR EXISTS(SELECT 1 FROM liability l"
			    " WHERE l.site = i.site AND l.event = i.event AND l.liable = 'nursery'))"
			    " ORDER BY i.occurred_at, i.site, i.event",
			    "ti", unit, clock_day_start_ms(since));

	while (r >= 0 && (r = store_step(q)) > 0)
		r = tell_title(f, q, unit, n, now);
	return MIN(r, 0);
}

/* The next unit that ever was more than nothing, and since when: 1 found. */
static int next_titled(struct store *s, const char *only, char unit[static UNIT_SIZE], int64_t *ret_since)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT unit, effective_on FROM designation WHERE unit > ?1 AND (?2 IS NULL OR unit = ?2)"
			    " ORDER BY unit, effective_on LIMIT 1",
			    "tt", unit, only);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	snprintf(unit, UNIT_SIZE, "%s", store_text(q, 0));
	*ret_since = store_int(q, 1);
	return 1;
}

int rules_titles(struct fold *f, int64_t n, int64_t now, const char *unit)
{
	char at[UNIT_SIZE] = "";
	int64_t since;
	int r;

	while ((r = next_titled(f->store, unit, at, &since)) > 0) {
		r = tell_titles(f, n, now, at, since);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- what nobody could read ---- */

int rules_is_unreadable_open(struct store *s, const char *site)
{
	int64_t open = 0;
	int r = store_get_int(s, &open,
			      "SELECT 1 FROM alert WHERE subject = ? AND rule = 'incident-unreadable' AND state = 'open' LIMIT 1",
			      "t", site);

	return r < 0 ? r : open != 0;
}

int rules_incident_unreadable(struct fold *f, int64_t n, int64_t now, const char *site, const char *division)
{
	char unit[UNIT_SIZE] = "000000"; /* a topic without a readable division: the province's duty officer */
	int r = rules_is_unreadable_open(f->store, site);

	if (r != 0)
		return MIN(r, 0);
	if (ids_division_valid(division))
		ids_unit_of(division, unit);
	return rules_raise(f, &(struct raise){ .rule = "incident-unreadable", .unit = unit, .division = division, .site = site,
					 .subject = site, .paged = true, .n = n, .now = now });
}

int rules_incident_readable(struct fold *f, int64_t n, int64_t now, const char *site)
{
	return store_run(f->store,
			 "UPDATE alert SET state = 'closed', closed_at = ?2, changed_n = ?1, closed_because = 'a later incident"
			 " of the site was accepted' WHERE subject = ?3 AND rule = 'incident-unreadable' AND state = 'open'",
			 "iit", n, now, site);
}
