/* SPDX-License-Identifier: MIT
 *
 * Meaning: the words and places of the enrolment feed. Numbers are stored: add at the end only.
 */
#pragma once

#include "collector.h"

/* Class types, and the places of struct registration's `places`. */
enum class_type {
	CLASS_INFANT,
	CLASS_TODDLER,
	CLASS_OLDER,
	CLASS_MIXED,
	CLASS_COUNT,
};

/* Places in `enrolled`. Under three = the first three. */
enum age_band {
	AGE_UNDER12,
	AGE_M12_23,
	AGE_M24_35,
	AGE_OVER36,
	AGE_COUNT,
};

/* Places in `mode`. */
enum mode {
	MODE_FULLDAY,
	MODE_HALFDAY,
	MODE_HOURLY,
	MODE_TEMPORARY,
	MODE_COUNT,
};

/* 托育机构设置标准/管理规范 2019, DOMAIN §2: children a class at most, children a carer at most. */
struct group_rule {
	int64_t children, children_per_carer;
};

extern const char *const class_words[CLASS_COUNT + 1];
extern const struct group_rule group_rules[CLASS_COUNT];
extern const struct group_rule group_rule_family_point; /* the whole point is one group */

extern const struct collector collector_enrolment;
