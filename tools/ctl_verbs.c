/* SPDX-License-Identifier: MIT
 *
 * The verbs: ask, then print for a person, or with --json the answer as it came.
 */
#include "ctl.h"

#include "../daemon/imports.h"
#include "../daemon/indicators.h"

#include <errno.h>
#include <stdio.h>

#define ALL ((size_t)1000000)
#define MESSAGES_USUAL 100
#define IMPORT_MAX ((size_t)16 * 1024 * 1024)

static void print_json(const json *value)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	json_compact(value, &text);
	puts(text.p);
}

static const char *number(const json *object, const char *key, char text[static 48])
{
	const json *v = object ? json_get(object, key) : NULL;
	enum json_type kind = v ? json_kind(v) : JSON_KIND_NULL;

	text[0] = '\0';
	if (kind == JSON_KIND_INT)
		snprintf(text, 48, "%lld", (long long)json_int(v));
	else if (kind == JSON_KIND_REAL)
		snprintf(text, 48, "%.2f", json_real(v));
	return text;
}

static bool is_true(const json *object, const char *key)
{
	const json *v = object ? json_get(object, key) : NULL;

	return v && json_kind(v) == JSON_KIND_BOOL && json_bool(v);
}

/* key=value behind what the target has, percent-encoded. */
static void add_param(struct buf *target, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(target, "%c%s=", strchr(target->p, '?') ? '&' : '?', key);
	for (; *value; value++)
		if (strchr("-._:", *value) || (*value >= '0' && *value <= '9') ||
		    ((*value | 0x20) >= 'a' && (*value | 0x20) <= 'z'))
			buf_char(target, *value);
		else
			buf_printf(target, "%%%02X", (unsigned char)*value);
}

static void add_segment(struct buf *target, const char *text)
{
	for (; *text; text++)
		if (strchr("/?#% ", *text) || (unsigned char)*text < 0x20)
			buf_printf(target, "%%%02X", (unsigned char)*text);
		else
			buf_char(target, *text);
}

/* --- status --- */

static int print_head(const struct ctl *ctl, json *all)
{
	_cleanup_(ctl_answer_done) struct ctl_answer head = { 0 };
	char n[48], done[48];
	int r = ctl_get(ctl, "/api/v1/ledger/head", &head);

	if (r != EXIT_FINE)
		return r;
	json_set(all, "head", json_keep(head.value));
	if (!ctl->json)
		printf("ledger      %s:%s\n            at %s, indicators up to %s\n", number(head.value, "n", n),
		       ctl_text_of(head.value, "hash"), ctl_text_of(head.value, "at"),
		       number(head.value, "indicators_n", done));
	return EXIT_FINE;
}

static int print_alert_count(const struct ctl *ctl, json *all)
{
	_cleanup_(json_freep) json *alerts = NULL;
	int r = ctl_get_all(ctl, "/api/v1/alerts", ALL, &alerts);

	if (r != EXIT_FINE)
		return r;
	json_set(all, "open_alerts", json_new_int((int64_t)json_count(json_get(alerts, "items"))));
	if (!ctl->json)
		printf("alerts      %zu open\n", json_count(json_get(alerts, "items")));
	return EXIT_FINE;
}

/* Ready or not is the daemon's own word; a file has no such thing. */
static int print_ready(const struct ctl *ctl, json *all, bool *ready)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	const char *why;
	char port[48];
	int r;

	*ready = true;
	if (ctl->db)
		return EXIT_FINE;
	r = ctl_ask(ctl, "GET", "/readyz", NULL, NULL, &a);
	if (r != EXIT_FINE)
		return r;
	*ready = a.status == 200;
	why = ctl_text_of(a.value, "why");
	json_set(all, "ready", json_keep(a.value));
	if (!ctl->json)
		printf("nurseryd    %s%s%s\nhttp port   %s\n", *ready ? "ready" : "not ready", *why ? ": " : "", why,
		       number(a.value, "http_port", port));
	if (!ctl->json && *ctl_text_of(a.value, "sinks"))
		printf("sinks       %s\n", ctl_text_of(a.value, "sinks"));
	return EXIT_FINE;
}

