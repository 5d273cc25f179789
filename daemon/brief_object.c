/* SPDX-License-Identifier: MIT
 *
 * The brief behind the line. Every sentence in zh and en; what is not known is said to be not known.
 */
#include "brief.h"

#include "../collectors/incident.h"
#include "clock.h"
#include "deadlines.h"
#include "objects.h"
#include "objects_row.h"
#include "policy_row.h"
#include "severity.h"

#include <errno.h>
#include <stdio.h>

#define EARLIER_MAX 10
#define LINES_MAX 200

static const char *const grades_zh[] = { "尚不构成等级", "一般", "较大", "重大", "特别重大" };
static const char *const grades_en[] = { "none yet", "ordinary", "larger", "major", "exceptional" };

/* Takes over the bytes of both; an empty text is null. */
static json *said(struct buf *zh, struct buf *en)
{
	json *o = json_new_object();

	json_set(o, "zh", json_new_text(zh->len ? zh->p : NULL));
	json_set(o, "en", json_new_text(en->len ? en->p : NULL));
	buf_done(zh);
	buf_done(en);
	return o;
}

static json *said_line(const struct brief *b, const struct brief_moment *m)
{
	struct buf zh = { 0 }, en = { 0 };

	brief_line(b, BRIEF_ZH, m, &zh);
	brief_line(b, BRIEF_EN, m, &en);
	return said(&zh, &en);
}

/* ---- known and unknown ---- */

static void add_counts(const struct brief *b, json *known, json *unknown)
{
	for (enum brief_count c = 0; b->incident && c < BRIEF_COUNT_COUNT; c++) {
		struct buf zh = { 0 }, en = { 0 };
		bool is_known = b->counts[c] != STORE_NULL;

		buf_str(&zh, brief_count_name(c, BRIEF_ZH));
		buf_str(&en, brief_count_name(c, BRIEF_EN));
		if (is_known) {
			buf_printf(&zh, " %lld", (long long)b->counts[c]);
			buf_printf(&en, " %lld", (long long)b->counts[c]);
		}
		json_push(is_known ? known : unknown, said(&zh, &en));
	}
}

static void push(json *list, const char *zh, const char *en)
{
	struct buf a = { 0 }, b = { 0 };

	buf_str(&a, zh);
	buf_str(&b, en);
	json_push(list, said(&a, &b));
}

static void add_facts(const struct brief *b, json *known, json *unknown)
{
	if (!b->incident) {
		push(unknown, "事件内容不明：请直接联系该机构", "what happened: ask the nursery");
		return;
	}
	if (b->services_stopped < 0)
		push(unknown, "是否停园", "whether the nursery was closed");
	else
		push(known, b->services_stopped ? "已停园" : "未停园", b->services_stopped ? "nursery closed" : "nursery open");
	if (b->police_at == STORE_NULL)
		push(unknown, "是否报警、何时报警", "whether and when the police were called");
	else
		push(known, "已报警", "police called");
	if (b->measures == STORE_NULL)
		push(unknown, "已采取的措施", "measures taken");
	if (b->unconfirmed)
		push(unknown, "是否属实：首报中有未知数，待核实", "whether it is confirmed: the first report leaves figures open");
}

/* ---- the statutory grade (Order 493) ---- */

static int64_t figure(const struct brief *b, enum brief_count c)
{
	return b->counts[c] > 0 ? b->counts[c] : 0;
}

static void step(const struct policy_grade_from *from, int grade, const struct brief *b, struct buf *zh, struct buf *en)
{
	int64_t dead = figure(b, BRIEF_DEAD) + figure(b, BRIEF_ADULTS_DEAD);
	int64_t hurt = figure(b, BRIEF_CRITICAL) + figure(b, BRIEF_SERIOUS) + figure(b, BRIEF_ADULTS_SERIOUS);

	buf_printf(zh, "死亡再增%lld人，或重伤（含危重）再增%lld人，或损失达%lld元，即为%s", (long long)MAX(from->dead - dead, 1),
		   (long long)MAX(from->serious - hurt, 1), (long long)from->loss_yuan, grades_zh[grade]);
	buf_printf(en, "%lld more dead, or %lld more seriously hurt (critical included), or a loss of %lld yuan: %s",
		   (long long)MAX(from->dead - dead, 1), (long long)MAX(from->serious - hurt, 1), (long long)from->loss_yuan,
		   grades_en[grade]);
}

