/* SPDX-License-Identifier: MIT */
#include "objects_compare.h"

#include "clock.h"
#include "json_out.h"
#include "policy_row.h"

#include <stdio.h>

/* ---- what is remembered for the length of one answer ---- */

void province_sums_done(struct province_sums *c)
{
	free(c->strays);
	free(c->members);
	if (!c->policies)
		policy_free(c->policy);
	*c = (struct province_sums){ 0 };
}

void policy_cache_done(struct policy_cache *c)
{
	policy_free(c->policy);
	*c = (struct policy_cache){ 0 };
}

/* The reader's own copy, parsed anew when the ledger has a newer one. */
static int take_lent(struct store *s, struct province_sums *c)
{
	struct policy_cache *lent = c->policies;
	int64_t n = 0;
	int r = store_get_int(s, &n, "SELECT max(n) FROM policy", "");

	if (r >= 0 && n != lent->n) {
		policy_cache_done(lent);
		r = policy_row_newest(s, &lent->policy);
		lent->n = r > 0 ? n : 0;
	}
	c->policy = lent->policy;
	return r;
}

int province_sums_policy(struct store *s, struct province_sums *c)
{
	int r = c->policy ? 0 : c->policies ? take_lent(s, c) : policy_row_newest(s, &c->policy);

	return MIN(r, 0);
}

int province_rules_on(struct store *s, struct province_sums *c, int64_t day, const struct policy_province_average **ret)
{
	int r = province_sums_policy(s, c);

	*ret = c->policy ? policy_province_average(c->policy, day) : NULL;
	return r;
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

/* ---- targets and averages ---- */

static int rank_of(const struct comparison *c, const char *division)
{
	if (!*division)
		return 3;
	if (strcmp(division, c->unit) == 0)
		return 0;
	return strlen(division) == 2 ? 2 : 1;
}

static struct ratio number_of(const char *text)
{
	struct ratio number;

	return ratio_of_text(text, &number) < 0 ? (struct ratio){ 0, 0 } : number;
}

static void add_target(struct comparison *c, store_stmt *q)
{
	struct target *t;
	struct buf text = { 0 };
	char day[CLOCK_TEXT_SIZE];

	c->targets = xrealloc(c->targets, (c->target_count + 1) * sizeof *c->targets);
	t = &c->targets[c->target_count++];
	*t = (struct target){ rank_of(c, store_text(q, 0)), store_int(q, 1), NULL, number_of(store_text(q, 2)) };
	json_out_text(&text, "value", store_text(q, 2));
	json_out_text(&text, "by", clock_format_day(t->by, day));
	t->text = buf_take(&text);
}

static int read_targets(struct comparison *c, const char *code)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(c->store, &q,
			    "SELECT division, by, value FROM target WHERE division IN (?1, ?2, ?3, '') AND indicator = ?4 ORDER BY by",
			    "tttt", c->unit, code, c->province, c->indicator);

	while (r >= 0 && (r = store_step(q)) > 0)
		add_target(c, q);
	return r;
}

static void add_average(struct comparison *c, store_stmt *q)
{
	struct average *a;
	struct buf text = { 0 };
	char day[CLOCK_TEXT_SIZE];

	c->averages = xrealloc(c->averages, (c->average_count + 1) * sizeof *c->averages);
	a = &c->averages[c->average_count++];
	*a = (struct average){ .reference_date = store_int(q, 2), .value = strtod(store_text(q, 0), NULL),
			       .document = xstrdup(store_text(q, 1)), .ratio = number_of(store_text(q, 0)) };
	json_out_real(&text, "value", a->value);
	json_out_text(&text, "source", "official");
	json_out_text(&text, "document", a->document);
	json_out_text(&text, "as_of", clock_format_day(a->reference_date, day));
	a->text = buf_take(&text);
}

static int read_averages(struct comparison *c, const char *code)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(c->store, &q,
			    "SELECT value, source, reference_date FROM average WHERE province IN (?1, ?2) AND indicator = ?3"
			    " ORDER BY reference_date DESC",
			    "ttt", c->province, code, c->indicator);

	while (r >= 0 && (r = store_step(q)) > 0)
		add_average(c, q);
	return r;
}

const struct target *comparison_target(const struct comparison *c, int64_t day)
{
	const struct target *best = NULL;

	for (size_t i = 0; i < c->target_count; i++) { /* `by` rises */
		const struct target *t = &c->targets[i];

		if (!best || t->rank < best->rank || (t->rank == best->rank && best->by < day))
			best = t;
	}
	return best;
}

