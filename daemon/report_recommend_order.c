/* SPDX-License-Identifier: MIT
 *
 * The order of the units that may be recommended (report_recommend.c). It is a plain rule (docs/reports.md): a unit's places by each key
 * indicator of the policy and by satisfaction, added up; the smallest sum is first. Units with something in their way have no rank.
 */
#include "report_recommend.h"

#include "ratio.h"

#include <stdio.h>

#define KEYS_MAX 8

struct ranked {
	const json *row;
	struct ratio keys[KEYS_MAX];
	bool known[KEYS_MAX];
	double satisfaction; /* mean of the four cells; < 0: not all are known */
	size_t places[KEYS_MAX + 1], sum;
};

static struct ratio ratio_in(const json *indicator)
{
	return (struct ratio){ (__int128)report_int(indicator, "scale") * report_int(indicator, "numerator"),
			       MAX(report_int(indicator, "denominator"), INT64_C(1)) };
}

static double satisfaction_of(const json *unit)
{
	double sum = 0;

	for (size_t i = 0; i < SATISFACTION_CELLS; i++) {
		const json *cell = recommend_indicator(unit, recommend_cells[i].indicator);
		const json *value = cell && strcmp(report_text(cell, "status"), "ok") == 0 ? json_get(cell, "value") : NULL;

		if (!value || json_kind(value) == JSON_KIND_NULL)
			return -1;
		sum += json_real(value);
	}
	return sum / SATISFACTION_CELLS;
}

static size_t key_count(const struct report *r)
{
	char *const *ids = policy_key_indicators(r->policy, r->today)->indicators;
	size_t count = 0;

	while (count < KEYS_MAX && ids[count])
		count++;
	return count;
}

static void measure(const struct report *r, const json *row, struct ranked *ret)
{
	char *const *ids = policy_key_indicators(r->policy, r->today)->indicators;
	const json *unit = json_get(row, "object");

	*ret = (struct ranked){ .row = row, .satisfaction = satisfaction_of(unit) };
	for (size_t k = 0; k < key_count(r); k++) {
		const json *indicator = recommend_indicator(unit, ids[k]);

		ret->known[k] = !recommend_no_value(indicator);
		if (ret->known[k])
			ret->keys[k] = ratio_in(indicator);
	}
}

/* Is a before b by this measure? What is not known is behind everything that is. */
static bool is_before(const struct ranked *a, const struct ranked *b, size_t k, size_t keys)
{
	if (k == keys)
		return a->satisfaction > b->satisfaction;
	if (!a->known[k] || !b->known[k])
		return a->known[k] && !b->known[k];
	return ratio_compare(a->keys[k], b->keys[k]) == 1;
}

/* 1 + how many are before it: equals share a place. */
static void place(struct ranked *list, size_t count, size_t keys)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k <= keys; k++) {
			list[i].places[k] = 1;
			for (size_t j = 0; j < count; j++)
				list[i].places[k] += is_before(&list[j], &list[i], k, keys);
			list[i].sum += list[i].places[k];
		}
}

/* By sum, then by code: the order of the units is theirs already. */
static int by_sum(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->sum != y->sum)
		return x->sum < y->sum ? -1 : 1;
	return strcmp(report_text(x->row, "unit"), report_text(y->row, "unit"));
}

/* Equal sums that the share's end would part are for the recommender to decide. */
static json *within(const struct ranked *list, size_t count, size_t i, int64_t left)
{
	size_t first = i, last = i;

	while (first > 0 && list[first - 1].sum == list[i].sum)
		first--;
	while (last + 1 < count && list[last + 1].sum == list[i].sum)
		last++;
	if ((int64_t)last < left)
		return report_said("名额内", "within the share");
	if ((int64_t)first >= left)
		return report_said("名额外", "beyond the share");
	return report_said("并列，由推荐单位决定", "equal: the recommender decides");
}

static void push_ranked(const struct ranked *list, size_t count, size_t keys, int64_t left, json *rows)
{
	size_t rank = 1;

	for (size_t i = 0; i < count; i++) {
		_cleanup_(buf_done) struct buf places = { 0 };
		json *row = json_new_object();

		if (i > 0 && list[i].sum != list[i - 1].sum)
			rank = i + 1;
		report_take(row, list[i].row, "recommender unit name status");
		json_set(row, "rank", json_new_int((int64_t)rank));
		json_set(row, "within", within(list, count, i, left));
		json_set(row, "sum", json_new_int((int64_t)list[i].sum));
		for (size_t k = 0; k <= keys; k++)
			buf_printf(&places, "%s%zu", k ? " + " : "", list[i].places[k]);
		json_set(row, "places", json_new_text(places.p));
		recommend_set_figures(row, json_get(list[i].row, "object"));
		json_push(rows, row);
	}
}

void recommend_rank(struct report *r, const char *recommender, json *rows)
{
	const json *candidates = json_get(r->kept, "candidates");
	_cleanup_(freep) struct ranked *list = xcalloc(json_count(candidates) + 1, sizeof *list);
	size_t count = 0;

	for (size_t i = 0; i < json_count(candidates); i++) {
		const json *row = json_at(candidates, i);

		if (json_count(json_get(row, "obstacles")) == 0 && strcmp(report_text(row, "recommender"), recommender) == 0)
			measure(r, row, &list[count++]);
	}
	place(list, count, key_count(r));
	qsort(list, count, sizeof *list, by_sum);
	push_ranked(list, count, key_count(r), report_int(json_get(r->kept, "left"), recommender), rows);
}
