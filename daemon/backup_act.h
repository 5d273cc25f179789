/* SPDX-License-Identifier: MIT
 *
 * Whole: POST /api/v1/backup {"path":"…"}, answered when the copy has its name: 201 {path, n, hash, bytes}. A relative path is
 * below the directory of the database, which is where the daemon of the shipped unit may write; without one the file is named
 * by the time. One at a time.
 */
#pragma once

#include "backup.h"
#include "http.h"
#include "reserve.h"

#include <systemd/sd-event.h>

struct backup_act {
	sd_event *event;     /* borrowed, like all but the last three */
	struct http *http;
	struct store *store;
	const char *db_path;
	const struct reserve *reserve; /* below it no copy is begun, and one at work is given up */
	sd_event_source *timer;
	struct http_act *act;
	struct backup *backup;
	char *path;
	uint64_t made;
};

bool backup_act_is(const struct http_act *a);
/* Answers, now or later. */
void backup_act_start(struct backup_act *b, struct http_act *a, int64_t now);
/* Before the event loop and HTTP end: what is not done leaves nothing behind. */
void backup_act_stop(struct backup_act *b);
