/* SPDX-License-Identifier: MIT */
#include "requests.h"

#include "clock.h"
#include "log.h"
#include "restore.h"

#include <errno.h>
#include <stdio.h>

#define TIMES 3               /* asked in all (CONTRACT §1) */
#define APART 10              /* × gap_grace */
#define RANGES_A_MESSAGE 100  /* (CONTRACT §1) */
#define RANGES_A_STREAM 10000 /* looked at in one visit; the others at the next pass */
#define STREAMS_A_STEP 500
#define LOST_A_STEP 20        /* ledger rows, a transaction each */
#define BUDGET_MS 10
#define PASS_APART_MS (10 * SECOND_MS)
#define SWEEP_SITES 1000
#define RESTORED_A_STEP 200   /* open-ended requests a second: 300,000 streams take 25 minutes */

struct range {
	int64_t first, last, since;
	int64_t asked; /* times so far */
	bool due;      /* for asking, or for closing when asked TIMES */
};

/* What leaves after the commit, and what becomes a ledger row. */
struct letters {
	struct buf bytes; /* topic NUL payload NUL … */
	size_t count;
	struct buf lost;  /* payloads of act/gap/lost, NUL-separated */
	size_t lost_count;
};

static void letters_done(struct letters *l)
{
	buf_done(&l->bytes);
	buf_done(&l->lost);
}

/* ---- what is written ---- */

/* Where the sender listens: its division is that of the feed's last message, registered or not. 1 found. */
static int topic_of(struct store *s, int64_t site, int64_t feed, struct buf *out)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct topic t;
	int r = store_query(s, &q,
			    "SELECT l.topic FROM stream s JOIN ledger l ON l.n = s.last_n WHERE s.site = ? AND s.feed = ?",
			    "ii", site, feed);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	if (topic_parse(store_text(q, 0), &t) < 0)
		return -EUCLEAN;
	buf_printf(out, "nursery/v1/%s/%s/%s/down/request", t.province, t.division, t.site);
	buf_add(out, "", 1);
	return 1;
}

static void begin_letter(struct letters *l, const char *feed, int64_t epoch)
{
	buf_printf(&l->bytes, "{\"v\":1,\"feed\":\"%s\",\"epoch\":%lld,\"resend\":[", feed, (long long)epoch);
	l->count++;
}

static void end_letter(struct letters *l)
{
	buf_str(&l->bytes, "]}");
	buf_add(&l->bytes, "", 1);
}

static const char *feed_word(int64_t number)
{
	for (size_t i = 0; i < collector_count; i++)
		if (collectors[i]->number == (int)number)
			return collectors[i]->feed;
	return "";
}

static int send_letters(struct requests *r, struct letters *l)
{
	const char *at = l->bytes.p;

	for (size_t i = 0; i < l->count; i++) {
		const char *topic = at, *payload = topic + strlen(topic) + 1;

		/* Lost with the connection: it is asked again, or the gap is closed as lost. */
		if (r->publish(r->context, topic, payload, strlen(payload), 1, false) == 0)
			r->sent++;
		at = payload + strlen(payload) + 1;
	}
	return 0;
}

/* ---- one stream ---- */

static int read_ranges(struct requests *r, const struct stream_key *k, int64_t now, struct range *ranges, size_t *ret_count)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int q_r = store_query(r->ingest->store, &q,
			      "SELECT g.first, g.last, g.since, ifnull(a.asked, 0), ifnull(a.at, g.since) FROM gap g"
			      " LEFT JOIN gap_asked a ON a.site = g.site AND a.feed = g.feed AND a.epoch = g.epoch AND a.since = g.since"
			      " WHERE g.site = ? AND g.feed = ? AND g.epoch = ? AND g.since >= 0 ORDER BY g.first LIMIT ?",
			      "iiii", k->site, k->feed, k->epoch, (int64_t)RANGES_A_STREAM);

	*ret_count = 0;
	if (q_r < 0)
		return q_r;
	while ((q_r = store_step(q)) > 0) {
		struct range *g = &ranges[(*ret_count)++];
		int64_t wait_ms = r->grace_ms;

		*g = (struct range){ .first = store_int(q, 0), .last = store_int(q, 1), .since = store_int(q, 2),
				     .asked = store_int(q, 3) };
		if (g->asked > 0)
			wait_ms *= APART;
		g->due = store_int(q, 4) + wait_ms <= now;
	}
	return q_r;
}

