/* SPDX-License-Identifier: MIT */
#include "severity.h"

#include "../collectors/words.h"
#include "clock.h"

const char *const grade_words[] = { NULL, "ordinary", "larger", "major", "exceptional" };

static int64_t known(int64_t count)
{
	return count == COUNT_UNKNOWN ? 0 : count;
}

/* An injury is any casualty count or a sick person; a child only missing is not hurt. */
static bool injured(const struct incident *i)
{
	return known(i->dead) + known(i->critical) + known(i->serious) + known(i->minor) + known(i->adults_dead) +
		       known(i->adults_serious) + known(i->sick) > 0;
}

static enum grade grade_of(const struct incident *i, const struct policy *p, int64_t day)
{
	int64_t dead = known(i->dead) + known(i->adults_dead);
	int64_t hurt = known(i->critical) + known(i->serious) + known(i->adults_serious);
	int64_t loss = known(i->loss_yuan);

	const struct policy_grades *from = policy_grades(p, day);
	const struct policy_grade_from *steps[] = { &from->exceptional, &from->major, &from->larger };

	for (int step = 0; step < (int)ARRAY_SIZE(steps); step++)
		if (dead >= steps[step]->dead || hurt >= steps[step]->serious || loss >= steps[step]->loss_yuan)
			return (enum grade)(GRADE_EXCEPTIONAL - step);
	return dead > 0 || hurt > 0 || loss > 0 ? GRADE_ORDINARY : GRADE_NONE;
}

static bool is_s1(const struct incident *i, const struct policy_severity *t, enum grade grade)
{
	if (known(i->dead) + known(i->adults_dead) + known(i->critical) > 0)
		return true;
	if (known(i->serious) >= t->s1_children_serious || (int)grade >= t->s1_grade_from)
		return true;
	switch (i->type) {
	case INCIDENT_SEXUAL_ABUSE_SUSPECTED:
		return true;
	case INCIDENT_ABUSE_SUSPECTED:
	case INCIDENT_FIRE:
	case INCIDENT_COLLAPSE:
		return injured(i);
	case INCIDENT_POISONING:
	case INCIDENT_FOOD_POISONING:
		return known(i->sick) >= t->s1_sick_poisoning;
	default:
		return false;
	}
}

static bool is_s2(const struct incident *i, const struct policy_severity *t)
{
	if (known(i->serious) + known(i->adults_serious) + known(i->missing) > 0)
		return true;
	if (i->type == INCIDENT_ABUSE_SUSPECTED)
		return true;
	return i->type == INCIDENT_INFECTIOUS_CLUSTER && known(i->sick) >= t->s2_infectious_cluster_sick;
}

void severity_judge(const struct incident *i, const struct policy *p, int64_t day, struct judged *ret)
{
	const struct policy_severity *t = policy_severity(p, day);

	ret->grade = grade_of(i, p, day);
	ret->pending = i->stage == STAGE_FIRST && (i->dead == COUNT_UNKNOWN || i->critical == COUNT_UNKNOWN ||
						   i->missing == COUNT_UNKNOWN);
	if (is_s1(i, t, ret->grade))
		ret->severity = 1;
	else if (is_s2(i, t))
		ret->severity = 2;
	else
		ret->severity = known(i->minor) + known(i->sick) > 0 ? 3 : 4;
}

/* Of two messages with one identity neither is the later one. */
static bool is_later(const struct event_message *a, const struct event_message *b)
{
	return a->epoch > b->epoch || (a->epoch == b->epoch && a->seq > b->seq);
}

static bool later_complete(const struct event_message *m, size_t count, size_t i)
{
	for (size_t j = i + 1; j < count; j++)
		if (m[j].complete && is_later(&m[j], &m[i]))
			return true;
	return false;
}

/* "a child missing, unless a message of the event with higher (epoch, seq) and sent_at ≤ the first's + 30 min
 * says 0"; the first is the first message that said a child was missing. */
static bool found_in_time(const struct event_message *m, size_t count, size_t i, int64_t until)
{
	for (size_t j = i + 1; j < count; j++)
		if (m[j].missing == 0 && m[j].sent_at <= until && is_later(&m[j], &m[i]))
			return true;
	return false;
}

static bool still_missing(const struct event_message *m, size_t count, int64_t window_ms, int64_t *ret_until)
{
	*ret_until = 0;
	for (size_t i = 0; i < count; i++) {
		if (m[i].missing == COUNT_UNKNOWN || m[i].missing == 0)
			continue;
		if (*ret_until == 0)
			*ret_until = m[i].sent_at + window_ms;
		if (!found_in_time(m, count, i, *ret_until))
			return true;
	}
	return false;
}

void severity_of_event(const struct event_message *m, size_t count, int64_t missing_window_ms, int64_t now,
		       struct event_judged *ret)
{
	bool pending = false;
	int64_t until;

	*ret = (struct event_judged){ .severity = 4 };
	for (size_t i = 0; i < count; i++) {
		ret->severity = MIN(ret->severity, m[i].severity);
		ret->grade = MAX(ret->grade, m[i].grade);
		pending = pending || (m[i].pending && !later_complete(m, count, i));
	}
	if (still_missing(m, count, missing_window_ms, &until)) {
		if (now >= until) {
			ret->severity = 1;
		} else {
			pending = true;
			ret->ask_again = until;
		}
	}
	if (ret->severity > 1 && pending) {
		ret->severity = 1;
		ret->unconfirmed = true;
	}
}
