/* SPDX-License-Identifier: MIT
 *
 * The incidents behind a case: what was reported when, stage by stage, which clocks ran, what officers found.
 */
#include "report_case.h"

#include "policy_row.h"

void case_remember(struct report *r, const json *list)
{
	for (size_t i = 0; list && i < json_count(list); i++)
		report_remember(r, report_int(json_at(list, i), "n"));
}

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
	case_remember(r, json_get(incident, "stages"));
	case_remember(r, json_get(incident, "findings"));
	if (!r->policy)
		error = policy_row_newest(r->store, &r->policy);
	if (error < 0)
		return error;
	error = object_incident_clocks(r->store, r->policy, site, event, true, r->now, incident);
	return error < 0 ? error : set_name(r, site, incident);
}

int case_read_incidents(struct report *r, json *rows)
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

const struct report_column case_incident_columns[] = {
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

int case_read_stages(struct report *r, json *rows)
{
	const json *incidents = json_get(r->kept, "incidents");

	for (size_t i = 0; i < json_count(incidents); i++)
		add_stages(json_at(incidents, i), rows);
	return 0;
}

const struct report_column case_stage_columns[] = {
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

int case_read_clocks(struct report *r, json *rows)
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

const struct report_column case_clock_columns[] = {
	{ .key = "event", .zh = "事件", .en = "event", .shown = SHOWN_LINE },
	{ .key = "clock", .zh = "时限", .en = "clock" },
	{ .key = "from", .zh = "自", .en = "from", .shown = SHOWN_TIME },
	{ .key = "due_at", .zh = "截止", .en = "due", .shown = SHOWN_TIME },
	{ .key = "met_at", .zh = "完成", .en = "met", .shown = SHOWN_TIME },
	{ .key = "state", .zh = "状态", .en = "state", .say = report_word },
	{ 0 },
};

/* ---- what officers found of the incidents ---- */

int case_read_findings(struct report *r, json *rows)
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

const struct report_column case_finding_columns[] = {
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
