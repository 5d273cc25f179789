/* SPDX-License-Identifier: MIT
 *
 * Whom a province (or the corps) may recommend in a cycle (管理办法 第四条, DOMAIN §1): its eligible units in order, its share and
 * how much of it is used, and what stands in whose way. An aid for those who recommend: nothing here decides. It may be
 * handed to anybody.
 *
 * The order is a plain rule (docs/reports.md): a unit's places by each key indicator of the policy and by satisfaction, added
 * up; the smallest sum is first. Units with something in their way have no rank.
 */
#include "clock.h"
#include "quota.h"
#include "ratio.h"
#include "report.h"
#include "store.h"

#include <stdio.h>

#define SATISFACTION_CELLS 4
#define KEYS_MAX 8

static const char *const cells[SATISFACTION_CELLS] = {
	"satisfaction_family_policy", "satisfaction_family_service", "satisfaction_institution_policy", "satisfaction_institution_service",
};

/* ---- what stands in a unit's way: a row a reason ---- */

struct candidate {
	struct report *r;
	const json *unit; /* object_unit */
	const char *code, *status, *cycle;
	json *refs; /* what shows it: alerts, cases, indicators */
};

static bool has_status(const struct candidate *c, const char *a, const char *b)
{
	return strcmp(c->status, a) == 0 || strcmp(c->status, b) == 0;
}

static const json *indicator_in(const json *unit, const char *id)
{
	const json *list = json_get(unit, "indicators");

	for (size_t i = 0; list && i < json_count(list); i++)
		if (strcmp(report_text(json_at(list, i), "id"), id) == 0)
			return json_at(list, i);
	return NULL;
}

static int is_not_eligible(struct candidate *c)
{
	return strcmp(report_eligible(c->r, c->code), "no") == 0;
}

static int is_to_be_asked(struct candidate *c)
{
	return strcmp(report_eligible(c->r, c->code), "ask") == 0;
}

static int is_named(struct candidate *c)
{
	return has_status(c, "named", "recheck");
}

static int is_recommended(struct candidate *c)
{
	return strcmp(c->cycle, c->r->cycle) == 0 &&
	       (has_status(c, "recommended", "national_review") || has_status(c, "national_publicity", "national_publicity"));
}

static int is_rejected(struct candidate *c)
{
	return strcmp(c->cycle, c->r->cycle) == 0 && has_status(c, "rejected", "rejected");
}

static int has_objection(struct candidate *c)
{
	return has_status(c, "objection", "objection");
}

/* The texts of the first column are the references; 1 when there is one. */
static int take_refs(store_stmt *q, int error, json *refs)
{
	while (error >= 0 && (error = store_step(q)) > 0)
		json_push(refs, json_new_text(store_text(q, 0)));
	return error < 0 ? error : json_count(refs) > 0;
}

static int is_barred(struct candidate *c)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int error = store_query(c->r->store, &q,
				"SELECT id FROM case_file WHERE unit = ? AND (barred_cycle = ? OR state IN ('revoked', 'published')) ORDER BY year, no", "tt",
				c->code, c->r->cycle);

	error = take_refs(q, error, c->refs);
	return error != 0 ? error : has_status(c, "revoked", "barred");
}

static int has_open_case(struct candidate *c)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int error = store_query(c->r->store, &q,
				"SELECT id FROM case_file WHERE unit = ? AND is_open = 1 AND state NOT IN ('revoked', 'published', 'barred')"
				" ORDER BY year, no",
				"t", c->code);

	return take_refs(q, error, c->refs);
}

static int has_open_alert(struct candidate *c, const char *pattern)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int error = store_query(c->r->store, &q,
				"SELECT printf('A-%06d', id) FROM alert WHERE unit = ? AND rule GLOB ? AND state = 'open' ORDER BY id", "tt", c->code,
				pattern);

	return take_refs(q, error, c->refs);
}

static int has_art5_alert(struct candidate *c)
{
	return has_open_alert(c, "art5-*");
}

