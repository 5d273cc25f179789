/* SPDX-License-Identifier: MIT
 *
 * Whole: the daemon: builds everything in order, turns the loop, frees in reverse; the only module that knows all.
 */
#pragma once

#include "config.h"

/* Until SIGTERM or SIGINT. Takes over the configuration (a reload replaces it). Exit status. */
int daemon_run(struct config *config);
/* nurseryd --fold FILE: lines through the same door and fold with their own clock, offline. Exit status. */
int daemon_fold(const struct config *config, const char *file);
