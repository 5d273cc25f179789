/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include "../daemon/clock.h"
#include "../daemon/log.h"

#include <errno.h>
#include <stdio.h>

#define CURSOR "pages"

const char *const page_kind_words[PAGE_KIND_COUNT] = { "raise", "escalate", "resolve" };

enum { LEVEL_FIRST, LEVEL_NEXT, LEVEL_PROVINCE };

/* An alert, as far as it matters who is called. */
struct alert {
	int64_t id, paged, raised_at, changed_n, closed_at;
	char rule[40], unit[8], severity[8];
	uint8_t hash[HASH_SIZE];
};

#define ALERT_COLUMNS \
	"a.id, a.paged, a.raised_at, a.changed_n, a.closed_at, a.rule, a.unit, a.severity, l.hash FROM alert a" \
	" JOIN ledger l ON l.n = a.raised_n"

static void take_alert(store_stmt *q, struct alert *ret)
{
	size_t len;
	const void *hash = store_blob(q, 8, &len);

	*ret = (struct alert){ .id = store_int(q, 0), .paged = store_int(q, 1), .raised_at = store_int(q, 2),
			       .changed_n = store_int(q, 3), .closed_at = store_int(q, 4) };
	snprintf(ret->rule, sizeof ret->rule, "%s", store_text(q, 5));
	snprintf(ret->unit, sizeof ret->unit, "%s", store_text(q, 6));
	snprintf(ret->severity, sizeof ret->severity, "%s", store_text(q, 7));
	if (hash && len == HASH_SIZE)
		memcpy(ret->hash, hash, HASH_SIZE);
}

/* ---- one row ---- */

struct call {
	const struct alert *alert;
	enum page_kind kind;
	int64_t level;
	int64_t since; /* of a resolve: the row that closed it, so that a reopened alert can end again */
	int64_t at, now;
	int *count;
};

static void make_key(const struct call *c, const char *sink, int64_t peer, const char *contact, char key[static PAGES_KEY_SIZE])
{
	_cleanup_(buf_done) struct buf b = { 0 };
	uint8_t digest[HASH_SIZE];
	char hex[HASH_HEX_SIZE];

	buf_add(&b, c->alert->hash, HASH_SIZE);
	buf_printf(&b, "%lld/%s/%lld/%lld/%s/%lld/%s", (long long)c->alert->id, page_kind_words[c->kind], (long long)c->level,
		   (long long)c->since, sink, (long long)peer, contact);
	hash_sha256(b.p, b.len, digest);
	snprintf(key, PAGES_KEY_SIZE, "%.32s", hash_hex(digest, hex));
}

static int insert(struct pages *p, const struct call *c, const char *sink, int64_t peer, const char *contact)
{
	char key[PAGES_KEY_SIZE];
	int r;

	make_key(c, sink, peer, contact, key);
	r = store_run(p->store,
		      "INSERT INTO notification(key, sink, peer, contact, alert, kind, level, drill, created_at, next_at, attempts)"
		      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT(key) DO NOTHING",
		      "ttititiiii", key, sink, peer, contact, c->alert->id, page_kind_words[c->kind], c->level,
		      (int64_t)p->notify->drill, c->now, c->at);
	if (r >= 0)
		*c->count += (int)store_changes(p->store);
	return MIN(r, 0);
}

static int call_sink(struct pages *p, const struct call *c, const struct notify_sink *s)
{
	int r = 0;

	if (s->kind == NOTIFY_MAIL && !s->to[0])
		return 0; /* reaches contacts alone */
	for (int64_t i = 0; r >= 0 && s->urls[i]; i++)
		r = insert(p, c, s->name, i, "");
	return r;
}

static int call_contact(struct pages *p, const struct call *c, const char *name)
{
	const struct notify_contact *contact = notify_contact_of(p->notify, name);

	return contact ? insert(p, c, contact->sink, 0, name) : 0;
}

