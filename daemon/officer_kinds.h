/* SPDX-License-Identifier: MIT
 *
 * Engines: what officers act on (docs/cases.md), a row a path: how the path names the thing, who may do what with it, which guard
 * refuses. The door (officer_acts.h) asks a row about one act and makes the ledger row.
 */
#pragma once

#include "act_body.h"
#include "acts.h"
#include "casework.h"
#include "officer_acts.h"
#include "procedures.h"

#define OFFICER_SEGMENT_MAX 80

/* One act on its way through the door. */
struct acting {
	struct ingest *in;
	const struct officer_request *rq;
	const struct officer_kind *kind;
	struct act_answer *ret;
	char id[OFFICER_SEGMENT_MAX], event[OFFICER_SEGMENT_MAX]; /* of the path */
	char unit[UNIT_SIZE];                      /* that the thing belongs to */
	char key[HASH_HEX_SIZE];                   /* "" none */
	struct buf topic;
	json *body;
	const char *act;
	struct ledger_head row;
	bool done; /* a row was appended */
};

/* What a path names: where it is kept, what may be done with it. */
struct officer_kind {
	const char *prefix, *topic;
	const char *act; /* this act alone; NULL: all others under the prefix */
	int (*examine)(struct acting *a);  /* 0: may be; 1: refused, the answer is set */
	int (*object)(struct acting *a, json **ret); /* for If-Match (etag.h): without what changes by itself */
};
/* act: NULL, not known yet. NULL: no such path. */
const struct officer_kind *officer_kind_of(const char *path, const char *act);

/* 1, and the answer is the problem. */
int officer_refuse(struct acting *a, int status, const char *title, const char *detail);
