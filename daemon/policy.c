/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "err.h"

#include <errno.h>

#define COUNT_MAX 1000000
#define YUAN_MAX INT64_C(1000000000000)
#define WEEK_MS (INT64_C(7) * 24 * 3600 * 1000)

struct policy {
	struct config_versions severity, grades, clocks, usability, reporting, groups, eligibility, quota,
		province_average, regress, ineffective, falsification, key_indicators, satisfaction, worklist, escalation,
		freeze;
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

static bool check_indicator(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n <= 64 && text[n] == '\0';
}

/* "1.96": one to three digits, and at most fifteen behind a point. */
static bool check_z(const char *text)
{
	size_t whole = strspn(text, "0123456789"), part;

	if (whole < 1 || whole > 3 || text[whole] == '\0')
		return whole >= 1 && whole <= 3;
	part = strspn(text + whole + 1, "0123456789");
	return text[whole] == '.' && part >= 1 && part <= 15 && text[whole + 1 + part] == '\0';
}

/* The policy has no defaults: what a person must decide is written down, or the file is refused.
 *
 * But a ledger holds policies that were written before a group, or a key of it, existed, and the fold must read them for
 * ever. So what was added after the first version has a text X_since beside its rows: the group as it was introduced, one key
 * a line. It stands for what such an old row does not say, and a file without the group is refused with these very lines to
 * paste. FROZEN: changed, it would fold old ledgers to something else. A new key of an old group: the group gets a text, too. */
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
	NUMBER(policy_usability, usable_days, 0, USABLE_DAYS_MAX),
	NUMBER(policy_usability, fresh_days, 0, USABLE_DAYS_MAX),
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

#define SHARE(s, member) NUMBER(s, member, 0, 1000)

static const struct option regress_rows[] = {
	CONFIG_VERSION_ROWS,
	SHARE(policy_regress, raise_at_most_per_mille),
	SHARE(policy_regress, clear_at_least_per_mille),
	NUMBER(policy_regress, months, 1, 12),
	SHARE(policy_regress, completeness_per_mille),
};
static const char regress_since[] =
	"regress = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"local rule (管理办法 第五条第二项：工作退步)\";\n"
	"\traise_at_most_per_mille = 950;\n"
	"\tmonths = 2;\n"
	"\tclear_at_least_per_mille = 980;\n"
	"\tcompleteness_per_mille = 900;\n"
	"} );\n";

static const struct option ineffective_rows[] = {
	CONFIG_VERSION_ROWS,
	SHARE(policy_ineffective, rectifications_overdue_above_per_mille),
	SHARE(policy_ineffective, inspections_done_below_per_mille),
	SHARE(policy_ineffective, clear_overdue_below_per_mille),
	NUMBER(policy_ineffective, months, 1, 12),
	NUMBER(policy_ineffective, annual_inputs_overdue_days, 0, 366),
};
static const char ineffective_since[] =
	"ineffective = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"local rule (管理办法 第五条第二项：措施不力; annual inputs: 第七条)\";\n"
	"\trectifications_overdue_above_per_mille = 200;\n"
	"\tinspections_done_below_per_mille = 900;\n"
	"\tmonths = 2;\n"
	"\tclear_overdue_below_per_mille = 100;\n"
	"\tannual_inputs_overdue_days = 30;\n"
	"} );\n";

static const struct option falsification_rows[] = {
	CONFIG_VERSION_ROWS,
	NUMBER(policy_falsification, flags_above, 0, COUNT_MAX),
};
static const char falsification_since[] =
	"falsification = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"local rule (管理办法 第五条第二项：弄虚作假)\";\n"
	"\tflags_above = 3;\n"
	"} );\n";

static const struct option key_indicators_rows[] = {
	CONFIG_VERSION_ROWS,
	{ .path = "indicators", .type = OPTION_TEXTS, .offset = offsetof(struct policy_key_indicators, indicators),
	  .min = 1, .max = POLICY_CODES_MAX, .check = check_indicator, .wants = "an indicator's id" },
	NUMBER(policy_key_indicators, clear_at_least_per_mille, 1000, 2000),
	NUMBER(policy_key_indicators, clear_days, 1, 366),
};
static const char key_indicators_since[] =
	"key_indicators = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"国卫人口发〔2021〕17号 一、总体要求（千人口托位数）、三(二)（入托率、千人口托位数）; clear_*: local rule\";\n"
	"\tindicators = [ \"places_per_1000\", \"enrolment_rate\" ];\n"
	"\tclear_at_least_per_mille = 1020;\n"
	"\tclear_days = 31;\n"
	"} );\n";

static const struct option satisfaction_rows[] = {
	CONFIG_VERSION_ROWS,
	SHARE(policy_satisfaction, red_below_per_mille),
	SHARE(policy_satisfaction, amber_below_per_mille),
	SHARE(policy_satisfaction, clear_from_per_mille),
	NUMBER(policy_satisfaction, clear_rounds, 1, 10),
	NUMBER(policy_satisfaction, enough_answers, 1, COUNT_MAX),
	SHARE(policy_satisfaction, enough_share_per_mille),
	SHARE(policy_satisfaction, least_share_per_mille),
	SHARE(policy_satisfaction, sites_share_per_mille),
	SHARE(policy_satisfaction, institutions_share_per_mille),
	NUMBER(policy_satisfaction, suppressed_below, 0, 1000),
	{ .path = "z", .type = OPTION_TEXT, .offset = offsetof(struct policy_satisfaction, z), .check = check_z,
	  .wants = "a decimal number such as 1.96" },
};
static const char satisfaction_since[] =
	"satisfaction = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"local rule (管理办法 第五条第三项：满意度不高); z: the normal distribution's 0.975 quantile\";\n"
	"\tred_below_per_mille = 800;\n"
	"\tamber_below_per_mille = 850;\n"
	"\tclear_from_per_mille = 830;\n"
	"\tclear_rounds = 2;\n"
	"\tenough_answers = 100;\n"
	"\tenough_share_per_mille = 600;\n"
	"\tleast_share_per_mille = 200;\n"
	"\tsites_share_per_mille = 300;\n"
	"\tinstitutions_share_per_mille = 600;\n"
	"\tsuppressed_below = 5;\n"
	"\tz = \"1.959963984540054\";\n"
	"} );\n";

static const struct option worklist_rows[] = {
	CONFIG_VERSION_ROWS,
	NUMBER(policy_worklist, silent_working_days, 1, 366),
	NUMBER(policy_worklist, breach_open_days, 1, 366),
	NUMBER(policy_worklist, clean_open_days, 1, 366),
};
static const char worklist_since[] =
	"worklist = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"local rule\";\n"
	"\tsilent_working_days = 8;\n"
	"\tbreach_open_days = 3;\n"
	"\tclean_open_days = 5;\n"
	"} );\n";

static const struct option escalation_rows[] = {
	CONFIG_VERSION_ROWS,
	SPAN(policy_escalation, next_contact, 1000, WEEK_MS),
	SPAN(policy_escalation, province, 1000, WEEK_MS),
};
static const char escalation_since[] =
	"escalation = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"local rule\";\n"
	"\tnext_contact = \"5m\";\n"
	"\tprovince = \"15m\";\n"
	"} );\n";

static const struct option freeze_rows[] = {
	CONFIG_VERSION_ROWS,
	NUMBER(policy_freeze, days_after_month_end, 1, 366),
	SPAN(policy_freeze, quiet, 1000, 4 * WEEK_MS),
};
static const char freeze_since[] =
	"freeze = ( {\n"
	"\teffective_on = \"2021-01-01\";\n"
	"\tsource = \"local rule\";\n"
	"\tdays_after_month_end = 10;\n"
	"\tquiet = \"24h\";\n"
	"} );\n";

#define SECTION_SINCE(name_, since_) \
	{ .name = #name_, .rows = name_##_rows, .row_count = ARRAY_SIZE(name_##_rows), \
	  .size = sizeof(struct policy_##name_), .offset = offsetof(struct policy, name_), .since = since_ }
#define SECTION(name_) SECTION_SINCE(name_, NULL)
#define ADDED(name_) SECTION_SINCE(name_, name_##_since)

static const struct config_section sections[] = {
	SECTION(severity),      SECTION(grades),      SECTION(clocks),       SECTION(usability),    SECTION(reporting),
	SECTION(groups),        SECTION(eligibility), SECTION(quota),        SECTION(province_average),
	ADDED(regress),         ADDED(ineffective),   ADDED(falsification),  ADDED(key_indicators), ADDED(satisfaction),
	ADDED(worklist),        ADDED(escalation),    ADDED(freeze),
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
LOOKUP(regress)
LOOKUP(ineffective)
LOOKUP(falsification)
LOOKUP(key_indicators)
LOOKUP(satisfaction)
LOOKUP(worklist)
LOOKUP(escalation)
LOOKUP(freeze)

static int parse(const char *bytes, size_t len, const char *name, bool fill, struct policy **ret, struct buf *errors)
{
	_cleanup_(policy_freep) struct policy *p = xcalloc(1, sizeof *p);
	struct config_dated what = { .sections = sections, .count = ARRAY_SIZE(sections), .target = p, .fill = fill };
	int r = config_read_versions(bytes, len, name, &what, errors);

	if (r < 0)
		return r;
	*ret = p;
	p = NULL; /* ownership moved to the caller */
	return 0;
}

int policy_parse(const char *bytes, size_t len, const char *name_for_errors, struct policy **ret, struct buf *errors)
{
	return parse(bytes, len, name_for_errors, false, ret, errors);
}

int policy_parse_row(const char *bytes, size_t len, struct policy **ret, struct buf *errors)
{
	return parse(bytes, len, "policy", true, ret, errors);
}

const char *policy_since(const char *group)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(sections[i].name, group) == 0)
			return sections[i].since;
	return NULL;
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

/* Of groups of numbers alone: a version is zeroed before it is read, so its bytes behind the head can be compared. */
static bool versions_alike(const struct config_versions *a, const struct config_versions *b)
{
	const size_t head = sizeof(struct config_version);

	for (size_t i = 0; i < a->count && a->count == b->count; i++) {
		const char *one = (const char *)a->first + i * a->size, *other = (const char *)b->first + i * b->size;
		int64_t from = ((const struct config_version *)(const void *)one)->effective_on;

		if (from != ((const struct config_version *)(const void *)other)->effective_on ||
		    memcmp(one + head, other + head, a->size - head) != 0)
			return false;
	}
	return a->count == b->count;
}

bool policy_judges_alike(const struct policy *a, const struct policy *b)
{
	return versions_alike(&a->severity, &b->severity) && versions_alike(&a->grades, &b->grades) &&
	       versions_alike(&a->clocks, &b->clocks);
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
