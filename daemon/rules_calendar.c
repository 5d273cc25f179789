/* SPDX-License-Identifier: MIT
 *
 * The rule about working days (DOMAIN §1): the public period of a title runs into a year of which there is no calendar. Its end is
 * unknown, never a guess, and somebody has to import that year's notice.
 */
#include "rules_raise.h"

#include "clock.h"
#include "procedures.h"
#include "workdays.h"

#include <stdio.h>

/* Does the title's public period, also while an objection holds it up, have an end that nobody knows? */
static int end_is_unknown(struct fold *f, int64_t now, const char *unit, bool *ret)
{
	char status[32], cycle[16];
	int64_t end;
	int r = designation_status(f->store, unit, clock_local_day(now), status, cycle);

	*ret = false;
	if (r < 0 || (strcmp(status, "national_publicity") != 0 && strcmp(status, "objection") != 0))
		return r;
	r = designation_period_end(f->store, f->policy, unit, &end);
	*ret = r == WORKDAYS_UNKNOWN;
	return MIN(r, 0);
}

int rules_public_period(struct fold *f, int64_t n, int64_t now, const char *unit)
{
	char subject[UNIT_SIZE + sizeof "/workdays"];
	bool unknown;
	int r = end_is_unknown(f, now, unit, &unknown);
	const struct raise a = { .rule = "calendar-missing", .unit = unit, .division = unit, .subject = subject, .n = n, .now = now };

	snprintf(subject, sizeof subject, "%s/workdays", unit);
	if (r < 0)
		return r;
	return unknown ? rules_raise_again(f, &a) : rules_clear(f, &a, "the end of the public period is known, or does not matter any more");
}

int rules_calendar(struct fold *f, int64_t n, int64_t now)
{
	char unit[UNIT_SIZE] = "";
	int r;

	for (;;) {
		_cleanup_(store_resetp) store_stmt *q = NULL;

		r = store_query(f->store, &q,
				"SELECT unit FROM designation_event WHERE state = 'national_publicity' AND unit > ? ORDER BY unit LIMIT 1", "t", unit);
		if (r < 0 || (r = store_step(q)) <= 0)
			return r;
		snprintf(unit, sizeof unit, "%s", store_text(q, 0));
		r = rules_public_period(f, n, now, unit);
		if (r < 0)
			return r;
	}
}
