/* SPDX-License-Identifier: MIT
 *
 * Units, their indicators over time, provinces.
 */
#include "api_route.h"

#include "clock.h"
#include "ids.h"
#include "json_out.h"

#include <errno.h>
#include <stdio.h>

/* The place of the first code behind `after`. */
static size_t first_after(char (*codes)[UNIT_SIZE], size_t count, const char *after)
{
	size_t i = 0;

	while (after && i < count && strcmp(codes[i], after) <= 0)
		i++;
	return i;
}

static int write_units(struct api_call *c, char (*codes)[UNIT_SIZE], size_t from, size_t end)
{
	struct buf *out = &c->rs->body;
	bool first = true;
	int r = 0;

	for (size_t i = from; r >= 0 && i < end; i++) {
		size_t start = out->len;

		buf_str(out, first ? "" : ",");
		r = object_unit_text(c->api->store, &c->sums, codes[i], c->today, false, out);
		first = first && r != 0;
		if (r != 0)
			out->len = start;
	}
	return MIN(r, 0);
}

static int list_units(struct api_call *c, json **ret)
{
	_cleanup_(freep) char(*codes)[UNIT_SIZE] = NULL;
	struct buf *out = &c->rs->body;
	size_t count = 0, from, end;
	int r = object_units_of(c->api->store, c->params[PARAM_PROVINCE], &codes, &count);

	(void)ret; /* written directly */
	if (r < 0)
		return r;
	from = first_after(codes, count, c->params[PARAM_AFTER]);
	end = MIN(count, from + api_limit(c));
	buf_str(out, "{\"items\":[");
	r = write_units(c, codes, from, end);
	buf_char(out, ']');
	json_out_text(out, "next", end < count && end > 0 ? codes[end - 1] : NULL);
	buf_char(out, '}');
	if (r < 0)
		buf_reset(out);
	else
		api_send(c, "application/json");
	return r;
}

static int one_unit(struct api_call *c, json **ret)
{
	_cleanup_(json_freep) json *title = NULL;
	int r;

	if (strlen(c->holes[0]) != UNIT_SIZE - 1)
		return API_NOT_FOUND;
	r = object_title(c->api->store, c->holes[0], c->today, &title);
	if (r < 0)
		return r;
	api_version(c, title);
	(void)ret; /* written directly */
	r = object_unit_text(c->api->store, &c->sums, c->holes[0], c->today, true, &c->rs->body);
	if (r == 0)
		api_send(c, "application/json");
	return r == OBJECT_NONE ? API_NOT_FOUND : r;
}

/* --- an indicator over time --- */

static const char *period_of(const struct api_call *c)
{
	return c->params[PARAM_PERIOD] ? c->params[PARAM_PERIOD] : "day";
}

static int parse_month(const char *text, bool last, int64_t *ret)
{
	char first[16];
	int year, month, day;

	if (strlen(text) != 7)
		return -EINVAL;
	snprintf(first, sizeof first, "%s-01", text);
	if (clock_parse_day(first, ret) < 0)
		return -EINVAL;
	clock_date_of(*ret, &year, &month, &day);
	if (last)
		*ret = clock_day_of(year + month / 12, month % 12 + 1, 1) - 1;
	return 0;
}

/* from or to as a day, both inclusive: a month stands for all its days. false: refused. */
static bool bound(struct api_call *c, enum api_param param, int64_t absent, int64_t *ret)
{
	bool month = strcmp(period_of(c), "month") == 0;
	const char *text = c->params[param];
	int r;

	*ret = absent;
	if (!text)
		return true;
	r = month ? parse_month(text, param == PARAM_TO, ret) : clock_parse_day(text, ret);
	if (r < 0)
		api_refuse(c, param, month ? "YYYY-MM, because period=month" : "YYYY-MM-DD, a day that exists");
	return r >= 0;
}

static bool may_go_on(size_t items, size_t limit, int64_t deadline)
{
	return items == 0 || (items < limit && (items % 16 != 0 || clock_monotonic_ms() < deadline));
}

/* {"items":[…],"next":…}, written straight into the answer. */
static int write_items(struct api_call *c, struct indicator_walk *w)
{
	int64_t deadline = clock_monotonic_ms() + API_ANSWER_BUDGET_MS, as_of = 0, last = 0;
	struct buf *out = &c->rs->body;
	size_t limit = api_limit(c), items = 0, end;
	char next[24];
	int r = 0;

	buf_str(out, "{\"items\":[");
	for (; r >= 0; items++) {
		bool more = may_go_on(items, limit, deadline);

		end = out->len;
		buf_str(out, items > 0 ? "," : "");
		r = indicator_walk_next(w, out, &as_of);
		if (r <= 0 || !more) /* one beyond the limit was only looked for */
			break;
		last = as_of;
	}
	out->len = end;
	buf_char(out, ']');
	snprintf(next, sizeof next, "%lld", (long long)last);
	json_out_text(out, "next", r > 0 ? next : NULL);
	buf_char(out, '}');
	return MIN(r, 0);
}

