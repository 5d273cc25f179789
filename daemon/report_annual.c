/* SPDX-License-Identifier: MIT
 *
 * A province's year (管理办法 第七条): the creation activity and what the cities have to show. It may be handed to anybody: no nursery and
 * no officer is named, cells of few answers are suppressed, and of a case that nothing was published of it says nothing. A reader
 * with a role is told that there is one, and that it is not decided.
 */
#include "report_annual.h"

#include "clock.h"
#include "worklist.h"

#include <stdio.h>

/* ---- the year ---- */

static int open_annual(struct report *r)
{
	char zh[128], en[128], until[CLOCK_TEXT_SIZE];
	bool running = r->today < annual_first_day(r->year + 1) - 1;
	const char *name;
	int error;

	if (annual_first_day(r->year) > r->today)
		return REPORT_WRONG;
	error = report_open_province(r);
	if (error != 0)
		return error;
	name = report_text(r->about, "name");
	clock_format_day(annual_last_day(r), until);
	snprintf(zh, sizeof zh, "%.40s%d年度示范城市创建活动报告%s%s%s", name, r->year, running ? "（截至" : "", running ? until : "", running ? "）" : "");
	snprintf(en, sizeof en, "Annual report %d, province %s%s%s", r->year, r->subject, running ? ", so far: " : "", running ? until : "");
	report_entitle(r, zh, en);
	json_set(r->kept, "sources", json_new_object());
	json_set(r->kept, "province", json_new_object());
	return 0;
}

/* ---- titles ---- */

static int read_titles(struct report *r, json *rows)
{
	_cleanup_(json_freep) json *unit = NULL;
	int error = report_unit_object(r, annual_last_day(r), false, &unit);
	json *row = report_unit_row(r);

	json_push(rows, row);
	json_set(row, "eligible", json_new_text(report_eligible(r, r->unit)));
	json_set(row, "recommender", report_recommender(r, r->unit));
	report_take(row, unit ? json_get(unit, "designation") : NULL, "status cycle effective_on document");
	report_take(row, unit, "sites");
	return error;
}

static const struct report_column title_columns[] = {
	REPORT_UNIT_COLUMNS,
	{ .key = "eligible", .zh = "参评资格", .en = "eligible", .say = report_word },
	{ .key = "recommender", .zh = "推荐单位", .en = "recommended by" },
	{ .key = "status", .zh = "年末称号", .en = "title at the year's end", .say = report_word },
	{ .key = "cycle", .zh = "周期", .en = "cycle" },
	{ .key = "effective_on", .zh = "自", .en = "since", .shown = SHOWN_LINE },
	{ .key = "document", .zh = "文件", .en = "document" },
	{ .key = "sites", .zh = "机构数", .en = "nurseries" },
	{ 0 },
};

/* ---- the creation activity: acts on titles ---- */

static void take_body(json *row, const char *text)
{
	_cleanup_(json_freep) json *body = NULL;
	size_t offset;

	(void)json_parse(text, strlen(text), 16, &body, &offset);
	report_take(row, body, "document where when");
}

static int read_acts(struct report *r, json *rows)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char text[CLOCK_TEXT_SIZE];
	int error = store_query(r->store, &q,
				"SELECT at, act, state, cycle, roles, body, n FROM designation_event WHERE unit = ? AND at >= ? AND at < ? ORDER BY n",
				"tii", r->unit, clock_day_start_ms(annual_first_day(r->year)), clock_day_start_ms(annual_first_day(r->year + 1)));

	while (error >= 0 && (error = store_step(q)) > 0) {
		json *row = report_unit_row(r);

		json_set(row, "at", json_new_text(clock_format_time(store_int(q, 0), text)));
		json_set(row, "act", json_new_text(store_text(q, 1)));
		json_set(row, "state", json_new_text(store_text(q, 2)));
		json_set(row, "cycle", json_new_text(store_text(q, 3)));
		json_set(row, "roles", json_new_text(store_text(q, 4)));
		take_body(row, store_text(q, 5));
		json_set(row, "n", json_new_int(store_int(q, 6)));
		json_push(rows, row);
	}
	return error;
}

