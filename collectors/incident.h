/* SPDX-License-Identifier: MIT
 *
 * Meaning: the words of the incident feed (their numbers: words.h). The tables end with NULL.
 */
#pragma once

#include "collector.h"
#include "words.h"

extern const char *const incident_stage_words[STAGE_COUNT + 1];
extern const char *const incident_type_words[INCIDENT_COUNT + 1];
extern const char *const measure_words[MEASURE_COUNT + 1];

extern const struct collector collector_incident;

/* Judges an event again because time passed (a `due` row); 0 also when there is no such event. */
int incident_refresh(struct fold *f, int64_t n, int64_t now, const struct site *site, const char *event);

/* Severity, grades or clocks of the policy changed: each message is judged by the version of the day it occurred on, and the
 * rules are told of the events that this changes. What was raised stays. */
int incident_judge_again(struct fold *f, int64_t n, int64_t now);

/* The site's events belong where it belongs now, each by the day it occurred on; of those that move the rules are told. */
int incident_settle(struct fold *f, int64_t n, int64_t now, const struct site *site);