static int run_status(const struct ctl *ctl)
{
	_cleanup_(json_freep) json *all = json_new_object();
	bool ready = false;
	int r = print_ready(ctl, all, &ready);

	if (r == EXIT_FINE)
		r = print_head(ctl, all);
	if (r == EXIT_FINE)
		r = print_alert_count(ctl, all);
	if (r == EXIT_FINE && ctl->json)
		print_json(all);
	return r != EXIT_FINE ? r : ready ? EXIT_FINE : EXIT_NO;
}

/* --- units --- */

static const char *title_of(const json *unit)
{
	return ctl_text_of(json_get(unit, "designation"), "status");
}

static const json *indicator_in(const json *unit, const char *id)
{
	const json *list = json_get(unit, "indicators");

	for (size_t i = 0; list && i < json_count(list); i++)
		if (strcmp(ctl_text_of(json_at(list, i), "id"), id) == 0)
			return json_at(list, i);
	return NULL;
}

static void print_units(const json *items)
{
	_cleanup_(ctl_table_done) struct ctl_table t = { .columns = 4 };
	char text[48];

	ctl_cell(&t, "单位");
	ctl_cell(&t, "名称");
	ctl_cell(&t, "称号");
	ctl_cell(&t, "预警");
	t.right[3] = true;
	for (size_t k = 0; k < indicator_count; k++)
		if (indicators[k].headline && t.columns < ARRAY_SIZE(t.right)) {
			t.right[t.columns++] = true;
			ctl_cell(&t, indicators[k].zh);
		}
	for (size_t i = 0; i < json_count(items); i++) {
		const json *u = json_at(items, i);

		ctl_cell(&t, ctl_text_of(u, "unit"));
		ctl_cell(&t, ctl_text_of(u, "name"));
		ctl_cell(&t, title_of(u));
		ctl_cell(&t, number(u, "open_alerts", text));
		for (size_t k = 0, column = 4; k < indicator_count && column < t.columns; k++)
			if (indicators[k].headline) {
				const char *v = number(indicator_in(u, indicators[k].id), "value", text);

				ctl_cell(&t, *v ? v : "–");
				column++;
			}
	}
	ctl_table_print(&t);
}

static int run_units(const struct ctl *ctl)
{
	_cleanup_(buf_done) struct buf target = { 0 };
	_cleanup_(json_freep) json *list = NULL;
	int r;

	buf_str(&target, "/api/v1/units");
	add_param(&target, "province", ctl->province);
	r = ctl_get_all(ctl, target.p, ctl->limit ? (size_t)atoll(ctl->limit) : ALL, &list);
	if (r != EXIT_FINE)
		return r;
	if (ctl->json)
		print_json(list);
	else
		print_units(json_get(list, "items"));
	return EXIT_FINE;
}

static void target_cell(struct ctl_table *t, const json *target)
{
	const json *met = json_get(target, "met");
	bool known = met && json_kind(met) == JSON_KIND_BOOL;

	if (*ctl_text_of(target, "value"))
		ctl_cellf(t, "%s %s(%s)", ctl_text_of(target, "value"), !known ? "" : json_bool(met) ? "达标 " : "未达标 ",
			  ctl_text_of(target, "by"));
	else
		ctl_cell(t, "");
}

static void province_cell(struct ctl_table *t, const json *province)
{
	const json *above = json_get(province, "above");
	char text[48];

	ctl_cellf(t, "%s%s", number(province, "value", text),
		  !above || json_kind(above) != JSON_KIND_BOOL ? "" : json_bool(above) ? " 高于" : " 不高于");
}

