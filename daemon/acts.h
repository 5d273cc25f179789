/* SPDX-License-Identifier: MIT
 *
 * Engines: what someone does through the API: a POST becomes a ledger row, or a refusal that says why (CONTRACT §2).
 * A row a path; who acts comes from the credential, never from the body.
 */
#pragma once

#include "ingest.h"

struct act_answer {
	int status;
	const char *content_type; /* static */
	struct buf body;          /* the caller frees it */
};

/* 0: answered, whatever the answer; < 0: the store failed, and the answer says so. */
int act_perform(struct ingest *in, const char *method, const char *path, const char *body, size_t len, const char *actor,
		int64_t now, struct act_answer *ret);
void act_refuse_clock(struct act_answer *ret);