static int has_candidate_accident(struct candidate *c)
{
	return has_open_alert(c, "candidate-accident");
}

/* Key indicators of which `holds` is true, by their ids. */
static int key_indicators(struct candidate *c, bool (*holds)(const json *indicator))
{
	char *const *ids = policy_key_indicators(c->r->policy, c->r->today)->indicators;

	for (size_t i = 0; ids[i]; i++)
		if (holds(indicator_in(c->unit, ids[i])))
			json_push(c->refs, json_new_text(ids[i]));
	return json_count(c->refs) > 0;
}

static bool says(const json *object, const char *key, bool wanted)
{
	const json *v = object ? json_get(object, key) : NULL;

	return v && json_kind(v) == JSON_KIND_BOOL && json_bool(v) == wanted;
}

static bool misses_target(const json *indicator)
{
	return indicator && says(json_get(indicator, "target"), "met", false);
}

static bool is_not_above(const json *indicator)
{
	return indicator && says(json_get(indicator, "province"), "above", false);
}

static bool has_no_value(const json *indicator)
{
	const json *v = indicator ? json_get(indicator, "value") : NULL;

	return !v || json_kind(v) == JSON_KIND_NULL;
}

static int has_target_missed(struct candidate *c)
{
	return key_indicators(c, misses_target);
}

static int is_below_province(struct candidate *c)
{
	return key_indicators(c, is_not_above);
}

static int has_unknown(struct candidate *c)
{
	return key_indicators(c, has_no_value);
}

static const struct obstacle {
	const char *id, *zh, *en;
	int (*holds)(struct candidate *c); /* 1, 0, or < 0 the store failed */
} obstacles[] = {
	{ "not-eligible", "不是可参评单位", "is no unit that may take part", is_not_eligible },
	{ "ask", "须逐案核准参评资格", "whether it may take part is decided each time", is_to_be_asked },
	{ "already-named", "已命名", "has the title", is_named },
	{ "already-recommended", "本周期已推荐（占用名额）", "recommended in this cycle, within the share used", is_recommended },
	{ "rejected", "本周期未通过", "turned down in this cycle", is_rejected },
	{ "objection", "公示异议未处理", "an objection is open", has_objection },
	{ "barred", "命名已撤销，本周期不得申报", "its title was revoked, or it is barred from this cycle", is_barred },
	{ "open-case", "有在办撤销命名案件", "a revocation case is open", has_open_case },
	{ "open-alert", "有未结的第五条线索", "an alert of Article 5 is open", has_art5_alert },
	{ "candidate-accident", "创建期间发生重大安全事件（三(四)）", "a severe accident while it is a candidate", has_candidate_accident },
	{ "target-not-met", "关键指标未达目标", "a key indicator is under its target", has_target_missed },
	{ "below-province", "关键指标未高于全省平均（三(二)）", "a key indicator is not above the province", is_below_province },
	{ "no-value", "关键指标无法计算", "a key indicator has no value", has_unknown },
};

static int add_obstacles(struct candidate *c, json *list)
{
	int error = 0;

	for (size_t i = 0; error >= 0 && i < ARRAY_SIZE(obstacles); i++) {
		json *o = json_new_object();

		c->refs = json_new_list();
		json_set(o, "reason", json_new_text(obstacles[i].id));
		json_set(o, "text", report_said(obstacles[i].zh, obstacles[i].en));
		json_set(o, "refs", c->refs);
		error = obstacles[i].holds(c);
		if (error > 0)
			json_push(list, o);
		else
			json_free(o);
	}
	return MIN(error, 0);
}

/* ---- gathering: one unit a slice ---- */