static void indicator_row(struct ctl_table *t, const json *o)
{
	const struct indicator *row = indicator_of(ctl_text_of(o, "id"));
	const char *value, *reason = ctl_text_of(o, "reason");
	char text[48], of[48];

	ctl_cell(t, row ? row->zh : ctl_text_of(o, "id"));
	value = number(o, "value", text);
	ctl_cell(t, *value ? value : "–");
	number(o, "numerator", text);
	number(o, "denominator", of);
	ctl_cellf(t, "%s%s%s", text, of[0] ? "/" : "", of);
	target_cell(t, json_get(o, "target"));
	province_cell(t, json_get(o, "province"));
	ctl_cell(t, ctl_text_of(o, "as_of"));
	ctl_cell(t, number(o, "completeness", text));
	ctl_cellf(t, "%s%s%s", ctl_text_of(o, "status"), *reason ? ": " : "", reason);
}

static void print_unit(const json *u)
{
	static const char *const heads[] = { "指标", "值", "分子/分母", "目标", "全省", "截至", "完整率", "状态" };
	_cleanup_(ctl_table_done) struct ctl_table t = {
		.columns = ARRAY_SIZE(heads), .right = { [1] = true, [2] = true, [6] = true },
	};
	const json *list = json_get(u, "indicators");
	char sites[48], alerts[48];

	printf("%s %s  %s\n托育机构 %s  未关闭预警 %s\n\n", ctl_text_of(u, "unit"), ctl_text_of(u, "name"), title_of(u),
	       number(u, "sites", sites), number(u, "open_alerts", alerts));
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		ctl_cell(&t, heads[i]);
	for (size_t i = 0; i < json_count(list); i++)
		indicator_row(&t, json_at(list, i));
	ctl_table_print(&t);
}

static int run_unit(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf target = { 0 };
	int r;

	buf_str(&target, "/api/v1/units/");
	add_segment(&target, ctl->args[0]);
	r = ctl_get(ctl, target.p, &a);
	if (r != EXIT_FINE)
		return r;
	if (ctl->json)
		print_json(a.value);
	else
		print_unit(a.value);
	return EXIT_FINE;
}

/* --- lists: a table of columns each --- */

struct column {
	const char *key, *head;
	bool right;
};

static void object_cell(struct ctl_table *t, const json *object)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	json_compact(object, &text);
	ctl_cell(t, text.p);
}

static void list_cell(struct ctl_table *t, const json *item, const char *key)
{
	if (strcmp(key, "next_clock") == 0) {
		ctl_clock_cell(t, json_get(item, key));
		return;
	}
	const json *v = json_get(item, key);
	char text[48];

	if (v && json_kind(v) == JSON_KIND_TEXT)
		ctl_cell(t, json_text(v));
	else if (v && json_kind(v) == JSON_KIND_LIST && json_count(v) > 0)
		ctl_cellf(t, "%s%s", ctl_text_of(json_at(v, 0), "code"), json_count(v) > 1 ? " …" : "");
	else if (v && json_kind(v) == JSON_KIND_OBJECT)
		object_cell(t, v);
	else
		ctl_cell(t, is_true(item, key) ? "是" : number(item, key, text));
}

static void print_list(const json *items, const struct column *columns, size_t count)
{
	_cleanup_(ctl_table_done) struct ctl_table t = { .columns = count };

	for (size_t k = 0; k < count; k++) {
		t.right[k] = columns[k].right;
		ctl_cell(&t, columns[k].head);
	}
	for (size_t i = 0; i < json_count(items); i++)
		for (size_t k = 0; k < count; k++)
			list_cell(&t, json_at(items, i), columns[k].key);
	ctl_table_print(&t);
}

static int show_list(const struct ctl *ctl, const char *target, size_t usual, const struct column *columns, size_t count)
{
	_cleanup_(json_freep) json *list = NULL;
	size_t limit = ctl->limit ? (size_t)atoll(ctl->limit) : usual;
	int r = ctl_get_all(ctl, target, limit, &list);

	if (r != EXIT_FINE)
		return r;
	if (ctl->json) {
		print_json(list);
		return EXIT_FINE;
	}
	print_list(json_get(list, "items"), columns, count);
	if (*ctl_text_of(list, "next"))
		printf("… more: --after %s\n", ctl_text_of(list, "next"));
	return EXIT_FINE;
}

