/* SPDX-License-Identifier: MIT
 *
 * The indicator object. Comparisons are exact (ratio.h); a double is only what is shown.
 */
#include "objects_indicator.h"
#include "months.h"
#include "objects_row.h"
#include "ratio.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

json *indicator_value(const struct indicator *indicator, int64_t numerator, int64_t denominator)
{
	int64_t product;

	if (indicator->count)
		return json_new_int(numerator);
	/* Both operands are exact below 2^53, and one IEEE division rounds once: the nearest double. */
	if (denominator <= 0 || __builtin_mul_overflow(indicator->scale, numerator, &product))
		return json_new_null();
	if (llabs(product) < INT64_C(1) << 53 && denominator < INT64_C(1) << 53)
		return json_new_real((double)product / (double)denominator);
	return json_new_real((double)((long double)product / (long double)denominator));
}

struct sample {
	const struct indicator *indicator;
	char unit[7], province[3];
	const char *period; /* the caller's */
	int64_t as_of, numerator, denominator;
	int64_t last_day; /* the day the value speaks of: a month's is its last */
	int64_t revision; /* wanted; 0: the present one */
	struct indicator own; /* of a declared item, which has no row in the table */
	bool decimal;         /* operands are decimal strings; then this is their ratio: */
	struct ratio ratio;
	bool ok;        /* may be compared */
	bool told;      /* has a value: an insufficient share has one, too */
	bool suppressed; /* few answers, for readers outside */
};

static struct ratio sample_ratio(const struct sample *m)
{
	if (m->decimal)
		return m->ratio;
	return (struct ratio){ (__int128)m->indicator->scale * m->numerator, m->indicator->count ? 1 : m->denominator };
}

static bool comparable(const struct sample *m)
{
	return m->ok && (m->indicator->count || m->decimal || m->denominator > 0);
}

static json *met(const struct sample *m, const char *target)
{
	struct ratio want;
	int order;

	if (!comparable(m) || ratio_of_text(target, &want) < 0)
		return json_new_null();
	order = ratio_compare(sample_ratio(m), want);
	if (order == 2)
		return json_new_null();
	return json_new_bool(m->indicator->lower_is_better ? order <= 0 : order >= 0);
}

static int set_target(struct store *s, const struct province_sums *cache, const struct sample *m, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = cache->without_targets ? 0 : indicator_target(s, m->unit, m->indicator->id, m->last_day, &q);
	json *target = NULL;

	if (r > 0) {
		target = json_new_object();
		json_set(target, "value", row_text(q, 0));
		json_set(target, "by", row_day(q, 1));
		json_set(target, "met", met(m, store_text(q, 0)));
	}
	json_set(object, "target", target);
	return MIN(r, 0);
}

static json *province_object(json *value, const char *source)
{
	json *p = json_new_object();

	json_set(p, "value", value);
	json_set(p, "source", json_new_text(source));
	return p;
}

/* Strict (管理办法 三(二)): the average itself is not above the average. Counts are sums, nothing to compare. */
static void set_above(json *province, const struct sample *m, const struct ratio *average)
{
	int order = average && comparable(m) ? ratio_compare(sample_ratio(m), *average) : 2;

	if (m->indicator->count)
		return;
	json_set(province, m->indicator->lower_is_better ? "worse" : "above",
		 order == 2 ? json_new_null() : json_new_bool(order > 0));
}

/* 1: the province has published an average that is still in force, and it stands in *object (DOMAIN §2). */
static int set_official(struct store *s, const struct policy_province_average *rules, const struct sample *m,
			json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	char code[8];
	struct ratio average;
	json *p;
	int r;

	snprintf(code, sizeof code, "%s0000", m->province);
	r = store_query(s, &q,
			"SELECT value, source, reference_date FROM average WHERE province IN (?1, ?2) AND indicator = ?3"
			" AND reference_date BETWEEN ?4 AND ?5 ORDER BY reference_date DESC LIMIT 1",
			"tttii", m->province, code, m->indicator->id, m->last_day - rules->official_max_age_days, m->last_day);
	if (r >= 0)
		r = store_step(q);
	if (r <= 0 || ratio_of_text(store_text(q, 0), &average) < 0)
		return r < 0 ? r : 0;
	p = province_object(json_new_real(strtod(store_text(q, 0), NULL)), "official");
	json_set(p, "document", row_text(q, 1));
	json_set(p, "as_of", row_day(q, 2));
	set_above(p, m, &average);
	json_set(object, "province", p);
	return 1;
}

