/* SPDX-License-Identifier: MIT
 *
 * Whole: what happens before the first message, for the daemon and for --fold alike: lock, database, the ledger's
 * newest rows, policy, and the data that ships with the product.
 */
#pragma once

#include "config.h"
#include "ingest.h"

struct base {
	struct store *store;
	struct ingest ingest;
	int lock_fd;
	int64_t bad_row; /* 0: the newest rows of the chain fit */
};

/* Logs what is wrong, once. now: the clock, or the first line's of --fold; 0 when there is none yet. */
int base_open(const struct config *c, struct base *ret);
void base_close(struct base *b);
/* Policy if it changed; divisions, workdays and designations into a new database. */
int base_load(struct base *b, const struct config *c, int64_t now);

/* Where a file of the shipped data lies: $NURSERYD_DATADIR, beside the build tree, or where `make install` put it. */
void base_data_file(const char *name, struct buf *path);

/* Earliest time that the clock may show: the build's, or that of the ledger's last row − 5 min (DESIGN §5). */
int64_t base_clock_floor(const struct base *b);
