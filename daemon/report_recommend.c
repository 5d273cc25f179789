/* SPDX-License-Identifier: MIT
 *
 * Whom a province (or the corps) may recommend in a cycle (管理办法 第四条, DOMAIN §1): its eligible units in order, its share and
 * how much of it is used, and what stands in whose way. An aid for those who recommend: nothing here decides. It may be
 * handed to anybody. What stands in a unit's way is in report_recommend_obstacles.c, the order in report_recommend_order.c.
 */
#include "report_recommend.h"

#include "clock.h"
#include "quota.h"
#include "store.h"

#include <stdio.h>

/* ---- a candidate's figures ---- */

const struct recommend_cell recommend_cells[SATISFACTION_CELLS] = {
	{ "satisfaction_family_policy", "family_policy=value" },
	{ "satisfaction_family_service", "family_service=value" },
	{ "satisfaction_institution_policy", "institution_policy=value" },
	{ "satisfaction_institution_service", "institution_service=value" },
};

const json *recommend_indicator(const json *unit, const char *id)
{
	const json *list = json_get(unit, "indicators");

	for (size_t i = 0; list && i < json_count(list); i++)
		if (strcmp(report_text(json_at(list, i), "id"), id) == 0)
			return json_at(list, i);
	return NULL;
}

bool recommend_no_value(const json *indicator)
{
	const json *v = indicator ? json_get(indicator, "value") : NULL;

	return !v || json_kind(v) == JSON_KIND_NULL;
}

static void set_key(json *row, const json *unit, const char *prefix, const char *id)
{
	static const char *const parts[] = { "value", "target", "met", "province", "above" };
	const json *indicator = recommend_indicator(unit, id), *objects[] = { indicator, NULL, NULL, NULL, NULL };
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

void recommend_set_figures(json *row, const json *unit)
{
	set_key(row, unit, "places", "places_per_1000");
	set_key(row, unit, "enrolment", "enrolment_rate");
	for (size_t i = 0; i < SATISFACTION_CELLS; i++)
		report_take(row, recommend_indicator(unit, recommend_cells[i].indicator), recommend_cells[i].taken);
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
	int error = report_unit_object(r, r->today, true, &unit);

	row = report_unit_row(r);
	json_push(json_get(r->kept, "candidates"), row);
	json_set(row, "obstacles", list);
	json_set(row, "object", unit ? json_keep(unit) : NULL);
	json_set(row, "recommender", report_recommender(r, r->unit));
	json_set(row, "eligible", json_new_text(report_eligible(r, r->unit)));
	report_take(row, unit ? json_get(unit, "designation") : NULL, "status cycle");
	return error < 0 ? error : recommend_obstacles(r, unit, row, list);
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
		recommend_rank(r, json_key(i), rows);
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
	REPORT_UNIT_COLUMNS,
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
	REPORT_UNIT_COLUMNS,
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
		recommend_set_figures(row, json_get(candidate, "object"));
		json_push(rows, row);
	}
	return 0;
}

static const struct report_column figure_columns[] = {
	REPORT_UNIT_COLUMNS,
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
