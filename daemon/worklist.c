/* SPDX-License-Identifier: MIT */
#include "worklist.h"

#include "../collectors/registration.h"
#include "clock.h"
#include "envelope.h"
#include "err.h"
#include "ids.h"
#include "objects_row.h"

#include <stdio.h>

struct worklist {
	const struct worklist_asked *asked;
	json *items;
};

static bool is_full(const struct worklist *w)
{
	return json_count(w->items) >= w->asked->limit || clock_monotonic_ms() >= w->asked->deadline_ms;
}

/* Takes over found->detail. feed: NULL none. */
static void push(struct worklist *w, const struct worklist_kind *kind, const char *code, const char *unit, const char *feed,
		 const struct worklist_found *found)
{
	char day[CLOCK_TEXT_SIZE];
	json *item = json_new_object();

	json_set(item, "kind", json_new_text(kind->id));
	json_set(item, "zh", json_new_text(kind->zh));
	json_set(item, "en", json_new_text(kind->en));
	json_set(item, "source", json_new_text(kind->source));
	json_set(item, "unit", json_new_text(unit));
	json_set(item, "since", json_new_text(clock_format_day(found->since, day)));
	if (w->asked->inside) {
		json_set(item, "site", json_new_text(code));
		json_set(item, "feed", json_new_text(feed));
		json_set(item, "detail", found->detail);
	} else {
		json_free(found->detail);
	}
	json_push(w->items, item);
}

static bool of_the_unit(const struct worklist *w, const char *unit)
{
	return !w->asked->unit || (unit && strcmp(w->asked->unit, unit) == 0);
}

/* ---- operating nurseries ---- */

#define STATED(column) \
	"(SELECT g." column " FROM register g WHERE g.site = s.code AND g.effective_on <= ?3 AND g." column " IS NOT NULL" \
	" ORDER BY g.effective_on DESC LIMIT 1)"
#define PLACE "ifnull(" STATED("unit") ", nullif(s.unit, ''))"
#define CANDIDATES_MAX 2000 /* so that a page of a unit is not long in making before its first row */
#define CANDIDATES(from) \
	"SELECT s.id, s.code, " PLACE ", r.facility, ifnull(s.expected_from, 0), r.operation = ?4 AND ifnull(" STATED("registration") \
	", r.registration) = ?5 FROM " from " LEFT JOIN registration r ON r.site = s.id AND r.counts = 1 AND r.effective_on =" \
	" (SELECT max(effective_on) FROM registration WHERE site = s.id AND counts = 1 AND effective_on <= ?3) WHERE s.id > ?1" \
	" ORDER BY s.id LIMIT ?6"

static const char all_sql[] = CANDIDATES("site s");
/* Those whose first registration is of the unit, and those that the official register moved there. */
static const char unit_sql[] = CANDIDATES("(SELECT * FROM (SELECT id FROM site WHERE unit = ?2 AND id > ?1 ORDER BY id LIMIT ?6) UNION"
					  " SELECT * FROM (SELECT m.id FROM register g CROSS JOIN site m ON m.code = g.site"
					  " WHERE g.unit = ?2 AND m.id > ?1 ORDER BY m.id LIMIT ?6) ORDER BY 1 LIMIT ?6) u"
					  " CROSS JOIN site s ON s.id = u.id");

static int examine(struct worklist *w, const struct worklist_kind *kind, store_stmt *q)
{
	struct worklist_site site = { .id = store_int(q, 0), .code = store_text(q, 1), .unit = store_text(q, 2),
				      .facility = store_int(q, 3), .expected_from = store_int(q, 4) };
	struct worklist_found found = { 0 };
	bool operating = store_int(q, 5) == 1;
	int r = operating && of_the_unit(w, site.unit) ? kind->examine(w->asked, &site, &found) : 0;

	if (r > 0)
		push(w, kind, site.code, site.unit, NULL, &found);
	return r;
}

