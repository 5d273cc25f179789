/* SPDX-License-Identifier: MIT
 *
 * One case, from incident to decision, for the file of the officers who decide: what was known when, who did what in which
 * role, on which paper, and which rows of the ledger say so. For people inside: it names nurseries and officers.
 */
#include "report_case.h"

#include "clock.h"

#include <stdio.h>

#define ROWS_A_SLICE 100
#define SAME_SUBJECT_MAX 200

/* ---- what the case stands on ---- */

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
	case_remember(r, json_get(r->about, "history"));
	case_remember(r, json_get(r->about, "evidence"));
	case_remember(r, json_get(r->about, "signatures"));
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

static void take_list(const struct report *r, const char *list_key, const char *keys, json *rows)
{
	const json *list = json_get(r->about, list_key);

	for (size_t i = 0; list && i < json_count(list); i++) {
		json *row = json_new_object();

		report_take(row, json_at(list, i), keys);
		json_push(rows, row);
	}
}

static int read_evidence(struct report *r, json *rows)
{
	take_list(r, "evidence", "at kind alert document subject n", rows);
	return 0;
}

/* When: the history has the same row of the ledger. */
static int read_signatures(struct report *r, json *rows)
{
	const json *history = json_get(r->about, "history");

	take_list(r, "signatures", "for role actor n", rows);
	for (size_t i = 0; i < json_count(rows); i++)
		for (size_t k = 0; k < json_count(history); k++)
			if (report_int(json_at(history, k), "n") == report_int(json_at(rows, i), "n"))
				report_take(json_at(rows, i), json_at(history, k), "at");
	return 0;
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
	{ .key = "at", .zh = "时间", .en = "at", .shown = SHOWN_TIME },
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
	{ "incidents", "相关事件", "Incidents behind it", case_incident_columns, .read = case_read_incidents },
	{ "stages", "事件报告（各阶段）", "Every stage of each report", case_stage_columns, .read = case_read_stages },
	{ "clocks", "报告时限", "Clocks", case_clock_columns, .read = case_read_clocks,
	  .note_zh = "逐级上报是否完成，nurseryd 只从主管部门的登记得知；没有登记的，到期后显示超时。",
	  .note_en = "That a level reported upwards nurseryd knows from officers' acts alone; without one the clock runs out." },
	{ "findings", "主管部门认定", "Findings of officers", case_finding_columns, .read = case_read_findings },
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