static int set_province(struct store *s, struct province_sums *cache, const struct sample *m, json *object)
{
	const struct policy_province_average *rules;
	const struct indicator *i = m->indicator;
	struct province_sum sum;
	struct ratio average;
	bool enough, hidden;
	json *p;
	int r = province_rules_on(s, cache, m->last_day, &rules);

	json_set(object, "province", NULL);
	if (r < 0 || !rules)
		return r;
	r = cache->without_averages ? 0 : set_official(s, rules, m, object);
	if (r != 0 || m->decimal) /* decimal shares are not added up */
		return r < 0 ? r : 0;
	r = province_sum_of(s, cache, m->province, i, m->period, m->as_of, &sum);
	if (r >= 0)
		r = cell_is_hidden(s, cache, i, m->last_day, sum.denominator, &hidden);
	if (r < 0)
		return r;
	enough = province_sum_enough(&sum, i, rules) && !hidden;
	average = (struct ratio){ (__int128)i->scale * sum.numerator, sum.denominator };
	p = province_object(enough ? indicator_value(i, sum.numerator, sum.denominator) : NULL, "computed");
	set_above(p, m, enough ? &average : NULL);
	json_set(p, "status", json_new_text(enough ? "ok" : "insufficient"));
	json_set(object, "province", p);
	return 0;
}

enum { NUMERATOR, DENOMINATOR, STATUS, REASON, COMPLETENESS_N, COMPLETENESS_D, STALE, MISSING, REVISION, FINAL, SOURCES, DETAIL, TYPE };

static json *sources(store_stmt *q)
{
	const char *text = store_text(q, SOURCES);
	json *list = NULL;
	size_t offset;

	if (json_parse(text, strlen(text), 8, &list, &offset) < 0)
		return json_new_list();
	return list;
}

static json *completeness(store_stmt *q)
{
	int64_t of = store_int(q, COMPLETENESS_D);

	return of > 0 ? json_new_real((double)store_int(q, COMPLETENESS_N) / (double)of) : json_new_null();
}

/* A month is named by itself, a day by itself. */
static json *period_text(const struct sample *m)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format_day(m->as_of, text);
	if (strcmp(m->period, "month") == 0)
		text[7] = '\0';
	return json_new_text(text);
}

#define SUPPRESSED "suppressed: fewer than 5 answers"

/* Further members of the object (measured.h); of a suppressed cell nothing that speaks of its answers. */
static void set_detail(json *o, const struct sample *m, store_stmt *q)
{
	_cleanup_(json_freep) json *detail = NULL;
	const char *text = store_text(q, DETAIL);
	size_t offset;

	if (m->suppressed)
		text = "{\"interval\":null,\"verdict\":\"insufficient\",\"flags\":[]}";
	if (!text || json_parse(text, strlen(text), 8, &detail, &offset) < 0)
		return;
	for (void *i = json_first(detail); i; i = json_next(detail, i))
		json_set(o, json_key(i), json_keep(json_value(i)));
}

#define EXACT (INT64_C(1) << 53) /* integers below are doubles */

/* One IEEE division of two exact operands rounds once: the nearest double. */
static json *decimal_value(struct ratio v)
{
	if (v.numerator < EXACT && v.numerator > -EXACT && v.denominator < EXACT)
		return json_new_real((double)v.numerator / (double)v.denominator);
	return json_new_real((double)((long double)v.numerator / (long double)v.denominator));
}

static json *value_of(const struct sample *m)
{
	if (!m->told)
		return NULL;
	return m->decimal ? decimal_value(m->ratio) : indicator_value(m->indicator, m->numerator, m->denominator);
}

static json *operand(const struct sample *m, store_stmt *q, int column)
{
	if (m->suppressed || (column == DENOMINATOR && m->indicator->count))
		return NULL;
	return m->decimal ? row_text(q, column) : row_int(q, column);
}

static void set_value(json *o, const struct sample *m, store_stmt *q)
{
	json_set(o, "value", value_of(m));
	json_set(o, "numerator", operand(m, q, NUMERATOR));
	json_set(o, "denominator", operand(m, q, DENOMINATOR));
	json_set(o, "scale", json_new_int(m->indicator->scale));
	json_set(o, "status", m->suppressed ? json_new_text("insufficient") : row_text(q, STATUS));
	json_set(o, "reason", m->suppressed ? json_new_text(SUPPRESSED) : row_text(q, REASON));
	json_set(o, "completeness", completeness(q));
	json_set(o, "stale", row_int(q, STALE));
	json_set(o, "missing", row_int(q, MISSING));
	json_set(o, "revision", row_int(q, REVISION));
	json_set(o, "final", row_bool(q, FINAL));
}