static json *grade(const struct brief *b, const struct policy *p)
{
	json *o = json_new_object();
	struct buf zh = { 0 }, en = { 0 };
	int now = b->grade > 0 && b->grade <= GRADE_EXCEPTIONAL ? (int)b->grade : 0;

	json_set(o, "now", json_new_text(grade_words[now]));
	json_set(o, "zh", json_new_text(grades_zh[now]));
	if (p) {
		const struct policy_grades *g = policy_grades(p, clock_local_day(b->occurred_at));
		const struct policy_grade_from *next[] = { NULL, &g->larger, &g->major, &g->exceptional, NULL };

		if (now == 0) {
			buf_str(&zh, "有人死亡或重伤，或有直接损失，即为一般");
			buf_str(&en, "anyone dead or seriously hurt, or any loss: ordinary");
		} else if (next[now]) {
			step(next[now], now + 1, b, &zh, &en);
		}
	}
	json_set(o, "changes", said(&zh, &en));
	return o;
}

/* ---- who must be told by when ---- */

static void add_clock(json *list, const struct deadline *d, int64_t now)
{
	json *o = json_new_object();
	char text[CLOCK_TEXT_SIZE];

	json_set(o, "zh", json_new_text(d->kind->zh));
	json_set(o, "en", json_new_text(d->kind->en));
	json_set(o, "by", json_new_text(clock_format_time(d->due_at, text)));
	json_set(o, "left_minutes", json_new_int((d->due_at - now) / MINUTE_MS));
	json_set(o, "state", json_new_text(deadline_words[deadline_state(d, now)]));
	json_push(list, o);
}

static int clocks(struct store *s, const struct brief *b, const struct policy *p, int64_t site, int64_t now, json **ret)
{
	struct deadline list[DEADLINES_MAX];
	size_t count = 0;
	int r = p && b->incident ? deadlines_of(s, p, site, b->event, list, &count) : 0;

	*ret = json_new_list();
	for (size_t i = 0; r >= 0 && i < count; i++)
		add_clock(*ret, &list[i], now);
	return MIN(r, 0);
}

/* ---- the first report ---- */

static void add_measures(const struct brief *b, enum brief_language l, struct buf *out)
{
	static const char *const zh[MEASURE_COUNT] = { "已疏散", "已报110", "已报119", "已报120", "已告知监护人", "已停园", "已保护现场", "其他" };
	size_t n = 0;

	for (int i = 0; b->measures != STORE_NULL && i < MEASURE_COUNT; i++)
		if (b->measures >> i & 1)
			buf_printf(out, "%s%s", n++ ? (l == BRIEF_ZH ? "、" : ", ") : "", l == BRIEF_ZH ? zh[i] : measure_words[i]);
	if (n == 0)
		buf_str(out, l == BRIEF_ZH ? "（待补）" : "(to be added)");
}

static void write_report(const struct brief *b, enum brief_language l, int64_t now, struct buf *out)
{
	bool zh = l == BRIEF_ZH;
	struct buf occurred = { 0 }, known = { 0 }, hurt = { 0 }, measures = { 0 };
	const char *name = b->name[0] ? b->name : zh ? "（名称待核）" : "(name to be checked)";

	brief_time(b->occurred_at, now - 2 * DAY_MS, &occurred); /* always with its day */
	brief_time(b->known_at, now - 2 * DAY_MS, &known);
	brief_casualties(b, l, &hurt);
	add_measures(b, l, &measures);
	buf_printf(out, zh ? "关于%s%s%s事件的首报：%s，%s（机构代码%s）发生%s；机构于%s知悉。目前伤亡：%s。已采取措施：%s。"
			     "直接损失、原因正在核实，后续情况续报。报告人：（待填） 联系电话：（待填）" :
			     "First report, %s, %s, %s: at %s, %s (%s): %s; known to the nursery at %s. Casualties now: %s. "
			     "Measures: %s. Loss and cause are being checked. Reporter: (fill in) Telephone: (fill in)",
		   b->place, name, brief_type(b, l), occurred.p, name, b->site, brief_type(b, l), known.p, hurt.p, measures.p);
	buf_done(&occurred);
	buf_done(&known);
	buf_done(&hurt);
	buf_done(&measures);
}

static json *first_report(const struct brief *b, int64_t now)
{
	struct buf zh = { 0 }, en = { 0 };

	if (!b->incident)
		return json_new_null();
	write_report(b, BRIEF_ZH, now, &zh);
	write_report(b, BRIEF_EN, now, &en);
	return said(&zh, &en);
}

/* ---- the site, and what was before ---- */