static int call_sinks(struct pages *p, const struct call *c, char *const *names)
{
	int r = 0;

	for (; r >= 0 && *names; names++) {
		const struct notify_sink *s = notify_sink_of(p->notify, *names);

		/* an alertmanager has it already, and escalates by its own routes */
		if (s && !(c->kind == PAGE_ESCALATE && s->kind == NOTIFY_ALERTMANAGER))
			r = call_sink(p, c, s);
	}
	return r;
}

/* ---- who ---- */

static bool has(char *const *texts, const char *text)
{
	for (; *texts; texts++)
		if (strcmp(*texts, text) == 0)
			return true;
	return false;
}

static bool fits(const struct config_notify *n, const struct notify_route *t, const struct alert *a)
{
	return t->drill == n->drill && (!*t->rule || strcmp(t->rule, a->rule) == 0) &&
	       strncmp(t->unit, a->unit, strlen(t->unit)) == 0 && (!t->severity[0] || has(t->severity, a->severity));
}

static int call_first(struct pages *p, const struct call *c, const struct notify_route *t)
{
	int r = call_sinks(p, c, t->sinks);

	return r >= 0 && t->contacts[0] ? call_contact(p, c, t->contacts[0]) : r;
}

/* Without a second contact the first one, without contacts the sinks once more: silence is not an answer. */
static int call_next(struct pages *p, const struct call *c, const struct notify_route *t)
{
	if (!t->contacts[0])
		return call_sinks(p, c, t->sinks);
	return call_contact(p, c, t->contacts[t->contacts[1] ? 1 : 0]);
}

static int call_province(struct pages *p, const struct call *c, const struct notify_route *t)
{
	int r = 0;

	if (!t->province[0])
		return call_next(p, c, t);
	for (size_t i = 0; r >= 0 && t->province[i]; i++)
		r = call_contact(p, c, t->province[i]);
	return r;
}

static int (*const levels[])(struct pages *p, const struct call *c, const struct notify_route *t) = {
	[LEVEL_FIRST] = call_first, [LEVEL_NEXT] = call_next, [LEVEL_PROVINCE] = call_province,
};

/* An alert that no route takes goes to all sinks; in a drill to nobody: it must not look real by accident. */
static int call_people(struct pages *p, const struct call *c)
{
	bool taken = false;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < p->notify->routes.count; i++)
		if (fits(p->notify, &notify_routes(p->notify)[i], c->alert)) {
			taken = true;
			r = levels[c->level](p, c, &notify_routes(p->notify)[i]);
		}
	if (taken || r < 0)
		return r;
	log_warning("page.no_route", "alert=A-%06lld rule=%s unit=%s next=\"%s\"", (long long)c->alert->id, c->alert->rule,
		    c->alert->unit, p->notify->drill ? "a drill: nobody is called" : "call all sinks");
	for (size_t i = 0; r >= 0 && !p->notify->drill && i < p->notify->sinks.count; i++)
		if (c->kind != PAGE_ESCALATE || notify_sinks(p->notify)[i].kind != NOTIFY_ALERTMANAGER)
			r = call_sink(p, c, &notify_sinks(p->notify)[i]);
	return r;
}

/* ---- when ---- */

/* The quiet hours' end when `now` lies in them; S1 knows none. */
static int64_t wakeful(const struct config_notify *n, const char *severity, int64_t now)
{
	int64_t day = clock_day_start_ms(clock_local_day(now)), at = now - day;
	int64_t from = n->quiet_from_ms, until = n->quiet_until_ms;

	if (from == until || strcmp(severity, "S1") == 0)
		return now;
	if (from < until)
		return at >= from && at < until ? day + until : now;
	return at >= from ? day + DAY_MS + until : at < until ? day + until : now;
}

static bool escalates(const struct alert *a)
{
	return strcmp(a->severity, "S1") == 0 || strcmp(a->severity, "S2") == 0;
}

static const struct policy_escalation *delays(const struct policy *policy, int64_t now)
{
	return policy ? policy_escalation(policy, clock_local_day(now)) : NULL;
}

/* ---- what happened to an alert ---- */

