/* SPDX-License-Identifier: MIT
 *
 * Engines: what someone does through the API: a POST becomes a ledger row, or a refusal that says why (CONTRACT §2).
 * A row a path; who acts comes from the credential, never from the body.
 */
#pragma once

#include "ingest.h"
#include "verify.h"

struct act_answer {
	int status;
	const char *content_type; /* static */
	struct buf body;          /* the caller frees it */
};

/* 0: answered, whatever the answer; < 0: the store failed, and the answer says so. */
int act_perform(struct ingest *in, const char *method, const char *path, const char *body, size_t len, const char *actor,
		int64_t now, struct act_answer *ret);
/* r: what rebuild_step said last, or < 0; report may be NULL then. */
void act_answer_rebuild(struct act_answer *ret, int r, const struct rebuild_report *report, const char *why);
void act_refuse_clock(struct act_answer *ret);
/* An act that is no ledger row: {"detail":…}, or a problem from 400 on. */
void act_answer_plain(struct act_answer *ret, int status, const char *detail);
