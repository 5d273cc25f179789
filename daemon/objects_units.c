/* SPDX-License-Identifier: MIT
 *
 * Which units there are, what a province's units add up to, and the objects of a unit and a province.
 */
#include "objects_compare.h"
#include "objects_row.h"

#include "ids.h"
#include "json_out.h"
#include "standing.h"

#include <stdio.h>

struct unit_list {
	char (*codes)[UNIT_SIZE];
	size_t count, cap;
};

static void unit_list_done(struct unit_list *l)
{
	free(l->codes);
}

static void unit_list_add(struct unit_list *l, const char *unit)
{
	if (l->count > 0 && strcmp(l->codes[l->count - 1], unit) == 0)
		return;
	l->codes = xgrow(l->codes, l->count, &l->cap, sizeof *l->codes);
	memcpy(l->codes[l->count++], unit, UNIT_SIZE);
}

static int by_code(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void unit_list_sort(struct unit_list *l)
{
	size_t kept = 0;

	if (l->count == 0)
		return;
	qsort(l->codes, l->count, sizeof *l->codes, by_code);
	for (size_t i = 1; i < l->count; i++)
		if (strcmp(l->codes[kept], l->codes[i]) != 0 && ++kept != i)
			memcpy(l->codes[kept], l->codes[i], UNIT_SIZE);
	l->count = kept + 1;
}

/* Codes from "33" to below "33:" are the province's; "" to ":" are all (':' follows '9'). */
static int add_of_divisions(struct store *s, const char *province, struct unit_list *l)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT code FROM division WHERE code >= ?1 AND code < ?1 || ':' AND level = 'county'"
			    " AND length(code) = 6",
			    "t", province);

	while (r >= 0 && (r = store_step(q)) > 0) {
		char unit[UNIT_SIZE];

		ids_unit_of(store_text(q, 0), unit);
		unit_list_add(l, unit);
	}
	return r;
}

int object_units_of_divisions(struct store *s, const char *province, char (**ret)[UNIT_SIZE], size_t *ret_count)
{
	struct unit_list l = { 0 };
	int r = add_of_divisions(s, province, &l);

	unit_list_sort(&l);
	*ret = l.codes; /* the caller's, of a failure too */
	*ret_count = l.count;
	return r;
}

/* A loose index scan: a DISTINCT would read all 100,000 sites. */
static int add_of_sites(struct store *s, const char *province, struct unit_list *l)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "WITH RECURSIVE u(x) AS (SELECT min(unit) FROM site WHERE unit >= ?1 UNION ALL"
			    " SELECT (SELECT min(unit) FROM site WHERE unit > x) FROM u WHERE x IS NOT NULL)"
			    " SELECT x FROM u WHERE x < ?1 || ':' AND length(x) = 6",
			    "t", province);

	while (r >= 0 && (r = store_step(q)) > 0)
		unit_list_add(l, store_text(q, 0));
	return r;
}

int object_units_of(struct store *s, const char *province, char (**ret)[UNIT_SIZE], size_t *ret_count)
{
	struct unit_list l = { 0 };
	const char *from = province ? province : "";
	int r = add_of_divisions(s, from, &l);

	if (r >= 0)
		r = add_of_sites(s, from, &l);
	if (r < 0) {
		unit_list_done(&l);
		return r;
	}
	unit_list_sort(&l);
	*ret = l.codes;
	*ret_count = l.count;
	return 0;
}

/* The latest day of a unit's indicator; 0 no datum. */
static int latest(struct store *s, const char *unit, const char *indicator, int64_t *ret)
{
	return store_get_int(s, ret,
			     "SELECT as_of FROM sample WHERE unit = ?1 AND indicator = ?2 AND period = 'day'"
			     " ORDER BY as_of DESC LIMIT 1",
			     "tt", unit, indicator);
}

/* After a comma, unless it is the first of the list. */
static int put_indicator(struct store *s, struct province_sums *cache, const char *unit, const char *indicator, const char *period,
			 int64_t as_of, struct buf *out)
{
	size_t start = out->len;
	int r;

	if (out->p[out->len - 1] != '[')
		buf_char(out, ',');
	r = object_indicator_text(s, cache, unit, indicator, period, as_of, out);
	if (r != 0)
		out->len = start;
	return MIN(r, 0);
}

