/* SPDX-License-Identifier: MIT
 *
 * Ports: the policy: dated data that the notices leave undefined or that change (DOMAIN, head), from
 * config/policy.conf. Every group is a list of versions with effective_on and source. A lookup gives the version in
 * force on a day, the first one for earlier days; it is never NULL. Pure: the bytes of the policy are a ledger row,
 * and the fold parses them from there. Shares are per mille so that comparisons stay exact.
 */
#pragma once

#include "config.h"

#define POLICY_BYTES_MAX (256 * 1024)
#define POLICY_CODES_MAX 64

enum policy_grade {
	POLICY_GRADE_ORDINARY = 1, /* 一般 */
	POLICY_GRADE_LARGER,       /* 较大 */
	POLICY_GRADE_MAJOR,        /* 重大 */
	POLICY_GRADE_EXCEPTIONAL,  /* 特别重大 */
};

enum policy_answer { POLICY_NO, POLICY_YES, POLICY_ASK };

/* DOMAIN §3 */
struct policy_severity {
	struct config_version version;
	int64_t s1_children_serious;         /* S1 from so many children seriously hurt */
	int64_t s1_sick_poisoning;           /* S1 from so many sick of (food) poisoning */
	int s1_grade_from;                   /* enum policy_grade */
	int64_t s2_infectious_cluster_sick;  /* S2 from so many sick of one infection */
	int64_t missing_window_minutes;      /* a child found within is no S1 */
	int64_t unconfirmed_window_minutes;  /* then an unconfirmed S1 counts as confirmed for the case */
};

/* Any one of the three figures reached gives the grade ("以上" includes the figure). */
struct policy_grade_from {
	int64_t dead, serious, loss_yuan;
};

struct policy_grades {
	struct config_version version;
	struct policy_grade_from exceptional, major, larger;
};

struct policy_clocks {
	struct config_version version;
	int64_t nursery_to_county_ms, level_up_ms, supplement_ms, supplement_fire_traffic_ms;
	int64_t page_age_limit_ms; /* events known longer ago page nobody */
};

/* DOMAIN §2 "usable while ≤ 31 days old": a policy may say fewer, and late data touches no more days than this. */
#define USABLE_DAYS_MAX 31
struct policy_usability {
	struct config_version version;
	int64_t usable_days, fresh_days;
};

struct policy_reporting {
	struct config_version version;
	int64_t timely_by_ms; /* after 00:00 Shanghai */
};

struct policy_group {
	int64_t children, children_per_carer; /* at most */
};

struct policy_groups {
	struct config_version version;
	struct policy_group infant, toddler, older, mixed, family_point;
};

struct policy_eligibility {
	struct config_version version;
	int municipality_district, prefecture, province_direct; /* enum policy_answer */
	char *municipalities[POLICY_CODES_MAX + 1];             /* provinces whose districts are units */
	char *ask[POLICY_CODES_MAX + 1];                        /* units: an officer decides */
	char *corps_prefixes[POLICY_CODES_MAX + 1];             /* units recommended by the corps */
	char *corps;                                            /* 兵团 */
};

struct policy_quota {
	struct config_version version;
	int64_t share_per_mille; /* of a recommender's eligible units in a cycle */
	int64_t cycle_years;
	int64_t publicity_working_days;
	bool publication_day_counts;
};

struct policy_province_average {
	struct config_version version;
	int64_t min_units_share_per_mille; /* of a province's units with a value, else the sum is insufficient */
	int64_t official_max_age_days;
};

/* DOMAIN §4, art5-2-regress. Values of a key indicator against its baseline and the same month a year before. */
struct policy_regress {
	struct config_version version;
	int64_t raise_at_most_per_mille;  /* value ≤ this share of both: a month counts */
	int64_t clear_at_least_per_mille; /* value ≥ this share for as many months: cleared */
	int64_t months;                   /* frozen months running, to raise as to clear */
	int64_t completeness_per_mille;   /* of the month, at least; else it says nothing */
};

/* DOMAIN §4, art5-2-ineffective: any one of the three raises. */
struct policy_ineffective {
	struct config_version version;
	int64_t rectifications_overdue_above_per_mille;
	int64_t inspections_done_below_per_mille; /* of the plan */
	int64_t clear_overdue_below_per_mille;
	int64_t months;                           /* running */
	int64_t annual_inputs_overdue_days;       /* more than so many */
};

/* DOMAIN §4, art5-2-falsification; one hard flag raises at once. */
struct policy_falsification {
	struct config_version version;
	int64_t flags_above; /* unresolved integrity flags of a unit */
};

