/* SPDX-License-Identifier: MIT */
#include "streams.h"

#include <errno.h>
#include <stdio.h>

/* A site's hot state as it was; created: it did not exist. */
struct undo {
	struct site *site;
	bool created;
	uint8_t changed_feeds;
	char division[7], unit[UNIT_SIZE];
	struct stream streams[FEEDS_MAX];
};

static struct site *add_site(struct streams *t, const char *code, int64_t id)
{
	struct site *site = xcalloc(1, sizeof *site);

	snprintf(site->code, sizeof site->code, "%s", code);
	site->id = id;
	HASH_ADD_STR(t->sites, code, site);
	t->next_site = MAX(t->next_site, id + 1);
	return site;
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static int load_sites(struct store *s, struct streams *t, struct site ***ret_by_id)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t count = 0;
	int r = store_get_int(s, &count, "SELECT ifnull(max(id), 0) FROM site", "");

	if (r < 0)
		return r;
	*ret_by_id = xcalloc((size_t)count + 1, sizeof(struct site *));
	r = store_query(s, &q, "SELECT id, code, division, unit FROM site", "");
	if (r < 0)
		return r;
	while ((r = store_step(q)) > 0) {
		struct site *site = add_site(t, store_text(q, 1), store_int(q, 0));

		copy_text(site->division, sizeof site->division, store_text(q, 2));
		copy_text(site->unit, sizeof site->unit, store_text(q, 3));
		(*ret_by_id)[site->id] = site;
	}
	return r;
}

int streams_load(struct store *s, struct streams *ret)
{
	_cleanup_(freep) struct site **by_id = NULL;
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r;

	*ret = (struct streams){ .next_site = 1 };
	r = load_sites(s, ret, &by_id);
	if (r < 0)
		return r;
	r = store_query(s, &q, "SELECT site, feed, epoch, first, highest, last_n, flags FROM stream", "");
	if (r < 0)
		return r;
	while ((r = store_step(q)) > 0)
		by_id[store_int(q, 0)]->streams[store_int(q, 1) - 1] = (struct stream){
			.epoch = store_int(q, 2),
			.first = store_int(q, 3),
			.highest = store_int(q, 4),
			.last_n = store_int(q, 5),
			.flags = (uint8_t)store_int(q, 6),
		};
	return r;
}

void streams_done(struct streams *t)
{
	struct site *site, *next;

	HASH_ITER(hh, t->sites, site, next) {
		HASH_DEL(t->sites, site);
		free(site);
	}
	free(t->undo);
	free(t->changed);
	*t = (struct streams){ 0 };
}

struct site *streams_find(const struct streams *t, const char *code)
{
	struct site *site;

	HASH_FIND_STR(t->sites, code, site);
	return site;
}

static void remember(struct streams *t, struct site *site, bool created)
{
	struct undo *u;

	t->undo = xgrow(t->undo, t->undo_count, &t->undo_cap, sizeof *t->undo);
	u = &t->undo[t->undo_count++];
	*u = (struct undo){ .site = site, .created = created, .changed_feeds = site->changed_feeds };
	memcpy(u->division, site->division, sizeof u->division);
	memcpy(u->unit, site->unit, sizeof u->unit);
	memcpy(u->streams, site->streams, sizeof u->streams);
	if (!site->dirty) {
		t->changed = xgrow(t->changed, t->changed_count, &t->changed_cap, sizeof(struct site *));
		t->changed[t->changed_count++] = site;
		site->dirty = true;
	}
}

void streams_change(struct streams *t, struct site *site)
{
	remember(t, site, false);
}

static struct stream *change_stream(struct streams *t, struct site *site, const struct collector *c)
{
	streams_change(t, site);
	site->changed_feeds |= (uint8_t)(1 << (c->number - 1));
	return &site->streams[c->number - 1];
}

void streams_flag(struct streams *t, struct site *site, const struct collector *c, enum stream_flag flag)
{
	change_stream(t, site, c)->flags |= (uint8_t)flag;
}

int streams_create(struct streams *t, struct store *s, const char *code, int64_t n, struct site **ret)
{
	int64_t id = t->next_site;
	int r = store_run(s, "INSERT INTO site(id, code, first_n) VALUES(?, ?, ?)", "iti", id, code, n);

	if (r < 0)
		return r;
	*ret = add_site(t, code, id);
	remember(t, *ret, true);
	return 0;
}

