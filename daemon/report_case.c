/* SPDX-License-Identifier: MIT
 *
 * One case, from incident to decision, for the file of the officers who decide: what was known when, who did what in which
 * role, on which paper, and which rows of the ledger say so. For people inside: it names nurseries and officers.
 */
#include "clock.h"
#include "policy_row.h"
#include "report.h"
#include "store.h"

#include <stdio.h>

#define ROWS_A_SLICE 100
#define SAME_SUBJECT_MAX 200

/* ---- what the case stands on ---- */

static void remember_of(struct report *r, const json *list)
{
	for (size_t i = 0; list && i < json_count(list); i++)
		report_remember(r, report_int(json_at(list, i), "n"));
}

static bool holds_int(const json *list, int64_t number)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (json_int(json_at(list, i)) == number)
			return true;
	return false;
}

/* Alerts of one thing belong together: art5-1 and late-report of one event. */
static int add_same_subject(struct report *r, int64_t alert, json *ids)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int error = store_query(r->store, &q,
				"SELECT b.id, b.raised_n FROM alert a JOIN alert b ON b.subject = a.subject WHERE a.id = ? ORDER BY b.id LIMIT ?",
				"ii", alert, (int64_t)SAME_SUBJECT_MAX);

	while (error >= 0 && (error = store_step(q)) > 0) {
		if (!holds_int(ids, store_int(q, 0)))
			json_push(ids, json_new_int(store_int(q, 0)));
		report_remember(r, store_int(q, 1));
	}
	return error;
}

static int find_alerts(struct report *r)
{
	const json *evidence = json_get(r->about, "evidence");
	json *ids = json_new_list();
	int error = 0;

	json_set(r->kept, "alert_ids", ids);
	for (size_t i = 0; error >= 0 && i < json_count(evidence); i++) {
		int64_t alert;

		if (object_alert_id(report_text(json_at(evidence, i), "alert"), &alert) == 0)
			error = add_same_subject(r, alert, ids);
	}
	return error;
}

static int open_case(struct report *r)
{
	struct buf zh = { 0 }, en = { 0 };
	int error = object_case(r->store, r->subject, true, &r->about);

	if (error != 0)
		return error < 0 ? error : REPORT_NONE;
	buf_printf(&zh, "%s %s", r->kind->zh, r->subject);
	buf_printf(&en, "%s %s", r->kind->en, r->subject);
	report_entitle(r, zh.p, en.p);
	buf_done(&zh);
	buf_done(&en);
	remember_of(r, json_get(r->about, "history"));
	remember_of(r, json_get(r->about, "evidence"));
	remember_of(r, json_get(r->about, "signatures"));
	json_set(r->kept, "alerts", json_new_list());
	json_set(r->kept, "incidents", json_new_list());
	return MIN(find_alerts(r), 0);
}

/* ---- the case ---- */

static const struct ground {
	const char *id, *article, *zh, *en;
} grounds[] = {
	{ "art5-1", "管理办法 第五条(一)", "发生重大安全责任事故的", "a major safety accident with liability occurred" },
	{ "art5-2", "管理办法 第五条(二)", "措施不力，工作退步，存在弄虚作假等情形的", "ineffective measures, regress, falsification or the like" },
	{ "art5-3", "管理办法 第五条(三)", "托育机构、婴幼儿家庭对政策环境和服务管理满意度不高的", "nurseries or families are not satisfied with policy or services" },
};

static void set_ground(json *row, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(grounds); i++)
		if (strcmp(grounds[i].id, id) == 0) {
			json_set(row, "article", json_new_text(grounds[i].article));
			json_set(row, "ground_text", report_said(grounds[i].zh, grounds[i].en));
		}
}

/* What is waited for, and what it still lacks. */
static void set_next(const struct report *r, json *row)
{
	const json *allowed = json_get(r->about, "allowed");
	const char *next = report_text(r->about, "next");

	json_set(row, "next", *next ? report_said(report_text(r->about, "next_zh"), report_text(r->about, "next_en")) : NULL);
	for (size_t i = 0; allowed && *next && i < json_count(allowed); i++)
		if (strcmp(report_text(json_at(allowed, i), "act"), next) == 0)
			report_take(row, json_at(allowed, i), "needs missing");
}

