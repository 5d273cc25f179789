/* SPDX-License-Identifier: MIT
 *
 * Ports, for config.c only: a text against an option table. config_read_versions() of config.h is here too.
 */
#pragma once

#include "config_notify.h"
#include "config_scan.h"
#include "options.h"

/* Where values go: keys of a table, and lists of groups, each with a table of its own. */
struct config_target {
	const struct option *rows;
	size_t count;
	void *base;
	unsigned int *lines; /* count of them: where each row was found, 0: nowhere */
	struct config_lists {
		const struct config_list *rows;
		size_t count;
		void *base; /* of the rows' offsets */
	} lists[2];
};
/* Every key of the text is looked up and every value put into its place, or told in r->errors. -EINVAL (told): nothing
 * of the text could be read. */
int config_read_options(struct config_reading *r, const char *bytes, size_t len, const struct config_target *target);
void config_release_lists(const struct config_target *target);