static int put_latest(struct store *s, struct province_sums *cache, const char *unit, const char *indicator, struct buf *out)
{
	int64_t day;
	int r = latest(s, unit, indicator, &day);

	return r > 0 ? put_indicator(s, cache, unit, indicator, "day", day, out) : r;
}

/* Declared items: the latest period of each. */
static int put_declared(struct store *s, struct province_sums *cache, const char *unit, struct buf *out)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT item, period, max(as_of) FROM declared WHERE unit = ? GROUP BY item ORDER BY item", "t",
			    unit);

	while (r >= 0 && (r = store_step(q)) > 0)
		r = put_indicator(s, cache, unit, store_text(q, 0), store_text(q, 1), store_int(q, 2), out);
	return r;
}

static int put_indicators(struct store *s, struct province_sums *cache, const char *unit, bool all, struct buf *out)
{
	int r = 0;

	json_out_key(out, "indicators");
	buf_char(out, '[');
	for (size_t i = 0; r >= 0 && i < indicator_count; i++)
		if (all || indicators[i].headline)
			r = put_latest(s, cache, unit, indicators[i].id, out);
	if (r >= 0 && all)
		r = put_declared(s, cache, unit, out);
	buf_char(out, ']');
	return r;
}

/* The prefecture's name, or the county's own where a county is the unit. */
static int set_name(struct store *s, const char *code, const char *level, json *object, bool *known)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT name FROM division WHERE code = ?1 AND (?2 IS NULL OR level = ?2)"
			    " ORDER BY level = 'prefecture' DESC LIMIT 1",
			    "tt", code, level);

	if (r >= 0)
		r = store_step(q);
	*known = r > 0;
	json_set(object, "name", r > 0 ? row_text(q, 0) : NULL);
	return r < 0 ? r : 0;
}

static json *designation(store_stmt *q)
{
	json *d = json_new_object();

	json_set(d, "name", row_text(q, 0));
	json_set(d, "cycle", row_text(q, 1));
	json_set(d, "status", row_text(q, 2));
	json_set(d, "effective_on", row_day(q, 3));
	json_set(d, "document", row_text(q, 4));
	return d;
}

static int set_designation(struct store *s, const char *unit, int64_t today, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT name, cycle, status, effective_on, document FROM designation"
			    " WHERE unit = ?1 AND effective_on <= ?2 ORDER BY effective_on DESC LIMIT 1",
			    "ti", unit, today);

	if (r >= 0)
		r = store_step(q);
	json_set(object, "designation", r > 0 ? designation(q) : NULL);
	return r < 0 ? r : 0;
}

int object_title(struct store *s, const char *unit, int64_t today, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	int64_t n = 0;
	int r = set_designation(s, unit, today, o);

	*ret = NULL;
	/* A title that went and came back is another one: what was decided upon is not what is there now. */
	if (r >= 0)
		r = store_get_int(s, &n, "SELECT ifnull(max(n), 0) FROM designation_event WHERE unit = ?", "t", unit);
	if (r < 0)
		return r;
	json_set(o, "unit", json_new_text(unit));
	json_set(o, "n", json_new_int(n));
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}

static int put_count(struct store *s, const char *unit, const char *key, const char *sql, struct buf *out, int64_t *ret)
{
	int r = store_get_int(s, ret, sql, "t", unit);

	json_out_int(out, key, *ret);
	return r;
}

/* Where they belong today; where no site was ever moved, plainly. */
static int put_sites(struct store *s, const char *unit, int64_t today, struct buf *out)
{
	int64_t sites = 0;
	int r = store_get_int(s, &sites,
			      "SELECT iif(EXISTS (SELECT 1 FROM register WHERE unit IS NOT NULL), (SELECT count(*) FROM " STANDING_SITES("?1", "?2")
			      "), (SELECT count(*) FROM site WHERE unit = ?1))",
			      "ti", unit, today);

	json_out_int(out, "sites", sites);
	return r;
}

