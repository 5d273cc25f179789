/* SPDX-License-Identifier: MIT */
#include "startup.h"

#include "clock.h"
#include "log.h"
#include "policy.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

#define NEWEST_ROWS 10000 /* checked before the first message; the rest in the background */
#define CLOCK_SLACK_MS (5 * MINUTE_MS)

/* Two daemons on one database would fold each other's messages. */
static int take_lock(const char *db_path)
{
	_cleanup_(freep) char *path = NULL;
	int fd;

	if (asprintf(&path, "%s.lock", db_path) < 0)
		die_oom();
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0) {
		fd = -errno;
		log_error("store.lock", "file=%s why=\"%s\" next=\"stop: the directory must exist and be writable\"", path,
			  strerror(-fd));
		return fd;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		log_error("store.in_use", "file=%s next=\"stop: another nurseryd works on this database\"", path);
		return -EBUSY;
	}
	return fd;
}

static int check_newest(struct base *b)
{
	int64_t to = b->ingest.ledger.head.n, from = MAX(1, to - NEWEST_ROWS + 1), bad;
	uint8_t hash[HASH_SIZE];
	int r = ledger_hash_of(b->store, from - 1, hash);

	if (r > 0)
		r = to > 0 ? ledger_verify(b->store, from, to, hash, &bad) : 0;
	else if (r == 0) {
		bad = from - 1;
		r = 1;
	}
	if (r > 0) {
		b->bad_row = bad;
		/* Not a reason to stop: a report about a hurt child must still come in, and new rows go on from the head. */
		log_error("ledger.broken", "row=%lld next=\"go on taking messages; run nurseryctl verify and call for help\"",
			  (long long)bad);
	}
	return MIN(r, 0);
}

static int open_store(const char *path, struct store **ret)
{
	int r = store_open(path, STORE_WRITE, ret);

	if (r < 0) {
		log_error("store.open", "file=%s why=\"%s\" next=\"stop\"", path, strerror(-r));
		return r;
	}
	/* Killed after an erase: the old bytes may still lie in the WAL. */
	store_checkpoint(*ret, true, NULL);
	r = schema_migrate(*ret);
	if (r > 0)
		log_error("store.newer", "file=%s next=\"stop: this database was written by a newer nurseryd; upgrade\"", path);
	else if (r < 0)
		log_error("store.migrate", "file=%s why=\"%s\" next=\"stop\"", path, store_why(*ret));
	return r > 0 ? -EINVAL : r;
}

int base_open(const struct config *c, struct base *ret)
{
	int r;

	*ret = (struct base){ .lock_fd = -1 };
	ret->lock_fd = take_lock(c->store.path);
	if (ret->lock_fd < 0)
		return ret->lock_fd;
	r = open_store(c->store.path, &ret->store);
	if (r >= 0)
		r = ingest_open(ret->store, &ret->ingest);
	if (r >= 0)
		r = check_newest(ret);
	if (r < 0 && ret->store)
		log_error("store.read", "file=%s why=\"%s\" next=\"stop\"", c->store.path, store_why(ret->store));
	if (r < 0)
		base_close(ret);
	return r;
}

void base_close(struct base *b)
{
	if (b->ingest.store)
		ingest_done(&b->ingest);
	store_free(b->store);
	b->store = NULL;
	closep(&b->lock_fd);
	b->lock_fd = -1;
}

/* ---- shipped data ---- */

void base_data_file(const char *name, struct buf *path)
{
	const char *given = getenv("NURSERYD_DATADIR");
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (given) {
		buf_printf(path, "%s/%s", given, name);
		return;
	}
	self[MAX(len, 0)] = '\0';
	for (int up = 0; up < 3 && (slash = strrchr(self, '/')); up++) {
		*slash = '\0';
		buf_reset(path);
		buf_printf(path, "%s/config/data/%s", self, name);
		if (access(path->p, R_OK) == 0)
			return;
	}
	buf_reset(path);
	buf_printf(path, "%s/%s", NURSERYD_DATADIR, name);
}

static int ship(struct base *b, const char *kind, int64_t now)
{
	_cleanup_(buf_done) struct buf bytes = { 0 }, path = { 0 };
	struct import_report report;
	char name[64];
	int r;

	snprintf(name, sizeof name, "%s.csv", kind);
	base_data_file(name, &path);
	r = config_read_bytes(path.p, IMPORT_BYTES_MAX, &bytes);
	if (r < 0) {
		log_error("shipped_data.unreadable", "file=%s why=\"%s\" next=\"stop: reinstall, or set NURSERYD_DATADIR\"", path.p,
			  strerror(-r));
		return r;
	}
	r = ingest_import(&b->ingest, kind, bytes.p, bytes.len, "shipped", now, &report, NULL);
	if (r == 1) {
		log_error("shipped_data.bad", "file=%s line=%d column=%s rule=\"%s\" next=\"stop\"", path.p,
			  report.errors[0].line, report.errors[0].column, report.errors[0].en);
		return -EINVAL;
	}
	log_info("shipped_data.loaded", "kind=%s rows=%lld", kind, (long long)report.rows);
	return MIN(r, 0);
}

static int ship_missing(struct base *b, int64_t now)
{
	static const char *const kinds[] = { "divisions", "workdays", "designations" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int64_t n = 0;
		int r = store_get_int(b->store, &n, "SELECT n FROM import WHERE kind = ? LIMIT 1", "t", kinds[i]);

		if (r == 0)
			r = ship(b, kinds[i], now);
		if (r < 0)
			return r;
	}
	return 0;
}

int base_load(struct base *b, const struct config *c, int64_t now)
{
	_cleanup_(buf_done) struct buf bytes = { 0 }, errors = { 0 };
	struct policy *policy = NULL;
	int r = policy_load(c->policy_path, &policy, &bytes, &errors);

	policy_free(policy);
	if (r < 0) {
		log_error("policy.refused", "file=%s why=\"%s\" next=\"stop: mend the file\"", c->policy_path,
			  errors.p ? errors.p : strerror(-r));
		return r;
	}
	r = ingest_policy(&b->ingest, &bytes, "configuration", now);
	if (r >= 0)
		r = ship_missing(b, now);
	if (r < 0)
		log_error("store.load", "why=\"%s\" error=%d next=\"stop\"", store_why(b->store), r);
	return r;
}

int64_t base_clock_floor(const struct base *b)
{
	return MAX((int64_t)NURSERYD_BUILD_TIME * SECOND_MS, b->ingest.ledger.head.received_at - CLOCK_SLACK_MS);
}
