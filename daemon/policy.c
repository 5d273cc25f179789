/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "err.h"

#include <errno.h>

#define COUNT_MAX 1000000
#define YUAN_MAX INT64_C(1000000000000)
#define WEEK_MS (INT64_C(7) * 24 * 3600 * 1000)

struct policy {
	struct config_versions severity, grades, clocks, usability, reporting, groups, eligibility, quota,
		province_average;
};

static bool digits(const char *text, size_t min, size_t max)
{
	size_t n = strspn(text, "0123456789");

	return text[n] == '\0' && n >= min && n <= max;
}

static bool check_province(const char *text)
{
	return digits(text, 2, 2);
}

static bool check_unit(const char *text)
{
	return digits(text, 6, 6);
}

static bool check_prefix(const char *text)
{
	return digits(text, 2, 6);
}

/* The policy has no defaults: what a person must decide is written down, or the file is refused. */
#define NUMBER(s, member, low, high) \
	{ .path = #member, .type = OPTION_INT, .offset = offsetof(struct s, member), .min = (low), .max = (high) }
#define SPAN(s, key, low, high) \
	{ .path = #key, .type = OPTION_DURATION, .offset = offsetof(struct s, key##_ms), .min = (low), .max = (high) }
#define ANSWER(member_) \
	{ .path = #member_, .type = OPTION_WORD, .offset = offsetof(struct policy_eligibility, member_), \
	  .words = "no|yes|ask" }
#define CODES(member_, check_, wants_) \
	{ .path = #member_, .type = OPTION_TEXTS, .offset = offsetof(struct policy_eligibility, member_), \
	  .max = POLICY_CODES_MAX, .check = check_, .wants = wants_ }

static const struct option severity_rows[] = {
	CONFIG_VERSION_ROWS,
	NUMBER(policy_severity, s1_children_serious, 1, COUNT_MAX),
	NUMBER(policy_severity, s1_sick_poisoning, 1, COUNT_MAX),
	{ .path = "s1_grade_from", .type = OPTION_WORD, .offset = offsetof(struct policy_severity, s1_grade_from),
	  .min = POLICY_GRADE_ORDINARY, .words = "ordinary|larger|major|exceptional" },
	NUMBER(policy_severity, s2_infectious_cluster_sick, 1, COUNT_MAX),
	NUMBER(policy_severity, missing_window_minutes, 0, 1440),
	NUMBER(policy_severity, unconfirmed_window_minutes, 0, 1440),
};

#define GRADE_ROWS(grade) \
	NUMBER(policy_grades, grade.dead, 1, COUNT_MAX), NUMBER(policy_grades, grade.serious, 1, COUNT_MAX), \
	NUMBER(policy_grades, grade.loss_yuan, 1, YUAN_MAX)

static const struct option grades_rows[] = {
	CONFIG_VERSION_ROWS,
	GRADE_ROWS(exceptional),
	GRADE_ROWS(major),
	GRADE_ROWS(larger),
};

static const struct option clocks_rows[] = {
	CONFIG_VERSION_ROWS,
	SPAN(policy_clocks, nursery_to_county, 60000, WEEK_MS),
	SPAN(policy_clocks, level_up, 60000, WEEK_MS),
	SPAN(policy_clocks, supplement, 60000, 60 * WEEK_MS),
	SPAN(policy_clocks, supplement_fire_traffic, 60000, 60 * WEEK_MS),
	SPAN(policy_clocks, page_age_limit, 60000, 60 * WEEK_MS),
};

static const struct option usability_rows[] = {
	CONFIG_VERSION_ROWS,
	NUMBER(policy_usability, usable_days, 0, 366),
	NUMBER(policy_usability, fresh_days, 0, 366),
};

static const struct option reporting_rows[] = {
	CONFIG_VERSION_ROWS,
	{ .path = "timely_by", .type = OPTION_TIME, .offset = offsetof(struct policy_reporting, timely_by_ms) },
};

#define GROUP_ROWS(group) \
	NUMBER(policy_groups, group.children, 1, 1000), NUMBER(policy_groups, group.children_per_carer, 1, 1000)

static const struct option groups_rows[] = {
	CONFIG_VERSION_ROWS,
	GROUP_ROWS(infant),
	GROUP_ROWS(toddler),
	GROUP_ROWS(older),
	GROUP_ROWS(mixed),
	GROUP_ROWS(family_point),
};

static const struct option eligibility_rows[] = {
	CONFIG_VERSION_ROWS,
	ANSWER(municipality_district),
	ANSWER(prefecture),
	ANSWER(province_direct),
	CODES(municipalities, check_province, "two digits of a province"),
	CODES(ask, check_unit, "six digits of a unit"),
	CODES(corps_prefixes, check_prefix, "the first digits of units"),
	{ .path = "corps", .type = OPTION_TEXT, .offset = offsetof(struct policy_eligibility, corps) },
};

static const struct option quota_rows[] = {
	CONFIG_VERSION_ROWS,
	NUMBER(policy_quota, share_per_mille, 0, 1000),
	NUMBER(policy_quota, cycle_years, 1, 10),
	NUMBER(policy_quota, publicity_working_days, 1, 100),
	{ .path = "publication_day_counts", .type = OPTION_BOOL,
	  .offset = offsetof(struct policy_quota, publication_day_counts) },
};

static const struct option province_average_rows[] = {
	CONFIG_VERSION_ROWS,
	NUMBER(policy_province_average, min_units_share_per_mille, 0, 1000),
	NUMBER(policy_province_average, official_max_age_days, 0, 3660),
};

#define SECTION(name_) \
	{ .name = #name_, .rows = name_##_rows, .row_count = ARRAY_SIZE(name_##_rows), \
	  .size = sizeof(struct policy_##name_), .offset = offsetof(struct policy, name_) }

static const struct config_section sections[] = {
	SECTION(severity), SECTION(grades),      SECTION(clocks), SECTION(usability),        SECTION(reporting),
	SECTION(groups),   SECTION(eligibility), SECTION(quota),  SECTION(province_average),
};

#define LOOKUP(name_) \
	const struct policy_##name_ *policy_##name_(const struct policy *p, int64_t day) \
	{ \
		return config_version_on(&p->name_, day); \
	}

LOOKUP(severity)
LOOKUP(grades)
LOOKUP(clocks)
LOOKUP(usability)
LOOKUP(reporting)
LOOKUP(groups)
LOOKUP(eligibility)
LOOKUP(quota)
LOOKUP(province_average)

int policy_parse(const char *bytes, size_t len, const char *name_for_errors, struct policy **ret, struct buf *errors)
{
	_cleanup_(policy_freep) struct policy *p = xcalloc(1, sizeof *p);
	int r = config_read_versions(bytes, len, name_for_errors, sections, ARRAY_SIZE(sections), p, errors);

	if (r < 0)
		return r;
	*ret = p;
	p = NULL; /* ownership moved to the caller */
	return 0;
}

int policy_load(const char *path, struct policy **ret, struct buf *bytes, struct buf *errors)
{
	struct buf own = { 0 };
	struct buf *b = bytes ? bytes : &own;
	int r;

	buf_reset(b);
	r = config_read_bytes(path, POLICY_BYTES_MAX, b);
	if (r < 0)
		buf_printf(errors, "%s: the policy cannot be read: %s\n", path, strerror(-r));
	else
		r = policy_parse(b->p, b->len, path, ret, errors);
	buf_done(&own);
	return r;
}

void policy_free(struct policy *p)
{
	if (p)
		config_release_versions(sections, ARRAY_SIZE(sections), p);
	free(p);
}

void policy_freep(struct policy **p)
{
	policy_free(*p);
}

static bool among(char *const *codes, const char *unit)
{
	for (; *codes; codes++)
		if (strncmp(unit, *codes, strlen(*codes)) == 0)
			return true;
	return false;
}

enum policy_answer policy_eligible(const struct policy *p, int64_t day, const char *unit)
{
	const struct policy_eligibility *e = policy_eligibility(p, day);

	if (among(e->ask, unit))
		return POLICY_ASK;
	if (among(e->municipalities, unit))
		return (enum policy_answer)e->municipality_district;
	if (strncmp(unit + 2, "90", 2) == 0)
		return (enum policy_answer)e->province_direct;
	return (enum policy_answer)e->prefecture;
}

const char *policy_recommender(const struct policy *p, int64_t day, const char *unit, char province[static 3])
{
	const struct policy_eligibility *e = policy_eligibility(p, day);

	if (among(e->corps_prefixes, unit))
		return e->corps;
	memcpy(province, unit, 2);
	province[2] = '\0';
	return province;
}