static int64_t last_day_of(const char *period, int64_t as_of)
{
	int year, month, day;

	if (strcmp(period, "month") != 0)
		return as_of;
	clock_date_of(as_of, &year, &month, &day);
	return clock_day_of(year + month / 12, month % 12 + 1, 1) - 1;
}

static void judge(struct sample *m, const char *status)
{
	bool known = m->numerator != STORE_NULL;

	m->ok = strcmp(status, "ok") == 0 && known && !m->suppressed;
	m->told = comparable(m) || (strcmp(status, "insufficient") == 0 && known && m->denominator > 0 && !m->suppressed);
}

static int present_row(struct store *s, const struct sample *m, store_stmt **q)
{
	int r = store_query(s, q,
			    "SELECT numerator, denominator, status, reason, completeness_n, completeness_d, stale,"
			    " missing, revision, final, sources, detail, typeof(numerator) FROM sample"
			    " WHERE unit = ?1 AND indicator = ?2 AND period = ?3 AND as_of = ?4 AND (?5 = 0 OR revision = ?5)",
			    "tttii", m->unit, m->indicator->id, m->period, m->as_of, m->revision);

	return r < 0 ? r : store_step(*q);
}

/* What a month said when it was frozen. */
static int frozen_row(struct store *s, const struct sample *m, int64_t revision, store_stmt **q)
{
	int r = store_query(s, q,
			    "SELECT numerator, denominator, status, reason, completeness_n, completeness_d, stale,"
			    " missing, revision, 1, sources, detail, typeof(numerator) FROM frozen"
			    " WHERE unit = ?1 AND indicator = ?2 AND month = ?3 AND revision = ?4",
			    "ttii", m->unit, m->indicator->id, m->as_of, revision);

	return r < 0 ? r : store_step(*q);
}

static int find_row(struct store *s, const struct sample *m, store_stmt **q)
{
	int r = present_row(s, m, q);

	if (r != 0 || !m->revision || strcmp(m->period, "month") != 0)
		return r;
	store_reset(*q);
	*q = NULL;
	return frozen_row(s, m, m->revision, q);
}

/* Operands of a declared item: both as integers, or as decimal strings. A denominator of 0 has no ratio. */
static void read_decimal(struct sample *m, store_stmt *q)
{
	struct ratio upper, lower = { 1, 1 };

	m->decimal = strcmp(store_text(q, TYPE), "text") == 0;
	if (!m->decimal)
		return;
	if (ratio_of_text(store_text(q, NUMERATOR), &upper) < 0 ||
	    (store_text(q, DENOMINATOR) && ratio_of_text(store_text(q, DENOMINATOR), &lower) < 0) || lower.numerator == 0 ||
	    __builtin_mul_overflow(upper.numerator, lower.denominator, &m->ratio.numerator) ||
	    __builtin_mul_overflow(upper.denominator, lower.numerator, &m->ratio.denominator))
		m->ratio = (struct ratio){ 0, 1 };
}

static int sample_row(struct store *s, struct province_sums *cache, struct sample *m, store_stmt **q)
{
	int r = find_row(s, m, q);

	if (r <= 0)
		return r < 0 ? r : OBJECT_NONE;
	m->own.count = store_is_null(*q, DENOMINATOR);
	m->numerator = store_int(*q, NUMERATOR);
	m->denominator = store_int(*q, DENOMINATOR);
	read_decimal(m, *q);
	r = cell_is_hidden(s, cache, m->indicator, m->last_day, m->denominator, &m->suppressed);
	judge(m, store_text(*q, STATUS));
	return r;
}

/* ---- what changed (DOMAIN §2) ---- */

/* n1/d1 − n0/d0: first the numerator moves, then the denominator; the two parts add up to the whole. */
static json *change_of(const struct indicator *i, const struct sample *now, int64_t numerator, int64_t denominator)
{
	double scale = (double)i->scale, d0 = i->count ? 1 : (double)denominator, d1 = i->count ? 1 : (double)now->denominator;
	double n0 = (double)numerator, n1 = (double)now->numerator;
	bool rises = (__int128)now->numerator * (i->count ? 1 : denominator) > (__int128)numerator * (i->count ? 1 : now->denominator);
	json *c = json_new_object();

	json_set(c, "value", json_new_real(scale * (n1 / d1 - n0 / d0)));
	json_set(c, "numerator", json_new_real(scale * (n1 - n0) / d0));
	json_set(c, "denominator", json_new_real(scale * n1 * (1 / d1 - 1 / d0)));
	/* A rise whose numerator did not rise. */
	json_set(c, "population_driven", json_new_bool(rises && now->numerator <= numerator));
	return c;
}