static int count_asking(struct store *s, const struct stream_key *k, const struct range *ranges, size_t count, int64_t now)
{
	int64_t last_since = -1;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < count; i++) {
		const struct range *g = &ranges[i];

		if (!g->due || g->asked >= TIMES || g->since == last_since)
			continue;
		last_since = g->since;
		/* Parts of one gap need not be neighbours: counted once, by the value that was read. */
		r = store_run(s,
			      "INSERT INTO gap_asked(site, feed, epoch, since, asked, at) VALUES(?, ?, ?, ?, ?, ?)"
			      " ON CONFLICT DO UPDATE SET asked = excluded.asked, at = excluded.at",
			      "iiiiii", k->site, k->feed, k->epoch, g->since, g->asked + 1, now);
	}
	return r;
}

static int write_letters(struct requests *r, const struct stream_key *k, const struct range *ranges, size_t count,
			 struct letters *l)
{
	size_t in_letter = 0;

	for (size_t i = 0; i < count; i++) {
		if (!ranges[i].due || ranges[i].asked >= TIMES)
			continue;
		if (in_letter == RANGES_A_MESSAGE) {
			end_letter(l);
			in_letter = 0;
		}
		if (in_letter == 0) {
			int found = topic_of(r->ingest->store, k->site, k->feed, &l->bytes);

			if (found <= 0)
				return found < 0 ? found : -EUCLEAN;
			begin_letter(l, feed_word(k->feed), k->epoch);
		}
		buf_printf(&l->bytes, "%s[%lld,%lld]", in_letter++ > 0 ? "," : "", (long long)ranges[i].first,
			   (long long)ranges[i].last);
	}
	if (in_letter > 0)
		end_letter(l);
	return 0;
}

static int site_code(struct store *s, int64_t id, struct buf *out)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT code FROM site WHERE id = ?", "i", id);

	if (r >= 0 && (r = store_step(q)) > 0)
		buf_str(out, store_text(q, 0));
	return MIN(r, 0);
}

/* The payload of act/gap/lost; none when no range has been asked for often and long enough. */
static int write_lost(struct requests *r, const struct stream_key *k, const struct range *ranges, size_t count,
		      struct letters *l)
{
	size_t before = l->lost.len, found = 0;
	int failed;

	buf_printf(&l->lost, "{\"epoch\":%lld,\"feed\":\"%s\",\"ranges\":[", (long long)k->epoch, feed_word(k->feed));
	for (size_t i = 0; i < count; i++)
		if (ranges[i].due && ranges[i].asked >= TIMES)
			buf_printf(&l->lost, "%s[%lld,%lld]", found++ > 0 ? "," : "", (long long)ranges[i].first,
				   (long long)ranges[i].last);
	if (found == 0) {
		l->lost.len = before;
		return 0;
	}
	buf_str(&l->lost, "],\"site\":\"");
	failed = site_code(r->ingest->store, k->site, &l->lost);
	buf_str(&l->lost, "\"}");
	buf_add(&l->lost, "", 1);
	l->lost_count++;
	r->lost_ranges += found;
	return failed;
}

static int visit(struct requests *r, const struct stream_key *k, int64_t now, struct range *ranges, struct letters *l)
{
	size_t count;
	int failed = read_ranges(r, k, now, ranges, &count);

	r->counted += (int64_t)count;
	if (failed >= 0)
		failed = write_letters(r, k, ranges, count, l);
	if (failed >= 0)
		failed = count_asking(r->ingest->store, k, ranges, count, now);
	return failed < 0 ? failed : write_lost(r, k, ranges, count, l);
}

/* ---- the walk ---- */

/* 1: *k is the next stream with open gaps. */
static int next_stream(struct store *s, struct stream_key *k)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT site, feed, epoch FROM gap WHERE since >= 0 AND (site, feed, epoch) > (?, ?, ?)"
			    " ORDER BY site, feed, epoch LIMIT 1",
			    "iii", k->site, k->feed, k->epoch);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*k = (struct stream_key){ store_int(q, 0), store_int(q, 1), store_int(q, 2) };
	return 1;
}

