/* SPDX-License-Identifier: MIT
 *
 * The policy file: refused with a reason, or every lookup answers for every day.
 */
#include "fuzz.h"

#include "../../daemon/policy.h"

static void check_lookups(const struct policy *p, int64_t day)
{
	char province[3];

	PROMISE(policy_severity(p, day) && policy_grades(p, day) && policy_clocks(p, day) && policy_usability(p, day));
	PROMISE(policy_reporting(p, day) && policy_groups(p, day) && policy_eligibility(p, day) && policy_quota(p, day));
	PROMISE(policy_province_average(p, day));
	policy_eligible(p, day, "330100");
	PROMISE(policy_recommender(p, day, "659001", province));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf errors = { 0 };
	struct policy *policy = NULL;
	int r = policy_parse((const char *)bytes, len, "fuzz", &policy, &errors);

	PROMISE((r == 0) == (policy != NULL));
	PROMISE((r == 0) == (errors.len == 0));
	for (int64_t day = -40000; policy && day < 60000; day += 10000)
		check_lookups(policy, day);
	policy_free(policy);
	policy = NULL;
	/* A ledger's row: what a file may say is read the same, and whatever is taken is whole. */
	PROMISE(policy_parse_row((const char *)bytes, len, &policy, &errors) == 0 || r < 0);
	for (int64_t day = -40000; policy && day < 60000; day += 10000)
		check_lookups(policy, day);
	policy_free(policy);
	buf_done(&errors);
	return 0;
}
