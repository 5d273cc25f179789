/* SPDX-License-Identifier: MIT
 *
 * Whole: nurseryd --fold FILE.jsonl: lines {"received_at","topic","payload"} through the same door and fold with that
 * clock, offline (CONTRACT §3): backfill, drills, tests. Receipts go to stdout, a JSON line each.
 */
#include "clock.h"
#include "daemon.h"
#include "frozen.h"
#include "log.h"
#include "recompute.h"
#include "startup.h"

#include <errno.h>
#include <stdio.h>

#define LINES_AT_ONCE 500 /* in one transaction */
#define LINE_DEPTH 4
#define COMPUTE_BUDGET_MS 1000
#define FREEZE_AT_ONCE 500 /* rows in one transaction */

struct backfill {
	const struct config *config;
	const char *file;
	struct base base;
	struct incoming batch[LINES_AT_ONCE];
	json *lines[LINES_AT_ONCE]; /* owners of the texts in batch */
	size_t count;
	int64_t line, last_at;
	int64_t freeze_at; /* when months may have to be frozen next */
};

static int complain(const struct backfill *b, const char *what)
{
	log_error("fold.bad_line", "file=%s line=%lld why=\"%s\" next=\"stop; the lines before it are stored\"", b->file,
		  (long long)b->line, what);
	return -EINVAL;
}

static void print_receipts(const struct ingest *in)
{
	_cleanup_(buf_done) struct buf topic = { 0 };

	for (size_t i = 0; i < in->out_count; i++) {
		buf_reset(&topic);
		buf_json(&topic, in->bytes.p + in->out[i].topic_at, -1);
		printf("{\"topic\":%s,\"payload\":%.*s}\n", topic.p, (int)in->out[i].payload_len,
		       in->bytes.p + in->out[i].payload_at);
	}
}

static int flush_batch(struct backfill *b)
{
	int r = b->count > 0 ? ingest_batch(&b->base.ingest, b->batch, b->count, b->last_at) : 0;

	for (size_t i = 0; i < b->count; i++)
		json_free(b->lines[i]);
	if (r >= 0 && b->count > 0)
		print_receipts(&b->base.ingest);
	b->count = 0;
	if (r < 0)
		log_error("store.failed", "error=%d why=\"%s\" next=\"stop\"", r, store_why(b->base.store));
	return r;
}

static const char *text_at(const json *line, const char *key)
{
	const json *value = json_get(line, key);

	return value && json_kind(value) == JSON_KIND_TEXT ? json_text(value) : NULL;
}

static int begin_at(struct backfill *b, int64_t at)
{
	if (b->last_at != 0)
		return at < b->last_at ? complain(b, "received_at is earlier than the line before") : 0;
	if (at < b->base.ingest.ledger.head.received_at)
		return complain(b, "received_at is earlier than the ledger's last row");
	return base_load(&b->base, b->config, at);
}

static int compute_all(struct backfill *b)
{
	struct recompute rc;
	int r = recompute_open(b->base.store, &b->base.ingest.fold, &rc);

	while (r >= 0 && (r = recompute_step(&rc, b->base.ingest.ledger.head.n, COMPUTE_BUDGET_MS)) > 0)
		;
	if (r < 0)
		log_error("indicators.failed", "error=%d why=\"%s\" next=\"stop\"", r, store_why(b->base.store));
	return r;
}

/* Months are frozen as they were at that time: what came before is computed first. */
static int freeze_months(struct backfill *b, int64_t at)
{
	int count, r = ingest_due(&b->base.ingest, at, &count);

	do {
		if (r >= 0)
			r = compute_all(b);
		if (r >= 0)
			r = ingest_freeze(&b->base.ingest, at, FREEZE_AT_ONCE, &count);
	} while (r >= 0 && count > 0);
	return r < 0 ? r : frozen_next_at(&b->base.ingest.fold, at, &b->freeze_at);
}

/* What is learnt late sets new times, so they are looked at by the hour. */
static int time_passes(struct backfill *b, int64_t at)
{
	int64_t hour = HOUR_MS;
	int r = 0;

	if (at / hour != b->last_at / hour) {
		r = flush_batch(b);
		if (r >= 0 && b->freeze_at != 0)
			r = frozen_next_at(&b->base.ingest.fold, b->last_at, &b->freeze_at);
	}
	if (r >= 0 && at >= b->freeze_at)
		r = flush_batch(b);
	return r < 0 || at < b->freeze_at ? r : freeze_months(b, at);
}

static int take_line(struct backfill *b, const char *text, size_t len)
{
	_cleanup_(json_freep) json *line = NULL;
	const char *at_text, *topic, *payload;
	size_t offset;
	int64_t at;
	int r;

	if (json_parse(text, len, LINE_DEPTH, &line, &offset) < 0)
		return complain(b, "is not JSON");
	at_text = text_at(line, "received_at");
	topic = text_at(line, "topic");
	payload = text_at(line, "payload");
	if (!at_text || !topic || !payload)
		return complain(b, "needs the texts received_at, topic and payload");
	if (clock_parse_time(at_text, &at) < 0)
		return complain(b, "received_at must be RFC 3339 with offset");
	r = begin_at(b, at);
	if (r >= 0)
		r = time_passes(b, at);
	if (r < 0)
		return r;
	b->last_at = at;
	b->batch[b->count] = (struct incoming){ .topic = topic, .payload = payload,
						.len = json_text_len(json_get(line, "payload")), .received_at = at };
	b->lines[b->count++] = line;
	line = NULL; /* ownership moved to the batch */
	return b->count == LINES_AT_ONCE ? flush_batch(b) : 0;
}

static int read_lines(struct backfill *b, FILE *in)
{
	_cleanup_(freep) char *text = NULL;
	size_t cap = 0;
	ssize_t len;
	int r = 0;

	while (r >= 0 && (len = getline(&text, &cap, in)) >= 0) {
		b->line++;
		while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
			text[--len] = '\0';
		if (len > 0)
			r = take_line(b, text, (size_t)len);
	}
	return r < 0 ? (flush_batch(b), r) : flush_batch(b);
}

int daemon_fold(const struct config *config, const char *file)
{
	struct backfill *b = xcalloc(1, sizeof *b);
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	int r;

	b->config = config;
	b->file = file;
	b->base.lock_fd = -1;
	if (!in) {
		log_error("fold.unreadable", "file=%s why=\"%s\" next=\"stop\"", file, strerror(errno));
		free(b);
		return EXIT_FAILURE;
	}
	r = base_open(config, &b->base);
	if (r >= 0)
		r = read_lines(b, in);
	if (b->base.store && (b->last_at ? freeze_months(b, b->last_at) : compute_all(b)) < 0)
		r = -EIO;
	base_close(&b->base);
	if (in != stdin)
		fclose(in);
	free(b);
	return r < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