/* 1: stopped before the end. */
static int scan_some(struct worklist *w, const struct worklist_kind *kind, int64_t *key)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const struct worklist_asked *a = w->asked;
	int64_t most = a->unit ? CANDIDATES_MAX : INT64_MAX, seen = 0;
	int r = store_query(a->store, &q, a->unit ? unit_sql : all_sql, "itiiii", *key / 8, a->unit, a->today,
			    (int64_t)OPERATION_OPERATING, (int64_t)REGISTRATION_REGISTERED, most);

	while (r >= 0 && (r = store_step(q)) > 0) {
		*key = store_int(q, 0) * 8;
		seen++;
		r = examine(w, kind, q);
		if (r >= 0 && is_full(w))
			return 1;
	}
	return r < 0 ? r : seen == most;
}

static int scan_sites(struct worklist *w, const struct worklist_kind *kind, int64_t *key)
{
	int r;

	do
		r = scan_some(w, kind, key);
	while (r > 0 && !is_full(w));
	return r;
}

/* ---- sequence gaps ---- */

static const char gaps_sql[] =
	"SELECT g.site, g.feed, s.code, " PLACE ", sum(g.last - g.first + 1), count(*), min(g.since) FROM gap g"
	" CROSS JOIN site s ON s.id = g.site WHERE g.since >= 0 AND (g.site, g.feed) > (?1, ?2) GROUP BY g.site, g.feed"
	" ORDER BY g.site, g.feed";

static const char *feed_word(int64_t number)
{
	for (size_t i = 0; i < collector_count; i++)
		if (collectors[i]->number == number)
			return collectors[i]->feed;
	return NULL;
}

static int scan_gaps(struct worklist *w, const struct worklist_kind *kind, int64_t *key)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(w->asked->store, &q, gaps_sql, "iii", *key / 8, *key % 8, w->asked->today);

	while (r >= 0 && (r = store_step(q)) > 0) {
		*key = store_int(q, 0) * 8 + store_int(q, 1);
		if (of_the_unit(w, store_text(q, 3))) {
			struct worklist_found found = { clock_local_day(store_int(q, 6)), json_new_object() };

			json_set(found.detail, "missing", row_int(q, 4));
			json_set(found.detail, "ranges", row_int(q, 5));
			push(w, kind, store_text(q, 2), store_text(q, 3), feed_word(store_int(q, 1)), &found);
		}
		if (is_full(w))
			return 1;
	}
	return MIN(r, 0);
}

/* ---- rejected messages ---- */

/* The next site and feed that ever had a message refused: one seek, however many were. */
static int next_refused(struct worklist *w, int64_t *key)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(w->asked->store, &q,
			    "SELECT site, feed FROM refused WHERE (site, feed) > (?1, ?2) AND site IS NOT NULL AND feed IS NOT NULL"
			    " ORDER BY site, feed LIMIT 1",
			    "ii", *key / 8, *key % 8);

	if (r >= 0 && (r = store_step(q)) > 0)
		*key = store_int(q, 0) * 8 + store_int(q, 1);
	return r;
}

/* The feed's newest message, if it was refused: whatever was accepted behind it (of the feed, or by a replay) ends it. */
static const char rejected_sql[] =
	"SELECT r.n, r.status, r.received_at, s.code, " PLACE ", l.topic, l.outcome FROM refused r CROSS JOIN site s ON s.id = r.site"
	" CROSS JOIN ledger l ON l.n = r.n WHERE r.n = (SELECT max(n) FROM refused WHERE site = ?1 AND feed = ?2)"
	" AND r.n >= ifnull((SELECT last_n FROM stream WHERE site = ?1 AND feed = ?2), 0)"
	" AND NOT EXISTS(SELECT 1 FROM replay WHERE of = r.n AND accepted = 1)";

/* What never registered counts for the topic's division. */
static const char *unit_of_topic(const char *topic_text, char unit[static UNIT_SIZE])
{
	struct topic topic;

	if (topic_parse(topic_text, &topic) < 0 || !ids_division_valid(topic.division))
		return NULL;
	ids_unit_of(topic.division, unit);
	return unit;
}

