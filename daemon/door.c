/* SPDX-License-Identifier: MIT */
#include "door.h"

#include "clock.h"
#include "instance.h"
#include "ledger.h"
#include "privacy.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>

/* ---- shipped divisions ---- */

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

int door_load_divisions(struct door *d)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t count = 0;
	int r = store_get_int(d->store, &count, "SELECT count(*) FROM division WHERE level = 'county'", "");

	if (r < 0)
		return r;
	d->divisions = xrealloc(d->divisions, ((size_t)count + 1) * sizeof(int));
	d->division_count = 0;
	r = store_query(d->store, &q, "SELECT code FROM division WHERE level = 'county' ORDER BY code", "");
	while (r >= 0 && (r = store_step(q)) > 0)
		d->divisions[d->division_count++] = atoi(store_text(q, 0));
	return r;
}

static bool division_known(void *context, const char *division)
{
	const struct door *d = context;
	int code = atoi(division);

	return d->division_count == 0 || bsearch(&code, d->divisions, d->division_count, sizeof code, compare_ints);
}

static int load_key(struct store *s, uint8_t key[static HASH_SIZE])
{
	_cleanup_(buf_done) struct buf value = { 0 };
	int r = instance_get(s, "hmac_key", &value);

	if (r > 0 && value.len != HASH_SIZE)
		return -EUCLEAN;
	if (r > 0)
		memcpy(key, value.p, HASH_SIZE);
	if (r != 0)
		return MIN(r, 0);
	hash_random(key, HASH_SIZE);
	return instance_set(s, "hmac_key", key, HASH_SIZE);
}

int door_open(struct store *s, const struct streams *streams, struct door *ret)
{
	int r;

	*ret = (struct door){ .store = s, .streams = streams };
	r = load_key(s, ret->key);
	return r < 0 ? r : door_load_divisions(ret);
}

void door_done(struct door *d)
{
	free(d->divisions);
	*d = (struct door){ 0 };
}

/* ---- repeats ---- */

void door_fingerprint(const struct door *d, const json *root, char print[static HASH_HEX_SIZE])
{
	_cleanup_(buf_done) struct buf text = { 0 };
	uint8_t hmac[HASH_SIZE];

	envelope_canonical(root, &text);
	hash_hmac(d->key, text.p, text.len, hmac);
	hash_hex(hmac, print);
}

/* -1: row n was not erased; 1 it had the same kind, ref and body; 0 others. */
static int same_as_erased(struct door *d, const json *root, int64_t n, int *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char print[HASH_HEX_SIZE];
	const char *kept;
	int r = store_query(d->store, &q, "SELECT fingerprint FROM erased WHERE n = ?", "i", n);

	*ret = -1;
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	kept = store_text(q, 0);
	door_fingerprint(d, root, print);
	*ret = kept && strcmp(kept, print) == 0;
	return 0;
}