static int run_alerts(const struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "id", "预警", false },     { "severity", "级别", false }, { "unit", "单位", false },
		{ "site", "机构", false },   { "subject", "事由", false },  { "state", "状态", false },
		{ "raised_at", "时间", false }, { "next_clock", "时限", false }, { "zh", "说明", false },
	};
	_cleanup_(buf_done) struct buf target = { 0 };

	buf_str(&target, "/api/v1/alerts");
	add_param(&target, "state", ctl->state);
	return show_list(ctl, target.p, ALL, columns, ARRAY_SIZE(columns));
}

static int run_worklist(const struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "kind", "种类", false }, { "unit", "单位", false },  { "site", "机构", false },  { "feed", "类别", false },
		{ "since", "自", false },  { "zh", "说明", false }, { "detail", "数字", false },
	};
	_cleanup_(buf_done) struct buf target = { 0 };

	buf_str(&target, "/api/v1/worklist");
	add_param(&target, "unit", ctl->unit);
	add_param(&target, "kind", ctl->kind);
	return show_list(ctl, target.p, ALL, columns, ARRAY_SIZE(columns));
}

static int run_messages(const struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "n", "行", true },	     { "received_at", "收到", false }, { "site", "机构", false },
		{ "feed", "类别", false },   { "epoch", "期", true },	       { "seq", "序号", true },
		{ "outcome", "结果", false }, { "errors", "错误", false },      { "topic", "主题", false },
	};
	_cleanup_(buf_done) struct buf target = { 0 };

	buf_str(&target, "/api/v1/messages");
	add_param(&target, "outcome", ctl->outcome);
	add_param(&target, "site", ctl->site);
	add_param(&target, "feed", ctl->feed);
	return show_list(ctl, target.p, MESSAGES_USUAL, columns, ARRAY_SIZE(columns));
}

static int run_imports(const struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "n", "行", true },	  { "kind", "种类", false },   { "rows", "条数", true },
		{ "received_at", "时间", false }, { "actor", "经办", false }, { "sha256", "SHA-256", false },
	};

	return show_list(ctl, "/api/v1/imports", ALL, columns, ARRAY_SIZE(columns));
}

/* --- import --- */

static int run_import(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf csv = { 0 }, target = { 0 };
	char rows[48], n[48];
	int r;

	if (!import_kind_known(ctl->args[0])) {
		_cleanup_(buf_done) struct buf kinds = { 0 };

		import_kinds(&kinds);
		buf_char(&kinds, '\0');
		fprintf(stderr, "nurseryctl: import %s: the kinds are %s\n", ctl->args[0], kinds.p);
		return EXIT_USAGE;
	}
	r = ctl_read_file(ctl->args[1], IMPORT_MAX, &csv);
	if (r < 0 || ctl->db) {
		fprintf(stderr, "nurseryctl: %s: %s\n", ctl->args[1],
			r < 0 ? strerror(-r) : "an import needs the daemon: leave --db away");
		return EXIT_USAGE;
	}
	buf_str(&target, "/api/v1/imports/");
	add_segment(&target, ctl->args[0]);
	r = ctl_ask(ctl, "POST", target.p, "text/csv", &csv, &a);
	if (r != EXIT_FINE)
		return r;
	if (a.status < 200 || a.status >= 300) {
		ctl_tell_problem(&a);
		return EXIT_NO;
	}
	if (ctl->json)
		puts(a.text.len ? a.text.p : "null");
	else
		printf("%s: %s rows imported as ledger row %s\n", ctl->args[0], number(a.value, "rows", rows),
		       number(a.value, "n", n));
	return EXIT_FINE;
}

/* --- sinks --- */

