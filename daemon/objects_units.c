/* SPDX-License-Identifier: MIT
 *
 * Which units there are, what a province's units add up to, and the objects of a unit and a province.
 */
#include "objects_indicator.h"
#include "objects_row.h"

#include "ids.h"
#include "policy_row.h"

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
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->codes = xrealloc(l->codes, l->cap * sizeof *l->codes);
	}
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

/* A province's sums of an indicator, a slot a day. */
struct province_range {
	char province[3], period[8];
	const char *indicator; /* the caller's */
	int64_t first, units;
	size_t count;
	struct province_slot {
		int64_t numerator, denominator, ok;
		bool broken;
	} slots[];
};

void province_sums_done(struct province_sums *c)
{
	free(c->items);
	free(c->range);
	policy_free(c->policy);
	*c = (struct province_sums){ 0 };
}

int province_rules_on(struct store *s, struct province_sums *c, int64_t day, const struct policy_province_average **ret)
{
	int r = c->policy ? 0 : policy_row_newest(s, &c->policy);

	*ret = c->policy ? policy_province_average(c->policy, day) : NULL;
	return MIN(r, 0);
}

#define SUPPRESSED_BELOW 5 /* DOMAIN §5; while there is no policy */

int cell_is_hidden(struct store *s, struct province_sums *c, const struct indicator *indicator, int64_t day,
		   int64_t denominator, bool *ret)
{
	const struct policy_province_average *rules;
	int r = 0;

	*ret = false;
	if (c->inside || !indicator->survey || denominator <= 0)
		return 0;
	r = province_rules_on(s, c, day, &rules); /* reads the policy */
	*ret = denominator < (c->policy ? policy_satisfaction(c->policy, day)->suppressed_below : SUPPRESSED_BELOW);
	return r;
}

static void add_unit(struct province_slot *sum, int64_t numerator, int64_t denominator)
{
	sum->ok++;
	sum->broken |= __builtin_add_overflow(sum->numerator, numerator, &sum->numerator);
	sum->broken |= __builtin_add_overflow(sum->denominator, denominator, &sum->denominator);
}

static int sum_unit(struct store *s, struct province_range *range, const char *unit)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT as_of, numerator, ifnull(denominator, 0) FROM sample WHERE unit = ?1 AND indicator = ?2"
			    " AND period = ?3 AND as_of BETWEEN ?4 AND ?5 AND status = 'ok' AND typeof(numerator) = 'integer'",
			    "tttii", unit, range->indicator, range->period, range->first,
			    range->first + (int64_t)range->count - 1);

	while (r >= 0 && (r = store_step(q)) > 0)
		add_unit(&range->slots[store_int(q, 0) - range->first], store_int(q, 1), store_int(q, 2));
	return r;
}

static struct province_range *new_range(const char *province, const char *indicator, const char *period, int64_t first,
					int64_t last)
{
	size_t count = (size_t)(last - first + 1);
	struct province_range *range = xcalloc(1, sizeof *range + count * sizeof range->slots[0]);

	range->indicator = indicator;
	range->first = first;
	range->count = count;
	snprintf(range->province, sizeof range->province, "%.2s", province);
	snprintf(range->period, sizeof range->period, "%s", period);
	return range;
}

static int sum_up(struct store *s, struct province_range *range)
{
	_cleanup_(unit_list_done) struct unit_list l = { 0 };
	int r = add_of_divisions(s, range->province, &l);

	unit_list_sort(&l);
	range->units = (int64_t)l.count;
	for (size_t i = 0; r >= 0 && i < l.count; i++)
		r = sum_unit(s, range, l.codes[i]);
	return r;
}

static void read_range(const struct province_range *range, struct province_sum *sum)
{
	const struct province_slot *slot = &range->slots[sum->as_of - range->first];

	sum->numerator = slot->numerator;
	sum->denominator = slot->denominator;
	sum->units = range->units;
	sum->ok = slot->ok;
	sum->broken = slot->broken;
}

static bool in_range(const struct province_range *range, const struct province_sum *key)
{
	return range && key->as_of >= range->first && key->as_of - range->first < (int64_t)range->count &&
	       strcmp(range->province, key->province) == 0 && strcmp(range->period, key->period) == 0 &&
	       strcmp(range->indicator, key->indicator) == 0;
}

#define RANGE_MAX 40000 /* days: a century */