/* Another sample's operands, when there is something to compare: 1. The row that is shown is still open, so these are
 * statements of their own. */
static int comparable_row(const struct sample *m, store_stmt *q, struct sample *ret)
{
	int r = store_step(q);

	if (r <= 0)
		return r;
	ret->numerator = store_int(q, 0);
	ret->denominator = store_int(q, 1);
	return comparable(m) && !m->decimal && strcmp(store_text(q, 2), "ok") == 0 && ret->numerator != STORE_NULL &&
	       (m->indicator->count || ret->denominator > 0) && strcmp(store_text(q, 3), "integer") == 0;
}

/* Against the revision before, of a month that was changed after it was frozen. */
static int set_change(struct store *s, const struct sample *m, int64_t revision, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct sample before = *m;
	json *change;
	int r;

	if (revision < 2 || strcmp(m->period, "month") != 0)
		return 0;
	r = store_query(s, &q,
			"SELECT numerator, denominator, status, typeof(numerator) FROM frozen"
			" WHERE unit = ? AND indicator = ? AND month = ? AND revision = ?",
			"ttii", m->unit, m->indicator->id, m->as_of, revision - 1);
	if (r < 0 || (r = comparable_row(m, q, &before)) <= 0)
		return r;
	change = change_of(m->indicator, m, before.numerator, before.denominator);
	json_set(change, "from_revision", json_new_int(revision - 1));
	json_set(object, "change", change);
	return 0;
}

/* Against the month before. */
static int set_trend(struct store *s, const struct sample *m, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct sample before = *m;
	json *trend;
	int r;

	if (strcmp(m->period, "month") != 0)
		return 0;
	before.as_of = months_first_day(m->as_of - 1);
	r = store_query(s, &q,
			"SELECT numerator, denominator, status, typeof(numerator) FROM sample"
			" WHERE unit = ? AND indicator = ? AND period = 'month' AND as_of = ?",
			"tti", m->unit, m->indicator->id, before.as_of);
	if (r < 0 || (r = comparable_row(m, q, &before)) <= 0)
		return r;
	trend = change_of(m->indicator, m, before.numerator, before.denominator);
	json_set(trend, "since", period_text(&before));
	json_set(object, "trend", trend);
	return 0;
}

static int fill(struct store *s, struct province_sums *cache, struct sample *m, json *o)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = sample_row(s, cache, m, &q);

	if (r != 0)
		return r;
	json_set(o, "id", json_new_text(m->indicator->id));
	json_set(o, "unit", json_new_text(m->unit));
	json_set(o, "period", json_new_text(m->period));
	json_set(o, "as_of", period_text(m));
	set_value(o, m, q);
	r = set_target(s, cache, m, o);
	if (r >= 0)
		r = set_province(s, cache, m, o);
	if (r >= 0 && !m->suppressed)
		r = set_change(s, m, store_int(q, REVISION), o);
	if (r >= 0 && !m->suppressed)
		r = set_trend(s, m, o);
	json_set(o, "sources", sources(q));
	set_detail(o, m, q);
	return r;
}

int object_indicator_revision(struct store *s, struct province_sums *cache, const char *unit, const char *indicator,
			      const char *period, int64_t as_of, int64_t revision, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	struct sample m = {
		.indicator = indicator_of(indicator),
		.period = period,
		.as_of = as_of,
		.revision = revision,
		.last_day = last_day_of(period, as_of),
		.own = { .id = indicator, .scale = 1 },
	};
	int r;

	*ret = NULL;
	if (strlen(unit) != sizeof m.unit - 1)
		return OBJECT_NONE;
	if (!m.indicator)
		m.indicator = &m.own;
	memcpy(m.unit, unit, sizeof m.unit);
	memcpy(m.province, unit, 2);
	r = fill(s, cache, &m, o);
	if (r != 0)
		return r;
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}

int object_indicator_cached(struct store *s, struct province_sums *cache, const char *unit, const char *indicator,
			    const char *period, int64_t as_of, json **ret)
{
	return object_indicator_revision(s, cache, unit, indicator, period, as_of, 0, ret);
}

int object_indicator(struct store *s, const char *unit, const char *indicator, const char *period, int64_t as_of,
		     json **ret)
{
	_cleanup_(province_sums_done) struct province_sums cache = { 0 };

	return object_indicator_cached(s, &cache, unit, indicator, period, as_of, ret);
}