static int on_open(struct pages *p, const struct alert *a, const struct policy *policy, int64_t now, int *count)
{
	const struct call c = { .alert = a, .kind = PAGE_RAISE, .at = wakeful(p->notify, a->severity, now), .now = now, .count = count };
	const struct policy_escalation *later = delays(policy, now);
	int before = *count, r = call_people(p, &c);

	/* reopened: what has to be said again and again is said again */
	if (r >= 0)
		r = store_run(p->store,
			      "UPDATE notification SET next_at = ?2 WHERE alert = ?1 AND kind = 'raise' AND next_at IS NULL"
			      " AND EXISTS(SELECT 1 FROM notification m WHERE m.alert = ?1 AND m.kind = 'resolve')",
			      "ii", a->id, now);
	if (r < 0 || *count == before || !escalates(a) || !later)
		return r;
	return store_run(p->store, "INSERT OR IGNORE INTO escalation(alert, level, at, paged_at) VALUES(?1, ?2, ?3 + ?4, ?3)", "iiii",
			 a->id, (int64_t)LEVEL_NEXT, c.at, later->next_contact_ms);
}

/* Whoever was called hears the end; what is still on its way goes first, for it is older. */
static int on_closed(struct pages *p, const struct alert *a, int64_t now, int *count)
{
	const struct call c = { .alert = a, .kind = PAGE_RESOLVE, .since = a->changed_n,
				.at = wakeful(p->notify, a->severity, now), .now = now, .count = count };
	struct {
		char sink[65], contact[65];
		int64_t peer;
	} called[256] = { 0 };
	store_stmt *q;
	size_t n = 0;
	int r = store_query(p->store, &q, "SELECT DISTINCT sink, peer, contact FROM notification WHERE alert = ?1 LIMIT 256", "i", a->id);

	while (r >= 0 && (r = store_step(q)) > 0) {
		snprintf(called[n].sink, sizeof called[n].sink, "%s", store_text(q, 0));
		called[n].peer = store_int(q, 1);
		snprintf(called[n++].contact, sizeof called->contact, "%s", store_text(q, 2));
	}
	store_reset(q);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = insert(p, &c, called[i].sink, called[i].peer, called[i].contact);
	if (r >= 0)
		r = store_run(p->store, "UPDATE notification SET next_at = NULL WHERE alert = ?1 AND kind <> 'resolve'"
			      " AND delivered_at IS NOT NULL", "i", a->id);
	return r < 0 ? r : store_run(p->store, "DELETE FROM escalation WHERE alert = ?1", "i", a->id);
}

static bool too_old(const struct alert *a, const struct policy *policy, int64_t now)
{
	return policy && now - a->raised_at > policy_clocks(policy, clock_local_day(now))->page_age_limit_ms;
}

static int queue_changed(struct pages *p, const struct policy *policy, int64_t now, int *count)
{
	store_stmt *q;
	int r = store_query(p->store, &q,
			    "SELECT " ALERT_COLUMNS " WHERE a.changed_n > ?1 AND a.paged = 1 ORDER BY a.changed_n, a.id", "i", p->cursor);

	while (r >= 0 && (r = store_step(q)) > 0) {
		struct alert a;

		take_alert(q, &a);
		if (a.closed_at != STORE_NULL)
			r = on_closed(p, &a, now, count);
		else if (!too_old(&a, policy, now))
			r = on_open(p, &a, policy, now, count);
	}
	store_reset(q);
	return r;
}

static int save_cursor(struct pages *p, int64_t n)
{
	return store_run(p->store, "INSERT INTO progress(name, value) VALUES('" CURSOR "', ?1)"
			 " ON CONFLICT DO UPDATE SET value = ?1", "i", n);
}