static const struct report_column act_columns[] = {
	{ .key = "at", .zh = "时间", .en = "at", .shown = SHOWN_TIME },
	REPORT_UNIT_COLUMNS,
	{ .key = "act", .zh = "事项", .en = "act", .say = report_title_act },
	{ .key = "state", .zh = "之后状态", .en = "state after it", .say = report_word },
	{ .key = "cycle", .zh = "周期", .en = "cycle" },
	{ .key = "roles", .zh = "角色", .en = "role", .say = report_word },
	{ .key = "document", .zh = "文号", .en = "document" },
	{ .key = "where", .zh = "公示载体", .en = "where public" },
	{ .key = "when", .zh = "公示日期", .en = "when public" },
	{ .key = "n", .zh = "账本行", .en = "ledger row" },
	{ 0 },
};

/* ---- incidents ---- */

static int set_severities(struct report *r, json *row)
{
	static const char *const keys[] = { "", "s1", "s2", "s3", "s4" };
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t counts[5] = { 0 }, unconfirmed = 0;
	int error = store_query(r->store, &q,
				"SELECT severity, unconfirmed, count(*) FROM incident WHERE unit = ? AND occurred_at >= ? AND occurred_at < ? AND live = 1"
				" GROUP BY severity, unconfirmed",
				"tii", r->unit, clock_day_start_ms(annual_first_day(r->year)), clock_day_start_ms(annual_first_day(r->year + 1)));

	while (error >= 0 && (error = store_step(q)) > 0) {
		int64_t severity = store_int(q, 0);

		if (store_int(q, 1))
			unconfirmed += store_int(q, 2);
		else if (severity >= 1 && severity <= 4)
			counts[severity] += store_int(q, 2);
	}
	for (size_t i = 1; i < ARRAY_SIZE(keys); i++)
		json_set(row, keys[i], json_new_int(counts[i]));
	json_set(row, "unconfirmed", json_new_int(unconfirmed));
	return error;
}

static int read_incidents(struct report *r, json *rows)
{
	struct annual_flow late, liable;
	json *row = report_unit_row(r);
	int error = set_severities(r, row);

	json_push(rows, row);
	if (error >= 0)
		error = annual_flow(r, "late_report_rate", r->year, &late);
	if (error >= 0)
		error = annual_flow(r, "liability_accidents", r->year, &liable);
	if (error < 0)
		return error;
	json_set(row, "late", json_new_int(late.numerator));
	json_set(row, "late_of", json_new_int(late.denominator));
	json_set(row, "liable", json_new_int(liable.numerator));
	return 0;
}

static const struct report_column incident_columns[] = {
	REPORT_UNIT_COLUMNS,
	{ .key = "s1", .zh = "S1 重大", .en = "S1" },
	{ .key = "s2", .zh = "S2", .en = "S2" },
	{ .key = "s3", .zh = "S3", .en = "S3" },
	{ .key = "s4", .zh = "S4", .en = "S4" },
	{ .key = "unconfirmed", .zh = "待核实", .en = "unconfirmed S1" },
	{ .key = "late", .zh = "迟报", .en = "reported late" },
	{ .key = "late_of", .zh = "可判定是否迟报", .en = "of events that can be judged" },
	{ .key = "liable", .zh = "安全责任事故", .en = "a nursery was liable" },
	{ 0 },
};

/* ---- alerts and cases of the whole province ---- */

/* Where the row's unit is a column of the statement. */
static json *row_of(const struct report *r, const char *unit)
{
	json *row = json_new_object();

	json_set(row, "unit", json_new_text(unit));
	json_set(row, "name", json_new_text(report_text(json_get(r->kept, "names"), unit)));
	return row;
}