static int run_influx(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	int r;

	if (strcmp(ctl->args[0], "refill") != 0 || ctl->db) {
		fprintf(stderr, "nurseryctl: influx: refill, through the daemon, is all there is\n");
		return EXIT_USAGE;
	}
	r = ctl_ask(ctl, "POST", "/api/v1/sinks/influx/refill", NULL, NULL, &a);
	if (r != EXIT_FINE)
		return r;
	if (a.status < 200 || a.status >= 300) {
		ctl_tell_problem(&a);
		return EXIT_NO;
	}
	if (ctl->json)
		puts(a.text.len ? a.text.p : "null");
	else
		printf("influx: %s\n", ctl_text_of(a.value, "detail"));
	return EXIT_FINE;
}

/* --- acts on a row --- */

/* POST without or with a body; the answer in words, or with --json as it came. */
static int act_on_row(const struct ctl *ctl, const char *what, const struct buf *body)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf target = { 0 };
	char n[48];
	int r;

	if (ctl->db || strspn(ctl->args[0], "0123456789") != strlen(ctl->args[0])) {
		fprintf(stderr, "nurseryctl: %s: %s\n", ctl->args[0],
			ctl->db ? "an act needs the daemon: leave --db away" : "N is a row of the ledger");
		return EXIT_USAGE;
	}
	buf_printf(&target, "/api/v1/messages/%s/%s", ctl->args[0], what);
	r = ctl_ask(ctl, "POST", target.p, "application/json", body, &a);
	if (r != EXIT_FINE)
		return r;
	if (a.status < 200 || a.status >= 300) {
		ctl_tell_problem(&a);
		return EXIT_NO;
	}
	if (ctl->json)
		puts(a.text.len ? a.text.p : "null");
	else
		printf("row %s: %s%s%s\n", number(a.value, "n", n), ctl_text_of(a.value, "status"),
		       *ctl_text_of(a.value, "status") ? "; " : "", ctl_text_of(a.value, "text"));
	return strcmp(ctl_text_of(a.value, "status"), "rejected") == 0 ||
			       strcmp(ctl_text_of(a.value, "status"), "refused_pii") == 0
		       ? EXIT_NO
		       : EXIT_FINE;
}

static int run_replay(const struct ctl *ctl)
{
	_cleanup_(buf_done) struct buf body = { 0 };

	buf_str(&body, "{}");
	return act_on_row(ctl, "replay", &body);
}

static int run_erase(const struct ctl *ctl)
{
	_cleanup_(buf_done) struct buf body = { 0 };

	if (!ctl->reason) {
		fputs("nurseryctl: erase needs --reason TEXT: it stays on record\n", stderr);
		return EXIT_USAGE;
	}
	buf_str(&body, "{\"reason\":");
	buf_json(&body, ctl->reason, -1);
	buf_char(&body, '}');
	return act_on_row(ctl, "erase", &body);
}

/* --- backup --- */

#define BACKUP_SECONDS 86400 /* a large database, beside its messages */

/* The daemon writes the file; a relative name is meant from here, not from where the daemon is. */
static int absolute(const char *path, struct buf *ret)
{
	_cleanup_(freep) char *here = NULL;

	if (*path != '/') {
		here = getcwd(NULL, 0);
		if (!here)
			return -errno;
		buf_printf(ret, "%s/", here);
	}
	buf_str(ret, path);
	return 0;
}

static int run_backup(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf path = { 0 }, body = { 0 };
	struct ctl patient = *ctl;
	char n[48], bytes[48];
	int r = absolute(ctl->args[0], &path);

	if (r < 0 || ctl->db) {
		fprintf(stderr, "nurseryctl: %s: %s\n", ctl->args[0],
			r < 0 ? strerror(-r) : "a backup needs the daemon: leave --db away (a daemon's file at rest can be copied)");
		return EXIT_USAGE;
	}
	buf_str(&body, "{\"path\":");
	buf_json(&body, path.p, -1);
	buf_char(&body, '}');
	patient.patience_s = BACKUP_SECONDS;
	r = ctl_ask(&patient, "POST", "/api/v1/backup", "application/json", &body, &a);
	if (r != EXIT_FINE)
		return r;
	if (a.status < 200 || a.status >= 300) {
		ctl_tell_problem(&a);
		return EXIT_NO;
	}
	if (ctl->json)
		puts(a.text.len ? a.text.p : "null");
	else
		printf("%s: %s bytes, checked; head %s:%s\n", ctl_text_of(a.value, "path"), number(a.value, "bytes", bytes),
		       number(a.value, "n", n), ctl_text_of(a.value, "hash"));
	return EXIT_FINE;
}

