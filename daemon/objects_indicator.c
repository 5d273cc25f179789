/* SPDX-License-Identifier: MIT
 *
 * The indicator object, written as text. Comparisons are exact (ratio.h); a double is only what is shown.
 */
#include "objects_compare.h"

#include "clock.h"
#include "json_out.h"
#include "months.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

bool indicator_double(const struct indicator *indicator, int64_t numerator, int64_t denominator, double *ret)
{
	int64_t product;

	/* Both operands are exact below 2^53, and one IEEE division rounds once: the nearest double. */
	if (denominator <= 0 || __builtin_mul_overflow(indicator->scale, numerator, &product))
		return false;
	if (llabs(product) < INT64_C(1) << 53 && denominator < INT64_C(1) << 53)
		*ret = (double)product / (double)denominator;
	else
		*ret = (double)((long double)product / (long double)denominator);
	return true;
}

json *indicator_value(const struct indicator *indicator, int64_t numerator, int64_t denominator)
{
	double value;

	if (indicator->count)
		return json_new_int(numerator);
	return indicator_double(indicator, numerator, denominator, &value) ? json_new_real(value) : json_new_null();
}

static void put_value(struct buf *o, const struct indicator *indicator, int64_t numerator, int64_t denominator)
{
	double value;

	if (indicator->count)
		json_out_int(o, "value", numerator);
	else if (indicator_double(indicator, numerator, denominator, &value))
		json_out_real(o, "value", value);
	else
		json_out_null(o, "value");
}

struct sample {
	const struct indicator *indicator;
	char unit[UNIT_SIZE];
	const char *period; /* the caller's */
	int64_t as_of, numerator, denominator;
	int64_t last_day; /* the day the value speaks of: a month's is its last */
	struct indicator own; /* of a declared item, which has no row in the table */
	bool decimal;         /* operands are decimal strings; then this is their ratio: */
	struct ratio ratio;
	bool ok;        /* may be compared */
	bool told;      /* has a value: an insufficient share has one, too */
	bool suppressed; /* few answers, for readers outside */
};

struct indicator_walk {
	struct sample sample; /* the present one */
	struct comparison comparison;
	int64_t from, to, revision;
	store_stmt *rows;
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

/* What a comparison says: true or false, or null when there is nothing to compare. */
static void put_order(struct buf *o, const char *key, int order, bool yes)
{
	if (order == RATIO_TOO_LARGE)
		json_out_null(o, key);
	else
		json_out_bool(o, key, yes);
}

static int order_against(const struct sample *m, const struct ratio *other)
{
	return other && other->denominator != 0 && comparable(m) ? ratio_compare(sample_ratio(m), *other) : RATIO_TOO_LARGE;
}

static void put_target(const struct comparison *c, const struct sample *m, struct buf *o)
{
	const struct target *target = comparison_target(c, m->last_day);
	int order;

	if (!target) {
		json_out_null(o, "target");
		return;
	}
	json_out_key(o, "target");
	buf_char(o, '{');
	buf_str(o, target->text);
	order = order_against(m, &target->ratio);
	put_order(o, "met", order, m->indicator->lower_is_better ? order <= 0 : order >= 0);
	buf_char(o, '}');
}

/* Strict (管理办法 三(二)): the average itself is not above the average. Counts are sums, nothing to compare. */
static void put_above(struct buf *o, const struct sample *m, const struct ratio *average)
{
	int order = order_against(m, average);

	if (!m->indicator->count)
		put_order(o, m->indicator->lower_is_better ? "worse" : "above", order, order > 0);
}

static void put_official(const struct average *average, const struct sample *m, struct buf *o)
{
	json_out_key(o, "province");
	buf_char(o, '{');
	buf_str(o, average->text);
	put_above(o, m, &average->ratio);
	buf_char(o, '}');
}

static int put_computed(struct comparison *c, const struct policy_province_average *rules, const struct sample *m, struct buf *o)
{
	const struct indicator *i = m->indicator;
	struct province_sum sum;
	struct ratio average;
	bool enough, hidden;
	double value;
	int r = comparison_sums(c, m->as_of, &sum);

	if (r >= 0)
		r = cell_is_hidden(c->store, c->cache, i, m->last_day, sum.denominator, &hidden);
	if (r < 0)
		return r;
	enough = province_sum_enough(&sum, i, rules) && !hidden;
	average = (struct ratio){ (__int128)i->scale * sum.numerator, sum.denominator };
	json_out_key(o, "province");
	buf_char(o, '{');
	if (enough && sum.parts == 1)
		put_value(o, i, sum.numerator, sum.denominator);
	else if (enough && province_sum_double(&sum, i, &value))
		json_out_real(o, "value", value);
	else
		json_out_null(o, "value");
	json_out_text(o, "source", "computed");
	put_above(o, m, enough ? &average : NULL);
	json_out_text(o, "status", enough ? "ok" : "insufficient");
	buf_char(o, '}');
	return 0;
}

static int put_province(struct comparison *c, const struct sample *m, struct buf *o)
{
	const struct policy_province_average *rules;
	const struct average *official;
	int r = province_rules_on(c->store, c->cache, m->last_day, &rules);

	if (r < 0)
		return r;
	official = rules ? comparison_average(c, rules, m->last_day) : NULL;
	if (official && official->ratio.denominator != 0)
		put_official(official, m, o);
	else if (rules)
		return put_computed(c, rules, m, o);
	else
		json_out_null(o, "province");
	return 0;
}

enum {
	NUMERATOR, DENOMINATOR, STATUS, REASON, COMPLETENESS_N, COMPLETENESS_D, STALE, MISSING, REVISION, FINAL, SOURCES, DETAIL,
	TYPE, AS_OF,
};

static void put_int(struct buf *o, const char *key, store_stmt *q, int column)
{
	int64_t v = store_int(q, column);

	if (v == STORE_NULL)
		json_out_null(o, key);
	else
		json_out_int(o, key, v);
}

/* Stored as JSON: sources a list, detail an object. */
static void put_sources(struct buf *o, store_stmt *q)
{
	const char *text = store_text(q, SOURCES);

	json_out_key(o, "sources");
	buf_str(o, *text == '[' ? text : "[]");
}

static void put_completeness(struct buf *o, store_stmt *q)
{
	int64_t of = store_int(q, COMPLETENESS_D);

	json_out_real(o, "completeness", of > 0 ? (double)store_int(q, COMPLETENESS_N) / (double)of : NAN);
}

/* A month is named by itself, a day by itself. */
static void put_period(struct buf *o, const char *key, const struct sample *m)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format_day(m->as_of, text);
	if (strcmp(m->period, "month") == 0)
		text[7] = '\0';
	json_out_text(o, key, text);
}