static int read_alerts(struct report *r, json *rows)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int error = store_query(r->store, &q,
				"SELECT unit, rule, count(*), sum(state = 'open') FROM alert WHERE unit >= ?1 AND unit < ?1 || ':' AND raised_at >= ?2"
				" AND raised_at < ?3 GROUP BY unit, rule ORDER BY unit, rule",
				"tii", r->subject, clock_day_start_ms(annual_first_day(r->year)), clock_day_start_ms(annual_first_day(r->year + 1)));

	while (error >= 0 && (error = store_step(q)) > 0) {
		json *row = row_of(r, store_text(q, 0));

		json_set(row, "rule", json_new_text(store_text(q, 1)));
		json_set(row, "raised", json_new_int(store_int(q, 2)));
		json_set(row, "open", json_new_int(store_int(q, 3)));
		json_push(rows, row);
	}
	return error;
}

static const struct report_column alert_columns[] = {
	REPORT_UNIT_COLUMNS,
	{ .key = "rule", .zh = "规则", .en = "rule", .say = report_rule },
	{ .key = "raised", .zh = "本年发出", .en = "raised in the year" },
	{ .key = "open", .zh = "其中未结", .en = "still open" },
	{ 0 },
};

static int read_cases(struct report *r, json *rows)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char text[CLOCK_TEXT_SIZE];
	int error = store_query(r->store, &q,
				"SELECT unit, id, ground, opened_at, iif(state IN ('retained', 'revoked', 'published', 'barred', 'restored',"
				" 'unsubstantiated', 'merged'), state, 'open'), decided_on, barred_cycle FROM case_file WHERE unit >= ?1"
				" AND unit < ?1 || ':' AND opened_at < ?3 AND (opened_at >= ?2 OR is_open = 1 OR decided_on >= ?4)"
				" AND (?5 OR state IN ('published', 'barred', 'restored')) ORDER BY year, no",
				"tiiii", r->subject, clock_day_start_ms(annual_first_day(r->year)), clock_day_start_ms(annual_first_day(r->year + 1)),
				annual_first_day(r->year), (int64_t)r->inside);

	while (error >= 0 && (error = store_step(q)) > 0) {
		json *row = row_of(r, store_text(q, 0));

		json_set(row, "case", json_new_text(store_text(q, 1)));
		json_set(row, "ground", json_new_text(store_text(q, 2)));
		json_set(row, "opened_at", json_new_text(clock_format_time(store_int(q, 3), text)));
		json_set(row, "outcome", json_new_text(store_text(q, 4)));
		if (!store_is_null(q, 5))
			json_set(row, "decided_on", json_new_text(clock_format_day(store_int(q, 5), text)));
		json_set(row, "barred_cycle", json_new_text(store_text(q, 6)));
		json_push(rows, row);
	}
	return error;
}

static const struct report_column case_columns[] = {
	{ .key = "case", .zh = "案件", .en = "case" },
	REPORT_UNIT_COLUMNS,
	{ .key = "ground", .zh = "事由", .en = "ground" },
	{ .key = "opened_at", .zh = "立案", .en = "opened", .shown = SHOWN_TIME },
	{ .key = "outcome", .zh = "结果", .en = "outcome", .say = report_word },
	{ .key = "decided_on", .zh = "决定日期", .en = "decided on", .shown = SHOWN_LINE },
	{ .key = "barred_cycle", .zh = "不得申报的周期", .en = "barred cycle" },
	{ 0 },
};

/* ---- declared items ---- */

#define DECLARED_A_SLICE 200

static int add_declared(struct report *r, const char *item, const char *period, int64_t as_of, json *rows)
{
	_cleanup_(json_freep) json *object = NULL;
	int error = object_indicator(r->store, &r->sums, r->unit, item, period, as_of, &object);
	json *row;

	if (error < 0 || !object)
		return MIN(error, 0);
	row = report_unit_row(r);
	json_push(rows, row);
	report_take(row, object, "item=id period=as_of value numerator denominator revision");
	report_take(row, json_at(json_get(object, "sources"), 0), "document");
	return 0;
}

