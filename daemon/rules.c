/* SPDX-License-Identifier: MIT */
#include "rules_raise.h"

#include <errno.h>
#include <stdio.h>

const struct rule rules[] = {
	{ .id = "art5-1",
	  .article = "管理办法 第五条(一)",
	  .severity = "S1",
	  .page = true,
	  .zh = "示范城市发生重大安全事件：撤销命名线索（待核实）",
	  .en = "major safety incident in a named demonstration city: provisional ground for revocation" },
	{ .id = "candidate-accident",
	  .article = "通知 三(四)",
	  .severity = "S1",
	  .page = true,
	  .zh = "申报创建中的城市发生重大安全事件，或机构负有责任的安全事故",
	  .en = "severe incident, or an accident that the nursery is liable for, in a city that is a candidate for the title" },
	{ .id = "severe-incident",
	  .article = "通知 三(四)",
	  .severity = "S1",
	  .page = true,
	  .zh = "托育机构发生重大安全事件",
	  .en = "severe incident in a nursery" },
	{ .id = "incident-unreadable",
	  .article = "nurseryd",
	  .severity = "S1",
	  .page = true,
	  .zh = "收到无法读取的事件报告，内容不明：请立即联系该机构",
	  .en = "an incident report could not be read, content unknown: call the nursery now" },
	{ .id = "late-report",
	  .article = "国务院令第493号 第九条",
	  .severity = "S3",
	  .zh = "事件报告晚于一小时时限（迟报线索，待核实）",
	  .en = "the report came later than the hour there is for it: suspected late report" },
	{ .id = "suspected-concealment",
	  .article = "国务院令第493号 第九条、第三十五条",
	  .severity = "S2",
	  .by_hand = true,
	  .zh = "后续报告数字低于先前报告，或外部已知而未报（漏报、谎报、瞒报线索，待核实）",
	  .en = "a later message lowers the figures, or the event was known outside and not reported: suspected concealment" },
	{ .id = "art5-2-regress",
	  .article = "管理办法 第五条(二) 工作退步",
	  .severity = "S2",
	  .zh = "关键指标低于命名时基线和上年同月：撤销命名线索（待核实）",
	  .en = "a key indicator fell below its baseline and the same month a year before: provisional ground for revocation" },
	{ .id = "art5-2-ineffective",
	  .article = "管理办法 第五条(二) 措施不力",
	  .severity = "S2",
	  .zh = "整改逾期、检查未达计划或年度材料逾期：撤销命名线索（待核实）",
	  .en = "rectifications overdue, inspections short of the plan, or annual inputs overdue: provisional ground for revocation" },
	{ .id = "art5-2-falsification",
	  .article = "管理办法 第五条(二) 弄虚作假",
	  .severity = "S2",
	  .by_hand = true,
	  .zh = "数据真实性存疑：撤销命名线索（待核实）",
	  .en = "integrity flags of the unit's figures: provisional ground for revocation" },
	{ .id = "art5-2-other",
	  .article = "管理办法 第五条(二) 等情形",
	  .severity = "S2",
	  .by_hand = true,
	  .zh = "媒体、12345热线或检查发现的其他情形：撤销命名线索（待核实）",
	  .en = "other circumstances found by press, hotline 12345 or inspection: provisional ground for revocation" },
	{ .id = "art5-3",
	  .article = "管理办法 第五条(三)",
	  .severity = "S2",
	  .zh = "满意度不高：撤销命名线索（待核实）",
	  .en = "satisfaction is low: provisional ground for revocation" },
	{ .id = "target-missed",
	  .article = "通知 一、总体要求",
	  .severity = "S4",
	  .zh = "到期未达到目标值",
	  .en = "a key indicator is under its target after the target's date" },
	{ .id = "below-province",
	  .article = "通知 三(二)",
	  .severity = "S4",
	  .zh = "关键指标未高于全省平均水平",
	  .en = "a key indicator is not above the province's average" },
	{ .id = "calendar-missing",
	  .article = "管理办法 第四条(三)",
	  .severity = "S3",
	  .zh = "公示期跨入没有工作日历的年度，届满日不明：请导入该年度放假安排",
	  .en = "a public period runs into a year without a calendar, its end is unknown: import that year's notice of holidays" },
};
const size_t rule_count = ARRAY_SIZE(rules);