static int read_case(struct report *r, json *rows)
{
	json *row = json_new_object();

	report_take(row, r->about, "id ground state opened_at decided_on barred_cycle merged_into");
	set_ground(row, report_text(r->about, "ground"));
	set_next(r, row);
	json_push(rows, row);
	return 0;
}

static const struct report_column case_columns[] = {
	{ .key = "id", .zh = "案件", .en = "case" },
	{ .key = "ground", .zh = "事由", .en = "ground" },
	{ .key = "article", .zh = "依据", .en = "article" },
	{ .key = "ground_text", .zh = "撤销情形", .en = "what the article says" },
	{ .key = "state", .zh = "状态", .en = "state", .say = report_word },
	{ .key = "next", .zh = "下一步", .en = "what is waited for" },
	{ .key = "needs", .zh = "办理须填", .en = "what the act must name" },
	{ .key = "missing", .zh = "尚缺", .en = "what it still lacks" },
	{ .key = "opened_at", .zh = "立案时间", .en = "opened", .shown = SHOWN_TIME },
	{ .key = "decided_on", .zh = "决定日期", .en = "decided on" },
	{ .key = "barred_cycle", .zh = "不得申报的周期", .en = "barred cycle" },
	{ .key = "merged_into", .zh = "并入案件", .en = "merged into" },
	{ 0 },
};

static int read_unit(struct report *r, json *rows)
{
	_cleanup_(json_freep) json *unit = NULL;
	json *row = json_new_object();
	int error = object_unit(r->store, &r->sums, report_text(r->about, "unit"), r->today, false, &unit);

	json_push(rows, row);
	report_take(row, r->about, "unit");
	report_take(row, unit, "name province sites open_alerts open_cases");
	report_take(row, unit ? json_get(unit, "designation") : NULL, "status cycle effective_on document");
	return MIN(error, 0);
}

static const struct report_column unit_columns[] = {
	{ .key = "unit", .zh = "单位代码", .en = "unit", .shown = SHOWN_LINE },
	{ .key = "name", .zh = "名称", .en = "name", .shown = SHOWN_LINE },
	{ .key = "province", .zh = "省份代码", .en = "province" },
	{ .key = "status", .zh = "称号状态", .en = "designation", .say = report_word },
	{ .key = "cycle", .zh = "周期", .en = "cycle" },
	{ .key = "effective_on", .zh = "自", .en = "since" },
	{ .key = "document", .zh = "文件", .en = "document" },
	{ .key = "sites", .zh = "机构数", .en = "nurseries" },
	{ .key = "open_alerts", .zh = "未结预警", .en = "open alerts" },
	{ .key = "open_cases", .zh = "未结案件", .en = "open cases" },
	{ 0 },
};

/* ---- the timeline ---- */

/* What an act says beside its reason and document: "cycle: 2027-2028". */
static void set_rest(json *row, const json *body)
{
	static const char *const known[] = { "act", "reason", "document" };
	_cleanup_(buf_done) struct buf text = { 0 };

	for (void *i = body ? json_first(body) : NULL; i; i = json_next(body, i)) {
		bool shown = false;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			shown |= strcmp(json_key(i), known[k]) == 0;
		if (shown)
			continue;
		buf_printf(&text, "%s%s: ", text.len ? "\n" : "", json_key(i));
		if (json_kind(json_value(i)) == JSON_KIND_TEXT)
			buf_str(&text, json_text(json_value(i)));
		else
			json_compact(json_value(i), &text);
	}
	json_set(row, "rest", json_new_text(text.len ? text.p : NULL));
}

static int read_timeline(struct report *r, json *rows)
{
	const json *history = json_get(r->about, "history");

	for (size_t i = 0; i < json_count(history); i++) {
		const json *event = json_at(history, i), *body = json_get(event, "body");
		json *row = json_new_object();

		report_take(row, event, "n at act from state actor roles");
		body = body && json_kind(body) == JSON_KIND_OBJECT ? body : NULL;
		report_take(row, body, "reason document");
		set_rest(row, body);
		json_push(rows, row);
	}
	return 0;
}

static const struct report_column timeline_columns[] = {
	{ .key = "at", .zh = "时间", .en = "at", .shown = SHOWN_TIME },
	{ .key = "act", .zh = "事项", .en = "act", .say = report_case_act },
	{ .key = "state", .zh = "状态", .en = "state", .say = report_word },
	{ .key = "actor", .zh = "经办人", .en = "who" },
	{ .key = "roles", .zh = "角色", .en = "role", .say = report_word },
	{ .key = "reason", .zh = "理由", .en = "reason" },
	{ .key = "document", .zh = "文号", .en = "document" },
	{ .key = "rest", .zh = "其他", .en = "more" },
	{ .key = "n", .zh = "账本行", .en = "ledger row" },
	{ 0 },
};