static int read_declared(struct report *r, json *rows)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t count = 0;
	int error = store_query(r->store, &q,
				"SELECT item, period, as_of FROM declared WHERE unit = ? AND as_of BETWEEN ? AND ? ORDER BY item, as_of, period"
				" LIMIT ? OFFSET ?",
				"tiiii", r->unit, annual_first_day(r->year), annual_first_day(r->year + 1) - 1, (int64_t)DECLARED_A_SLICE,
				(int64_t)(r->at * DECLARED_A_SLICE));

	for (; error >= 0 && (error = store_step(q)) > 0; count++)
		error = add_declared(r, store_text(q, 0), store_text(q, 1), store_int(q, 2), rows);
	return error < 0 || count < DECLARED_A_SLICE ? error : REPORT_MORE;
}

static const struct report_column declared_columns[] = {
	REPORT_UNIT_COLUMNS,
	{ .key = "item", .zh = "申报事项", .en = "item" },
	{ .key = "period", .zh = "时段", .en = "period", .shown = SHOWN_LINE },
	{ .key = "value", .zh = "数值", .en = "value", .shown = SHOWN_NUMBER },
	{ .key = "numerator", .zh = "分子", .en = "numerator", .shown = SHOWN_NUMBER },
	{ .key = "denominator", .zh = "分母", .en = "denominator", .shown = SHOWN_NUMBER },
	{ .key = "document", .zh = "文件", .en = "document" },
	{ 0 },
};

/* ---- the quality of the data ---- */

static int add_quality(struct report *r, bool running, json *rows)
{
	_cleanup_(json_freep) json *places = NULL;
	struct annual_flow complete, timely = { 0 };
	int64_t month;
	json *row = report_unit_row(r);
	int error = annual_last_month(r, "places_total", &month);

	json_push(rows, row);
	if (error >= 0 && month != STORE_NULL)
		error = annual_month(r, "places_total", month, &places);
	if (error >= 0)
		error = annual_flow(r, "completeness", r->year, &complete);
	if (error >= 0)
		error = annual_flow(r, "timeliness", r->year, &timely);
	if (error < 0)
		return error;
	json_set(row, "completeness", annual_flow_value(indicator_of("completeness"), &complete));
	json_set(row, "received", json_new_int(complete.numerator));
	json_set(row, "expected", json_new_int(complete.denominator));
	json_set(row, "timeliness", annual_flow_value(indicator_of("timeliness"), &timely));
	report_take(row, places, "missing stale at=as_of");
	if (running)
		report_take(row, r->kept, "silent");
	return 0;
}

#define PAGE_MS 150

/* Silent today, as the worklist has it: a page a slice. 1: there is more. The count stands in r->kept. */
static int count_silent(struct report *r)
{
	_cleanup_(json_freep) json *items = json_new_list();
	struct worklist_place place = { (size_t)report_int(r->kept, "silent_kind"), report_int(r->kept, "silent_key") };
	int64_t before = report_int(r->kept, "silent");
	int error;

	if (r->at == 0) {
		place = (struct worklist_place){ 0 };
		before = 0;
	}
	error = worklist_page(&(struct worklist_asked){ .store = r->store, .policy = r->policy, .unit = r->unit, .kind = "silent-site",
							.today = r->today, .now = r->now, .deadline_ms = clock_monotonic_ms() + PAGE_MS,
							.limit = 1000 },
			      &place, items);
	json_set(r->kept, "silent_kind", json_new_int((int64_t)place.kind));
	json_set(r->kept, "silent_key", json_new_int(place.key));
	json_set(r->kept, "silent", json_new_int(before + (int64_t)json_count(items)));
	return error;
}

static int read_quality(struct report *r, json *rows)
{
	bool running = r->policy && r->today < annual_first_day(r->year + 1);
	int error = running ? count_silent(r) : 0;

	return error > 0 ? REPORT_MORE : error < 0 ? error : add_quality(r, running, rows);
}