const struct rule *rule_of(const char *id)
{
	for (size_t i = 0; i < rule_count; i++)
		if (strcmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

/* The policy's row that decided is remembered with it. */
int rules_raise(struct fold *f, const struct raise *a)
{
	return store_run(f->store,
			 "INSERT INTO alert(rule, unit, division, site, subject, severity, unconfirmed, paged, state,"
			 " raised_at, raised_n, changed_n, policy_n) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', ?9, ?10, ?10,"
			 " (SELECT max(n) FROM policy))",
			 "ttttttiiii", a->rule, a->unit, a->division, a->site, a->subject,
			 a->severity ? a->severity : rule_of(a->rule)->severity, (int64_t)a->unconfirmed, (int64_t)a->paged,
			 a->now, a->n);
}

int rules_was_raised(struct fold *f, const char *rule, const char *subject)
{
	int64_t exists = 0;
	int r = store_get_int(f->store, &exists, "SELECT 1 FROM alert WHERE subject = ? AND rule = ? LIMIT 1", "tt", subject, rule);

	return r < 0 ? r : exists != 0;
}

int rules_raise_once(struct fold *f, const struct raise *a)
{
	int r = rules_was_raised(f, a->rule, a->subject);

	return r == 0 ? rules_raise(f, a) : MIN(r, 0);
}

int rules_raise_again(struct fold *f, const struct raise *a)
{
	int64_t id = 0;
	int r = store_get_int(f->store, &id, "SELECT id FROM alert WHERE subject = ? AND rule = ? AND cleared_n IS NULL LIMIT 1",
			      "tt", a->subject, a->rule);

	if (r < 0)
		return r;
	if (!id)
		return rules_raise(f, a);
	return store_run(f->store,
			 "UPDATE alert SET severity = ?2, changed_n = ?3 WHERE id = ?1 AND severity <> ?2 AND closed_at IS NULL",
			 "iti", id, a->severity ? a->severity : rule_of(a->rule)->severity, a->n);
}

/* What has a case stays open: only a decision on the case clears it (DOMAIN §4). That the condition was met is noted. */
int rules_clear(struct fold *f, const struct raise *a, const char *because)
{
	int r = store_run(f->store,
			  "UPDATE alert SET cleared_n = ?3 WHERE subject = ?1 AND rule = ?2 AND cleared_n IS NULL"
			  " AND id IN (SELECT alert FROM alert_case)",
			  "tti", a->subject, a->rule, a->n);

	if (r < 0)
		return r;
	return store_run(f->store,
			 "UPDATE alert SET cleared_n = ?3, state = iif(closed_at IS NULL, 'closed', state),"
			 " changed_n = iif(closed_at IS NULL, ?3, changed_n), closed_at = ifnull(closed_at, ?4),"
			 " closed_because = iif(closed_at IS NULL, ?5, closed_because)"
			 " WHERE subject = ?1 AND rule = ?2 AND cleared_n IS NULL",
			 "ttiit", a->subject, a->rule, a->n, a->now, because);
}

int rules_designation_on(struct store *s, const char *unit, int64_t day, char status[static 32])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT status FROM designation WHERE unit = ? AND effective_on <= ?"
			    " ORDER BY effective_on DESC LIMIT 1",
			    "ti", unit, day);

	snprintf(status, 32, "none");
	if (r >= 0 && (r = store_step(q)) > 0)
		snprintf(status, 32, "%s", store_text(q, 0));
	return MIN(r, 0);
}

int rules_is_titled(struct store *s, const char *unit, int64_t day)
{
	char status[32];
	int r = rules_designation_on(s, unit, day, status);

	return r < 0 ? r : strcmp(status, "named") == 0 || strcmp(status, "recheck") == 0;
}

int rules_by_hand(struct fold *f, const struct rule_by_hand *h)
{
	const struct rule *rule = rule_of(h->rule);

	if (!rule || !rule->by_hand)
		return -EINVAL;
	return rules_raise_once(f, &(struct raise){ .rule = h->rule, .unit = h->unit, .division = h->unit, .site = h->site,
						    .subject = h->subject, .n = h->n, .now = h->now });
}