int pages_collect(struct pages *p, const struct policy *policy, int64_t head_n, int64_t now)
{
	int64_t changed = 0;
	int count = 0, r;

	if (!p->on || head_n <= p->cursor)
		return 0;
	r = store_get_int(p->store, &changed, "SELECT 1 FROM alert WHERE changed_n > ?1 AND paged = 1 LIMIT 1", "i", p->cursor);
	if (r < 0)
		return r;
	if (!changed) {
		p->cursor = head_n;
		return 0;
	}
	r = store_begin(p->store);
	if (r < 0)
		return r;
	r = queue_changed(p, policy, now, &count);
	if (r >= 0)
		r = save_cursor(p, head_n);
	if (r < 0) {
		store_rollback(p->store);
		return r;
	}
	r = store_commit(p->store);
	if (r >= 0)
		p->cursor = head_n;
	return r < 0 ? r : count;
}

int pages_set_back(struct pages *p, int64_t ms)
{
	int r = store_run(p->store, "UPDATE escalation SET at = at - ?1, paged_at = paged_at - ?1", "i", ms);

	return r < 0 ? r : store_run(p->store,
				     "UPDATE notification SET next_at = next_at - ?1, created_at = created_at - ?1 WHERE next_at IS NOT NULL",
				     "i", ms);
}

int pages_come_back(struct pages *p, int64_t now)
{
	int64_t found = 0;
	int r = store_get_int(p->store, &found,
			      "SELECT 1 FROM escalation WHERE paged_at > ?1 UNION ALL"
			      " SELECT 1 FROM notification WHERE next_at IS NOT NULL AND created_at > ?1 LIMIT 1",
			      "i", now + CLOCK_JUMP_MS);

	if (r <= 0)
		return r;
	r = store_run(p->store, "UPDATE escalation SET at = at - paged_at + ?1, paged_at = ?1 WHERE paged_at > ?1", "i", now);

	return r < 0 ? r : store_run(p->store,
				     "UPDATE notification SET next_at = next_at - created_at + ?1, created_at = ?1"
				     " WHERE next_at IS NOT NULL AND created_at > ?1",
				     "i", now);
}

int pages_open(struct pages *p, struct store *s, const struct config_notify *notify, int64_t head_n, int64_t now)
{
	int r;

	*p = (struct pages){ .store = s, .notify = notify, .on = notify->sinks.count > 0, .cursor = head_n };
	if (!p->on)
		return MIN(store_run(s, "DELETE FROM progress WHERE name = '" CURSOR "'", ""), 0);
	r = pages_come_back(p, now);
	if (r < 0)
		return r;
	r = store_get_int(s, &p->cursor, "SELECT value FROM progress WHERE name = '" CURSOR "'", "");
	return r == 0 ? save_cursor(p, head_n) : MIN(r, 0);
}

/* ---- nobody acknowledged ---- */

/* 1: the alert waits still. */
static int load_waiting(struct pages *p, int64_t id, struct alert *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->store, &q, "SELECT " ALERT_COLUMNS " WHERE a.id = ?1 AND " PAGES_UNACKNOWLEDGED, "i", id);

	if (r >= 0 && (r = store_step(q)) > 0)
		take_alert(q, ret);
	return r;
}

static int call_further(struct pages *p, const struct policy *policy, int64_t id, int64_t level, int64_t paged_at, int64_t now, int *count)
{
	const struct policy_escalation *later = delays(policy, now);
	struct alert a;
	int r = load_waiting(p, id, &a);
	const struct call c = { .alert = &a, .kind = PAGE_ESCALATE, .level = level, .at = now, .now = now, .count = count };

	if (r > 0)
		r = call_people(p, &c);
	else if (r == 0)
		level = LEVEL_PROVINCE; /* acknowledged: nothing comes after it */
	if (r < 0)
		return r;
	if (level == LEVEL_PROVINCE || !later)
		return store_run(p->store, "DELETE FROM escalation WHERE alert = ?1", "i", id);
	return store_run(p->store, "UPDATE escalation SET level = ?2, at = ?3 WHERE alert = ?1", "iii", id, (int64_t)LEVEL_PROVINCE,
			 MAX(paged_at + later->province_ms, now));
}