#define SUPPRESSED "suppressed: fewer than 5 answers"

/* Further members of the object (measured.h); of a suppressed cell nothing that speaks of its answers. */
static void put_detail(struct buf *o, const struct sample *m, store_stmt *q)
{
	const char *text = store_text(q, DETAIL);
	size_t len;

	if (m->suppressed)
		text = "{\"interval\":null,\"verdict\":\"insufficient\",\"flags\":[]}";
	len = text ? strlen(text) : 0;
	if (len <= 2)
		return;
	buf_char(o, ',');
	buf_add(o, text + 1, len - 2); /* without its brackets */
}

#define EXACT (INT64_C(1) << 53) /* integers below are doubles */

/* One IEEE division of two exact operands rounds once: the nearest double. */
static double decimal_value(struct ratio v)
{
	if (v.numerator < EXACT && v.numerator > -EXACT && v.denominator < EXACT)
		return (double)v.numerator / (double)v.denominator;
	return (double)((long double)v.numerator / (long double)v.denominator);
}

static void put_own_value(struct buf *o, const struct sample *m)
{
	if (!m->told)
		json_out_null(o, "value");
	else if (m->decimal)
		json_out_real(o, "value", decimal_value(m->ratio));
	else
		put_value(o, m->indicator, m->numerator, m->denominator);
}

static void put_operand(struct buf *o, const char *key, const struct sample *m, store_stmt *q, int column)
{
	if (m->suppressed || (column == DENOMINATOR && m->indicator->count))
		json_out_null(o, key);
	else if (m->decimal)
		json_out_text(o, key, store_text(q, column));
	else
		put_int(o, key, q, column);
}

