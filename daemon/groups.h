/* SPDX-License-Identifier: MIT
 *
 * Meaning: the classes of one report against the policy of its day (DOMAIN §2, group rules). Pure.
 */
#pragma once

#include "policy.h"

struct groups_said {
	int64_t groups;          /* with children and known counts; without children there is no group */
	int64_t ok;              /* within size and ratio */
	int64_t short_of_carers; /* too many children a carer */
	int64_t unknown;         /* left out: a count is null */
};
/* classes: as table enrolment has them ("type children carers;", "-" unknown), NULL: not told. A family point is one
 * group, whatever its classes; a null count in one of them leaves the point out. */
void groups_judge(const struct policy_groups *p, bool family_point, const char *classes, struct groups_said *ret);
