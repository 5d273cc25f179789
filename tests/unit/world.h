/* SPDX-License-Identifier: MIT
 *
 * For test_histories, test_heart and test_turns: a database in a file, with the engines that the daemon has, and a clock of one's own.
 */
#pragma once

#include "../../daemon/ingest_message.h"
#include "../../daemon/recompute.h"
#include "../../daemon/schema.h"
#include "history.h"

#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

#define COMPUTE_MS 1000

/* One database that a history goes into. */
struct world {
	char path[128];
	struct store *store;
	struct ingest in;
	struct recompute rc;
	uint64_t random;
};

static uint64_t seed;

static inline void must(int r, struct world *w, const char *what)
{
	if (r < 0)
		fail_msg("seed %llu: %s: %d %s", (unsigned long long)seed, what, r, store_why(w->store));
}

static inline void change_number(char *text, const char *was, const char *is)
{
	char *at = strstr(text, was);

	assert_non_null(at);
	assert_int_equal(strlen(was), strlen(is));
	memcpy(at, is, strlen(is));
}

/* changed: reports are usable for 9 days only, before March 10; incidents are judged otherwise. */
static inline void policy_bytes(bool changed, struct buf *ret)
{
	struct policy *p = NULL;
	_cleanup_(buf_done) struct buf errors = { 0 };
	_cleanup_(freep) char *whole = NULL;
	char *at, *end;

	assert_int_equal(policy_load("config/policy.conf", &p, ret, &errors), 0);
	policy_free(p);
	if (!changed)
		return;
	whole = xstrdup(ret->p);
	change_number(whole, "s1_children_serious = 3", "s1_children_serious = 1");
	change_number(whole, "s1_sick_poisoning = 5", "s1_sick_poisoning = 3");
	change_number(whole, "missing_window_minutes = 30", "missing_window_minutes = 10");
	change_number(whole, "nursery_to_county = \"1h\"", "nursery_to_county = \"2h\"");
	at = strstr(whole, "usable_days = 31");
	assert_non_null(at);
	end = strstr(at, "} );");
	assert_non_null(end);
	*at = '\0';
	buf_reset(ret);
	buf_printf(ret, "%susable_days = 9; fresh_days = 7;\n}, { effective_on = \"2026-03-10\"; source = \"local rule\";"
		   " usable_days = 31; fresh_days = 7; %s", whole, end);
}

static inline void open_world(struct world *w)
{
	static const char divisions[] = "code,level,name,parent\n330000,province,x,\n330106,county,x,330100\n330402,county,x,330400\n"
					"330203,county,x,330200\n310101,county,x,310100\n";
	const char *directory = getenv("TMPDIR");
	_cleanup_(buf_done) struct buf policy = { 0 };
	struct import_report report;
	int64_t at = clock_day_start_ms(FIRST_DAY);
	int fd;

	*w = (struct world){ .random = seed };
	snprintf(w->path, sizeof w->path, "%s/histories-XXXXXX", directory ? directory : "/tmp");
	fd = mkstemp(w->path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(store_open(w->path, STORE_WRITE, &w->store), 0);
	assert_int_equal(store_exec(w->store, "PRAGMA synchronous=OFF"), 0);
	assert_int_equal(schema_migrate(w->store), 0);
	assert_int_equal(ingest_open(w->store, &w->in), 0);
	policy_bytes(false, &policy);
	must(ingest_policy(&w->in, &policy, "test", at), w, "policy");
	must(ingest_import(&w->in, "divisions", divisions, strlen(divisions), "test", at, &report, NULL), w, "divisions");
	assert_int_equal(recompute_open(w->store, &w->in.fold, &w->rc), 0);
}

static inline void close_world(struct world *w)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	char path[160];

	ingest_done(&w->in);
	store_free(w->store);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		snprintf(path, sizeof path, "%s%s", w->path, endings[i]);
		unlink(path);
	}
}

static inline void compute_all(struct world *w)
{
	int r;

	while ((r = recompute_step(&w->rc, w->in.ledger.head.n, COMPUTE_MS)) > 0)
		;
	must(r, w, "recompute");
}

static inline void freeze(struct world *w, int64_t at)
{
	int count;

	must(ingest_due(&w->in, at, &count), w, "due");
	do {
		compute_all(w);
		must(ingest_freeze(&w->in, at, 500, &count), w, "freeze");
	} while (count > 0);
}

/* ---- what memory says is what the database says ---- */

static inline void same_site(const struct site *a, const struct site *b)
{
	if (strcmp(a->division, b->division) != 0 || strcmp(a->unit, b->unit) != 0 || a->id != b->id || b->dirty || b->changed_feeds)
		fail_msg("seed %llu: site %s is not in memory as in the database", (unsigned long long)seed, a->code);
	for (int i = 0; i < FEEDS_MAX; i++) {
		const struct stream *x = &a->streams[i], *y = &b->streams[i];

		if (x->epoch != y->epoch || x->first != y->first || x->highest != y->highest || x->last_n != y->last_n || x->flags != y->flags)
			fail_msg("seed %llu: stream %d of %s is not in memory as in the database", (unsigned long long)seed, i + 1, a->code);
	}
}

static inline void check_memory(struct world *w)
{
	struct fold *f = &w->in.fold, fresh;
	int64_t due, fresh_due;
	unsigned count = 0;

	must(fold_open(w->store, &fresh), w, "fold_open");
	for (const struct site *site = fresh.streams.sites; site; site = site->hh.next, count++) {
		const struct site *known = streams_find(&f->streams, site->code);

		assert_non_null(known);
		same_site(site, known);
	}
	assert_int_equal(HASH_COUNT(f->streams.sites), count);
	assert_int_equal(f->streams.next_site, fresh.streams.next_site);
	assert_int_equal(f->streams.sites_move, fresh.streams.sites_move);
	assert_int_equal(f->dirty.today, fresh.dirty.today);
	assert_int_equal(f->dirty.past_before, fresh.dirty.past_before);
	assert_int_equal(f->streams.changed_count, 0);
	assert_int_equal(f->streams.undo_count, 0);
	must(fold_next_due(f, &due), w, "due");
	must(fold_next_due(&fresh, &fresh_due), w, "due");
	assert_int_equal(due, fresh_due);
	fold_done(&fresh);
}

/* ---- what tests do and ask ---- */

#define NOON (12 * HOUR_MS)

/* day: of FIRST_DAY */
static inline int64_t at_noon(int64_t day)
{
	return clock_day_start_ms(FIRST_DAY + day) + NOON;
}

static inline void import(struct world *w, int64_t day, const char *kind, const char *csv)
{
	struct import_report told;

	must(ingest_import(&w->in, kind, csv, strlen(csv), "test", at_noon(day), &told, NULL), w, kind);
	assert_int_equal(told.error_count, 0);
}

/* STORE_NULL: no row. */
static inline int64_t number(struct world *w, const char *sql)
{
	_cleanup_(store_finishp) store_stmt *q = NULL;
	int r = store_query_once(w->store, &q, sql, "");

	assert_true(r >= 0);
	r = store_step(q);
	assert_true(r >= 0);
	return r > 0 ? store_int(q, 0) : STORE_NULL;
}
