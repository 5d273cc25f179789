/* SPDX-License-Identifier: MIT */
#include "groups.h"

#include "../collectors/enrolment.h"
#include "store.h"

#include <stdlib.h>

static const struct policy_group *rule_of_type(const struct policy_groups *p, int64_t type)
{
	const struct policy_group *const rules[CLASS_COUNT] = {
		[CLASS_INFANT] = &p->infant, [CLASS_TODDLER] = &p->toddler, [CLASS_OLDER] = &p->older, [CLASS_MIXED] = &p->mixed
	};

	return type >= 0 && type < CLASS_COUNT ? rules[type] : NULL;
}

static void judge_group(struct groups_said *said, const struct policy_group *rule, int64_t children, int64_t carers)
{
	bool enough = children <= carers * rule->children_per_carer;

	if (children <= 0)
		return;
	said->groups++;
	said->ok += enough && children <= rule->children;
	said->short_of_carers += !enough;
}

/* 1 read, 0 the end. */
static int next_group(const char **text, int64_t *type, int64_t *children, int64_t *carers)
{
	int64_t *const numbers[] = { type, children, carers };
	char *end;

	if (!**text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		*numbers[i] = STORE_NULL;
		if (**text == '-') {
			++*text;
		} else {
			*numbers[i] = strtoll(*text, &end, 10);
			*text = end;
		}
		if (**text)
			++*text; /* the space, or the semicolon */
	}
	return 1;
}

void groups_judge(const struct policy_groups *p, bool family_point, const char *classes, struct groups_said *ret)
{
	int64_t type = 0, children = STORE_NULL, carers = STORE_NULL, all_children = 0, all_carers = 0;

	*ret = (struct groups_said){ 0 };
	while (classes && next_group(&classes, &type, &children, &carers)) {
		const struct policy_group *rule = rule_of_type(p, type);

		if (children == STORE_NULL || carers == STORE_NULL || !rule) {
			ret->unknown++;
			continue;
		}
		all_children += children;
		all_carers += carers;
		if (!family_point)
			judge_group(ret, rule, children, carers);
	}
	if (family_point && ret->unknown == 0)
		judge_group(ret, &p->family_point, all_children, all_carers);
}
