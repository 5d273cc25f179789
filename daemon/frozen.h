/* SPDX-License-Identifier: MIT
 *
 * Meaning: frozen months (DOMAIN §2 "Periods"). A month of a unit is frozen 10 days after its end; one that was already
 * past when something was learnt of it, 24 h after the last row that touched it (policy `freeze`). The ledger row
 * `act/due/month` holds the month's values and the SHA-256 of their JSON text, so what was said then can be read for ever
 * and folded again:
 *
 *   {"at":MS,"subject":"330100/2026-10","sha256":"…","rows":[{"indicator":…,"revision":1,"numerator":…,…},…]}
 *
 * A later row may change what the facts say: then the sample is the next revision until it is frozen in its turn. A row
 * holds only the indicators whose revision it freezes.
 */
#pragma once

#include "facts.h"
#include "ledger.h"

/* Where the search stands; zero-initialised to begin. */
struct frozen_walk {
	int64_t month;
	char unit[UNIT_SIZE];
};

/* The next month that is to be frozen at `now`: 1 and topic, payload and time of the row to append; 0 none. Asked only
 * when every marked day is computed. */
int frozen_next(struct fold *f, struct frozen_walk *walk, int64_t now, struct buf *topic, struct buf *payload,
		int64_t *ret_at);

/* The row's values into the table. */
int frozen_fold(struct fold *f, const struct ledger_row *row, const char *subject, char unit[static UNIT_SIZE],
		int64_t *ret_month);

/* The earliest time at which a month may be frozen, behind `after`; INT64_MAX: none is known of. */
int frozen_next_at(struct fold *f, int64_t after, int64_t *ret);
