/* SPDX-License-Identifier: MIT */
#include "runs.h"

#include "err.h"

#define SHORTEST_MONTH 28

static size_t length_of(const struct said *months, size_t count, enum says says)
{
	size_t i = 0;

	while (i < count && months[i].says == says)
		i++;
	return i;
}

enum run_verdict run_judge(const struct said *newest_first, size_t count, const struct run_rule *rule)
{
	size_t bad = length_of(newest_first, count, SAYS_BAD), good = length_of(newest_first, count, SAYS_GOOD);

	if (bad > 0 && (int64_t)bad >= rule->raise_months)
		return RUN_RAISE;
	if (good == 0 || (int64_t)good < rule->clear_months)
		return RUN_STAYS;
	return newest_first[0].last_day - newest_first[good - 1].last_day + 1 >= rule->clear_days ? RUN_CLEAR : RUN_STAYS;
}

size_t run_months(const struct run_rule *rule)
{
	int64_t clear = MAX(rule->clear_months, rule->clear_days / SHORTEST_MONTH + 2);

	return (size_t)MAX(rule->raise_months, clear);
}