/* ---- lists of the case as they are ---- */

static int take_list(const struct report *r, const char *list_key, const char *keys, json *rows)
{
	const json *list = json_get(r->about, list_key);

	for (size_t i = 0; list && i < json_count(list); i++) {
		json *row = json_new_object();

		report_take(row, json_at(list, i), keys);
		json_push(rows, row);
	}
	return 0;
}

static int read_evidence(struct report *r, json *rows)
{
	return take_list(r, "evidence", "at kind alert document subject n", rows);
}

static int read_signatures(struct report *r, json *rows)
{
	return take_list(r, "signatures", "for role actor n", rows);
}

static const struct report_column evidence_columns[] = {
	{ .key = "at", .zh = "时间", .en = "at", .shown = SHOWN_TIME },
	{ .key = "kind", .zh = "种类", .en = "kind", .say = report_word },
	{ .key = "alert", .zh = "预警", .en = "alert" },
	{ .key = "document", .zh = "文件", .en = "document" },
	{ .key = "subject", .zh = "对象", .en = "subject" },
	{ .key = "n", .zh = "账本行", .en = "ledger row" },
	{ 0 },
};

static const struct report_column signature_columns[] = {
	{ .key = "for", .zh = "会签事项", .en = "signed for", .say = report_word },
	{ .key = "role", .zh = "角色", .en = "role", .say = report_word },
	{ .key = "actor", .zh = "会签人", .en = "who" },
	{ .key = "n", .zh = "账本行", .en = "ledger row" },
	{ 0 },
};

/* ---- alerts, one a slice ---- */

static int remember_acts(struct report *r, int64_t alert)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int error = store_query(r->store, &q, "SELECT n FROM alert_act WHERE alert = ?", "i", alert);

	while (error >= 0 && (error = store_step(q)) > 0)
		report_remember(r, store_int(q, 0));
	return error;
}

static int read_alerts(struct report *r, json *rows)
{
	const json *ids = json_get(r->kept, "alert_ids");
	json *alert = NULL, *row;
	int error;

	if (r->at >= json_count(ids))
		return 0;
	error = object_alert(r->store, json_int(json_at(ids, r->at)), true, &alert);
	if (error < 0)
		return error;
	if (alert) {
		row = json_new_object();
		report_take(row, alert, "id rule article severity state raised_at acknowledged_at acknowledged_by closed_at closed_because subject");
		json_set(row, "text", report_said(report_text(alert, "zh"), report_text(alert, "en")));
		json_push(rows, row);
		json_push(json_get(r->kept, "alerts"), alert);
		error = remember_acts(r, json_int(json_at(ids, r->at)));
	}
	return error < 0 ? error : REPORT_MORE;
}

static const struct report_column alert_columns[] = {
	{ .key = "id", .zh = "预警", .en = "alert", .shown = SHOWN_LINE },
	{ .key = "rule", .zh = "规则", .en = "rule", .shown = SHOWN_LINE },
	{ .key = "text", .zh = "内容", .en = "what it says" },
	{ .key = "article", .zh = "依据", .en = "article" },
	{ .key = "severity", .zh = "级别", .en = "severity" },
	{ .key = "state", .zh = "状态", .en = "state", .say = report_word },
	{ .key = "raised_at", .zh = "发出", .en = "raised", .shown = SHOWN_TIME },
	{ .key = "acknowledged_at", .zh = "确认", .en = "acknowledged", .shown = SHOWN_TIME },
	{ .key = "acknowledged_by", .zh = "确认人", .en = "by" },
	{ .key = "closed_at", .zh = "结束", .en = "closed", .shown = SHOWN_TIME },
	{ .key = "closed_because", .zh = "结束原因", .en = "because" },
	{ 0 },
};

/* ---- incidents, one a slice ---- */

/* The event that the alert is about, when it is about one: its name behind "SITE/". */
static const char *event_of(const json *alert)
{
	const char *site = report_text(alert, "site"), *subject = report_text(alert, "subject");
	size_t len = strlen(site);

	return len > 0 && strncmp(subject, site, len) == 0 && subject[len] == '/' ? subject + len + 1 : NULL;
}

