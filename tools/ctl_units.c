/* SPDX-License-Identifier: MIT
 *
 * nurseryctl units, nurseryctl unit: cities and their indicators.
 */
#include "ctl.h"

#include "../daemon/indicators.h"

#include <stdio.h>

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
		ctl_cell(&t, ctl_number(u, "open_alerts", text));
		for (size_t k = 0, column = 4; k < indicator_count && column < t.columns; k++)
			if (indicators[k].headline) {
				const char *v = ctl_number(indicator_in(u, indicators[k].id), "value", text);

				ctl_cell(&t, *v ? v : "–");
				column++;
			}
	}
	ctl_table_print(&t);
}

int ctl_units(const struct ctl *ctl)
{
	_cleanup_(buf_done) struct buf target = { 0 };
	_cleanup_(json_freep) json *list = NULL;
	int r;

	buf_str(&target, "/api/v1/units");
	ctl_add_param(&target, "province", ctl->province);
	r = ctl_get_all(ctl, target.p, ctl->limit ? (size_t)atoll(ctl->limit) : CTL_ALL, &list);
	if (r != EXIT_FINE)
		return r;
	if (ctl->json)
		ctl_print_json(list);
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

	ctl_cellf(t, "%s%s", ctl_number(province, "value", text),
		  !above || json_kind(above) != JSON_KIND_BOOL ? "" : json_bool(above) ? " 高于" : " 不高于");
}

static void indicator_row(struct ctl_table *t, const json *o)
{
	const struct indicator *row = indicator_of(ctl_text_of(o, "id"));
	const char *value, *reason = ctl_text_of(o, "reason");
	char text[48], of[48];

	ctl_cell(t, row ? row->zh : ctl_text_of(o, "id"));
	value = ctl_number(o, "value", text);
	ctl_cell(t, *value ? value : "–");
	ctl_number(o, "numerator", text);
	ctl_number(o, "denominator", of);
	ctl_cellf(t, "%s%s%s", text, of[0] ? "/" : "", of);
	target_cell(t, json_get(o, "target"));
	province_cell(t, json_get(o, "province"));
	ctl_cell(t, ctl_text_of(o, "as_of"));
	ctl_cell(t, ctl_number(o, "completeness", text));
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
	       ctl_number(u, "sites", sites), ctl_number(u, "open_alerts", alerts));
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		ctl_cell(&t, heads[i]);
	for (size_t i = 0; i < json_count(list); i++)
		indicator_row(&t, json_at(list, i));
	ctl_table_print(&t);
}

int ctl_unit(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf target = { 0 };
	int r;

	buf_str(&target, "/api/v1/units/");
	ctl_add_segment(&target, ctl->args[0]);
	r = ctl_get(ctl, target.p, &a);
	if (r != EXIT_FINE)
		return r;
	if (ctl->json)
		ctl_print_json(a.value);
	else
		print_unit(a.value);
	return EXIT_FINE;
}