static int open_recommend(struct report *r)
{
	char zh[160], en[128];
	int first, last, error = report_open_province(r);

	if (error == 0 && !r->policy)
		return REPORT_NONE;
	if (error != 0)
		return error;
	if (sscanf(r->cycle, "%4d-%4d", &first, &last) != 2 || last - first + 1 != policy_quota(r->policy, r->today)->cycle_years)
		return REPORT_WRONG;
	snprintf(zh, sizeof zh, "%.40s%s周期示范城市推荐参考", report_text(r->about, "name"), r->cycle);
	snprintf(en, sizeof en, "Whom to recommend, cycle %s, province %s", r->cycle, r->subject);
	report_entitle(r, zh, en);
	json_set(r->kept, "candidates", json_new_list());
	json_set(r->kept, "left", json_new_object()); /* of each recommender's share */
	return 0;
}

static int gather(struct report *r)
{
	_cleanup_(json_freep) json *unit = NULL;
	json *row, *list = json_new_list();
	struct candidate c = { .r = r, .code = r->unit };
	int error = report_unit_object(r, r->today, true, &unit);

	row = report_unit_row(r);
	json_push(json_get(r->kept, "candidates"), row);
	json_set(row, "obstacles", list);
	json_set(row, "object", unit ? json_keep(unit) : NULL);
	json_set(row, "recommender", report_recommender(r, r->unit));
	json_set(row, "eligible", json_new_text(report_eligible(r, r->unit)));
	report_take(row, unit ? json_get(unit, "designation") : NULL, "status cycle");
	c.unit = unit;
	c.status = report_text(row, "status");
	c.cycle = report_text(row, "cycle");
	return error < 0 ? error : add_obstacles(&c, list);
}

/* ---- the share ---- */

static bool was_told(const json *rows, const char *recommender)
{
	for (size_t i = 0; i < json_count(rows); i++)
		if (strcmp(report_text(json_at(rows, i), "recommender"), recommender) == 0)
			return true;
	return false;
}

static int read_quota(struct report *r, json *rows)
{
	const struct policy_quota *policy = policy_quota(r->policy, r->today);
	_cleanup_(json_freep) json *recommender = report_recommender(r, r->unit);
	struct quota quota;
	json *row;
	int error;

	if (!recommender || was_told(rows, json_text(recommender)))
		return 0;
	error = quota_of(r->store, r->policy, r->today, r->unit, r->cycle, &quota);
	if (error < 0)
		return error;
	row = json_new_object();
	json_push(rows, row);
	json_set(row, "recommender", json_keep(recommender));
	json_set(row, "cycle", json_new_text(r->cycle));
	json_set(row, "eligible", json_new_int(quota.eligible));
	json_set(row, "share_percent", json_new_real((double)policy->share_per_mille / 10));
	json_set(row, "limit", json_new_int(quota.limit));
	json_set(row, "used", json_new_int(quota.used));
	json_set(row, "left", json_new_int(quota.limit - quota.used));
	json_set(row, "source", json_new_text(policy->version.source));
	json_set(json_get(r->kept, "left"), json_text(recommender), json_new_int(quota.limit - quota.used));
	return 0;
}

static const struct report_column quota_columns[] = {
	{ .key = "recommender", .zh = "推荐单位", .en = "recommender" },
	{ .key = "cycle", .zh = "周期", .en = "cycle", .shown = SHOWN_LINE },
	{ .key = "eligible", .zh = "可参评单位", .en = "eligible units" },
	{ .key = "share_percent", .zh = "比例（%）", .en = "share (%)" },
	{ .key = "limit", .zh = "名额", .en = "may be recommended" },
	{ .key = "used", .zh = "已用", .en = "used" },
	{ .key = "left", .zh = "剩余", .en = "left" },
	{ .key = "source", .zh = "依据", .en = "source" },
	{ 0 },
};

/* ---- the order ---- */

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
		const json *cell = indicator_in(unit, cells[i]);
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
		const json *indicator = indicator_in(unit, ids[k]);

		ret->known[k] = !has_no_value(indicator);
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

