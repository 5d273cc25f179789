/* SPDX-License-Identifier: MIT
 *
 * Engines, private to fold*.c: rows that are not messages (`act/…`): policy, imports, due times, the daemon's own, officers'.
 */
#pragma once

#include "fold.h"

/* true: the row is an act; *ret is 0 or an error. */
bool fold_act(struct fold *f, const struct ledger_row *row, int *ret);

/* Of fold.c: hot state that an act changes. */
int fold_load_policy(struct fold *f);
void fold_set_today(struct fold *f, int64_t day);