const struct average *comparison_average(const struct comparison *c, const struct policy_province_average *rules, int64_t day)
{
	for (size_t i = 0; i < c->average_count; i++) {
		const struct average *a = &c->averages[i];

		if (a->reference_date <= day)
			return a->reference_date >= day - rules->official_max_age_days ? a : NULL;
	}
	return NULL;
}

/* ---- sums ---- */

static bool is_known(char (*codes)[UNIT_SIZE], size_t count, const char *unit)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(codes[i], unit) == 0)
			return true;
	return false;
}

/* Units with samples that no county division maps to are in the table's sums, and must not be in the province's. A loose
 * index scan: a seek a unit. */
static int find_strays(struct store *s, struct province_sums *cache)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "WITH RECURSIVE u(x) AS (SELECT min(unit) FROM sample WHERE unit >= ?1 AND unit < ?1 || ':' UNION ALL"
			    " SELECT (SELECT min(unit) FROM sample WHERE unit > x AND unit < ?1 || ':') FROM u WHERE x IS NOT NULL)"
			    " SELECT x FROM u WHERE length(x) = 6",
			    "t", cache->province);

	while (r >= 0 && (r = store_step(q)) > 0) {
		if (is_known(cache->members, (size_t)cache->units, store_text(q, 0)))
			continue;
		cache->strays = xrealloc(cache->strays, (cache->stray_count + 1) * sizeof *cache->strays);
		memcpy(cache->strays[cache->stray_count++], store_text(q, 0), UNIT_SIZE);
	}
	return r;
}

static int read_members(struct store *s, struct province_sums *cache, const char *province)
{
	size_t count;
	int r;

	if (strcmp(cache->province, province) == 0)
		return 0;
	free(cache->strays);
	free(cache->members);
	cache->strays = NULL;
	cache->members = NULL;
	cache->stray_count = 0;
	r = object_units_of_divisions(s, province, &cache->members, &count);
	if (r < 0)
		return r;
	memcpy(cache->province, province, sizeof cache->province);
	cache->units = (int64_t)count;
	r = find_strays(s, cache);
	if (r < 0)
		cache->province[0] = '\0';
	return r;
}

static int take_stray_out(struct comparison *c, const char *unit, int64_t as_of, struct province_sum *sum)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(c->store, &q,
			    "SELECT numerator, ifnull(denominator, 0) FROM sample WHERE unit = ? AND indicator = ? AND period = ?"
			    " AND as_of = ? AND status = 'ok' AND typeof(numerator) = 'integer'",
			    "ttti", unit, c->indicator, c->period, as_of);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	sum->ok--;
	sum->numerator -= store_int(q, 0);
	sum->denominator -= store_int(q, 1);
	return 0;
}

/* To the first day that has sums and is not before as_of. */
static int walk_to(struct comparison *c, int64_t as_of)
{
	int r = 1;

	if (!c->sums) {
		r = store_query(c->store, &c->sums,
				"SELECT as_of, numerator, denominator, ok, typeof(numerator + denominator) FROM province_sum"
				" WHERE province = ?1 AND indicator = ?2 AND period = ?3 AND as_of >= ?4 ORDER BY as_of",
				"ttti", c->province, c->indicator, c->period, as_of);
		c->sums_at = INT64_MIN;
	}
	while (r >= 0 && c->sums_at < as_of) {
		r = store_step(c->sums);
		c->sums_at = r > 0 ? store_int(c->sums, 0) : INT64_MAX;
	}
	return MIN(r, 0);
}

/* The operands so that one part of them is 1 / parts; false: they do not fit. */
static bool raise_parts(struct province_sum *sum, int64_t parts)
{
	while (sum->parts < parts)
		if (__builtin_mul_overflow(sum->parts, 10, &sum->parts) || __builtin_mul_overflow(sum->numerator, 10, &sum->numerator) ||
		    __builtin_mul_overflow(sum->denominator, 10, &sum->denominator))
			return false;
	return true;
}

