/* SPDX-License-Identifier: MIT
 *
 * The annual report's indicators: stocks as of the year's last month, flows over its months, and both of the province.
 */
#include "report_annual.h"

#include "clock.h"
#include "objects_compare.h"

#include <stdio.h>

int64_t annual_first_day(int year)
{
	return clock_day_of(year, 1, 1);
}

int64_t annual_last_day(const struct report *r)
{
	return MIN(annual_first_day(r->year + 1) - 1, r->today);
}

static void remember_source(struct report *r, const char *what, const char *as_of, const char *document)
{
	json *sources = json_get(r->kept, "sources"), *row = json_new_object();
	_cleanup_(buf_done) struct buf key = { 0 };

	buf_printf(&key, "%s|%s|%s", what, as_of, document);
	json_set(row, "what", json_new_text(what));
	json_set(row, "as_of", json_new_text(as_of));
	json_set(row, "document", json_new_text(document));
	json_set(sources, key.p, row);
}

static void remember_sources(struct report *r, const json *indicator)
{
	const json *list = json_get(indicator, "sources"), *province = json_get(indicator, "province");

	for (size_t i = 0; list && i < json_count(list); i++)
		remember_source(r, report_text(json_at(list, i), "what"), report_text(json_at(list, i), "as_of"),
				report_text(json_at(list, i), "document"));
	if (province && strcmp(report_text(province, "source"), "official") == 0)
		remember_source(r, report_text(indicator, "id"), report_text(province, "as_of"), report_text(province, "document"));
}

int annual_last_month(struct report *r, const char *indicator, int64_t *ret)
{
	*ret = STORE_NULL;
	return store_get_int(r->store, ret,
			     "SELECT max(as_of) FROM sample WHERE unit = ? AND indicator = ? AND period = 'month' AND as_of BETWEEN ? AND ?", "ttii",
			     r->unit, indicator, annual_first_day(r->year), annual_last_day(r));
}

int annual_month(struct report *r, const char *indicator, int64_t month, json **ret)
{
	int error = object_indicator(r->store, &r->sums, r->unit, indicator, "month", month, ret);

	return MIN(error, 0);
}

static bool is_number(const json *v)
{
	return v && (json_kind(v) == JSON_KIND_INT || json_kind(v) == JSON_KIND_REAL);
}

static void set_change(json *row)
{
	const json *value = json_get(row, "value"), *before = json_get(row, "before");

	if (!is_number(value) || !is_number(before))
		return;
	if (json_kind(value) == JSON_KIND_INT && json_kind(before) == JSON_KIND_INT)
		json_set(row, "change", json_new_int(json_int(value) - json_int(before)));
	else
		json_set(row, "change", json_new_real(json_real(value) - json_real(before)));
}

/* 95 %, as shares. */
static void set_interval(json *row, const json *interval)
{
	char text[32];

	if (!interval || json_count(interval) != 2)
		return;
	snprintf(text, sizeof text, "%.4f–%.4f", json_real(json_at(interval, 0)), json_real(json_at(interval, 1)));
	json_set(row, "interval", json_new_text(text));
}

/* The province's own value stands in the object of each of its units. */
static void remember_province(struct report *r, const struct indicator *indicator, const json *now, const json *before)
{
	json *row = json_new_object();

	report_take(row, now, "id period=as_of");
	report_take(row, json_get(now, "province"), "value source");
	report_take(row, before ? json_get(before, "province") : NULL, "before=value");
	set_change(row);
	json_set(json_get(r->kept, "province"), indicator->id, row);
}

static int add_stock(struct report *r, const struct indicator *indicator, json *rows)
{
	_cleanup_(json_freep) json *now = NULL, *before = NULL;
	int year, month, day_of_month;
	int64_t as_of;
	json *row;
	int error = annual_last_month(r, indicator->id, &as_of);

	if (error < 0 || as_of == STORE_NULL)
		return MIN(error, 0);
	clock_date_of(as_of, &year, &month, &day_of_month);
	error = annual_month(r, indicator->id, as_of, &now);
	if (error >= 0)
		error = annual_month(r, indicator->id, clock_day_of(year - 1, month, 1), &before);
	if (error < 0 || !now)
		return error;
	row = report_unit_row(r);
	json_push(rows, row);
	report_take(row, now, "id period=as_of value numerator denominator reason verdict");
	report_take(row, before, "before=value");
	report_take(row, json_get(now, "target"), "target=value met");
	report_take(row, json_get(now, "province"), "province=value above");
	set_interval(row, json_get(now, "interval"));
	set_change(row);
	remember_sources(r, now);
	remember_province(r, indicator, now, before);
	return 0;
}

int annual_flow(struct report *r, const char *indicator, int year, struct annual_flow *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int error = store_query(r->store, &q,
				"SELECT ifnull(sum(numerator), 0), ifnull(sum(denominator), 0), count(*) FROM sample WHERE unit = ? AND indicator = ?"
				" AND period = 'month' AND as_of BETWEEN ? AND ? AND status = 'ok' AND typeof(numerator) = 'integer'",
				"ttii", r->unit, indicator, annual_first_day(year), annual_first_day(year + 1) - 1);

	*ret = (struct annual_flow){ 0 };
	if (error >= 0 && (error = store_step(q)) > 0) {
		ret->numerator = store_int(q, 0);
		ret->denominator = store_int(q, 1);
		ret->months = store_int(q, 2);
	}
	return MIN(error, 0);
}

