/* SPDX-License-Identifier: MIT */
#include "quota.h"

#include "ids.h"
#include "objects.h"

#include <stdio.h>

int quota_of(struct store *s, const struct policy *p, int64_t day, const char *unit, const char *cycle, struct quota *ret)
{
	_cleanup_(freep) char(*units)[UNIT_SIZE] = NULL;
	char province[3], other[3];
	const char *recommender = policy_recommender(p, day, unit, province);
	size_t count = 0;
	int r;

	snprintf(province, sizeof province, "%.2s", unit);
	*ret = (struct quota){ 0 };
	r = object_units_of(s, province, &units, &count);
	for (size_t i = 0; r >= 0 && i < count; i++) {
		int64_t put_forward = 0;

		if (policy_eligible(p, day, units[i]) != POLICY_YES ||
		    strcmp(policy_recommender(p, day, units[i], other), recommender) != 0)
			continue;
		ret->eligible++;
		r = store_get_int(s, &put_forward,
				  "SELECT 1 FROM designation_event WHERE unit = ? AND act = 'recommend' AND cycle = ? LIMIT 1", "tt", units[i],
				  cycle);
		ret->used += put_forward;
	}
	ret->limit = ret->eligible * policy_quota(p, day)->share_per_mille / 1000;
	return MIN(r, 0);
}
