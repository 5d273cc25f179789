/* SPDX-License-Identifier: MIT
 *
 * Ports, for config.c only: a text against an option table. config_read_versions() of config.h is here too.
 */
#pragma once

#include "config_scan.h"
#include "options.h"

/* Every key of the text is looked up in the table and every value put into base, or told in r->errors. lines (count of
 * them) says where each row was found, 0: nowhere. -EINVAL (told): nothing of the text could be read. */
int config_read_options(struct config_reading *r, const char *bytes, size_t len, const struct option *rows, size_t count,
			void *base, unsigned int *lines);