static int indicator_items(struct api_call *c, int64_t from, int64_t to)
{
	_cleanup_(indicator_walk_freep) struct indicator_walk *w = NULL;
	int64_t revision = c->params[PARAM_REVISION] ? strtoll(c->params[PARAM_REVISION], NULL, 10) : 0;
	int r = indicator_walk_new(c->api->store, &c->sums, c->holes[0], c->holes[1], period_of(c), from, to, revision, &w);

	if (r >= 0)
		r = write_items(c, w);
	if (r < 0)
		buf_reset(&c->rs->body);
	else
		api_send(c, "application/json");
	return r;
}

/* Declared items are known while some unit has one. */
static int indicator_known(struct api_call *c)
{
	int64_t any = 0;

	if (indicator_of(c->holes[1]))
		return 1;
	return store_get_int(c->api->store, &any, "SELECT 1 FROM declared WHERE unit = ? AND item = ? LIMIT 1", "tt", c->holes[0],
			     c->holes[1]);
}

static int unit_known(struct api_call *c)
{
	int r = strlen(c->holes[0]) == UNIT_SIZE - 1 ? indicator_known(c) : 0;

	if (r > 0)
		r = object_unit_known(c->api->store, c->holes[0]);
	if (r <= 0)
		return r < 0 ? r : API_NOT_FOUND;
	return 0;
}

static int list_indicator(struct api_call *c, json **ret)
{
	int64_t from, to, after;
	int r = unit_known(c);

	if (r != 0)
		return r;
	if (!bound(c, PARAM_FROM, -100000, &from) || !bound(c, PARAM_TO, INT64_C(10000000), &to))
		return 0;
	if (api_after_int(c, &after) < 0)
		return 0;
	if (c->params[PARAM_AFTER])
		from = MAX(from, after + 1);
	(void)ret; /* written already */
	return indicator_items(c, from, to);
}

/* --- provinces --- */

static int province_codes(struct api_call *c, char (*codes)[3], size_t max, size_t *ret_count)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(c->api->store, &q,
			    "SELECT substr(code, 1, 2) FROM division WHERE level = 'province'"
			    " AND (?1 = '' OR code > ?1 || ':')"
			    " ORDER BY code LIMIT ?2",
			    "ti", c->params[PARAM_AFTER] ? c->params[PARAM_AFTER] : "", (int64_t)max);

	*ret_count = 0;
	while (r >= 0 && (r = store_step(q)) > 0)
		snprintf(codes[(*ret_count)++], 3, "%s", store_text(q, 0));
	return r;
}

static int list_provinces(struct api_call *c, json **ret)
{
	char codes[64][3];
	size_t limit = MIN(api_limit(c), ARRAY_SIZE(codes) - 1), count, i;
	_cleanup_(json_freep) json *items = json_new_list();
	int r = province_codes(c, codes, limit + 1, &count);

	for (i = 0; r >= 0 && i < MIN(count, limit); i++) {
		json *province = NULL;

		r = object_province(c->api->store, &c->sums, codes[i], false, &province);
		if (province)
			json_push(items, province);
	}
	if (r < 0)
		return r;
	*ret = api_list(json_keep(items), i < count && i > 0 ? codes[i - 1] : NULL);
	return 0;
}

static int one_province(struct api_call *c, json **ret)
{
	if (!ids_province_valid(c->holes[0]))
		return API_NOT_FOUND;
	return object_province(c->api->store, &c->sums, c->holes[0], true, ret);
}

const struct api_route api_unit_routes[] = {
	{ .method = "GET", .pattern = "/units", .handler = list_units, .params = P(LIMIT) | P(AFTER) | P(PROVINCE) },
	{ .method = "GET", .pattern = "/units/{unit}", .handler = one_unit },
	{ .method = "GET", .pattern = "/units/{unit}/indicators/{id}", .handler = list_indicator,
	  .params = P(LIMIT) | P(AFTER) | P(PERIOD) | P(FROM) | P(TO) | P(REVISION) },
	{ .method = "GET", .pattern = "/provinces", .handler = list_provinces, .params = P(LIMIT) | P(AFTER) },
	{ .method = "GET", .pattern = "/provinces/{code}", .handler = one_province },
	{ 0 },
};
