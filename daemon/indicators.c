/* SPDX-License-Identifier: MIT */
#include "indicators.h"

#include "buf.h"
#include "clock.h"
#include "satisfaction.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SUM(member) offsetof(struct unit_sums, member)
#define RATIO(upper, lower) .numerator = SUM(upper), .denominator = SUM(lower)
#define COUNT_OF(sum) .scale = 1, .count = true, .numerator = SUM(sum), .denominator = SUM_NONE
#define PER_RESIDENT .population = offsetof(struct measuring, resident), .lacking = "population"
#define PER_UNDER3 .population = offsetof(struct measuring, under3), .lacking = "population under 3"
#define STOCK .completeness = COMPLETE_STOCK, .needs_reports = true
#define FLOW .completeness = COMPLETE_FLOW, .flow = true

#define SATISFACTION(name, name_zh, name_en, which)                                                                 \
	{ .id = "satisfaction_" name, .zh = name_zh, .en = name_en, .scale = 100, .measure = satisfaction_measure, \
	  .completeness = COMPLETE_STOCK, .cell = which, .survey = true }

static int gap_places(const struct measuring *m, struct measured *ret);

const struct indicator indicators[] = {
	{ .id = "places_total", .zh = "托位总数", .en = "childcare places", COUNT_OF(places), STOCK, .headline = true },
	{ .id = "places_per_1000", .zh = "千人口托位数", .en = "places per 1000 residents", .scale = 1000,
	  .numerator = SUM(places), PER_RESIDENT, STOCK, .headline = true },
	{ .id = "enrolment_rate", .zh = "入托率", .en = "enrolment rate (%)", .scale = 100, .numerator = SUM(attending),
	  PER_UNDER3, STOCK, .headline = true },
	{ .id = "utilisation", .zh = "托位使用率", .en = "use of places (%)", .scale = 100, RATIO(own_children, own_places),
	  .lacking = "places", STOCK, .headline = true },
	{ .id = "inclusive_share", .zh = "普惠托位占比", .en = "inclusive places (%)", .scale = 100,
	  RATIO(inclusive_places, places), .lacking = "places", STOCK },
	{ .id = "filing_rate", .zh = "备案率", .en = "filed of operating nurseries (%)", .scale = 100, RATIO(filed, operating),
	  .lacking = "operating nurseries" },
	{ .id = "disclosure_rate", .zh = "信息公示率", .en = "nurseries that disclose (%)", .scale = 100,
	  RATIO(disclosed, operating), .lacking = "operating nurseries" },
	{ .id = "insured_rate", .zh = "责任险覆盖率", .en = "insured nurseries (%)", .scale = 100, RATIO(insured, operating),
	  .lacking = "operating nurseries" },
	{ .id = "ratio_ok", .zh = "师幼比达标率", .en = "groups within size and carer ratio (%)", .scale = 100,
	  RATIO(groups_ok, groups), .lacking = "open class-days", FLOW },
	{ .id = "incident_rate", .zh = "事故率", .en = "incidents with harm per 10,000 child-days", .scale = 10000,
	  RATIO(harmed, child_days), .lacking = "attended child-days", FLOW, .lower_is_better = true },
	{ .id = "severe_incidents", .zh = "重大事件数", .en = "severe incidents", COUNT_OF(severe), FLOW,
	  .lower_is_better = true },
	{ .id = "late_report_rate", .zh = "迟报率", .en = "incidents reported late (%)", .scale = 100, RATIO(late, events),
	  .lacking = "incidents", FLOW, .lower_is_better = true },
	{ .id = "liability_accidents", .zh = "安全责任事故数", .en = "accidents a nursery is liable for", COUNT_OF(liable), FLOW,
	  .lower_is_better = true },
	{ .id = "completeness", .zh = "上报完整率", .en = "reports received of those expected (%)", .scale = 100,
	  RATIO(reported, expected), .lacking = "expected reports", FLOW, .headline = true },
	{ .id = "timeliness", .zh = "上报及时率", .en = "reports in time of those expected (%)", .scale = 100,
	  RATIO(timely, expected), .lacking = "expected reports", FLOW },
	{ .id = "gap_places", .zh = "托位缺口", .en = "places short of the target", COUNT_OF(places), STOCK,
	  .lower_is_better = true, .measure = gap_places },
	SATISFACTION("family_policy", "家庭满意度（政策）", "families satisfied with the policy (%)", ANSWERS_FAMILY_POLICY),
	SATISFACTION("family_service", "家庭满意度（服务）", "families satisfied with the service (%)", ANSWERS_FAMILY_SERVICE),
	SATISFACTION("institution_policy", "机构满意度（政策）", "institutions satisfied with the policy (%)",
		     ANSWERS_INSTITUTION_POLICY),
	SATISFACTION("institution_service", "机构满意度（服务）", "institutions satisfied with the service (%)",
		     ANSWERS_INSTITUTION_SERVICE),
};
const size_t indicator_count = ARRAY_SIZE(indicators);

