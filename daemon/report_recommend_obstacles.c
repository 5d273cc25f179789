/* SPDX-License-Identifier: MIT
 *
 * What stands in a unit's way to a recommendation (report_recommend.c): a row a reason.
 */
#include "report_recommend.h"

#include "store.h"

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
		if (holds(recommend_indicator(c->unit, ids[i])))
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
	return key_indicators(c, recommend_no_value);
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

int recommend_obstacles(struct report *r, const json *unit, const json *row, json *list)
{
	struct candidate c = { .r = r, .unit = unit, .code = r->unit, .status = report_text(row, "status"), .cycle = report_text(row, "cycle") };
	int error = 0;

	for (size_t i = 0; error >= 0 && i < ARRAY_SIZE(obstacles); i++) {
		json *o = json_new_object();

		c.refs = json_new_list();
		json_set(o, "reason", json_new_text(obstacles[i].id));
		json_set(o, "text", report_said(obstacles[i].zh, obstacles[i].en));
		json_set(o, "refs", c.refs);
		error = obstacles[i].holds(&c);
		if (error > 0)
			json_push(list, o);
		else
			json_free(o);
	}
	return MIN(error, 0);
}