static void set_key(json *row, const json *unit, const char *prefix, const char *id)
{
	static const char *const parts[] = { "value", "target", "met", "province", "above" };
	const json *indicator = indicator_in(unit, id), *objects[] = { indicator, NULL, NULL, NULL, NULL };
	static const char *const members[] = { "value", "value", "met", "value", "above" };

	objects[1] = objects[2] = indicator ? json_get(indicator, "target") : NULL;
	objects[3] = objects[4] = indicator ? json_get(indicator, "province") : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char key[32];
		json *v = objects[i] ? json_get(objects[i], members[i]) : NULL;

		snprintf(key, sizeof key, "%s_%s", prefix, parts[i]);
		json_set(row, key, v ? json_keep(v) : NULL);
	}
}

static void set_figures(json *row, const json *unit)
{
	set_key(row, unit, "places", "places_per_1000");
	set_key(row, unit, "enrolment", "enrolment_rate");
	for (size_t i = 0; i < SATISFACTION_CELLS; i++)
		report_take(row, indicator_in(unit, cells[i]), i == 0 ? "family_policy=value" : i == 1 ? "family_service=value" :
			    i == 2 ? "institution_policy=value" : "institution_service=value");
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
		set_figures(row, json_get(list[i].row, "object"));
		json_push(rows, row);
	}
}

/* Each recommender's by themselves. */
static void rank(struct report *r, const char *recommender, json *rows)
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

static int read_ranking(struct report *r, json *rows)
{
	const json *left = json_get(r->kept, "left");

	if (r->at < r->unit_count) {
		int error;

		r->unit = r->units[r->at];
		error = gather(r);
		return error < 0 ? error : REPORT_MORE;
	}
	for (void *i = json_first(left); i; i = json_next(left, i))
		rank(r, json_key(i), rows);
	return 0;
}

#define KEY_COLUMNS(prefix, zh_, en_)                                         \
	{ .key = prefix "_value", .zh = zh_, .en = en_, .shown = SHOWN_NUMBER }, \
	{ .key = prefix "_target", .zh = "目标", .en = "target", .shown = SHOWN_NUMBER }, \
	{ .key = prefix "_met", .zh = "达标", .en = "met" },                  \
	{ .key = prefix "_province", .zh = "全省", .en = "province", .shown = SHOWN_NUMBER }, \
	{ .key = prefix "_above", .zh = "高于全省", .en = "above it" }
#define SATISFACTION_COLUMNS                                                                       \
	{ .key = "family_policy", .zh = "家庭·政策（%）", .en = "families: policy", .shown = SHOWN_NUMBER }, \
	{ .key = "family_service", .zh = "家庭·服务（%）", .en = "families: service", .shown = SHOWN_NUMBER }, \
	{ .key = "institution_policy", .zh = "机构·政策（%）", .en = "nurseries: policy", .shown = SHOWN_NUMBER }, \
	{ .key = "institution_service", .zh = "机构·服务（%）", .en = "nurseries: service", .shown = SHOWN_NUMBER }

static const struct report_column ranking_columns[] = {
	{ .key = "rank", .zh = "排序", .en = "rank" },
	{ .key = "unit", .zh = "单位", .en = "unit", .shown = SHOWN_LINE },
	{ .key = "name", .zh = "名称", .en = "name", .shown = SHOWN_LINE },
	{ .key = "recommender", .zh = "推荐单位", .en = "recommender" },
	{ .key = "status", .zh = "申报状态", .en = "status", .say = report_word },
	{ .key = "within", .zh = "名额", .en = "share" },
	{ .key = "sum", .zh = "名次和", .en = "sum of places" },
	{ .key = "places", .zh = "各项名次", .en = "places", .shown = SHOWN_LINE },
	KEY_COLUMNS("places", "千人口托位数", "places per 1,000"),
	KEY_COLUMNS("enrolment", "入托率（%）", "enrolment rate"),
	SATISFACTION_COLUMNS,
	{ 0 },
};

/* ---- what stands in whose way, and everybody's figures ---- */