static bool is_known(const json *incidents, const char *site, const char *event)
{
	for (size_t i = 0; i < json_count(incidents); i++)
		if (strcmp(report_text(json_at(incidents, i), "site"), site) == 0 &&
		    strcmp(report_text(json_at(incidents, i), "event"), event) == 0)
			return true;
	return false;
}

static int set_name(struct report *r, int64_t site, json *incident)
{
	_cleanup_(json_freep) json *nursery = NULL;
	int error = object_site(r->store, site, r->today, false, &nursery);

	json_set(incident, "name", json_new_text(report_text(nursery ? json_get(nursery, "registration") : NULL, "name")));
	return error;
}

static int read_event(struct report *r, const char *code, const char *event)
{
	json *incident = NULL;
	int64_t site = 0;
	int error = store_get_int(r->store, &site, "SELECT id FROM site WHERE code = ?", "t", code);

	if (error > 0)
		error = object_incident(r->store, site, event, true, &incident);
	if (!incident)
		return MIN(error, 0);
	json_push(json_get(r->kept, "incidents"), incident);
	remember_of(r, json_get(incident, "stages"));
	remember_of(r, json_get(incident, "findings"));
	if (!r->policy)
		error = policy_row_newest(r->store, &r->policy);
	if (error < 0)
		return error;
	error = object_incident_clocks(r->store, r->policy, site, event, true, r->now, incident);
	return error < 0 ? error : set_name(r, site, incident);
}

static int read_incidents(struct report *r, json *rows)
{
	const json *alerts = json_get(r->kept, "alerts"), *incidents = json_get(r->kept, "incidents");
	const json *alert = json_at(alerts, r->at);
	const char *event = alert ? event_of(alert) : NULL;
	size_t before = json_count(incidents);
	int error = 0;

	if (event && !is_known(incidents, report_text(alert, "site"), event))
		error = read_event(r, report_text(alert, "site"), event);
	if (json_count(incidents) > before) {
		json *row = json_new_object();

		report_take(row, json_at(incidents, before),
			    "site name event type severity grade unconfirmed occurred_at known_at first_received_at live");
		json_push(rows, row);
	}
	return error < 0 || !alert ? MIN(error, 0) : REPORT_MORE;
}

static const struct report_column incident_columns[] = {
	{ .key = "site", .zh = "机构代码", .en = "site", .shown = SHOWN_LINE },
	{ .key = "name", .zh = "机构", .en = "nursery" },
	{ .key = "event", .zh = "事件", .en = "event", .shown = SHOWN_LINE },
	{ .key = "type", .zh = "类型", .en = "type", .say = report_word },
	{ .key = "severity", .zh = "级别", .en = "severity" },
	{ .key = "grade", .zh = "法定等级", .en = "statutory grade", .say = report_word },
	{ .key = "unconfirmed", .zh = "待核实", .en = "unconfirmed" },
	{ .key = "occurred_at", .zh = "发生", .en = "occurred", .shown = SHOWN_TIME },
	{ .key = "known_at", .zh = "知悉", .en = "known", .shown = SHOWN_TIME },
	{ .key = "first_received_at", .zh = "首报收到", .en = "first report", .shown = SHOWN_TIME },
	{ 0 },
};

/* ---- every stage of each report ---- */

static void add_count(struct buf *zh, struct buf *en, const json *counts, const char *key, const char *word)
{
	const json *v = json_get(counts, key);

	if (v && json_kind(v) == JSON_KIND_INT) {
		buf_printf(zh, "%s%s%lld", zh->len ? " " : "", word, (long long)json_int(v));
		buf_printf(en, "%s%s %lld", en->len ? ", " : "", key, (long long)json_int(v));
	} else {
		buf_printf(zh, "%s%s未知", zh->len ? " " : "", word);
		buf_printf(en, "%s%s ?", en->len ? ", " : "", key);
	}
}

static json *casualties(const json *counts)
{
	static const struct {
		const char *key, *zh;
	} words[] = { { "dead", "死亡" }, { "critical", "危重" }, { "serious", "重伤" }, { "minor", "轻伤" }, { "missing", "失联" } };
	_cleanup_(buf_done) struct buf zh = { 0 }, en = { 0 };

	for (size_t i = 0; counts && i < ARRAY_SIZE(words); i++)
		if (json_get(counts, words[i].key)) /* adults have two of them */
			add_count(&zh, &en, counts, words[i].key, words[i].zh);
	return report_said(zh.p, en.p);
}

