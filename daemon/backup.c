/* SPDX-License-Identifier: MIT */
#include "backup.h"

#include "ledger.h"
#include "restore.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define PAGES_A_STEP 256               /* 1 MiB: about a millisecond */
#define CHECK_ROWS 2000
#define SPARE_BYTES (INT64_C(64) << 20) /* left on the disk besides the reserve: ingest goes on */

struct backup {
	struct store_copy *copy; /* while copying */
	char *path, *part;
	int64_t made_at;
	pthread_t checker;
	bool checking;
	atomic_bool checked;
	int result;
	struct backup_report report;
};

/* ---- the check, in its own thread ---- */

static int check_pages(struct store *s, struct backup_report *ret)
{
	_cleanup_(store_finishp) store_stmt *q = NULL;
	int r = store_query_once(s, &q, "PRAGMA quick_check(1)", "");

	if (r >= 0)
		r = store_step(q);
	if (r > 0 && strcmp(store_text(q, 0), "ok") == 0)
		return 0;
	snprintf(ret->why, sizeof ret->why, "the copy is damaged: %.100s", r > 0 ? store_text(q, 0) : store_why(s));
	return r < 0 ? r : -EUCLEAN;
}

static int check_chain(struct store *s, struct backup_report *ret)
{
	uint8_t hash[HASH_SIZE] = { 0 };
	struct ledger_head head;
	int64_t bad;
	int r = ledger_last(s, &head);

	for (int64_t n = 0; r >= 0 && n < head.n; n += CHECK_ROWS) {
		r = ledger_verify(s, n + 1, MIN(n + CHECK_ROWS, head.n), hash, &bad);
		if (r > 0) {
			snprintf(ret->why, sizeof ret->why, "ledger row %lld does not fit the chain, here or in the original",
				 (long long)bad);
			return -EUCLEAN;
		}
	}
	ret->n = head.n;
	memcpy(ret->hash, head.hash, HASH_SIZE);
	return r;
}

static int check_copy(struct backup *b)
{
	_cleanup_(store_freep) struct store *s = NULL;
	int r = store_open(b->part, STORE_COPY, &s);

	if (r >= 0)
		r = check_pages(s, &b->report);
	if (r >= 0)
		r = check_chain(s, &b->report);
	if (r >= 0)
		r = restore_mark(s, b->made_at);
	if (r < 0 && !b->report.why[0])
		snprintf(b->report.why, sizeof b->report.why, "the copy cannot be read back: %.100s", s ? store_why(s) : strerror(-r));
	return r;
}

static int sync_path(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int sync_directory(const char *path)
{
	_cleanup_(freep) char *directory = xstrdup(path);
	char *slash = strrchr(directory, '/');

	slash[slash == directory] = '\0';
	return sync_path(directory);
}

/* On the disk before it has its name. */
static int give_name(struct backup *b)
{
	struct stat st;
	int r = sync_path(b->part);

	if (r < 0)
		return r;
	if (stat(b->part, &st) == 0)
		b->report.bytes = st.st_size;
	if (renameat2(AT_FDCWD, b->part, AT_FDCWD, b->path, RENAME_NOREPLACE) < 0)
		return -errno;
	return sync_directory(b->path);
}

static void *check(void *context)
{
	struct backup *b = context;

	b->result = check_copy(b);
	if (b->result >= 0)
		b->result = give_name(b);
	atomic_store(&b->checked, true);
	return NULL;
}

/* ---- copying, on the main thread ---- */

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

static int take_place(const char *part, int64_t bytes)
{
	_cleanup_(closep) int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct statvfs disk;

	if (fd < 0)
		return -errno;
	if (fstatvfs(fd, &disk) == 0 && (int64_t)(disk.f_bavail * disk.f_frsize) < bytes + SPARE_BYTES) {
		unlink(part);
		return -ENOSPC;
	}
	return 0;
}

int backup_start(struct store *from, const char *from_path, const char *path, int64_t reserve_bytes, int64_t now,
		 struct backup **ret)
{
	struct backup *b;
	int r;

	if (access(path, F_OK) == 0)
		return -EEXIST;
	b = xcalloc(1, sizeof *b);
	b->path = xstrdup(path);
	b->made_at = now;
	if (asprintf(&b->part, "%s.part", path) < 0)
		die_oom();
	unlink(b->part); /* of a backup that a crash cut off; there is one writer */
	r = take_place(b->part, size_of(from_path) + store_wal_bytes(from) + reserve_bytes);
	if (r >= 0)
		r = store_copy_start(from, b->part, &b->copy);
	if (r < 0) {
		backup_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

static int begin_check(struct backup *b)
{
	store_copy_free(b->copy);
	b->copy = NULL;
	if (pthread_create(&b->checker, NULL, check, b) != 0)
		return -EAGAIN;
	b->checking = true;
	return 2;
}

int backup_step(struct backup *b, struct backup_report *ret)
{
	int r;

	if (b->copy) {
		r = store_copy_step(b->copy, PAGES_A_STEP);
		if (r != 0)
			return r;
		return begin_check(b);
	}
	if (!atomic_load(&b->checked))
		return 2;
	*ret = b->report;
	return b->result;
}

void backup_free(struct backup *b)
{
	if (!b)
		return;
	if (b->checking)
		pthread_join(b->checker, NULL);
	store_copy_free(b->copy);
	unlink(b->part); /* nothing when it has got its name */
	free(b->part);
	free(b->path);
	free(b);
}