/* 1: there was one. */
static int escalate_one(struct pages *p, const struct policy *policy, int64_t now, int *count)
{
	int64_t id, level, paged_at;
	store_stmt *q;
	int r = store_query(p->store, &q, "SELECT alert, level, paged_at FROM escalation WHERE at <= ?1 ORDER BY at, alert LIMIT 1", "i", now);

	if (r >= 0 && (r = store_step(q)) > 0) {
		id = store_int(q, 0);
		level = store_int(q, 1);
		paged_at = store_int(q, 2);
	}
	store_reset(q);
	if (r <= 0)
		return r;
	r = call_further(p, policy, id, level, paged_at, now, count);
	return r < 0 ? r : 1;
}

int pages_escalate(struct pages *p, const struct policy *policy, int64_t now)
{
	int64_t due = 0;
	int count = 0, r;

	if (!p->on)
		return 0;
	r = store_get_int(p->store, &due, "SELECT 1 FROM escalation WHERE at <= ?1 LIMIT 1", "i", now);
	if (r < 0 || !due)
		return r;
	r = store_begin(p->store);
	if (r < 0)
		return r;
	while ((r = escalate_one(p, policy, now, &count)) > 0)
		;
	if (r < 0) {
		store_rollback(p->store);
		return r;
	}
	r = store_commit(p->store);
	return r < 0 ? r : count;
}

/* ---- what is to be sent ---- */

static enum page_kind kind_of(const char *word)
{
	enum page_kind k = PAGE_RAISE;

	while (k + 1 < PAGE_KIND_COUNT && strcmp(page_kind_words[k], word) != 0)
		k++;
	return k;
}

int pages_due(struct pages *p, const char *sink, int64_t peer, int64_t now, struct page *ret, size_t most, size_t *ret_count)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->store, &q,
			    "SELECT id, alert, attempts, created_at, kind, level, drill, key, contact FROM notification"
			    " WHERE sink = ?1 AND peer = ?2 AND next_at <= ?3 ORDER BY next_at, id LIMIT ?4",
			    "tiii", sink, peer, now, (int64_t)most);

	*ret_count = 0;
	while (r >= 0 && (r = store_step(q)) > 0) {
		struct page *g = &ret[(*ret_count)++];

		*g = (struct page){ .id = store_int(q, 0), .alert = store_int(q, 1), .attempts = store_int(q, 2),
				    .created_at = store_int(q, 3), .kind = kind_of(store_text(q, 4)), .level = store_int(q, 5),
				    .drill = store_int(q, 6) > 0 };
		snprintf(g->key, sizeof g->key, "%s", store_text(q, 7));
		snprintf(g->contact, sizeof g->contact, "%s", store_text(q, 8));
	}
	return r;
}

int pages_delivered(struct pages *p, int64_t id, const char *answer, int64_t again_at, int64_t now)
{
	return store_run(p->store,
			 "UPDATE notification SET attempts = attempts + 1, delivered_at = coalesce(delivered_at, ?2), answer = ?3,"
			 " next_at = CASE WHEN EXISTS(SELECT 1 FROM alert a WHERE a.id = alert AND a.closed_at IS NULL) THEN ?4 END"
			 " WHERE id = ?1",
			 "iiti", id, now, answer, again_at);
}

int pages_failed(struct pages *p, int64_t id, const char *answer, int64_t next_at)
{
	return store_run(p->store, "UPDATE notification SET attempts = attempts + 1, answer = ?2, next_at = ?3 WHERE id = ?1", "iti", id,
			 answer, next_at);
}

int pages_give_up(struct pages *p, int64_t id, const char *why)
{
	return store_run(p->store, "UPDATE notification SET answer = ?2, next_at = NULL WHERE id = ?1", "it", id, why);
}

int pages_waiting(struct pages *p, struct pages_waiting *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(p->store, &q,
			    "SELECT count(*), min(created_at) FROM notification WHERE next_at IS NOT NULL AND delivered_at IS NULL", "");

	*ret = (struct pages_waiting){ .oldest_at = STORE_NULL };
	if (r >= 0 && (r = store_step(q)) > 0)
		*ret = (struct pages_waiting){ store_int(q, 0), store_int(q, 1) };
	return MIN(r, 0);
}
