/* SPDX-License-Identifier: MIT
 *
 * Engines: the door of officers' acts (CONTRACT §2): POST …/actions is judged here, whole, and becomes one ledger row, or
 * is answered with what stands against it and is no row. Who acts and in which role comes from the credential alone.
 *
 *   404 no such thing   403 not this role, not this place   412 If-Match   422 the body, or a reused key
 *   409 a guard refuses: {"guard","zh","en"}                201 done (also again, for a repeated key with the same body)
 */
#pragma once

#include "acts.h"
#include "people.h"

struct officer_request {
	const char *path, *body;
	size_t len;
	const struct who *who;
	const char *key, *if_match; /* "" none */
	int64_t now;
};

bool officer_act_is(const char *path);
/* 0: answered, whatever the answer; < 0: the store failed, and the answer says so. */
int officer_act_perform(struct ingest *in, const struct officer_request *rq, struct act_answer *ret);
