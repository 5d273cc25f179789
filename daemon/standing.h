/* SPDX-License-Identifier: MIT
 *
 * Meaning: where a site belongs on a day. That is the division of its earliest accepted registration, until the
 * official register or an officer's act moves it (CONTRACT §1 "A site's division"). What they state of a site is a row of
 * table `register` (register.h); an empty cell of it is no statement (DOMAIN §2).
 */
#pragma once

#include "facts.h"
#include "schema.h"

/* The division and unit where the site belongs on the day: the register's, else those of the hot state; "" before its
 * registration. */
int standing_place(struct store *s, const struct streams *t, const struct site *site, int64_t day,
		   char division[static 7], char unit[static UNIT_SIZE]);

/* The same in SQL is STANDING_UNIT (schema.h); and the rows s (id, code, unit) that belong to a unit on a day, for a FROM clause. */
#define STANDING_SITES(of_unit, day) \
	"(SELECT id, code, unit FROM site WHERE unit = " of_unit " UNION SELECT s.id, s.code, s.unit FROM register g" \
	" CROSS JOIN site s ON s.code = g.site WHERE g.unit = " of_unit " AND s.unit <> '') s WHERE " STANDING_UNIT(day) " = " of_unit

/* Marks the days first…last of every unit that the site ever belongs to. */
int standing_mark(struct fold *f, const struct site *site, int64_t first, int64_t last);

/* The same for a period that many facts touch whole (dirty.h). */
int standing_mark_period(struct fold *f, const struct site *site, int64_t first, int64_t last);

/* A statement of a site was just folded: its days from effective_on are computed again. */
int standing_changed(struct fold *f, const char *site, int64_t effective_on);

/* Is there any row that moves a site? Read once when the hot state is loaded. */
int standing_load(struct fold *f);
