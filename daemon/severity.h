/* SPDX-License-Identifier: MIT
 *
 * Meaning: how bad an incident is (DOMAIN §3). Pure. Each message is judged whole; an event is as bad as the worst
 * of all its accepted messages, live or void: a later, lower figure never lowers it. Thresholds are policy.
 */
#pragma once

#include "../collectors/collector.h"
#include "policy.h"

enum grade { /* the numbers of enum policy_grade; statutory, Order 493 (生产安全事故报告和调查处理条例) 第三条 */
	GRADE_NONE,
	GRADE_ORDINARY,    /* 一般 */
	GRADE_LARGER,      /* 较大 */
	GRADE_MAJOR,       /* 重大 */
	GRADE_EXCEPTIONAL, /* 特别重大 */
};
extern const char *const grade_words[]; /* NULL, "ordinary", "larger", "major", "exceptional" */

struct judged {
	int severity;  /* 1…4 from this message's known figures; a missing child alone is 2 here */
	bool pending;  /* stage first with null among dead, critical, missing: S1 unconfirmed until known */
	enum grade grade;
};

/* day: local day of occurred_at, chooses the policy's version. */
void severity_judge(const struct incident *i, const struct policy *p, int64_t day, struct judged *ret);

/* One message of an event, as stored; an array in rising (epoch, seq). */
struct event_message {
	int64_t epoch, seq;
	int64_t sent_at;
	int severity;
	bool pending;
	bool complete;   /* no null among dead, critical, missing */
	int64_t missing; /* or COUNT_UNKNOWN */
	enum grade grade;
};
struct event_judged {
	int severity;      /* 1…4 */
	bool unconfirmed;  /* severity 1 that does not latch and counts in no indicator */
	enum grade grade;
	int64_t ask_again; /* when time alone changes the answer: the end of the missing window; 0: never */
};
/* missing_window_ms: how long a child may be missing before it counts as S1 (DOMAIN §3, policy). */
void severity_of_event(const struct event_message *m, size_t count, int64_t missing_window_ms, int64_t now,
		       struct event_judged *ret);
