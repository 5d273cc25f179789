/* SPDX-License-Identifier: MIT
 *
 * The Chinese words of the codes that reports show. A code without a row is shown as it is.
 */
#include "report.h"

#include "indicators.h"
#include "procedures.h"
#include "rules.h"

static const struct word {
	const char *code, *zh;
} words[] = {
	/* states of a title */
	{ "none", "无" }, { "applied", "已申报" }, { "province_review", "省级评审" }, { "province_publicity", "省级公示" },
	{ "recommended", "已推荐" }, { "national_review", "国家复核（评审）" }, { "national_publicity", "全国公示" }, { "named", "已命名" },
	{ "recheck", "复查中" }, { "revoked", "已撤销" }, { "barred", "下一周期不得申报" }, { "objection", "有异议" },
	{ "rejected", "未通过" },
	/* of a case, an alert, a clock */
	{ "signal", "线索" }, { "acknowledged", "已知悉" }, { "verifying", "核实中" }, { "unsubstantiated", "不属实" },
	{ "substantiated", "属实" }, { "reported", "已上报国家" }, { "retained", "保留命名" }, { "published", "已公布" },
	{ "restored", "已恢复资格" }, { "merged", "已并案" }, { "open", "未结" }, { "closed", "已结" },
	{ "running", "计时中" }, { "met", "按时" }, { "overdue", "超时" }, { "unclear", "不明（我方中断）" },
	/* decisions, evidence */
	{ "substantiate", "认定属实" }, { "retain", "保留命名" }, { "revoke", "撤销命名" }, { "alert", "预警" }, { "document", "文件" },
	/* incidents and what officers find of them */
	{ "first", "首报" }, { "follow_up", "续报" }, { "final", "终报" }, { "ordinary", "一般" }, { "larger", "较大" },
	{ "major", "重大" }, { "exceptional", "特别重大" }, { "fall", "跌落" }, { "burn", "烧烫伤" }, { "choking", "气道异物" },
	{ "poisoning", "中毒" }, { "food_poisoning", "食物中毒" }, { "infectious_cluster", "传染病聚集" }, { "drowning", "溺水" },
	{ "traffic", "交通事故" }, { "fire", "火灾" }, { "collapse", "坍塌" }, { "wrong_pickup", "错接" },
	{ "abuse_suspected", "疑似虐待" }, { "sexual_abuse_suspected", "疑似性侵" }, { "intrusion", "外人闯入" },
	{ "animal", "动物伤害" }, { "medical", "突发疾病" }, { "sleep_death", "睡眠中猝死" }, { "other", "其他" },
	{ "liability", "责任认定" }, { "late", "迟报" }, { "concealment", "瞒报漏报" }, { "nursery", "机构负有责任" },
	{ "not_late", "未迟报" }, { "reported_up", "已逐级上报" }, { "not_reported_up", "撤回上报登记" }, { "city", "市级" },
	{ "province", "省级" }, { "state_council", "国务院" }, { "note", "备注" }, { "omitted", "漏报" }, { "false", "谎报" }, { "concealed", "瞒报" },
	{ "evacuated", "已疏散" }, { "called_110", "已报110" }, { "called_119", "已报119" }, { "called_120", "已报120" },
	{ "guardians_told", "已告知监护人" }, { "services_stopped", "已停园" }, { "scene_kept", "已保护现场" },
	/* verdicts */
	{ "accepted", "接受" }, { "refused_pii", "含个人信息拒收" }, { "fault", "处理故障" }, { "ok", "正常" },
	{ "no_data", "无数据" }, { "insufficient", "数据不足" }, { "amber", "黄" }, { "red", "红" }, { "yes", "可参评" },
	{ "no", "不可参评" }, { "ask", "须逐案核准" }, { "computed", "计算" }, { "official", "官方公布" },
	{ "population", "人口" }, { "target", "目标" }, { "policy", "政策数据" },
	/* roles */
	{ "viewer", "查阅者" }, { "duty_officer", "值班员" }, { "prov_hc", "省卫生健康委" }, { "prov_drc", "省发展改革委" },
	{ "nhc", "国家卫生健康委" }, { "ndrc", "国家发展改革委" }, { "operator", "运维" },
};

const char *report_word(const char *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].code, code) == 0)
			return words[i].zh;
	return NULL;
}

static const char *act_of(const struct transition *table, const char *act)
{
	for (; table->act; table++)
		if (strcmp(table->act, act) == 0)
			return table->zh;
	return NULL;
}

/* A case begins by no transition. */
const char *report_case_act(const char *act)
{
	return strcmp(act, "open") == 0 ? "立案" : act_of(case_transitions, act);
}

const char *report_title_act(const char *act)
{
	if (strcmp(act, "review") == 0 || strcmp(act, "publicise") == 0) /* at both levels: the state says which */
		return act[0] == 'r' ? "评审" : "公示";
	return act_of(designation_transitions, act);
}

const char *report_indicator(const char *id)
{
	const struct indicator *i = indicator_of(id);

	return i ? i->zh : NULL;
}

const char *report_rule(const char *id)
{
	const struct rule *rule = rule_of(id);

	return rule ? rule->zh : NULL;
}