static void undo_one(struct streams *t, const struct undo *u)
{
	struct site *site = u->site;

	if (u->created) {
		for (size_t i = 0; i < t->changed_count; i++)
			if (t->changed[i] == site)
				t->changed[i] = NULL;
		t->next_site = site->id; /* undone newest first */
		HASH_DEL(t->sites, site);
		free(site);
		return;
	}
	memcpy(site->division, u->division, sizeof u->division);
	memcpy(site->unit, u->unit, sizeof u->unit);
	memcpy(site->streams, u->streams, sizeof u->streams);
	site->changed_feeds = u->changed_feeds; /* a feed that was never stored must not be flushed */
}

size_t streams_mark(const struct streams *t)
{
	return t->undo_count;
}

void streams_undo(struct streams *t, size_t mark)
{
	while (t->undo_count > mark)
		undo_one(t, &t->undo[--t->undo_count]);
}

static int flush_site(struct store *s, const struct site *site)
{
	for (int i = 0; i < FEEDS_MAX; i++) {
		const struct stream *st = &site->streams[i];
		int r;

		if (!(site->changed_feeds & 1 << i))
			continue;
		r = store_run(s,
			      "INSERT INTO stream(site, feed, epoch, first, highest, last_n, flags)"
			      " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch,"
			      " first = excluded.first, highest = excluded.highest, last_n = excluded.last_n,"
			      " flags = excluded.flags",
			      "iiiiiii", site->id, (int64_t)i + 1, st->epoch, st->first, st->highest, (int64_t)st->last_n,
			      (int64_t)st->flags);
		if (r < 0)
			return r;
	}
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct site *x = *(struct site *const *)a, *y = *(struct site *const *)b;

	if (!x || !y)
		return (x != NULL) - (y != NULL);
	return (x->id > y->id) - (x->id < y->id);
}

int streams_flush(struct streams *t, struct store *s)
{
	/* In the order of the table: neighbours share pages. */
	if (t->changed_count > 1)
		qsort(t->changed, t->changed_count, sizeof(struct site *), by_id);
	for (size_t i = 0; i < t->changed_count; i++) {
		int r = t->changed[i] ? flush_site(s, t->changed[i]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

void streams_commit(struct streams *t)
{
	for (size_t i = 0; i < t->changed_count; i++)
		if (t->changed[i]) {
			t->changed[i]->dirty = false;
			t->changed[i]->changed_feeds = 0;
		}
	t->changed_count = 0;
	t->undo_count = 0;
}

/* ---- what has been seen ---- */

/* The range of seqs seen in one epoch, but for its gaps. */
struct range {
	bool known;
	bool first_epoch; /* the site's first: counting starts at the first seq seen */
	int64_t first, highest;
};

static int range_of(struct store *s, const struct site *site, int feed, int64_t epoch, struct range *ret)
{
	const struct stream *st = &site->streams[feed - 1];
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r;

	*ret = (struct range){ .first_epoch = st->last_n == 0 || epoch < st->epoch };
	if (st->last_n == 0)
		return 0;
	if (epoch == st->epoch) {
		*ret = (struct range){ .known = true, .first = st->first, .highest = st->highest };
		return 0;
	}
	if (epoch > st->epoch)
		return 0;
	r = store_query(s, &q, "SELECT first, highest FROM stream_epoch WHERE site = ? AND feed = ? AND epoch = ?", "iii",
			site->id, (int64_t)feed, epoch);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*ret = (struct range){ .known = true, .first = store_int(q, 0), .highest = store_int(q, 1) };
	return 0;
}

/* 1: seq lies in a gap, whose bounds are returned. */
static int gap_of(struct store *s, const struct site *site, int feed, int64_t epoch, int64_t seq, int64_t *first,
		  int64_t *last, int64_t *since)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT first, last, since FROM gap WHERE site = ? AND feed = ? AND epoch = ? AND first <= ?"
			    " ORDER BY first DESC LIMIT 1",
			    "iiii", site->id, (int64_t)feed, epoch, seq);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*first = store_int(q, 0);
	*last = store_int(q, 1);
	*since = store_int(q, 2);
	return seq <= *last;
}

/* Rows of one identity that table `identity` keeps: incidents, and seqs consumed by a refused jump. */
static int kept_identities(struct store *s, const struct site *site, int feed, int64_t epoch, int64_t seq,
			   struct sighted *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT n FROM identity WHERE site = ? AND feed = ? AND epoch = ? AND seq = ?"
			    " ORDER BY n DESC LIMIT 32",
			    "iiii", site->id, (int64_t)feed, epoch, seq);

	if (r < 0)
		return r;
	while ((r = store_step(q)) > 0)
		ret->rows[ret->count++] = store_int(q, 0);
	return r;
}

