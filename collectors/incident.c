/* SPDX-License-Identifier: MIT
 *
 * What happened, as far as it is known. Whatever is not known may be left out: a first report must never wait for a
 * figure. Source: CONTRACT §1, `incident`.
 */
#include "incident.h"

#include "../daemon/clock.h"
#include "fields.h"

#include <string.h>

#define LOSS_YUAN_MAX INT64_C(1000000000000)
#define KNOWN_AFTER_SENT_MS (5 * MINUTE_MS)

const char *const incident_stage_words[STAGE_COUNT + 1] = {
	[STAGE_FIRST] = "first",
	[STAGE_FOLLOW_UP] = "follow_up",
	[STAGE_FINAL] = "final",
};

const char *const incident_type_words[INCIDENT_COUNT + 1] = {
	[INCIDENT_FALL] = "fall",
	[INCIDENT_BURN] = "burn",
	[INCIDENT_CHOKING] = "choking",
	[INCIDENT_POISONING] = "poisoning",
	[INCIDENT_FOOD_POISONING] = "food_poisoning",
	[INCIDENT_INFECTIOUS_CLUSTER] = "infectious_cluster",
	[INCIDENT_DROWNING] = "drowning",
	[INCIDENT_TRAFFIC] = "traffic",
	[INCIDENT_FIRE] = "fire",
	[INCIDENT_COLLAPSE] = "collapse",
	[INCIDENT_MISSING_CHILD] = "missing_child",
	[INCIDENT_WRONG_PICKUP] = "wrong_pickup",
	[INCIDENT_ABUSE_SUSPECTED] = "abuse_suspected",
	[INCIDENT_SEXUAL_ABUSE_SUSPECTED] = "sexual_abuse_suspected",
	[INCIDENT_INTRUSION] = "intrusion",
	[INCIDENT_ANIMAL] = "animal",
	[INCIDENT_MEDICAL] = "medical",
	[INCIDENT_SLEEP_DEATH] = "sleep_death",
	[INCIDENT_OTHER] = "other",
};

const char *const measure_words[MEASURE_COUNT + 1] = {
	[MEASURE_EVACUATED] = "evacuated",	     [MEASURE_CALLED_110] = "called_110",
	[MEASURE_CALLED_119] = "called_119",	     [MEASURE_CALLED_120] = "called_120",
	[MEASURE_GUARDIANS_TOLD] = "guardians_told", [MEASURE_SERVICES_STOPPED] = "services_stopped",
	[MEASURE_SCENE_KEPT] = "scene_kept",	     [MEASURE_OTHER] = "other",
};

#define EVENT_MAX 64

static bool event_valid(const char *text)
{
	size_t len = 0;

	for (; text[len]; len++) {
		char c = text[len];

		if (len == EVENT_MAX)
			return false;
		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '.' &&
		    c != '_' && c != '-')
			return false;
	}
	return len > 0;
}

#define AT(member) .offset = offsetof(struct incident, member)
#define COUNT_OR_NULL(key, member) { .name = key, AT(member), .max = COUNT_MAX, .presence = NULLABLE }

static const struct field children_fields[] = {
	COUNT_OR_NULL("dead", dead),
	COUNT_OR_NULL("critical", critical),
	COUNT_OR_NULL("serious", serious),
	COUNT_OR_NULL("minor", minor),
	COUNT_OR_NULL("missing", missing),
	{ 0 },
};

static const struct field adults_fields[] = {
	COUNT_OR_NULL("dead", adults_dead),
	COUNT_OR_NULL("serious", adults_serious),
	{ 0 },
};

/* "Every count" may be absent, so the objects that hold only counts may be, too. */
static const struct field incident_fields[] = {
	{ .name = "event", .type = FIELD_TEXT, AT(event), .size = sizeof(((struct incident *)0)->event),
	  .check = event_valid, .form = "[A-Za-z0-9._-]{1,64}" },
	{ .name = "stage", .type = FIELD_WORD, AT(stage), .words = incident_stage_words },
	{ .name = "occurred_at", .type = FIELD_TIME, AT(occurred_at) },
	{ .name = "known_at", .type = FIELD_TIME, AT(known_at) },
	{ .name = "type", .type = FIELD_WORD, AT(type), .words = incident_type_words, .other_allowed = true,
	  .otherwise = INCIDENT_OTHER },
	{ .name = "children", .type = FIELD_OBJECT, .presence = NULLABLE, .fields = children_fields },
	{ .name = "adults", .type = FIELD_OBJECT, .presence = NULLABLE, .fields = adults_fields },
	COUNT_OR_NULL("sick", sick),
	{ .name = "loss_yuan", .presence = NULLABLE, AT(loss_yuan), .max = LOSS_YUAN_MAX },
	{ .name = "measures", .type = FIELD_WORDS, .presence = NULLABLE, AT(measures),
	  .known = offsetof(struct incident, measures_known), .words = measure_words },
	{ .name = "police_at", .type = FIELD_TIME, .presence = NULLABLE, AT(police_at) },
	{ .name = "services_stopped", .type = FIELD_TRILEAN, .presence = NULLABLE, AT(services_stopped) },
	{ 0 },
};

static void check_order(const char *path, int64_t instant, int64_t latest, struct findings *f)
{
	char got[CLOCK_TEXT_SIZE], want[CLOCK_TEXT_SIZE + 3] = "<= ";

	if (instant == COUNT_UNKNOWN || latest == COUNT_UNKNOWN || instant <= latest)
		return;
	clock_format_time(instant, got);
	clock_format_time(latest, want + strlen(want));
	findings_add(f, W_TIME_RANGE, path, got, want);
}

static void decode(const json *body, int64_t received_day, struct message *m)
{
	const struct reading r = { .received_day = received_day, .findings = &m->findings };
	struct incident *i = &m->facts.incident;

	fields_read(incident_fields, body, &body_path, i, &r);
	check_order("/body/occurred_at", i->occurred_at, i->known_at, &m->findings);
	if (m->sent_at != COUNT_UNKNOWN)
		check_order("/body/known_at", i->known_at, m->sent_at + KNOWN_AFTER_SENT_MS, &m->findings);
}

const struct collector collector_incident = {
	.feed = "incident",
	.number = 3,
	.never_silent = true,
	.decode = decode,
	.apply = NULL,
	.void_message = NULL,
};