static json *codes_of(const char *outcome)
{
	_cleanup_(json_freep) json *root = NULL;
	json *list = json_new_list();
	const json *errors;
	size_t offset;

	if (!outcome || json_parse(outcome, strlen(outcome), 16, &root, &offset) < 0)
		return list;
	errors = json_get(root, "errors");
	for (size_t i = 0; errors && i < json_count(errors); i++) {
		const json *code = json_get(json_at(errors, i), "code");

		if (code && json_kind(code) == JSON_KIND_TEXT)
			json_push(list, json_new_text(json_text(code)));
	}
	return list;
}

static int push_rejected(struct worklist *w, const struct worklist_kind *kind, int64_t key)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct worklist_found found;
	char of_topic[UNIT_SIZE];
	const char *unit;
	int r = store_query(w->asked->store, &q, rejected_sql, "iii", key / 8, key % 8, w->asked->today);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	unit = store_is_null(q, 4) ? unit_of_topic(store_text(q, 5), of_topic) : store_text(q, 4);
	if (!of_the_unit(w, unit))
		return 0;
	found = (struct worklist_found){ clock_local_day(store_int(q, 2)), json_new_object() };
	json_set(found.detail, "n", row_int(q, 0));
	json_set(found.detail, "outcome", row_text(q, 1));
	json_set(found.detail, "received_at", row_time(q, 2));
	json_set(found.detail, "codes", codes_of(store_text(q, 6)));
	push(w, kind, store_text(q, 3), unit, feed_word(key % 8), &found);
	return 0;
}

static int scan_rejected(struct worklist *w, const struct worklist_kind *kind, int64_t *key)
{
	int r;

	while ((r = next_refused(w, key)) > 0) {
		r = push_rejected(w, kind, *key);
		if (r < 0)
			return r;
		if (is_full(w))
			return 1;
	}
	return r;
}

/* ---- the table ---- */

const struct worklist_kind worklist_kinds[] = {
	{ .id = "silent-site",
	  .zh = "在营机构连续多个工作日未上报",
	  .en = "an operating nursery has sent no report for working days on end",
	  .source = "local rule (policy: worklist.silent_working_days)",
	  .scan = scan_sites,
	  .examine = worklist_silent },
	{ .id = "over-capacity",
	  .zh = "连续多个开放日在托人数超过托位数",
	  .en = "more children enrolled than places on open days running",
	  .source = "托育机构管理规范（试行）; local rule (policy: worklist.breach_open_days, clean_open_days)",
	  .scan = scan_sites,
	  .examine = worklist_over_capacity },
	{ .id = "carer-ratio",
	  .zh = "连续多个开放日有班级保育人员不足",
	  .en = "a class with too few carers on open days running",
	  .source = "托育机构设置标准（试行）; local rule (policy: worklist.breach_open_days, clean_open_days; groups)",
	  .scan = scan_sites,
	  .examine = worklist_carer_ratio },
	{ .id = "sequence-gap",
	  .zh = "报文序号有缺口，尚未补齐",
	  .en = "messages are missing between those that came, and are being asked for",
	  .source = "nurseryd",
	  .scan = scan_gaps },
	{ .id = "rejected-message",
	  .zh = "最近一条报文未被接受，尚无更正",
	  .en = "the feed's newest message was not accepted, and nothing accepted came behind it",
	  .source = "nurseryd",
	  .scan = scan_rejected },
};
const size_t worklist_kind_count = ARRAY_SIZE(worklist_kinds);

bool worklist_kind_known(const char *id)
{
	for (size_t i = 0; i < worklist_kind_count; i++)
		if (strcmp(worklist_kinds[i].id, id) == 0)
			return true;
	return false;
}

int worklist_page(const struct worklist_asked *asked, struct worklist_place *place, json *items)
{
	struct worklist w = { asked, items };

	for (; place->kind < worklist_kind_count; *place = (struct worklist_place){ place->kind + 1, 0 }) {
		const struct worklist_kind *kind = &worklist_kinds[place->kind];
		int r = asked->kind && strcmp(asked->kind, kind->id) != 0 ? 0 : kind->scan(&w, kind, &place->key);

		if (r != 0)
			return r;
	}
	return 0;
}