/* DOMAIN §4 target-missed, below-province; and which indicators art5-2-regress looks at. */
struct policy_key_indicators {
	struct config_version version;
	char *indicators[POLICY_CODES_MAX + 1]; /* ids; that they exist is checked by a test, not here */
	int64_t clear_at_least_per_mille;       /* of the target, of the province's average */
	int64_t clear_days;                     /* running */
};

/* DOMAIN §5 and art5-3. p, the bounds and the shares are compared exactly with n / 1000. */
struct policy_satisfaction {
	struct config_version version;
	int64_t red_below_per_mille;   /* the upper bound, from ballots */
	int64_t amber_below_per_mille; /* p */
	int64_t clear_from_per_mille;  /* the lower bound, in clear_rounds rounds */
	int64_t clear_rounds;
	int64_t enough_answers;        /* insufficient: n < min(enough_answers, enough_share × N), … */
	int64_t enough_share_per_mille;
	int64_t least_share_per_mille;       /* … or n < least_share × N, … */
	int64_t sites_share_per_mille;       /* … or answering sites < sites_share × sites */
	int64_t institutions_share_per_mille; /* institutions: n < this share × N alone */
	int64_t suppressed_below;      /* cells with fewer answers are not shown outside */
	char *z;                       /* of the Wilson interval, decimal: strtod() */
};

/* DOMAIN §4, worklist. */
struct policy_worklist {
	struct config_version version;
	int64_t silent_working_days;
	int64_t breach_open_days; /* over capacity, too few carers: so many open days running */
	int64_t clean_open_days;  /* then it is off the list */
};

/* DOMAIN §4: an S1 or S2 page that nobody acknowledged. */
struct policy_escalation {
	struct config_version version;
	int64_t next_contact_ms, province_ms; /* after the page */
};

/* DOMAIN §2: when a month is frozen. */
struct policy_freeze {
	struct config_version version;
	int64_t days_after_month_end;
	int64_t quiet_ms; /* of a month already past when first computed: so long without new rows for it */
};

struct policy;

/* 0, or -EINVAL with one line an error in errors (`name:line: key: …`). */
int policy_parse(const char *bytes, size_t len, const char *name_for_errors, struct policy **ret, struct buf *errors);
/* A ledger row's bytes: what did not exist yet when they were written is taken as it was introduced (policy.c). */
int policy_parse_row(const char *bytes, size_t len, struct policy **ret, struct buf *errors);
const char *policy_since(const char *group); /* the group as it was introduced; NULL: it was there from the beginning */
/* Reads the file, then the same as policy_parse; bytes (may be NULL) gets what was read, for the ledger. */
int policy_load(const char *path, struct policy **ret, struct buf *bytes, struct buf *errors);
void policy_free(struct policy *p);
void policy_freep(struct policy **p);

const struct policy_severity *policy_severity(const struct policy *p, int64_t day);
const struct policy_grades *policy_grades(const struct policy *p, int64_t day);
const struct policy_clocks *policy_clocks(const struct policy *p, int64_t day);
const struct policy_usability *policy_usability(const struct policy *p, int64_t day);
const struct policy_reporting *policy_reporting(const struct policy *p, int64_t day);
const struct policy_groups *policy_groups(const struct policy *p, int64_t day);
const struct policy_eligibility *policy_eligibility(const struct policy *p, int64_t day);
const struct policy_quota *policy_quota(const struct policy *p, int64_t day);
const struct policy_province_average *policy_province_average(const struct policy *p, int64_t day);
const struct policy_regress *policy_regress(const struct policy *p, int64_t day);
const struct policy_ineffective *policy_ineffective(const struct policy *p, int64_t day);
const struct policy_falsification *policy_falsification(const struct policy *p, int64_t day);
const struct policy_key_indicators *policy_key_indicators(const struct policy *p, int64_t day);
const struct policy_satisfaction *policy_satisfaction(const struct policy *p, int64_t day);
const struct policy_worklist *policy_worklist(const struct policy *p, int64_t day);
const struct policy_escalation *policy_escalation(const struct policy *p, int64_t day);
const struct policy_freeze *policy_freeze(const struct policy *p, int64_t day);

/* Do both judge every incident the same: severity, grades, clocks? Sources are not looked at. */
bool policy_judges_alike(const struct policy *a, const struct policy *b);

/* May a unit (6 digits) take part? */
enum policy_answer policy_eligible(const struct policy *p, int64_t day, const char *unit);
/* Who recommends it: the two digits of its province, or the corps' name. */
const char *policy_recommender(const struct policy *p, int64_t day, const char *unit, char province[static 3]);