/* Who it is. */
static int put_head(struct store *s, const char *unit, int64_t today, struct buf *out, bool *known)
{
	_cleanup_(json_freep) json *head = json_new_object();
	char province[3] = { unit[0], unit[1], '\0' };
	int r;

	json_set(head, "unit", json_new_text(unit));
	json_set(head, "province", json_new_text(province));
	r = set_name(s, unit, NULL, head, known);
	if (r >= 0)
		r = set_designation(s, unit, today, head);
	json_compact(head, out);
	out->len--; /* the bracket: more follows */
	return r;
}

static int put_unit(struct store *s, struct province_sums *cache, const char *unit, int64_t today, bool alone, struct buf *out)
{
	int64_t named_by_site = 0, alerts = 0, cases = 0;
	bool known;
	int r = put_head(s, unit, today, out, &known);

	if (r >= 0)
		r = put_indicators(s, cache, unit, alone, out);
	if (r >= 0)
		r = put_count(s, unit, "open_alerts", "SELECT count(*) FROM alert WHERE state = 'open' AND unit = ?1", out, &alerts);
	if (r >= 0)
		r = put_sites(s, unit, today, out);
	if (r >= 0)
		r = put_count(s, unit, "open_cases", "SELECT count(*) FROM case_file WHERE unit = ?1 AND is_open = 1", out, &cases);
	buf_char(out, '}');
	if (r >= 0 && !known)
		r = store_get_int(s, &named_by_site, "SELECT 1 FROM site WHERE unit = ?1 LIMIT 1", "t", unit);
	if (r < 0)
		return r;
	return known || named_by_site ? 0 : OBJECT_NONE;
}

int object_unit_known(struct store *s, const char *unit)
{
	_cleanup_(freep) char(*codes)[UNIT_SIZE] = NULL;
	char province[3] = { unit[0], unit[0] ? unit[1] : '\0', '\0' };
	size_t count;
	int r = object_units_of(s, province, &codes, &count);

	if (r < 0)
		return r;
	return count > 0 && bsearch(unit, codes, count, sizeof *codes, by_code) != NULL;
}

int object_unit_text(struct store *s, struct province_sums *cache, const char *unit, int64_t today, bool alone, struct buf *out)
{
	size_t start = out->len;
	int r = alone ? object_unit_known(s, unit) : 1; /* a list has just read which units there are */

	if (r <= 0)
		return r < 0 ? r : OBJECT_NONE;
	r = put_unit(s, cache, unit, today, alone, out);
	if (r != 0)
		out->len = start;
	return r;
}

int object_unit(struct store *s, struct province_sums *cache, const char *unit, int64_t today, bool alone, json **ret)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	size_t offset;
	int r = object_unit_text(s, cache, unit, today, alone, &text);

	*ret = NULL;
	return r != 0 ? r : json_parse(text.p, text.len, 16, ret, &offset);
}

/* The newest day on which any unit of the province has the indicator. */
static int newest(struct store *s, char (*units)[UNIT_SIZE], size_t count, const char *indicator, int64_t *ret)
{
	int found = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t day;
		int r = latest(s, units[i], indicator, &day);

		if (r < 0)
			return r;
		if (r > 0 && (!found || day > *ret)) {
			*ret = day;
			found = 1;
		}
	}
	return found;
}

/* The province's own figure in force, beside what its units add up to. */
static void set_official_average(const struct average *average, json *object)
{
	json *official = json_new_object();
	char day[CLOCK_TEXT_SIZE];

	json_set(official, "value", json_new_real(average->value));
	json_set(official, "document", json_new_text(average->document));
	json_set(official, "as_of", json_new_text(clock_format_day(average->reference_date, day)));
	json_set(object, "official", official);
	/* It is the average (DOMAIN §2): "Σ … or the official average". */
	json_set(object, "value", json_new_real(average->value));
	json_set(object, "status", json_new_text("ok"));
	json_set(object, "source", json_new_text("official"));
}