static bool add_operand(struct province_sum *sum, const char *text, bool lower)
{
	struct ratio number = { 0, 1 };
	__int128 raised;
	int64_t *operand = lower ? &sum->denominator : &sum->numerator;

	if (text && ratio_of_text(text, &number) < 0)
		return false;
	if (number.denominator > INT64_MAX || !raise_parts(sum, (int64_t)number.denominator))
		return false;
	return !__builtin_mul_overflow(number.numerator, sum->parts / (int64_t)number.denominator, &raised) &&
	       !__builtin_add_overflow(*operand, raised, operand);
}

/* Declared items may be decimals, which no trigger can add up exactly; they are few (DOMAIN §2). */
static int add_decimals(struct comparison *c, int64_t as_of, struct province_sum *sum)
{
	int r = 0;

	for (int64_t i = 0; r >= 0 && i < c->cache->units; i++) {
		_cleanup_(store_resetp) store_stmt *q = NULL;

		r = store_query(c->store, &q,
				"SELECT numerator, denominator FROM sample WHERE unit = ? AND indicator = ? AND period = ? AND as_of = ?"
				" AND status = 'ok' AND typeof(numerator) = 'text'",
				"ttti", c->cache->members[i], c->indicator, c->period, as_of);
		if (r < 0 || (r = store_step(q)) <= 0)
			continue;
		sum->ok++;
		sum->broken |= !add_operand(sum, store_text(q, 0), false) || !add_operand(sum, store_text(q, 1), true);
	}
	return r;
}

static int add_integers(struct comparison *c, int64_t as_of, struct province_sum *sum)
{
	int r = walk_to(c, as_of);

	if (r < 0 || c->sums_at != as_of)
		return r;
	sum->numerator = store_int(c->sums, 1);
	sum->denominator = store_int(c->sums, 2);
	sum->ok = store_int(c->sums, 3);
	sum->broken = strcmp(store_text(c->sums, 4), "integer") != 0;
	for (size_t i = 0; r >= 0 && i < c->cache->stray_count; i++)
		r = take_stray_out(c, c->cache->strays[i], as_of, sum);
	return r;
}

int comparison_sums(struct comparison *c, int64_t as_of, struct province_sum *ret)
{
	int r = read_members(c->store, c->cache, c->province);

	*ret = (struct province_sum){ .units = c->cache->units, .parts = 1 };
	if (r >= 0)
		r = add_integers(c, as_of, ret);
	return r < 0 || indicator_of(c->indicator) ? r : add_decimals(c, as_of, ret);
}

bool province_sum_double(const struct province_sum *sum, const struct indicator *indicator, double *ret)
{
	static const struct indicator one = { .scale = 1 };

	if (indicator->count)
		return indicator_double(&one, sum->numerator, sum->parts, ret);
	return indicator_double(indicator, sum->numerator, sum->denominator, ret);
}

json *province_sum_operand(const struct province_sum *sum, int64_t operand)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	int64_t rest = llabs(operand % sum->parts);

	if (sum->parts == 1)
		return json_new_int(operand);
	buf_printf(&text, "%s%lld.", operand < 0 ? "-" : "", llabs(operand / sum->parts));
	for (int64_t part = sum->parts / 10; part > 0; part /= 10)
		buf_char(&text, (char)('0' + rest / part % 10));
	return json_new_text(text.p);
}

bool province_sum_enough(const struct province_sum *sum, const struct indicator *indicator,
			 const struct policy_province_average *rules)
{
	if (sum->units == 0 || sum->ok * 1000 < sum->units * rules->min_units_share_per_mille || sum->broken)
		return false;
	return indicator->count || sum->denominator > 0;
}

/* ---- all of it ---- */

int comparison_begin(struct store *s, struct province_sums *cache, const char *unit, const char *indicator, const char *period,
		     struct comparison *ret)
{
	char code[UNIT_SIZE];
	int r;

	*ret = (struct comparison){ .store = s, .cache = cache, .indicator = indicator, .period = period };
	snprintf(ret->unit, sizeof ret->unit, "%.6s", unit);
	snprintf(ret->province, sizeof ret->province, "%.2s", unit);
	snprintf(code, sizeof code, "%.2s0000", unit);
	r = read_targets(ret, code);
	return r < 0 ? r : read_averages(ret, code);
}

void comparison_done(struct comparison *c)
{
	for (size_t i = 0; i < c->target_count; i++)
		free(c->targets[i].text);
	for (size_t i = 0; i < c->average_count; i++) {
		free(c->averages[i].text);
		free(c->averages[i].document);
	}
	free(c->targets);
	free(c->averages);
	store_reset(c->sums);
}