const struct indicator *indicator_of(const char *id)
{
	for (size_t i = 0; i < indicator_count; i++)
		if (strcmp(indicators[i].id, id) == 0)
			return &indicators[i];
	return NULL;
}

/* ---- targets ---- */

static int target_of(struct store *s, const char *division, const char *indicator, int64_t day, store_stmt **q)
{
	int r = store_query(s, q,
			    "SELECT value, by, source FROM target WHERE division = ?1 AND indicator = ?2"
			    " ORDER BY by < ?3, CASE WHEN by < ?3 THEN -by ELSE by END LIMIT 1",
			    "tti", division, indicator, day);

	return r < 0 ? r : store_step(*q);
}

int indicator_target(struct store *s, const char *unit, const char *indicator, int64_t day, store_stmt **q)
{
	char province[3] = { unit[0], unit[1], '\0' }, code[8];
	const char *const divisions[] = { unit, code, province, "" };

	snprintf(code, sizeof code, "%s0000", province);
	for (size_t i = 0; i < ARRAY_SIZE(divisions); i++) {
		int r = target_of(s, divisions[i], indicator, day, q);

		if (r != 0)
			return r;
		store_reset(*q);
		*q = NULL;
	}
	return 0;
}

/* ceil(target × population / 1000), exactly: "4.5" → 45 × population / 10000. -ERANGE beyond 64 bits. */
static int places_wanted(const char *target, int64_t population, int64_t *ret)
{
	__int128 digits = 0, divisor = 1000, product;
	bool point = false;

	for (const char *p = target; *p; p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		digits = digits * 10 + (*p - '0');
		divisor *= point ? 10 : 1;
	}
	if (__builtin_mul_overflow(digits, (__int128)population, &product))
		return -ERANGE;
	product = (product + divisor - 1) / divisor;
	*ret = (int64_t)product;
	return product > INT64_MAX ? -ERANGE : 0;
}

static void target_source(store_stmt *q, struct buf *out)
{
	char day[CLOCK_TEXT_SIZE];

	buf_str(out, out->len > 0 ? "," : "");
	buf_str(out, "{\"what\":\"target\",\"as_of\":\"");
	buf_str(out, clock_format_day(store_int(q, 1), day));
	buf_str(out, "\",\"document\":");
	buf_json(out, store_text(q, 2), -1);
	buf_char(out, '}');
}

static void no_data(struct measured *v, const char *reason)
{
	v->status = "no_data";
	snprintf(v->reason, sizeof v->reason, "%s", reason);
}

static int gap_places(const struct measuring *m, struct measured *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t wanted = 0;
	int r;

	ret->numerator = STORE_NULL;
	if (m->resident->count == STORE_NULL || m->resident->count == 0) {
		no_data(ret, "population");
		return 0;
	}
	buf_str(ret->sources, m->resident->source);
	r = indicator_target(m->store, m->unit, "places_per_1000", m->day, &q);
	if (r < 0)
		return r;
	if (r == 0 || places_wanted(store_text(q, 0), m->resident->count, &wanted) < 0) {
		no_data(ret, "target of places_per_1000");
		return 0;
	}
	target_source(q, ret->sources);
	ret->numerator = MAX(INT64_C(0), wanted - m->sums->places);
	return 0;
}

/* ---- measuring ---- */

static int64_t sum_at(const struct unit_sums *sums, size_t offset)
{
	return *(const int64_t *)((const char *)sums + offset);
}

static void set_completeness(const struct indicator *i, const struct unit_sums *s, struct measured *ret)
{
	ret->completeness_n = ret->completeness_d = 1;
	if (i->completeness == COMPLETE_STOCK) {
		ret->completeness_n = s->usable;
		ret->completeness_d = s->operating;
	} else if (i->completeness == COMPLETE_FLOW) {
		ret->completeness_n = s->reported;
		ret->completeness_d = s->expected;
	}
}

static void divide(const struct indicator *i, const struct measuring *m, struct measured *ret)
{
	const struct population *p = NULL;

	if (i->population)
		p = *(const struct population *const *)((const char *)m + i->population);
	ret->denominator = p ? p->count : sum_at(m->sums, i->denominator);
	if (p && p->source)
		buf_str(ret->sources, p->source);
	if (!ret->reason[0] && (ret->denominator == STORE_NULL || ret->denominator == 0))
		no_data(ret, i->lacking);
}

/* A flow keeps its operands also when there is no value: the month adds them up. */
int indicator_measure(const struct indicator *i, const struct measuring *m, struct measured *ret)
{
	bool without_reports = i->needs_reports && m->sums->usable == 0;

	ret->status = "ok";
	ret->numerator = i->measure || without_reports ? STORE_NULL : sum_at(m->sums, i->numerator);
	ret->denominator = STORE_NULL;
	set_completeness(i, m->sums, ret);
	if (without_reports)
		no_data(ret, "enrolment");
	if (i->measure)
		return without_reports ? 0 : i->measure(m, ret);
	if (!i->count)
		divide(i, m, ret);
	return 0;
}