static void add_stages(const json *incident, json *rows)
{
	const json *stages = json_get(incident, "stages");

	for (size_t i = 0; i < json_count(stages); i++) {
		const json *stage = json_at(stages, i);
		json *row = json_new_object();

		report_take(row, incident, "event");
		report_take(row, stage, "stage received_at type sick loss_yuan measures police_at severity grade void counts n");
		json_set(row, "children", casualties(json_get(stage, "children")));
		json_set(row, "adults", casualties(json_get(stage, "adults")));
		json_push(rows, row);
	}
}

static int read_stages(struct report *r, json *rows)
{
	const json *incidents = json_get(r->kept, "incidents");

	for (size_t i = 0; i < json_count(incidents); i++)
		add_stages(json_at(incidents, i), rows);
	return 0;
}

static const struct report_column stage_columns[] = {
	{ .key = "event", .zh = "事件", .en = "event", .shown = SHOWN_LINE },
	{ .key = "stage", .zh = "阶段", .en = "stage", .say = report_word },
	{ .key = "received_at", .zh = "收到", .en = "received", .shown = SHOWN_TIME },
	{ .key = "type", .zh = "类型", .en = "type", .say = report_word },
	{ .key = "children", .zh = "儿童", .en = "children" },
	{ .key = "adults", .zh = "成人", .en = "adults" },
	{ .key = "sick", .zh = "患病", .en = "sick" },
	{ .key = "loss_yuan", .zh = "损失（元）", .en = "loss (yuan)" },
	{ .key = "measures", .zh = "措施", .en = "measures", .say = report_word },
	{ .key = "severity", .zh = "级别", .en = "severity" },
	{ .key = "grade", .zh = "法定等级", .en = "grade", .say = report_word },
	{ .key = "void", .zh = "作废", .en = "void" },
	{ .key = "n", .zh = "账本行", .en = "ledger row" },
	{ 0 },
};

/* ---- clocks ---- */

static int read_clocks(struct report *r, json *rows)
{
	const json *incidents = json_get(r->kept, "incidents");

	for (size_t i = 0; i < json_count(incidents); i++) {
		const json *incident = json_at(incidents, i), *clocks = json_get(incident, "clocks");

		for (size_t k = 0; clocks && k < json_count(clocks); k++) {
			json *row = json_new_object();

			report_take(row, incident, "event");
			report_take(row, json_at(clocks, k), "id from due_at met_at state");
			json_set(row, "clock", report_said(report_text(json_at(clocks, k), "zh"), report_text(json_at(clocks, k), "en")));
			json_push(rows, row);
		}
	}
	return 0;
}

static const struct report_column clock_columns[] = {
	{ .key = "event", .zh = "事件", .en = "event", .shown = SHOWN_LINE },
	{ .key = "clock", .zh = "时限", .en = "clock" },
	{ .key = "from", .zh = "自", .en = "from", .shown = SHOWN_TIME },
	{ .key = "due_at", .zh = "截止", .en = "due", .shown = SHOWN_TIME },
	{ .key = "met_at", .zh = "完成", .en = "met", .shown = SHOWN_TIME },
	{ .key = "state", .zh = "状态", .en = "state", .say = report_word },
	{ 0 },
};

/* ---- what officers found of the incidents ---- */

static int read_findings(struct report *r, json *rows)
{
	const json *incidents = json_get(r->kept, "incidents");

	for (size_t i = 0; i < json_count(incidents); i++) {
		const json *incident = json_at(incidents, i), *findings = json_get(incident, "findings");

		for (size_t k = 0; findings && k < json_count(findings); k++) {
			json *row = json_new_object();

			report_take(row, incident, "event");
			report_take(row, json_at(findings, k), "act finding done_at at actor reason document n");
			json_push(rows, row);
		}
	}
	return 0;
}

static const struct report_column finding_columns[] = {
	{ .key = "event", .zh = "事件", .en = "event", .shown = SHOWN_LINE },
	{ .key = "act", .zh = "事项", .en = "of what", .say = report_word },
	{ .key = "finding", .zh = "认定", .en = "finding", .say = report_word },
	{ .key = "done_at", .zh = "完成时间", .en = "done", .shown = SHOWN_TIME },
	{ .key = "at", .zh = "时间", .en = "at", .shown = SHOWN_TIME },
	{ .key = "actor", .zh = "认定人", .en = "who" },
	{ .key = "reason", .zh = "理由", .en = "reason" },
	{ .key = "document", .zh = "文号", .en = "document" },
	{ .key = "n", .zh = "账本行", .en = "ledger row" },
	{ 0 },
};