static void put_values(struct buf *o, const struct sample *m, store_stmt *q)
{
	put_own_value(o, m);
	put_operand(o, "numerator", m, q, NUMERATOR);
	put_operand(o, "denominator", m, q, DENOMINATOR);
	json_out_int(o, "scale", m->indicator->scale);
	json_out_text(o, "status", m->suppressed ? "insufficient" : store_text(q, STATUS));
	json_out_text(o, "reason", m->suppressed ? SUPPRESSED : store_text(q, REASON));
	put_completeness(o, q);
	put_int(o, "stale", q, STALE);
	put_int(o, "missing", q, MISSING);
	put_int(o, "revision", q, REVISION);
	json_out_bool(o, "final", store_int(q, FINAL) > 0);
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

#define ROW \
	"SELECT numerator, denominator, status, reason, completeness_n, completeness_d, stale, missing, revision, "

static int present_rows(struct store *s, const struct indicator_walk *w, store_stmt **q)
{
	return store_query(s, q,
			   ROW "final, sources, detail, typeof(numerator), as_of FROM sample WHERE unit = ?1 AND indicator = ?2"
			       " AND period = ?3 AND as_of BETWEEN ?4 AND ?5 ORDER BY as_of",
			   "tttii", w->sample.unit, w->sample.indicator->id, w->sample.period, w->from, w->to);
}

/* What a month said when it was frozen. */
static int frozen_row(struct store *s, const struct sample *m, int64_t revision, store_stmt **q)
{
	int r = store_query(s, q,
			    ROW "1, sources, detail, typeof(numerator) FROM frozen"
				" WHERE unit = ?1 AND indicator = ?2 AND month = ?3 AND revision = ?4",
			    "ttii", m->unit, m->indicator->id, m->as_of, revision);

	return r < 0 ? r : store_step(*q);
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

static int read_row(struct store *s, struct province_sums *cache, struct sample *m, store_stmt *q)
{
	int r;

	m->own.count = store_is_null(q, DENOMINATOR);
	m->numerator = store_int(q, NUMERATOR);
	m->denominator = store_int(q, DENOMINATOR);
	read_decimal(m, q);
	r = cell_is_hidden(s, cache, m->indicator, m->last_day, m->denominator, &m->suppressed);
	judge(m, store_text(q, STATUS));
	return r;
}

/* ---- what changed (DOMAIN §2) ---- */

/* n1/d1 − n0/d0: first the numerator moves, then the denominator; the two parts add up to the whole. */
static void put_change(struct buf *o, const struct indicator *i, const struct sample *now, int64_t numerator, int64_t denominator)
{
	double scale = (double)i->scale, d0 = i->count ? 1 : (double)denominator, d1 = i->count ? 1 : (double)now->denominator;
	double n0 = (double)numerator, n1 = (double)now->numerator;
	bool rises = (__int128)now->numerator * (i->count ? 1 : denominator) > (__int128)numerator * (i->count ? 1 : now->denominator);

	json_out_real(o, "value", scale * (n1 / d1 - n0 / d0));
	json_out_real(o, "numerator", scale * (n1 - n0) / d0);
	json_out_real(o, "denominator", scale * n1 * (1 / d1 - 1 / d0));
	/* A rise whose numerator did not rise. */
	json_out_bool(o, "population_driven", rises && now->numerator <= numerator);
}

/* Another sample's operands, when there is something to compare: 1. The row that is shown is still open, so these are
 * statements of their own. From a difference the other's few answers could be computed: of a hidden cell there is none. */
static int comparable_row(const struct comparison *c, const struct sample *m, store_stmt *q, struct sample *ret)
{
	bool hidden = false;
	int r = store_step(q);

	if (r <= 0)
		return r;
	ret->numerator = store_int(q, 0);
	ret->denominator = store_int(q, 1);
	r = cell_is_hidden(c->store, c->cache, m->indicator, ret->last_day, ret->denominator, &hidden);
	if (r < 0 || hidden)
		return r;
	return comparable(m) && !m->decimal && strcmp(store_text(q, 2), "ok") == 0 && ret->numerator != STORE_NULL &&
	       (m->indicator->count || ret->denominator > 0) && strcmp(store_text(q, 3), "integer") == 0;
}

/* Against the revision before, of a month that was changed after it was frozen. */
static int set_change(const struct comparison *c, const struct sample *m, int64_t revision, struct buf *o)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct sample before = *m;
	int r;

	if (revision < 2 || strcmp(m->period, "month") != 0)
		return 0;
	r = store_query(c->store, &q,
			"SELECT numerator, denominator, status, typeof(numerator) FROM frozen"
			" WHERE unit = ? AND indicator = ? AND month = ? AND revision = ?",
			"ttii", m->unit, m->indicator->id, m->as_of, revision - 1);
	if (r < 0 || (r = comparable_row(c, m, q, &before)) <= 0)
		return r;
	json_out_key(o, "change");
	buf_char(o, '{');
	put_change(o, m->indicator, m, before.numerator, before.denominator);
	json_out_int(o, "from_revision", revision - 1);
	buf_char(o, '}');
	return 0;
}

/* Against the month before. */
static int set_trend(const struct comparison *c, const struct sample *m, struct buf *o)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct sample before = *m;
	int r;

	if (strcmp(m->period, "month") != 0)
		return 0;
	before.as_of = months_first_day(m->as_of - 1);
	before.last_day = m->as_of - 1;
	r = store_query(c->store, &q,
			"SELECT numerator, denominator, status, typeof(numerator) FROM sample"
			" WHERE unit = ? AND indicator = ? AND period = 'month' AND as_of = ?",
			"tti", m->unit, m->indicator->id, before.as_of);
	if (r < 0 || (r = comparable_row(c, m, q, &before)) <= 0)
		return r;
	json_out_key(o, "trend");
	buf_char(o, '{');
	put_change(o, m->indicator, m, before.numerator, before.denominator);
	put_period(o, "since", &before);
	buf_char(o, '}');
	return 0;
}