static int set_site(struct store *s, const struct brief *b, int64_t now, int64_t *ret_id, json *o)
{
	json *site = NULL;
	int r;

	*ret_id = 0;
	r = store_get_int(s, ret_id, "SELECT id FROM site WHERE code = ?1", "t", b->site);
	if (r > 0)
		r = object_site(s, *ret_id, clock_local_day(now), true, &site);
	json_set(o, "site", site);
	return MIN(r, 0);
}

static int set_earlier(struct store *s, const struct brief *b, int64_t site, json *o)
{
	char events[EARLIER_MAX][65];
	size_t count = 0;
	json *list = json_new_list();
	store_stmt *q;
	int r = store_query(s, &q,
			    "SELECT event FROM incident WHERE site = ?1 AND event <> ?2 ORDER BY occurred_at DESC, event LIMIT ?3", "iti",
			    site, b->event, (int64_t)EARLIER_MAX);

	json_set(o, "earlier", list);
	while (r >= 0 && (r = store_step(q)) > 0)
		snprintf(events[count++], sizeof events[0], "%s", store_text(q, 0));
	store_reset(q);
	for (size_t i = 0; r >= 0 && i < count; i++) {
		json *event = NULL;

		r = object_incident(s, site, events[i], false, &event);
		if (event)
			json_push(list, event);
	}
	return MIN(r, 0);
}

/* ---- the timeline ---- */

static void add_moment(json *list, store_stmt *q)
{
	json *o = json_new_object();

	json_set(o, "at", row_time(q, 0));
	json_set(o, "what", row_text(q, 1));
	json_set(o, "detail", row_text(q, 2));
	json_push(list, o);
}

static int set_timeline(struct store *s, const struct brief *b, int64_t site, json *o)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q,
			    "SELECT at, what, detail FROM ("
			    " SELECT i.occurred_at AS at, 'occurred' AS what, i.event AS detail, 0 AS k FROM incident i WHERE i.site = ?2 AND i.event = ?3"
			    " UNION ALL SELECT i.known_at, 'known', NULL, 1 FROM incident i WHERE i.site = ?2 AND i.event = ?3"
			    " UNION ALL SELECT m.received_at, 'reported', 'S' || m.severity || ', ledger row ' || m.n, 2 FROM incident_message m"
			    "  WHERE m.site = ?2 AND m.event = ?3"
			    " UNION ALL SELECT a.raised_at, 'alert raised', a.rule, 3 FROM alert a WHERE a.id = ?1"
			    " UNION ALL SELECT n.delivered_at, 'page delivered', n.kind || ' ' || n.sink || iif(n.contact = '', '', ' ' || n.contact), 4"
			    "  FROM notification n WHERE n.alert = ?1 AND n.delivered_at IS NOT NULL"
			    " UNION ALL SELECT a.closed_at, 'alert closed', a.closed_because, 5 FROM alert a WHERE a.id = ?1 AND a.closed_at IS NOT NULL"
			    ") ORDER BY at, k LIMIT ?4",
			    "iiti", b->alert, site, b->event, (int64_t)LINES_MAX);

	json_set(o, "timeline", list);
	while (r >= 0 && (r = store_step(q)) > 0)
		add_moment(list, q);
	return MIN(r, 0);
}

static int set_alert(struct store *s, const struct brief *b, json *o)
{
	json *alert = NULL;
	int r = object_alert(s, b->alert, true, &alert);

	json_set(o, "alert", alert);
	return MIN(r, 0);
}

int object_brief(struct store *s, int64_t alert, int64_t now, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	_cleanup_(policy_freep) struct policy *policy = NULL;
	json *known = json_new_list(), *unknown = json_new_list(), *list = NULL;
	struct brief b;
	int64_t site;
	int r = brief_load(s, alert, &b);

	*ret = NULL;
	json_set(o, "known", known);
	json_set(o, "unknown", unknown);
	if (r != 0)
		return r < 0 ? r : OBJECT_NONE;
	r = policy_row_newest(s, &policy);
	if (r < 0 && r != -EUCLEAN)
		return r;
	json_set(o, "line", said_line(&b, &(struct brief_moment){ .now = now, .policy = policy }));
	add_facts(&b, known, unknown);
	add_counts(&b, known, unknown);
	json_set(o, "grade", b.incident ? grade(&b, policy) : NULL);
	json_set(o, "first_report", first_report(&b, now));
	r = set_alert(s, &b, o);
	if (r >= 0)
		r = set_site(s, &b, now, &site, o);
	if (r >= 0)
		r = clocks(s, &b, policy, site, now, &list);
	json_set(o, "clocks", list);
	if (r >= 0)
		r = set_earlier(s, &b, site, o);
	if (r >= 0)
		r = set_timeline(s, &b, site, o);
	if (r < 0)
		return r;
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}