/* ---- the ledger ---- */

static json *ledger_codes(const json *message)
{
	static const char *const lists[] = { "errors", "warnings" };
	json *codes = json_new_list();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json *list = json_get(message, lists[i]);

		for (size_t k = 0; list && k < json_count(list); k++)
			json_push(codes, json_new_text(report_text(json_at(list, k), "code")));
	}
	return codes;
}

static int add_row(struct report *r, int64_t n, json *rows)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	_cleanup_(json_freep) json *message = NULL;
	struct ledger_row row;
	json *shown;
	int error = ledger_rows(r->store, n, n, &q);

	if (error < 0 || (error = ledger_step(q, &row)) <= 0)
		return MIN(error, 0);
	error = object_message(&row, false, &message);
	if (error < 0)
		return error;
	shown = json_new_object();
	report_take(shown, message, "n received_at topic outcome hash");
	json_set(shown, "codes", ledger_codes(message));
	json_push(rows, shown);
	return 0;
}

static int read_ledger(struct report *r, json *rows)
{
	size_t from, to;
	int error = 0;

	if (r->at == 0)
		report_rows_settle(r);
	from = r->at * ROWS_A_SLICE;
	to = MIN(from + ROWS_A_SLICE, r->row_count);
	for (size_t i = from; error >= 0 && i < to; i++)
		error = add_row(r, r->rows[i], rows);
	return error < 0 || to >= r->row_count ? error : REPORT_MORE;
}

static const struct report_column ledger_columns[] = {
	{ .key = "n", .zh = "行", .en = "n" },
	{ .key = "received_at", .zh = "收到（UTC）", .en = "received (UTC)", .shown = SHOWN_CODE }, /* as it is hashed */
	{ .key = "topic", .zh = "主题", .en = "topic", .shown = SHOWN_CODE },
	{ .key = "outcome", .zh = "结论", .en = "outcome", .say = report_word },
	{ .key = "codes", .zh = "代码", .en = "codes" },
	{ .key = "hash", .zh = "哈希", .en = "hash", .shown = SHOWN_CODE },
	{ 0 },
};

static const struct report_section sections[] = {
	{ "case", "案件", "The case", case_columns, .pairs = true, .read = read_case },
	{ "unit", "单位与称号", "Unit and designation", unit_columns, .pairs = true, .read = read_unit },
	{ "timeline", "经过", "Timeline", timeline_columns, .read = read_timeline },
	{ "evidence", "证据", "Evidence", evidence_columns, .read = read_evidence },
	{ "signatures", "会签", "Signatures", signature_columns, .read = read_signatures },
	{ "alerts", "相关预警", "Alerts behind it", alert_columns, .read = read_alerts },
	{ "incidents", "相关事件", "Incidents behind it", incident_columns, .read = read_incidents },
	{ "stages", "事件报告（各阶段）", "Every stage of each report", stage_columns, .read = read_stages },
	{ "clocks", "报告时限", "Clocks", clock_columns, .read = read_clocks,
	  .note_zh = "逐级上报是否完成，nurseryd 只从主管部门的登记得知；没有登记的，到期后显示超时。",
	  .note_en = "That a level reported upwards nurseryd knows from officers' acts alone; without one the clock runs out." },
	{ "findings", "主管部门认定", "Findings of officers", finding_columns, .read = read_findings },
	{ "ledger", "账本记录", "Ledger rows involved", ledger_columns, .read = read_ledger },
	{ 0 },
};

const struct report_kind report_case = {
	.id = "case",
	.zh = "撤销命名案件报告",
	.en = "Report of a revocation case",
	.basis_zh = "依据：《全国婴幼儿照护服务示范城市创建活动管理办法》第五条、第六条。nurseryd 只记录程序与时限，撤销与否由主管部门决定。",
	.basis_en = "Measures for demonstration cities, Articles 5 and 6. nurseryd records the procedure and its clocks; whether a title is revoked the competent authorities decide.",
	.sections = sections,
	.open = open_case,
};