/* ---- the object ---- */

static int put_object(struct comparison *c, const struct sample *m, store_stmt *q, struct buf *o)
{
	int r;

	buf_char(o, '{');
	json_out_text(o, "id", m->indicator->id);
	json_out_text(o, "unit", m->unit);
	json_out_text(o, "period", m->period);
	put_period(o, "as_of", m);
	put_values(o, m, q);
	put_target(c, m, o);
	r = put_province(c, m, o);
	if (r >= 0 && !m->suppressed)
		r = set_change(c, m, store_int(q, REVISION), o);
	if (r >= 0 && !m->suppressed)
		r = set_trend(c, m, o);
	put_sources(o, q);
	put_detail(o, m, q);
	buf_char(o, '}');
	return r;
}

int indicator_walk_new(struct store *s, struct province_sums *cache, const char *unit, const char *indicator, const char *period,
		       int64_t from, int64_t to, int64_t revision, struct indicator_walk **ret)
{
	_cleanup_(indicator_walk_freep) struct indicator_walk *w = xcalloc(1, sizeof *w);
	int r;

	*w = (struct indicator_walk){ .sample = { .indicator = indicator_of(indicator), .period = period,
						  .own = { .id = indicator, .scale = 1 } },
				      .from = from, .to = to, .revision = revision };
	if (!w->sample.indicator)
		w->sample.indicator = &w->sample.own;
	snprintf(w->sample.unit, sizeof w->sample.unit, "%s", unit);
	r = comparison_begin(s, cache, unit, indicator, period, &w->comparison);
	if (r >= 0)
		r = present_rows(s, w, &w->rows);
	if (r < 0)
		return r;
	*ret = w;
	w = NULL; /* ownership moved to the caller */
	return 0;
}

void indicator_walk_free(struct indicator_walk *w)
{
	if (!w)
		return;
	comparison_done(&w->comparison);
	store_reset(w->rows);
	free(w);
}

/* The row that stands at w->rows, or what was frozen of it: 1 appended, 0 there is no such revision. */
static int put_row(struct indicator_walk *w, struct buf *out)
{
	_cleanup_(store_resetp) store_stmt *frozen = NULL;
	struct sample *m = &w->sample;
	store_stmt *q = w->rows;
	int r = 1;

	if (w->revision && store_int(q, REVISION) != w->revision) {
		r = strcmp(m->period, "month") == 0 ? frozen_row(w->comparison.store, m, w->revision, &frozen) : 0;
		q = frozen;
	}
	if (r > 0)
		r = read_row(w->comparison.store, w->comparison.cache, m, q);
	else
		return r;
	if (r >= 0)
		r = put_object(&w->comparison, m, q, out);
	return r < 0 ? r : 1;
}

int indicator_walk_next(struct indicator_walk *w, struct buf *out, int64_t *ret_as_of)
{
	int r;

	while ((r = store_step(w->rows)) > 0) {
		w->sample.as_of = *ret_as_of = store_int(w->rows, AS_OF);
		w->sample.last_day = last_day_of(w->sample.period, w->sample.as_of);
		r = put_row(w, out);
		if (r != 0)
			break;
	}
	return r;
}

int object_indicator_text(struct store *s, struct province_sums *cache, const char *unit, const char *indicator,
			  const char *period, int64_t as_of, struct buf *out)
{
	_cleanup_(indicator_walk_freep) struct indicator_walk *w = NULL;
	int r = indicator_walk_new(s, cache, unit, indicator, period, as_of, as_of, 0, &w);

	if (r >= 0)
		r = indicator_walk_next(w, out, &as_of);
	return r < 0 ? r : r > 0 ? 0 : OBJECT_NONE;
}

int object_indicator(struct store *s, struct province_sums *cache, const char *unit, const char *indicator,
		     const char *period, int64_t as_of, json **ret)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	size_t offset;
	int r = object_indicator_text(s, cache, unit, indicator, period, as_of, &text);

	*ret = NULL;
	return r != 0 ? r : json_parse(text.p, text.len, 8, ret, &offset);
}