json *annual_flow_value(const struct indicator *indicator, const struct annual_flow *f)
{
	return f->months > 0 ? indicator_value(indicator, f->numerator, f->denominator) : json_new_null();
}

/* Σ numerators / Σ denominators of the units so far. */
static void add_to_province(struct report *r, const struct indicator *indicator, const struct annual_flow *now, const struct annual_flow *before)
{
	static const char *const keys[] = { "n", "d", "m", "before_n", "before_d", "before_m" };
	const int64_t more[] = { now->numerator, now->denominator, now->months, before->numerator, before->denominator, before->months };
	json *known = json_get(json_get(r->kept, "province"), indicator->id), *row = json_new_object();
	int64_t sums[ARRAY_SIZE(keys)];
	char period[8];

	snprintf(period, sizeof period, "%d", r->year);
	json_set(row, "id", json_new_text(indicator->id));
	json_set(row, "period", json_new_text(period));
	json_set(row, "source", json_new_text("computed"));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		sums[i] = report_int(known, keys[i]) + more[i];
		json_set(row, keys[i], json_new_int(sums[i]));
	}
	json_set(row, "value", annual_flow_value(indicator, &(struct annual_flow){ sums[0], sums[1], sums[2] }));
	json_set(row, "before", annual_flow_value(indicator, &(struct annual_flow){ sums[3], sums[4], sums[5] }));
	set_change(row);
	json_set(json_get(r->kept, "province"), indicator->id, row);
}

static int add_flow(struct report *r, const struct indicator *indicator, json *rows)
{
	struct annual_flow now, before = { 0 };
	char period[8];
	json *row;
	int error = annual_flow(r, indicator->id, r->year, &now);

	if (error >= 0)
		error = annual_flow(r, indicator->id, r->year - 1, &before);
	if (error < 0 || now.months == 0)
		return error;
	row = report_unit_row(r);
	json_push(rows, row);
	snprintf(period, sizeof period, "%d", r->year);
	json_set(row, "id", json_new_text(indicator->id));
	json_set(row, "period", json_new_text(period));
	json_set(row, "value", annual_flow_value(indicator, &now));
	json_set(row, "numerator", json_new_int(now.numerator));
	json_set(row, "denominator", indicator->count ? NULL : json_new_int(now.denominator));
	json_set(row, "before", annual_flow_value(indicator, &before));
	set_change(row);
	add_to_province(r, indicator, &now, &before);
	return 0;
}

static int add_indicators(struct report *r, bool headline, json *rows)
{
	int error = 0;

	for (size_t i = 0; error >= 0 && i < indicator_count; i++)
		if (indicators[i].headline == headline)
			error = indicators[i].flow ? add_flow(r, &indicators[i], rows) : add_stock(r, &indicators[i], rows);
	return error;
}

int annual_read_headlines(struct report *r, json *rows)
{
	return add_indicators(r, true, rows);
}

int annual_read_others(struct report *r, json *rows)
{
	return add_indicators(r, false, rows);
}

/* Read when all units were. */
int annual_read_province(struct report *r, json *rows)
{
	const json *province = json_get(r->kept, "province");

	for (size_t i = 0; i < indicator_count; i++) {
		const json *known = json_get(province, indicators[i].id);
		json *row;

		if (!known || indicators[i].survey)
			continue;
		row = json_new_object();
		report_take(row, known, "id period value before change source");
		json_push(rows, row);
	}
	return 0;
}

/* ---- columns ---- */

/* An indicator's value of a period, and how it moved in a year. */
#define MOVED(value_zh)                                                                               \
	{ .key = "id", .zh = "指标", .en = "indicator", .say = report_indicator },                   \
	{ .key = "period", .zh = "时段", .en = "period", .shown = SHOWN_LINE },                      \
	{ .key = "value", .zh = value_zh, .en = "value", .shown = SHOWN_NUMBER },                    \
	{ .key = "before", .zh = "上年同期", .en = "a year before", .shown = SHOWN_NUMBER },         \
	{ .key = "change", .zh = "变化", .en = "change", .shown = SHOWN_NUMBER }
#define PARTS                                                                                 \
	{ .key = "numerator", .zh = "分子", .en = "numerator", .shown = SHOWN_NUMBER },      \
	{ .key = "denominator", .zh = "分母", .en = "denominator", .shown = SHOWN_NUMBER }

const struct report_column annual_province_columns[] = {
	MOVED("全省数值"),
	{ .key = "source", .zh = "来源", .en = "source", .say = report_word },
	{ 0 },
};

const struct report_column annual_headline_columns[] = {
	REPORT_UNIT_COLUMNS,
	MOVED("数值"),
	{ .key = "target", .zh = "目标", .en = "target", .shown = SHOWN_NUMBER },
	{ .key = "met", .zh = "达标", .en = "met" },
	{ .key = "province", .zh = "全省", .en = "province", .shown = SHOWN_NUMBER },
	{ .key = "above", .zh = "高于全省", .en = "above it" },
	PARTS,
	{ .key = "reason", .zh = "缺少", .en = "what is missing" },
	{ 0 },
};

const struct report_column annual_other_columns[] = {
	REPORT_UNIT_COLUMNS,
	MOVED("数值"),
	PARTS,
	{ .key = "interval", .zh = "95%区间", .en = "95 % interval", .shown = SHOWN_LINE },
	{ .key = "verdict", .zh = "评判", .en = "verdict", .say = report_word },
	{ .key = "reason", .zh = "缺少", .en = "what is missing" },
	{ 0 },
};