int object_prepare(struct store *s, struct province_sums *cache, const char *unit, const char *indicator, const char *period,
		   int64_t first, int64_t last)
{
	int64_t targets = 0, averages = 0;
	int r;

	free(cache->range);
	cache->range = NULL;
	if (last < first || last - first >= RANGE_MAX)
		return 0;
	cache->range = new_range(unit, indicator, period, first, last);
	r = sum_up(s, cache->range);
	if (r >= 0)
		r = store_get_int(s, &targets, "SELECT 1 FROM target WHERE indicator = ? LIMIT 1", "t", indicator);
	if (r >= 0)
		r = store_get_int(s, &averages, "SELECT 1 FROM average WHERE indicator = ? LIMIT 1", "t", indicator);
	cache->without_targets = !targets;
	cache->without_averages = !averages;
	return MIN(r, 0);
}

static struct province_sum *find(const struct province_sums *c, const struct province_sum *key)
{
	for (size_t i = 0; i < c->count; i++) {
		struct province_sum *p = &c->items[i];

		if (p->as_of == key->as_of && strcmp(p->province, key->province) == 0 &&
		    strcmp(p->indicator, key->indicator) == 0 && strcmp(p->period, key->period) == 0)
			return p;
	}
	return NULL;
}

int province_sum_of(struct store *s, struct province_sums *c, const char *province, const struct indicator *indicator,
		    const char *period, int64_t as_of, struct province_sum *ret)
{
	_cleanup_(freep) struct province_range *one = NULL;
	const struct province_sum *known;
	int r;

	*ret = (struct province_sum){ .as_of = as_of };
	snprintf(ret->indicator, sizeof ret->indicator, "%s", indicator->id);
	snprintf(ret->province, sizeof ret->province, "%.2s", province);
	snprintf(ret->period, sizeof ret->period, "%s", period);
	if (in_range(c->range, ret)) {
		read_range(c->range, ret);
		return 0;
	}
	known = find(c, ret);
	if (known) {
		*ret = *known;
		return 0;
	}
	one = new_range(province, indicator->id, period, as_of, as_of);
	r = sum_up(s, one);
	if (r < 0)
		return r;
	read_range(one, ret);
	if (c->count == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 32;
		c->items = xrealloc(c->items, c->cap * sizeof *c->items);
	}
	c->items[c->count++] = *ret;
	return 0;
}

bool province_sum_enough(const struct province_sum *sum, const struct indicator *indicator,
			 const struct policy_province_average *rules)
{
	if (sum->units == 0 || sum->ok * 1000 < sum->units * rules->min_units_share_per_mille || sum->broken)
		return false;
	return indicator->count || sum->denominator > 0;
}

/* The latest day of a unit's indicator; 0 no datum. */
static int latest(struct store *s, const char *unit, const char *indicator, int64_t *ret)
{
	return store_get_int(s, ret,
			     "SELECT as_of FROM sample WHERE unit = ?1 AND indicator = ?2 AND period = 'day'"
			     " ORDER BY as_of DESC LIMIT 1",
			     "tt", unit, indicator);
}

static int push_latest(struct store *s, struct province_sums *cache, const char *unit, const char *indicator,
		       json *list)
{
	json *object = NULL;
	int64_t day;
	int r = latest(s, unit, indicator, &day);

	if (r <= 0)
		return r;
	r = object_indicator_cached(s, cache, unit, indicator, "day", day, &object);
	if (r == 0)
		json_push(list, object);
	return r < 0 ? r : 0;
}

/* Declared items: the latest period of each. */
static int push_declared(struct store *s, struct province_sums *cache, const char *unit, json *list)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT item, period, max(as_of) FROM declared WHERE unit = ? GROUP BY item ORDER BY item", "t",
			    unit);

	while (r >= 0 && (r = store_step(q)) > 0) {
		json *object = NULL;

		r = object_indicator_revision(s, cache, unit, store_text(q, 0), store_text(q, 1), store_int(q, 2), 0, &object);
		if (object)
			json_push(list, object);
	}
	return r;
}