static int read_excluded(struct report *r, json *rows)
{
	const json *candidates = json_get(r->kept, "candidates");

	for (size_t i = 0; i < json_count(candidates); i++) {
		const json *candidate = json_at(candidates, i), *list = json_get(candidate, "obstacles");

		for (size_t k = 0; k < json_count(list); k++) {
			json *row = json_new_object();

			report_take(row, candidate, "unit name status");
			report_take(row, json_at(list, k), "reason text refs");
			json_push(rows, row);
		}
	}
	return 0;
}

static const struct report_column excluded_columns[] = {
	{ .key = "unit", .zh = "单位", .en = "unit", .shown = SHOWN_LINE },
	{ .key = "name", .zh = "名称", .en = "name", .shown = SHOWN_LINE },
	{ .key = "status", .zh = "称号状态", .en = "status", .say = report_word },
	{ .key = "reason", .zh = "代码", .en = "code" },
	{ .key = "text", .zh = "原因", .en = "reason" },
	{ .key = "refs", .zh = "依据", .en = "what shows it" },
	{ 0 },
};

static int read_figures(struct report *r, json *rows)
{
	const json *candidates = json_get(r->kept, "candidates");

	for (size_t i = 0; i < json_count(candidates); i++) {
		const json *candidate = json_at(candidates, i);
		json *row = json_new_object();

		report_take(row, candidate, "unit name recommender eligible status cycle");
		set_figures(row, json_get(candidate, "object"));
		json_push(rows, row);
	}
	return 0;
}

static const struct report_column figure_columns[] = {
	{ .key = "unit", .zh = "单位", .en = "unit", .shown = SHOWN_LINE },
	{ .key = "name", .zh = "名称", .en = "name", .shown = SHOWN_LINE },
	{ .key = "recommender", .zh = "推荐单位", .en = "recommender" },
	{ .key = "eligible", .zh = "参评资格", .en = "eligible", .say = report_word },
	{ .key = "status", .zh = "称号状态", .en = "status", .say = report_word },
	{ .key = "cycle", .zh = "周期", .en = "cycle", .shown = SHOWN_LINE },
	KEY_COLUMNS("places", "千人口托位数", "places per 1,000"),
	KEY_COLUMNS("enrolment", "入托率（%）", "enrolment rate"),
	SATISFACTION_COLUMNS,
	{ 0 },
};

static const struct report_section sections[] = {
	{ "quota", "推荐名额", "The share and how much of it is used", quota_columns, .each_unit = true, .read = read_quota,
	  .note_zh = "超过名额的推荐须说明理由并留档，系统不予阻止。",
	  .note_en = "A recommendation beyond it needs a reason that stays on record; nothing blocks it." },
	{ "ranking", "可推荐单位排序", "Eligible units, ranked", ranking_columns, .read = read_ranking,
	  .note_zh = "排序为本地规则：按各关键指标（政策数据）和满意度（四项平均）分别排名次，名次相加，和小者在前；相等者并列；缺一项满意度的排在该项最后。各项名次依政策所列关键指标的顺序，最后是满意度。仅供推荐单位参考。",
	  .note_en = "Local rule: places by each key indicator of the policy and by satisfaction (mean of four cells), added up, the smallest sum first; equals share a rank; who lacks a cell is last there. An aid: the recommender decides." },
	{ "excluded", "未列入排序的单位及原因", "What stands in whose way", excluded_columns, .read = read_excluded },
	{ "figures", "各单位指标", "Everybody's figures", figure_columns, .read = read_figures },
	{ 0 },
};

const struct report_kind report_recommend = {
	.id = "recommend",
	.zh = "推荐参考",
	.en = "Whom to recommend",
	.basis_zh = "依据：《全国婴幼儿照护服务示范城市创建活动管理办法》第四条；国卫人口发〔2021〕17号 二、三。",
	.basis_en = "Measures for demonstration cities, Article 4; notice 2021-17, parts 2 and 3.",
	.sections = sections,
	.open = open_recommend,
	.wide = true,
};
