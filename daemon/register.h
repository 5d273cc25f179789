/* SPDX-License-Identifier: MIT
 *
 * Meaning: what is stated of a site from a day on, by the official register (imports.h) or by an officer's act (CONTRACT §1 "A
 * site's division"): a row of table `register`, read by standing.h. Of each column the newest statement holds; of two of one day
 * the later row.
 *
 *   {"act":"move","division":"330108","effective_on":"2026-12-01","reason":"…","document":"…"}
 *
 * on a site, folded from the topic act/site/SITE.
 */
#pragma once

#include "facts.h"
#include "ledger.h"

/* NULL or STORE_NULL: no statement. */
struct register_statement {
	const char *site;
	int64_t effective_on;
	const char *division;
	int64_t filing, registration, inclusive;
	const char *source; /* for people: who says so */
};
/* n: the ledger row that says it. */
int register_state(struct fold *f, int64_t n, const struct register_statement *s);

int register_fold_act(struct fold *f, const struct ledger_row *row, const char *site);