/* Above the highest and in gaps nothing was seen but what a refused jump consumed. */
static int sight_jumped(struct store *s, const struct site *site, int feed, int64_t epoch, int64_t seq, struct sighted *ret)
{
	int r;

	if (!(site->streams[feed - 1].flags & STREAM_HAS_JUMPS))
		return 0;
	r = kept_identities(s, site, feed, epoch, seq, ret);
	ret->sighting = ret->count > 0 ? SIGHT_SEEN : SIGHT_NEW;
	return r;
}

/* The feed's last messages backwards; *ret_complete: the chain ended, so these were all. */
static int walk_recent(struct store *s, const struct stream *st, int64_t epoch, int64_t seq, struct sighted *ret,
		       bool *ret_complete, int64_t *ret_lowest)
{
	int64_t n = st->last_n;

	*ret_lowest = INT64_MAX;
	for (int i = 0; n > 0 && i < RECENT_MESSAGES; i++) {
		_cleanup_(store_resetp) store_stmt *q = NULL;
		int r = store_query(s, &q, "SELECT epoch, seq, prev FROM message WHERE n = ?", "i", n);

		if (r < 0 || (r = store_step(q)) < 0)
			return r;
		if (r == 0)
			return -EUCLEAN;
		if (store_int(q, 0) == epoch) {
			*ret_lowest = MIN(*ret_lowest, store_int(q, 1));
			if (store_int(q, 1) == seq)
				ret->rows[ret->count++] = n;
		}
		n = store_int(q, 2);
	}
	*ret_complete = n == 0;
	return 0;
}

static int compare_with(struct store *s, const struct site *site, const struct collector *c, int64_t epoch, int64_t seq,
			struct sighted *ret)
{
	const struct stream *st = &site->streams[c->number - 1];
	bool complete;
	int64_t lowest;
	int r;

	if (c->never_silent) {
		r = kept_identities(s, site, c->number, epoch, seq, ret);
		ret->sighting = ret->count > 0 ? SIGHT_SEEN : SIGHT_NEW;
		return r;
	}
	r = walk_recent(s, st, epoch, seq, ret, &complete, &lowest);
	if (r < 0)
		return r;
	if (ret->count > 0)
		ret->sighting = SIGHT_SEEN;
	else if (epoch == 0 && (complete || seq > lowest))
		ret->sighting = SIGHT_NEW; /* a sender without a counter: only older than all recent ones is doubtful */
	else
		ret->sighting = SIGHT_LONG_AGO;
	return 0;
}

int streams_sight(struct store *s, const struct site *site, const struct collector *c, int64_t epoch, int64_t seq,
		  struct sighted *ret)
{
	const struct stream *st;
	struct range range;
	int64_t first, last, since;
	int r;

	ret->sighting = SIGHT_NEW;
	ret->jump = false;
	ret->count = 0;
	if (!site)
		return 0;
	st = &site->streams[c->number - 1];
	r = range_of(s, site, c->number, epoch, &range);
	if (r < 0)
		return r;
	if (!range.known || seq > range.highest) {
		int64_t highest = range.known ? range.highest : 0;

		ret->jump = epoch > 0 && (range.known || !range.first_epoch) && seq - highest > SEQ_JUMP_MAX;
		return sight_jumped(s, site, c->number, epoch, seq, ret);
	}
	if (epoch == 0)
		return compare_with(s, site, c, epoch, seq, ret);
	if (seq < range.first)
		return 0;
	if (st->flags & STREAM_HAS_GAPS) {
		r = gap_of(s, site, c->number, epoch, seq, &first, &last, &since);
		if (r != 0)
			return r < 0 ? r : sight_jumped(s, site, c->number, epoch, seq, ret);
	}
	return compare_with(s, site, c, epoch, seq, ret);
}

static int add_gap(struct store *s, struct site *site, int feed, int64_t epoch, int64_t first, int64_t last, int64_t since)
{
	if (first > last)
		return 0;
	site->streams[feed - 1].flags |= STREAM_HAS_GAPS;
	return store_run(s, "INSERT INTO gap(site, feed, epoch, first, last, since) VALUES(?, ?, ?, ?, ?, ?)", "iiiiii",
			 site->id, (int64_t)feed, epoch, first, last, since);
}

