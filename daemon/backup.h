/* SPDX-License-Identifier: MIT
 *
 * Engines: a copy of the database beside running ingest (DESIGN §4.16). Pages are copied from the writer's connection, some
 * a wake-up: another connection would start again with every commit. What is committed meanwhile is in the copy
 * too. Then a thread with a connection of its own to the copy alone takes it out of WAL, checks the pages and the whole
 * chain, marks it as a copy (restore.h), and only then gives it its name: a file under that name is whole.
 */
#pragma once

#include "hash.h"
#include "store.h"

struct backup_report {
	int64_t n; /* the copy's last ledger row */
	uint8_t hash[HASH_SIZE];
	int64_t bytes;
	char why[160]; /* a sentence, after a failure */
};

struct backup;

/* path: absolute; must not exist. from is borrowed until backup_free. reserve_bytes must stay free on its disk: -ENOSPC before
 * anything is written. -EEXIST, -EACCES and others of open(2). */
int backup_start(struct store *from, const char *from_path, const char *path, int64_t reserve_bytes, int64_t now,
		 struct backup **ret);
/* 1: copying, call again at once; 2: being checked, call again some time; 0: done; < 0: failed, nothing is left behind. */
int backup_step(struct backup *b, struct backup_report *ret);
/* Waits for the check when one runs. What is not done leaves nothing behind. */
void backup_free(struct backup *b);
