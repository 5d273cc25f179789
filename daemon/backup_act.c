/* SPDX-License-Identifier: MIT */
#include "backup_act.h"

#include "clock.h"
#include "json.h"
#include "log.h"
#include "timer.h"

#include <errno.h>
#include <stdio.h>

#define COPY_PAUSE_US 2000
#define CHECK_PAUSE_US 50000

bool backup_act_is(const struct http_act *a)
{
	return strcmp(a->path, "/api/v1/backup") == 0;
}

static void refuse(struct backup_act *b, struct http_act *a, int status, const char *title, const char *detail)
{
	struct api_response rs = { 0 };

	api_problem(&rs, status, title, detail, NULL, NULL, NULL);
	http_finish_act(b->http, a, rs.status, rs.content_type, &rs.body);
	api_response_done(&rs);
}

static char *directory_of(const char *path)
{
	char *directory = xstrdup(path), *slash = strrchr(directory, '/');

	if (slash)
		slash[slash == directory] = '\0';
	return directory;
}

/* Beside the database, named by the time: backup-2026-11-28T08:19:17.123Z.db */
static char *path_of_time(const char *directory, int64_t now)
{
	char text[CLOCK_TEXT_SIZE], *whole;

	if (asprintf(&whole, "%s/backup-%s.db", directory, clock_format_time(now, text)) < 0)
		die_oom();
	return whole;
}

/* Absolute. Without a body, or a path in it, of the time; NULL: the body is wrong. */
static char *path_in(const struct backup_act *b, const struct http_act *a, int64_t now)
{
	_cleanup_(json_freep) json *body = NULL;
	_cleanup_(freep) char *directory = directory_of(b->db_path);
	const json *path;
	const char *text;
	size_t offset;
	char *whole;

	if (a->body.len == 0)
		return path_of_time(directory, now);
	if (json_parse(a->body.p, a->body.len, 2, &body, &offset) < 0 || json_kind(body) != JSON_KIND_OBJECT)
		return NULL;
	path = json_get(body, "path");
	if (!path)
		return path_of_time(directory, now);
	if (json_kind(path) != JSON_KIND_TEXT || !*json_text(path))
		return NULL;
	text = json_text(path);
	if (asprintf(&whole, "%s%s%s", *text == '/' ? "" : directory, *text == '/' ? "" : "/", text) < 0)
		die_oom();
	return whole;
}

static const struct {
	int error, status;
	const char *title;
} refusals[] = {
	{ -EEXIST, 409, "There is such a file already; a backup never overwrites" },
	{ -ENOSPC, 507, "The disk has no room for a copy" },
	{ -ENOENT, 422, "There is no such directory" },
	{ -EACCES, 422, "The daemon may not write there" },
	{ -EPERM, 422, "The daemon may not write there" },
	{ -EROFS, 422, "The daemon may not write there" },
};

static void refuse_error(struct backup_act *b, struct http_act *a, int error, const char *why)
{
	_cleanup_(freep) char *directory = directory_of(b->db_path);
	char detail[512];

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].error == error) {
			snprintf(detail, sizeof detail, "it may always write below %.400s; nothing was left behind", directory);
			refuse(b, a, refusals[i].status, refusals[i].title, detail);
			return;
		}
	snprintf(detail, sizeof detail, "%.300s; nothing was left behind", why[0] ? why : strerror(-error));
	refuse(b, a, 500, "The backup failed", detail);
}

static void forget(struct backup_act *b)
{
	b->timer = sd_event_source_disable_unref(b->timer);
	backup_free(b->backup);
	free(b->path);
	b->backup = NULL;
	b->path = NULL;
	b->act = NULL;
}

static void answer(struct backup_act *b, const struct backup_report *report)
{
	_cleanup_(json_freep) json *value = json_new_object();
	struct buf body = { 0 };
	char hash[HASH_HEX_SIZE];

	json_set(value, "path", json_new_text(b->path));
	json_set(value, "n", json_new_int(report->n));
	json_set(value, "hash", json_new_text(hash_hex(report->hash, hash)));
	json_set(value, "bytes", json_new_int(report->bytes));
	json_compact(value, &body);
	http_finish_act(b->http, b->act, 201, NULL, &body);
	buf_done(&body);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct backup_act *b = context;
	struct backup_report report = { 0 };
	int r = reserve_is_low(b->reserve) ? -ENOSPC : backup_step(b->backup, &report);

	(void)usec;
	if (r > 0)
		return timer_set(source, r == 1 ? COPY_PAUSE_US : CHECK_PAUSE_US);
	if (r == 0) {
		b->made++;
		log_info("backup.made", "file=%s row=%lld bytes=%lld", b->path, (long long)report.n, (long long)report.bytes);
		answer(b, &report);
	} else {
		log_error("backup.failed", "file=%s error=%d why=\"%s\" next=\"nothing is left behind; try again\"", b->path, r,
			  report.why);
		refuse_error(b, b->act, r, report.why);
	}
	forget(b);
	return 0;
}

void backup_act_start(struct backup_act *b, struct http_act *a, int64_t now)
{
	_cleanup_(freep) char *path = path_in(b, a, now);
	int r;

	if (b->backup || !path) {
		refuse(b, a, path ? 409 : 400, path ? "A backup is being made" : "This is no path for a backup",
		       path ? "wait until it is done" : "send {\"path\":\"/absolute/or/below/the/database\"}, or nothing");
		return;
	}
	r = reserve_is_low(b->reserve) ? -ENOSPC :
					 backup_start(b->store, b->db_path, path, b->reserve->wanted_bytes, now, &b->backup);
	if (r >= 0)
		r = timer_new(b->event, &b->timer, on_timer, b);
	if (r >= 0)
		r = timer_set(b->timer, 0);
	if (r < 0) {
		forget(b);
		refuse_error(b, a, r, "");
		return;
	}
	b->act = a;
	b->path = path;
	path = NULL; /* ownership moved to the backup at work */
}

void backup_act_stop(struct backup_act *b)
{
	if (b->act)
		refuse(b, b->act, 503, "The daemon is stopping", "no backup was made");
	forget(b);
}