static const struct report_column quality_columns[] = {
	REPORT_UNIT_COLUMNS,
	{ .key = "completeness", .zh = "上报完整率（%）", .en = "reports received (%)" },
	{ .key = "received", .zh = "实收", .en = "received" },
	{ .key = "expected", .zh = "应收", .en = "expected" },
	{ .key = "timeliness", .zh = "上报及时率（%）", .en = "in time (%)" },
	{ .key = "silent", .zh = "静默机构（今日）", .en = "silent sites (worklist, today)" },
	{ .key = "missing", .zh = "无可用报告的机构", .en = "sites without a usable report" },
	{ .key = "stale", .zh = "数据陈旧的机构", .en = "sites with stale reports" },
	{ .key = "at", .zh = "截至", .en = "as of", .shown = SHOWN_LINE },
	{ 0 },
};

/* ---- sources ---- */

static int read_sources(struct report *r, json *rows)
{
	const json *sources = json_get(r->kept, "sources");
	int64_t policy = 0;
	char text[64];
	int error = store_get_int(r->store, &policy, "SELECT max(n) FROM policy", "");

	for (void *i = json_first(sources); i; i = json_next(sources, i))
		json_push(rows, json_keep(json_value(i)));
	if (policy > 0) {
		json *row = json_new_object();

		snprintf(text, sizeof text, "policy.conf, ledger row %lld", (long long)policy);
		json_set(row, "what", json_new_text("policy"));
		json_set(row, "document", json_new_text(text));
		json_push(rows, row);
	}
	return MIN(error, 0);
}

static const struct report_column source_columns[] = {
	{ .key = "what", .zh = "数据", .en = "what", .say = report_word },
	{ .key = "as_of", .zh = "时点", .en = "as of", .shown = SHOWN_LINE },
	{ .key = "document", .zh = "出处", .en = "document" },
	{ 0 },
};

static const struct report_section sections[] = {
	{ "province", "全省概况", "The province as a whole", annual_province_columns, .late = true, .read = annual_read_province },
	{ "titles", "创建单位与称号", "Units and titles", title_columns, .each_unit = true, .read = read_titles },
	{ "acts", "创建活动", "The creation activity", act_columns, .each_unit = true, .read = read_acts },
	{ "headlines", "主要指标", "Headline indicators", annual_headline_columns, .each_unit = true, .read = annual_read_headlines,
	  .note_zh = "存量为本年最后一个有数据的月份，与上年同月相比；流量为全年各月之和，与上年相比。",
	  .note_en = "Stocks: the year's last month that has a value, against the same month a year before. Flows: the year's months together, against the year before." },
	{ "others", "其他指标与满意度", "Other indicators and satisfaction", annual_other_columns, .each_unit = true, .read = annual_read_others,
	  .note_zh = "不足5份答卷的满意度不予显示。",
	  .note_en = "Satisfaction of fewer than 5 answers is suppressed." },
	{ "incidents", "安全事件", "Incidents by severity", incident_columns, .each_unit = true, .read = read_incidents },
	{ "alerts", "预警", "Alerts", alert_columns, .read = read_alerts },
	{ "cases", "撤销命名案件", "Revocation cases", case_columns, .read = read_cases,
	  .note_zh = "未向社会公布的案件仅向有角色的读者列出。",
	  .note_en = "Cases of which nothing was published are listed for readers with a role only." },
	{ "declared", "申报事项", "Declared items", declared_columns, .each_unit = true, .read = read_declared },
	{ "quality", "数据质量", "Quality of the data", quality_columns, .each_unit = true, .read = read_quality },
	{ "sources", "数据来源", "Sources", source_columns, .read = read_sources },
	{ 0 },
};

const struct report_kind report_annual = {
	.id = "annual",
	.zh = "年度报告",
	.en = "Annual report",
	.basis_zh = "依据：《全国婴幼儿照护服务示范城市创建活动管理办法》第七条。",
	.basis_en = "Measures for demonstration cities, Article 7.",
	.sections = sections,
	.open = open_annual,
	.wide = true,
};