static json *sum_object(const struct comparison *c, const struct province_sum *sum, const struct indicator *indicator,
			int64_t as_of, bool enough, bool small)
{
	char day[CLOCK_TEXT_SIZE];
	double value;
	json *o = json_new_object();

	json_set(o, "id", json_new_text(indicator->id));
	json_set(o, "province", json_new_text(c->province));
	json_set(o, "period", json_new_text(c->period));
	json_set(o, "as_of", json_new_text(clock_format_day(as_of, day)));
	if (sum->parts == 1)
		json_set(o, "value", enough ? indicator_value(indicator, sum->numerator, sum->denominator) : NULL);
	else
		json_set(o, "value", enough && province_sum_double(sum, indicator, &value) ? json_new_real(value) : NULL);
	json_set(o, "numerator", small ? NULL : province_sum_operand(sum, sum->numerator));
	json_set(o, "denominator", indicator->count || small ? NULL : province_sum_operand(sum, sum->denominator));
	json_set(o, "scale", json_new_int(indicator->scale));
	json_set(o, "status", json_new_text(enough ? "ok" : "insufficient"));
	json_set(o, "source", json_new_text("computed"));
	json_set(o, "units", json_new_int(sum->units));
	json_set(o, "units_ok", json_new_int(sum->ok));
	return o;
}

static int push_day(struct store *s, struct comparison *c, const struct indicator *indicator, int64_t day, json *list)
{
	const struct policy_province_average *rules;
	const struct average *official;
	struct province_sum sum = { 0 };
	bool small;
	json *object;
	int r = province_rules_on(s, c->cache, day, &rules);

	if (r >= 0)
		r = comparison_sums(c, day, &sum);
	if (r >= 0)
		r = cell_is_hidden(s, c->cache, indicator, day, sum.denominator, &small);
	if (r < 0)
		return r;
	object = sum_object(c, &sum, indicator, day, rules && !small && province_sum_enough(&sum, indicator, rules), small);
	official = rules ? comparison_average(c, rules, day) : NULL;
	if (official)
		set_official_average(official, object);
	json_push(list, object);
	return 0;
}

static int push_sum(struct store *s, struct province_sums *cache, const char *province, char (*units)[UNIT_SIZE],
		    size_t count, const struct indicator *indicator, json *list)
{
	_cleanup_(comparison_done) struct comparison c = { 0 };
	int64_t day = 0;
	int r = newest(s, units, count, indicator->id, &day);

	if (r <= 0)
		return r;
	r = comparison_begin(s, cache, province, indicator->id, "day", &c);
	return r < 0 ? r : push_day(s, &c, indicator, day, list);
}

/* Declared items: the latest period of each that any unit of the province has. */
static int push_declared_sums(struct store *s, struct province_sums *cache, const char *province, json *list)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT item, period, max(as_of), max(denominator IS NOT NULL) FROM declared WHERE unit >= ?1 AND unit < ?1 || ':'"
			    " GROUP BY item ORDER BY item",
			    "t", province);

	while (r >= 0 && (r = store_step(q)) > 0) {
		_cleanup_(comparison_done) struct comparison c = { 0 };
		const struct indicator item = { .id = store_text(q, 0), .scale = 1, .count = !store_int(q, 3) };

		r = comparison_begin(s, cache, province, item.id, store_text(q, 1), &c);
		if (r >= 0)
			r = push_day(s, &c, &item, store_int(q, 2), list);
	}
	return r;
}

int object_province(struct store *s, struct province_sums *cache, const char *province, bool alone, json **ret)
{
	_cleanup_(json_freep) json *p = json_new_object();
	_cleanup_(freep) char(*units)[UNIT_SIZE] = NULL;
	size_t count = 0;
	json *list = json_new_list();
	char code[16];
	bool known;
	int r;

	*ret = NULL;
	snprintf(code, sizeof code, "%.2s0000", province);
	json_set(p, "province", json_new_text(province));
	json_set(p, "indicators", list);
	r = set_name(s, code, "province", p, &known);
	if (r >= 0)
		r = object_units_of(s, province, &units, &count);
	for (size_t i = 0; r >= 0 && i < indicator_count; i++)
		if (alone || indicators[i].headline)
			r = push_sum(s, cache, province, units, count, &indicators[i], list);
	if (r >= 0 && alone)
		r = push_declared_sums(s, cache, province, list);
	if (r < 0)
		return r;
	json_set(p, "units", json_new_int((int64_t)count));
	if (!known && count == 0)
		return OBJECT_NONE;
	*ret = p;
	p = NULL; /* ownership moved to the caller */
	return 0;
}
