/* SPDX-License-Identifier: MIT
 *
 * Simulator: reads divisions.csv, population-*.csv and workdays.csv into a world.
 */
#pragma once

#include "sim_world.h"

/* Divisions of w->province with their weights and the calendar. 0; > 0: told why not. */
int sim_geography_load(struct sim_world *w, const char *data_dir);
/* --data, $NURSERYD_DATADIR, config/data beside the binary's repository, the installed one: the first with a
 * divisions.csv. 0 and *ret, owned by the caller; > 0: told where was looked. */
int sim_geography_find(const char *wish, char **ret);