/* Does row n hold the same kind, ref and body? 1 yes, 0 no. */
static int same_as_row(struct door *d, const json *root, int64_t n)
{
	_cleanup_(outcome_done) struct outcome o = { 0 };
	_cleanup_(json_freep) json *stored = NULL;
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	size_t offset;
	int erased, r = same_as_erased(d, root, n, &erased);

	if (r < 0 || erased >= 0)
		return r < 0 ? r : erased;
	r = ledger_rows(d->store, n, n, &q);
	if (r < 0 || (r = ledger_step(q, &row)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	r = outcome_read(row.outcome, row.outcome_len, &o);
	if (r < 0)
		return r;
	if (o.print) {
		char print[HASH_HEX_SIZE];

		door_fingerprint(d, root, print);
		return strcmp(print, o.print) == 0;
	}
	r = json_parse(row.payload, row.payload_len, DEPTH_MAX, &stored, &offset);
	return r < 0 ? -EUCLEAN : envelope_same(root, stored);
}

static int find_repeat(struct door *d, const struct sighted *s, const json *root, int64_t *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < s->count; i++) {
		int r = same_as_row(d, root, s->rows[i]);

		if (r < 0)
			return r;
		if (r > 0)
			*ret_n = s->rows[i]; /* the oldest equal one: rows are newest first */
	}
	return 0;
}

/* Is one of the rows the identity's first, and no reuse of it? */
static int holds_first(struct door *d, const struct sighted *s, bool *ret)
{
	*ret = false;
	for (size_t i = 0; i < s->count && !*ret; i++) {
		_cleanup_(outcome_done) struct outcome o = { 0 };
		_cleanup_(store_resetp) store_stmt *q = NULL;
		struct ledger_row row;
		int r = ledger_rows(d->store, s->rows[i], s->rows[i], &q);

		if (r < 0 || (r = ledger_step(q, &row)) <= 0)
			return r < 0 ? r : -EUCLEAN;
		r = outcome_read(row.outcome, row.outcome_len, &o);
		if (r < 0)
			return r;
		*ret = !o.reused;
	}
	return 0;
}

/* SIGHT_SEEN: a repeat of a row, a reuse, or (all that is recent of this identity are reuses) nobody can tell. */
static int judge_seen(struct door *d, const struct collector *c, const struct sighted *s, struct passed *p)
{
	bool first;
	int r = find_repeat(d, s, p->decoded.root, &p->first_n);

	if (r < 0 || p->first_n > 0)
		return r;
	r = holds_first(d, s, &first);
	if (r < 0)
		return r;
	p->long_ago = !first && !c->never_silent;
	if (!p->long_ago)
		findings_add(&p->decoded.message.findings, c->never_silent ? W_SEQ_REUSED : E_SEQ_REUSED, "/seq", NULL, NULL);
	return 0;
}

static void judge_jump(const struct collector *c, struct message *m, int64_t highest)
{
	char got[24], want[40];

	snprintf(got, sizeof got, "%lld", (long long)m->seq);
	snprintf(want, sizeof want, "<= %lld", (long long)highest + SEQ_JUMP_MAX);
	findings_add(&m->findings, c->never_silent ? W_SEQ_JUMP : E_SEQ_JUMP, "/seq",
		     privacy_has_mobile(got, strlen(got)) ? NULL : got, want);
}

static int judge_identity(struct door *d, const struct site *site, struct passed *p)
{
	const struct collector *c = p->decoded.collector;
	struct message *m = &p->decoded.message;
	struct sighted s;
	int r = streams_sight(d->store, site, c, m->epoch, m->seq, &s);

	if (r < 0)
		return r;
	if (s.sighting == SIGHT_LONG_AGO) {
		p->long_ago = true;
		return 0;
	}
	if (s.sighting == SIGHT_SEEN) {
		r = judge_seen(d, c, &s, p);
		if (r < 0 || p->first_n > 0 || p->long_ago)
			return r;
	}
	if (s.jump) {
		const struct stream *st = &site->streams[c->number - 1];

		judge_jump(c, m, m->epoch == st->epoch ? st->highest : 0);
	}
	return 0;
}

/* ---- warnings that look at the site's state ---- */

static int warn(struct door *d, const struct site *site, const struct collector *c, struct message *m)
{
	char division[7], unit[UNIT_SIZE];
	int r;

	if (m->findings.errors > 0 || !site)
		return 0;
	r = standing_place(d->store, d->streams, site, clock_local_day(m->sent_at), division, unit);
	if (r < 0)
		return r;
	if (division[0] && strcmp(division, m->division) != 0)
		findings_add(&m->findings, W_DIVISION, "/division", m->division, division);
	return m->kind != KIND_RETRACT && c->warn ? c->warn(d->store, site, m) : 0;
}

/* ---- the verdict ---- */

static void pass_verdict(struct door *d, struct passed *p)
{
	struct message *m = &p->decoded.message;

	findings_keep_pii(&m->findings);
	p->verdict = (struct verdict){
		.status = STATUS_ACCEPTED,
		.identified = p->decoded.site_valid && p->decoded.collector && m->identified,
		.epoch = m->epoch,
		.seq = m->seq,
		.findings = &m->findings,
	};
	if (findings_has(&m->findings, E_PII))
		p->verdict.status = STATUS_REFUSED_PII;
	else if (m->findings.errors > 0)
		p->verdict.status = STATUS_REJECTED;
	if (p->verdict.status == STATUS_REFUSED_PII && p->decoded.root) {
		door_fingerprint(d, p->decoded.root, p->print);
		p->verdict.print = p->print;
	}
}

/* Codes that say how a message arrived, not what it says. */
static const enum code of_arrival[] = { E_SEQ_REUSED, E_SEQ_JUMP, W_SEQ_REUSED, W_SEQ_JUMP };

static const char *text_or_null(const json *object, const char *key)
{
	const json *value = json_get(object, key);

	return value && json_kind(value) == JSON_KIND_TEXT ? json_text(value) : NULL;
}

static void carry_arrival(const json *list, struct findings *f)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const json *x = json_at(list, i);
		int code = code_of(json_text(json_get(x, "code")));

		for (size_t k = 0; k < ARRAY_SIZE(of_arrival); k++)
			if (code == (int)of_arrival[k])
				findings_add(f, of_arrival[k], json_text(json_get(x, "path")), text_or_null(x, "got"),
					     text_or_null(x, "want"));
	}
}

static int judge_arrival(struct door *d, const struct site *site, const struct outcome *first, struct passed *p)
{
	struct message *m = &p->decoded.message;

	if (!first || !first->identified || first->epoch != m->epoch || first->seq != m->seq)
		return judge_identity(d, site, p);
	carry_arrival(first->errors, &m->findings);
	carry_arrival(first->warnings, &m->findings);
	return 0;
}

int door_judge(struct door *d, const struct topic *topic, const char *payload, size_t len, int64_t received_at,
	       struct passed *ret)
{
	return door_judge_again(d, topic, payload, len, received_at, NULL, ret);
}

int door_judge_again(struct door *d, const struct topic *topic, const char *payload, size_t len, int64_t received_at,
		     const struct outcome *first, struct passed *ret)
{
	const struct site *site;
	int r = 0;

	ret->first_n = 0;
	ret->long_ago = false;
	envelope_decode(topic, payload, len, received_at, division_known, d, &ret->decoded);
	site = ret->decoded.site_valid ? streams_find(d->streams, topic->site) : NULL;
	/* The sandbox stores nothing, so nothing was seen there; what the site really sent is another matter. */
	if (ret->decoded.site_valid && ret->decoded.collector && ret->decoded.message.identified && !topic->sandbox)
		r = judge_arrival(d, site, first, ret);
	if (r >= 0 && !ret->first_n && !ret->long_ago && ret->decoded.collector)
		r = warn(d, site, ret->decoded.collector, &ret->decoded.message);
	if (r >= 0)
		pass_verdict(d, ret);
	return r;
}

void passed_done(struct passed *p)
{
	decoded_done(&p->decoded);
}

void door_stand_in(const struct door *d, const struct decoded *decoded, const char *payload, size_t len, struct buf *out)
{
	uint8_t hmac[HASH_SIZE];

	hash_hmac(d->key, payload, len, hmac);
	buf_char(out, '{');
	if (decoded->state == PAYLOAD_UNREADABLE)
		buf_printf(out, "\"error_offset\":%zu,", decoded->error_offset);
	buf_str(out, "\"hmac_sha256\":\"");
	buf_hex(out, hmac, HASH_SIZE);
	buf_printf(out, "\",\"size\":%zu}", len);
}