static int set_indicators(struct store *s, struct province_sums *cache, const char *unit, bool all, json *object)
{
	json *list = json_new_list();
	int r = 0;

	json_set(object, "indicators", list);
	for (size_t i = 0; r >= 0 && i < indicator_count; i++)
		if (all || indicators[i].headline)
			r = push_latest(s, cache, unit, indicators[i].id, list);
	return r < 0 || !all ? r : push_declared(s, cache, unit, list);
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

static int set_count(struct store *s, const char *unit, const char *key, const char *sql, json *object)
{
	int64_t count = 0;
	int r = store_get_int(s, &count, sql, "t", unit);

	json_set(object, key, json_new_int(count));
	return r;
}

static int fill_unit(struct store *s, struct province_sums *cache, const char *unit, int64_t today, bool alone,
		     json *u)
{
	bool known;
	int64_t sites = 0;
	char province[3] = { unit[0], unit[1], '\0' };
	int r;

	json_set(u, "unit", json_new_text(unit));
	json_set(u, "province", json_new_text(province));
	r = set_name(s, unit, NULL, u, &known);
	if (r >= 0)
		r = set_designation(s, unit, today, u);
	if (r >= 0)
		r = set_indicators(s, cache, unit, alone, u);
	if (r >= 0)
		r = set_count(s, unit, "open_alerts",
			      "SELECT count(*) FROM alert WHERE state = 'open' AND unit = ?1", u);
	if (r >= 0)
		r = set_count(s, unit, "sites", "SELECT count(*) FROM site WHERE unit = ?1", u);
	if (r >= 0)
		r = set_count(s, unit, "open_cases", "SELECT count(*) FROM case_file WHERE unit = ?1 AND is_open = 1", u);
	if (r < 0)
		return r;
	sites = json_int(json_get(u, "sites"));
	return known || sites > 0 ? 0 : OBJECT_NONE;
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

int object_unit(struct store *s, struct province_sums *cache, const char *unit, int64_t today, bool alone, json **ret)
{
	_cleanup_(json_freep) json *u = json_new_object();
	int r = alone ? object_unit_known(s, unit) : 1; /* a list has just read which units there are */

	*ret = NULL;
	if (r <= 0)
		return r < 0 ? r : OBJECT_NONE;
	r = fill_unit(s, cache, unit, today, alone, u);
	if (r != 0)
		return r;
	*ret = u;
	u = NULL; /* ownership moved to the caller */
	return 0;
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
static int set_official_average(struct store *s, const struct policy_province_average *rules, const char *province,
				const char *indicator, int64_t day, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char code[8];
	json *official;
	int r;

	snprintf(code, sizeof code, "%.2s0000", province);
	r = store_query(s, &q,
			"SELECT value, source, reference_date FROM average WHERE province IN (?1, ?2) AND indicator = ?3"
			" AND reference_date BETWEEN ?4 AND ?5 ORDER BY reference_date DESC LIMIT 1",
			"tttii", province, code, indicator, day - rules->official_max_age_days, day);
	if (r >= 0)
		r = store_step(q);
	if (r <= 0)
		return r;
	official = json_new_object();
	json_set(official, "value", json_new_real(strtod(store_text(q, 0), NULL)));
	json_set(official, "document", row_text(q, 1));
	json_set(official, "as_of", row_day(q, 2));
	json_set(object, "official", official);
	/* It is the average (DOMAIN §2): "Σ … or the official average". */
	json_set(object, "value", json_new_real(strtod(store_text(q, 0), NULL)));
	json_set(object, "status", json_new_text("ok"));
	json_set(object, "source", json_new_text("official"));
	return 0;
}

static json *sum_object(const struct province_sum *sum, const struct indicator *indicator, bool enough,
			bool small)
{
	char day[CLOCK_TEXT_SIZE];
	json *o = json_new_object();

	json_set(o, "id", json_new_text(indicator->id));
	json_set(o, "province", json_new_text(sum->province));
	json_set(o, "period", json_new_text(sum->period));
	json_set(o, "as_of", json_new_text(clock_format_day(sum->as_of, day)));
	json_set(o, "value", enough ? indicator_value(indicator, sum->numerator, sum->denominator) : NULL);
	json_set(o, "numerator", small ? NULL : json_new_int(sum->numerator));
	json_set(o, "denominator", indicator->count || small ? NULL : json_new_int(sum->denominator));
	json_set(o, "scale", json_new_int(indicator->scale));
	json_set(o, "status", json_new_text(enough ? "ok" : "insufficient"));
	json_set(o, "source", json_new_text("computed"));
	json_set(o, "units", json_new_int(sum->units));
	json_set(o, "units_ok", json_new_int(sum->ok));
	return o;
}

static int push_sum(struct store *s, struct province_sums *cache, const char *province, char (*units)[UNIT_SIZE],
		    size_t count, const struct indicator *indicator, json *list)
{
	const struct policy_province_average *rules;
	struct province_sum sum;
	int64_t day = 0;
	bool small;
	json *object;
	int r = newest(s, units, count, indicator->id, &day);

	if (r <= 0)
		return r;
	r = province_rules_on(s, cache, day, &rules);
	if (r >= 0)
		r = province_sum_of(s, cache, province, indicator, "day", day, &sum);
	if (r < 0)
		return r;
	r = cell_is_hidden(s, cache, indicator, day, sum.denominator, &small);
	if (r < 0)
		return r;
	object = sum_object(&sum, indicator, rules && !small && province_sum_enough(&sum, indicator, rules), small);
	json_push(list, object);
	return rules ? set_official_average(s, rules, province, indicator->id, day, object) : 0;
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
	if (r < 0)
		return r;
	json_set(p, "units", json_new_int((int64_t)count));
	if (!known && count == 0)
		return OBJECT_NONE;
	*ret = p;
	p = NULL; /* ownership moved to the caller */
	return 0;
}
