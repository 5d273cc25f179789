/* SPDX-License-Identifier: MIT
 *
 * Meaning: the words of the incident feed. Their numbers are stored: add at the end only. The word tables end with
 * NULL.
 */
#pragma once

#include "collector.h"

enum incident_stage {
	STAGE_FIRST,
	STAGE_FOLLOW_UP,
	STAGE_FINAL,
	STAGE_COUNT,
};

enum incident_type {
	INCIDENT_FALL,
	INCIDENT_BURN,
	INCIDENT_CHOKING,
	INCIDENT_POISONING,
	INCIDENT_FOOD_POISONING,
	INCIDENT_INFECTIOUS_CLUSTER,
	INCIDENT_DROWNING,
	INCIDENT_TRAFFIC,
	INCIDENT_FIRE,
	INCIDENT_COLLAPSE,
	INCIDENT_MISSING_CHILD,
	INCIDENT_WRONG_PICKUP,
	INCIDENT_ABUSE_SUSPECTED,
	INCIDENT_SEXUAL_ABUSE_SUSPECTED,
	INCIDENT_INTRUSION,
	INCIDENT_ANIMAL,
	INCIDENT_MEDICAL,
	INCIDENT_SLEEP_DEATH,
	INCIDENT_OTHER,
	INCIDENT_COUNT,
};

/* Bits of struct incident's `measures`. */
enum measure {
	MEASURE_EVACUATED,
	MEASURE_CALLED_110,
	MEASURE_CALLED_119,
	MEASURE_CALLED_120,
	MEASURE_GUARDIANS_TOLD,
	MEASURE_SERVICES_STOPPED,
	MEASURE_SCENE_KEPT,
	MEASURE_OTHER,
	MEASURE_COUNT,
};

extern const char *const incident_stage_words[STAGE_COUNT + 1];
extern const char *const incident_type_words[INCIDENT_COUNT + 1];
extern const char *const measure_words[MEASURE_COUNT + 1];

extern const struct collector collector_incident;

/* Judges an event again because time passed (a `due` row); 0 also when there is no such event. */
int incident_refresh(struct fold *f, int64_t n, int64_t now, const struct site *site, const char *event);