const struct verb verbs[] = {
	{ "status", "", "is the daemon ready, how far is the ledger", 0, 0, run_status },
	{ "units", "[--province 33]", "cities with their headline indicators", 0, 0, run_units },
	{ "unit", "CODE", "one city with all indicators, targets and its province", 1, 1, run_unit },
	{ "site", "SITE [move DIVISION --from DAY --reason TEXT [--document NO]]",
	  "one nursery and where it belongs; move: to another division, from a day on", 1, 3, ctl_site },
	{ "alerts", "[--state open|all]", "what is called to somebody's attention", 0, 0, run_alerts },
	{ "brief", "ALERT|CASE", "what a person who is called must know: one line for a text message, then all that is known", 1, 1, ctl_brief },
	{ "ack", "ID [--reason TEXT]", "an alert or a case: somebody has seen it", 1, 1, ctl_ack },
	{ "case", "[list] [--state open|all|…] | [show] ID | open UNIT GROUND --reason TEXT | ACT ID [key=value …] [--reason TEXT] [--document NO]",
	  "the procedure of Article 6; the acts and their keys: docs/cases.md", 0, CTL_ARGS_MAX, ctl_case },
	{ "signal", "UNIT [RULE] --source WORD --reason TEXT [--document NO] [--site SITE [--event EVENT]]",
	  "raise an alert of what was heard from elsewhere (press, hotline_12345, inspection, other); RULE: art5-2-other if none is named,"
	  " art5-2-falsification (a hard integrity flag), suspected-concealment (with --site, --event)", 1, 2, ctl_signal },
	{ "report", "case ID | annual --year 2026 --province 33 | recommend --cycle 2027-2028 --province 33 [--csv] [-o FILE]",
	  "one HTML file, or CSV: a case from incident to decision, a province's year, whom it may recommend (docs/reports.md)", 1, 2,
	  ctl_report },
	{ "worklist", "[--unit CODE] [--kind KIND]", "what to look after and is no alert: silent nurseries, breaches, gaps, rejected messages", 0, 0,
	  run_worklist },
	{ "messages", "[--outcome O] [--site S] [--feed F] [--limit N] [--after N]", "rows of the ledger", 0, 0, run_messages },
	{ "imports", "", "imported reference data", 0, 0, run_imports },
	{ "import", "KIND FILE.csv", "import reference data, all or nothing", 2, 2, run_import },
	{ "lint", "FEED FILE… [--at TIME]", "the receipt each payload would get, offline; - is stdin; --json: a receipt a line; --at: as if received then", 2, CTL_ARGS_MAX,
	  ctl_lint },
	{ "replay", "N", "judge row N again as a new row; exit 1: the verdict is still no", 1, 1, run_replay },
	{ "erase", "N --reason TEXT", "take the texts of message N out of ledger and tables, for good; the chain holds", 1, 1, run_erase },
	{ "influx", "refill", "send every point again, to an InfluxDB that was emptied", 1, 1, run_influx },
	{ "backup", "FILE", "a checked copy of the database, made while the daemon works", 1, 1, run_backup },
	{ "verify", "[--head N:HASH]", "the chain, the folded tables, and a head that someone kept", 0, 0, ctl_verify },
	{ "rebuild", "[--rejudge]",
	  "fold the ledger again and replace the tables that differ; --rejudge: judge every message again into FILE.rejudged", 0, 0,
	  ctl_rebuild },
};
const size_t verb_count = ARRAY_SIZE(verbs);
