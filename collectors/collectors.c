/* SPDX-License-Identifier: MIT
 *
 * The table of feeds: a new one is a file and a line here.
 */
#include "collector.h"
#include "enrolment.h"
#include "incident.h"
#include "registration.h"
#include "survey.h"

#include "../daemon/err.h"

const struct collector *const collectors[] = {
	&collector_registration,
	&collector_enrolment,
	&collector_incident,
	&collector_survey,
};
const size_t collector_count = ARRAY_SIZE(collectors);

const struct collector *collector_of(const char *feed)
{
	for (size_t i = 0; i < collector_count; i++)
		if (strcmp(collectors[i]->feed, feed) == 0)
			return collectors[i];
	return NULL;
}

const struct collector *collector_numbered(int number)
{
	for (size_t i = 0; i < collector_count; i++)
		if (collectors[i]->number == number)
			return collectors[i];
	return NULL;
}
