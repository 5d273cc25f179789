/* SPDX-License-Identifier: MIT
 *
 * Verbs that show a list of the API: what to ask, and a table of columns.
 */
#include "ctl.h"

#include <stdio.h>

#define MESSAGES_USUAL 100

static bool is_true(const json *object, const char *key)
{
	const json *v = object ? json_get(object, key) : NULL;

	return v && json_kind(v) == JSON_KIND_BOOL && json_bool(v);
}

static void object_cell(struct ctl_table *t, const json *object)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	json_compact(object, &text);
	ctl_cell(t, text.p);
}

static void list_cell(struct ctl_table *t, const json *item, const char *key)
{
	const json *v = json_get(item, key);
	char text[48];

	if (strcmp(key, "next_clock") == 0)
		ctl_clock_cell(t, v);
	else if (v && json_kind(v) == JSON_KIND_TEXT)
		ctl_cell(t, json_text(v));
	else if (v && json_kind(v) == JSON_KIND_LIST && json_count(v) > 0)
		ctl_cellf(t, "%s%s", ctl_text_of(json_at(v, 0), "code"), json_count(v) > 1 ? " …" : "");
	else if (v && json_kind(v) == JSON_KIND_OBJECT)
		object_cell(t, v);
	else
		ctl_cell(t, is_true(item, key) ? "是" : ctl_number(item, key, text));
}

static void print_list(const json *items, const struct ctl_column *columns, size_t count)
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

int ctl_show_list(const struct ctl *ctl, const char *target, size_t usual, const struct ctl_column *columns, size_t count)
{
	_cleanup_(json_freep) json *list = NULL;
	size_t limit = ctl->limit ? (size_t)atoll(ctl->limit) : usual;
	int r = ctl_get_all(ctl, target, limit, &list);

	if (r != EXIT_FINE)
		return r;
	if (ctl->json) {
		ctl_print_json(list);
		return EXIT_FINE;
	}
	print_list(json_get(list, "items"), columns, count);
	if (*ctl_text_of(list, "next"))
		printf("… more: --after %s\n", ctl_text_of(list, "next"));
	return EXIT_FINE;
}

int ctl_alerts(const struct ctl *ctl)
{
	static const struct ctl_column columns[] = {
		{ "id", "预警", false },     { "severity", "级别", false }, { "unit", "单位", false },
		{ "site", "机构", false },   { "subject", "事由", false },  { "state", "状态", false },
		{ "raised_at", "时间", false }, { "next_clock", "时限", false }, { "zh", "说明", false },
	};
	_cleanup_(buf_done) struct buf target = { 0 };

	buf_str(&target, "/api/v1/alerts");
	ctl_add_param(&target, "state", ctl->state);
	return ctl_show_list(ctl, target.p, CTL_ALL, columns, ARRAY_SIZE(columns));
}

int ctl_worklist(const struct ctl *ctl)
{
	static const struct ctl_column columns[] = {
		{ "kind", "种类", false }, { "unit", "单位", false },  { "site", "机构", false },  { "feed", "类别", false },
		{ "since", "自", false },  { "zh", "说明", false }, { "detail", "数字", false },
	};
	_cleanup_(buf_done) struct buf target = { 0 };

	buf_str(&target, "/api/v1/worklist");
	ctl_add_param(&target, "unit", ctl->unit);
	ctl_add_param(&target, "kind", ctl->kind);
	return ctl_show_list(ctl, target.p, CTL_ALL, columns, ARRAY_SIZE(columns));
}

int ctl_messages(const struct ctl *ctl)
{
	static const struct ctl_column columns[] = {
		{ "n", "行", true },	     { "received_at", "收到", false }, { "site", "机构", false },
		{ "feed", "类别", false },   { "epoch", "期", true },	       { "seq", "序号", true },
		{ "outcome", "结果", false }, { "errors", "错误", false },      { "topic", "主题", false },
	};
	_cleanup_(buf_done) struct buf target = { 0 };

	buf_str(&target, "/api/v1/messages");
	ctl_add_param(&target, "outcome", ctl->outcome);
	ctl_add_param(&target, "site", ctl->site);
	ctl_add_param(&target, "feed", ctl->feed);
	return ctl_show_list(ctl, target.p, MESSAGES_USUAL, columns, ARRAY_SIZE(columns));
}

int ctl_imports(const struct ctl *ctl)
{
	static const struct ctl_column columns[] = {
		{ "n", "行", true },	  { "kind", "种类", false },   { "rows", "条数", true },
		{ "received_at", "时间", false }, { "actor", "经办", false }, { "sha256", "SHA-256", false },
	};

	return ctl_show_list(ctl, "/api/v1/imports", CTL_ALL, columns, ARRAY_SIZE(columns));
}