static void end_pass(struct requests *r)
{
	r->cursor = (struct stream_key){ 0 };
	r->next_pass_at = clock_monotonic_ms() + MIN(r->grace_ms / 4, PASS_APART_MS);
	r->open = r->counted;
	r->counted = 0;
}

static int walk(struct requests *r, int64_t now, struct letters *l)
{
	_cleanup_(freep) struct range *ranges = xcalloc(RANGES_A_STREAM, sizeof *ranges);
	int64_t until = clock_monotonic_ms() + BUDGET_MS;

	for (int i = 0; i < STREAMS_A_STEP && l->lost_count < LOST_A_STEP && clock_monotonic_ms() <= until; i++) {
		int more = next_stream(r->ingest->store, &r->cursor);

		if (more == 0)
			end_pass(r);
		if (more > 0)
			more = visit(r, &r->cursor, now, ranges, l);
		else
			return more;
		if (more < 0)
			return more;
	}
	return 0;
}

/* Of gaps that were filled or given up. */
static int sweep(struct requests *r)
{
	int64_t from = r->swept_site;

	r->swept_site = from + SWEEP_SITES < r->ingest->fold.streams.next_site ? from + SWEEP_SITES : 0;
	return store_run(r->ingest->store,
			 "DELETE FROM gap_asked WHERE site >= ?1 AND site < ?2 AND NOT EXISTS (SELECT 1 FROM gap g"
			 " WHERE g.site = gap_asked.site AND g.feed = gap_asked.feed AND g.epoch = gap_asked.epoch"
			 " AND g.since = gap_asked.since)",
			 "ii", from, from + SWEEP_SITES);
}

static int close_lost(struct requests *r, const struct letters *l, int64_t now)
{
	const char *at = l->lost.p;

	for (size_t i = 0; i < l->lost_count; i++, at += strlen(at) + 1) {
		int failed = ingest_act(r->ingest, "act/gap/lost", at, strlen(at), "daemon", now, NULL);

		if (failed < 0)
			return failed; /* the next pass finds them again */
	}
	return 0;
}

/* ---- after a restore ---- */

static int ask_open_ended(struct requests *r, int64_t *cursor, struct letters *l)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int failed = store_query(r->ingest->store, &q,
				 "SELECT site, feed, epoch, highest FROM stream WHERE (site, feed) > (?, ?) AND epoch >= 1"
				 " ORDER BY site, feed LIMIT ?",
				 "iii", *cursor / 8, *cursor % 8, (int64_t)RESTORED_A_STEP);
	int count = 0;

	while (failed >= 0 && (failed = store_step(q)) > 0) {
		*cursor = store_int(q, 0) * 8 + store_int(q, 1);
		count++;
		failed = topic_of(r->ingest->store, store_int(q, 0), store_int(q, 1), &l->bytes);
		if (failed <= 0)
			return failed < 0 ? failed : -EUCLEAN;
		begin_letter(l, feed_word(store_int(q, 1)), store_int(q, 2));
		buf_printf(&l->bytes, "[%lld,null]", (long long)store_int(q, 3) + 1);
		end_letter(l);
	}
	return failed < 0 ? failed : count;
}

static int after_restore(struct requests *r, struct letters *l)
{
	int64_t cursor;
	int count = restore_cursor(r->ingest->store, &cursor);

	if (count <= 0)
		return count;
	count = ask_open_ended(r, &cursor, l);
	if (count < 0)
		return count;
	if (count < RESTORED_A_STEP)
		log_info("restore.asked", "next=\"go on: every sender was asked for what came after the backup\"");
	return restore_set_cursor(r->ingest->store, count < RESTORED_A_STEP ? -1 : cursor);
}

int requests_step(struct requests *r, bool settled, int64_t now)
{
	_cleanup_(letters_done) struct letters l = { 0 };
	int failed = store_begin(r->ingest->store);

	if (failed < 0)
		return failed;
	failed = after_restore(r, &l);
	if (failed >= 0 && settled && (r->cursor.site > 0 || clock_monotonic_ms() >= r->next_pass_at))
		failed = walk(r, now, &l);
	if (failed >= 0)
		failed = sweep(r);
	if (failed < 0) {
		store_rollback(r->ingest->store);
		return failed;
	}
	failed = store_commit(r->ingest->store);
	if (failed >= 0)
		failed = send_letters(r, &l);
	return failed < 0 ? failed : close_lost(r, &l, now);
}