static int close_gap_at(struct store *s, struct site *site, int feed, int64_t epoch, int64_t seq)
{
	int64_t first, last, since;
	int r = gap_of(s, site, feed, epoch, seq, &first, &last, &since);

	if (r <= 0)
		return r;
	r = store_run(s, "DELETE FROM gap WHERE site = ? AND feed = ? AND epoch = ? AND first = ?", "iiii", site->id,
		      (int64_t)feed, epoch, first);
	if (r >= 0)
		r = add_gap(s, site, feed, epoch, first, seq - 1, since);
	if (r >= 0)
		r = add_gap(s, site, feed, epoch, seq + 1, last, since);
	return r;
}

/* Extends a range by one seq and keeps its gaps. */
static int extend(struct store *s, struct site *site, int feed, int64_t epoch, int64_t seq, int64_t received_at,
		  struct range *range)
{
	int r = 0;

	if (!range->known) {
		/* Counting starts at the first seq seen in a site's first epoch, at 1 in every later one. */
		bool from_first = range->first_epoch || epoch == 0;

		range->first = from_first ? seq : 1;
		range->highest = seq;
		return from_first ? 0 : add_gap(s, site, feed, epoch, 1, seq - 1, received_at);
	}
	if (seq > range->highest) {
		if (epoch > 0)
			r = add_gap(s, site, feed, epoch, range->highest + 1, seq - 1, received_at);
		range->highest = seq;
	} else if (epoch > 0 && seq < range->first) {
		r = add_gap(s, site, feed, epoch, seq + 1, range->first - 1, GAP_BEFORE_FIRST);
		range->first = seq;
	} else if (epoch > 0) {
		r = close_gap_at(s, site, feed, epoch, seq);
	}
	return r;
}

static int save_epoch(struct store *s, const struct site *site, int feed, int64_t epoch, const struct range *range)
{
	return store_run(s,
			 "INSERT INTO stream_epoch(site, feed, epoch, first, highest) VALUES(?, ?, ?, ?, ?)"
			 " ON CONFLICT DO UPDATE SET first = excluded.first, highest = excluded.highest",
			 "iiiii", site->id, (int64_t)feed, epoch, range->first, range->highest);
}

static int raise(struct store *s, struct site *site, int feed, int64_t epoch, int64_t seq, int64_t received_at)
{
	struct stream *st = &site->streams[feed - 1];
	struct range range, old = { .first = st->first, .highest = st->highest };
	int r = range_of(s, site, feed, epoch, &range);

	if (r < 0 || (r = extend(s, site, feed, epoch, seq, received_at, &range)) < 0)
		return r;
	if (st->last_n != 0 && epoch < st->epoch)
		return save_epoch(s, site, feed, epoch, &range);
	if (st->last_n != 0 && epoch > st->epoch)
		r = save_epoch(s, site, feed, st->epoch, &old);
	st->epoch = epoch;
	st->first = range.first;
	st->highest = range.highest;
	return r;
}

int streams_consume(struct streams *t, struct store *s, struct site *site, const struct collector *c, int64_t epoch,
		    int64_t seq, int64_t n, int64_t received_at, bool jump_refused)
{
	struct stream *st = change_stream(t, site, c);
	int r;

	r = store_run(s, "INSERT INTO message(n, site, feed, epoch, seq, prev) VALUES(?, ?, ?, ?, ?, ?)", "iiiiii", n,
		      site->id, (int64_t)c->number, epoch, seq, (int64_t)st->last_n);
	if (r >= 0 && (c->never_silent || jump_refused))
		r = store_run(s, "INSERT INTO identity(site, feed, epoch, seq, n) VALUES(?, ?, ?, ?, ?)", "iiiii", site->id,
			      (int64_t)c->number, epoch, seq, n);
	if (r < 0)
		return r;
	if (jump_refused)
		st->flags |= STREAM_HAS_JUMPS;
	else
		r = raise(s, site, c->number, epoch, seq, received_at);
	st->last_n = n;
	return r;
}

int streams_lose(struct store *s, const struct site *site, const struct collector *c, int64_t epoch, int64_t first,
		 int64_t last)
{
	return store_run(s,
			 "UPDATE gap SET since = ? WHERE site = ? AND feed = ? AND epoch = ? AND first >= ? AND last <= ?"
			 " AND since >= 0",
			 "iiiiii", (int64_t)GAP_LOST, site->id, (int64_t)c->number, epoch, first, last);
}

int64_t streams_next_seq(const struct site *site, const struct collector *c)
{
	return site && c ? site->streams[c->number - 1].highest + 1 : 1;
}
