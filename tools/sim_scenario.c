/* SPDX-License-Identifier: MIT */
#include "sim_scenario.h"

#include "../daemon/err.h"

#include <stdio.h>

#define BIT(id) (UINT64_C(1) << (id))

struct scenario {
	const char *name, *zh, *en;
};

static const struct scenario scenarios[] = {
	[SIM_QUIET] = { "quiet", "平常一天：备案信息，然后每日在托人数",
			"registrations, then the enrolment of the day, again and again" },
	[SIM_ENROLMENT_LOAD] = { "enrolment-load", "压力：全部备案后只报在托人数，日期逐轮前移",
				 "load: registrations, then enrolments only, one day further back each round" },
	[SIM_SCENARIO_FIRE] = { "fire", "火灾：一名儿童危重，首报、续报、终报",
				"fire in a nursery of the city, a child critical: first, follow_up, final" },
	[SIM_GAS_LEAK_NULL] = { "gas-leak-null", "燃气泄漏：首报伤亡不明（null），随后补数字",
				"gas leak: casualties unknown (null) at first, numbers later" },
	[SIM_ABUSE] = { "abuse", "疑似虐童：首报无伤，续报有轻伤", "abuse suspected; an injury is found later" },
	[SIM_SCENARIO_FOOD_POISONING] = { "food-poisoning", "食物中毒：由3人增至7人",
					  "food poisoning that grows from 3 sick to 7" },
	[SIM_MINOR_FALLS] = { "minor-falls", "轻微跌倒：三级、四级事件", "small falls, S3 and S4; nobody is called" },
	[SIM_MESSY] = { "messy", "粗心的发送方：重复、乱序、更正、撤回、缺号、合计不符、坏JSON、未知字段",
			"careless senders: repeats, disorder, amendments, gaps, wrong sums, bad JSON" },
	[SIM_HOSTILE] = { "hostile", "恶意发送方：疑似个人信息、深层嵌套、超大、非UTF-8、冒名站点",
			  "hostile senders: look-alikes of personal data, depth, size, bad UTF-8, forged sites" },
	[SIM_SURVEY_ROUND] = { "survey", "满意度调查：家庭和机构的答卷，少数托育机构只报汇总",
			       "the half-year's survey: ballots of families and institutions, tallies of some" },
	[SIM_ALL] = { "all", "以上全部（不含压力）", "all of the above but the load, hostile too" },
};

#define FIRST "first"
#define FOLLOW "follow_up"
#define FINAL "final"
#define NOT_KNOWN SIM_NOT_KNOWN
const struct sim_act sim_acts[] = {
	{ SIM_SCENARIO_FIRE, 0, 0,
	  { .stage = FIRST, .type = SIM_FIRE, .critical = 1, .minor = 2, .loss_yuan = 20000, .services_stopped = true,
	    .measures = "[\"evacuated\",\"called_119\",\"called_120\"]" } },
	{ SIM_SCENARIO_FIRE, 0, 1,
	  { .stage = FOLLOW, .type = SIM_FIRE, .critical = 1, .minor = 4, .adults_serious = 1, .loss_yuan = 180000,
	    .services_stopped = true, .police = true,
	    .measures = "[\"evacuated\",\"called_119\",\"called_120\",\"guardians_told\",\"scene_kept\"]" } },
	{ SIM_SCENARIO_FIRE, 0, 2,
	  { .stage = FINAL, .type = SIM_FIRE, .serious = 1, .minor = 4, .adults_serious = 1, .loss_yuan = 215000,
	    .services_stopped = true, .police = true,
	    .measures = "[\"evacuated\",\"called_119\",\"called_120\",\"guardians_told\",\"scene_kept\"]" } },
	{ SIM_GAS_LEAK_NULL, 0, 0,
	  { .stage = FIRST, .type = SIM_POISONING, .dead = NOT_KNOWN, .critical = NOT_KNOWN, .serious = NOT_KNOWN,
	    .minor = NOT_KNOWN, .adults_dead = NOT_KNOWN, .adults_serious = NOT_KNOWN, .sick = NOT_KNOWN,
	    .loss_yuan = NOT_KNOWN, .measures = "[\"evacuated\",\"called_119\"]", .services_stopped = true } },
	{ SIM_GAS_LEAK_NULL, 0, 1,
	  { .stage = FOLLOW, .type = SIM_POISONING, .sick = 3, .loss_yuan = NOT_KNOWN, .services_stopped = true,
	    .measures = "[\"evacuated\",\"called_119\",\"called_120\"]" } },
	{ SIM_GAS_LEAK_NULL, 0, 2,
	  { .stage = FINAL, .type = SIM_POISONING, .sick = 3, .loss_yuan = 6000, .services_stopped = true,
	    .measures = "[\"evacuated\",\"called_119\",\"called_120\",\"guardians_told\"]" } },
	{ SIM_ABUSE, 0, 0,
	  { .stage = FIRST, .type = SIM_ABUSE_SUSPECTED, .measures = "[\"called_110\",\"guardians_told\"]" } },
	{ SIM_ABUSE, 0, 1,
	  { .stage = FOLLOW, .type = SIM_ABUSE_SUSPECTED, .minor = 1, .police = true, .services_stopped = true,
	    .measures = "[\"called_110\",\"guardians_told\",\"scene_kept\"]" } },
	{ SIM_SCENARIO_FOOD_POISONING, 0, 0,
	  { .stage = FIRST, .type = SIM_FOOD_POISONING, .sick = 3, .measures = "[\"called_120\",\"guardians_told\"]" } },
	{ SIM_SCENARIO_FOOD_POISONING, 0, 1,
	  { .stage = FOLLOW, .type = SIM_FOOD_POISONING, .sick = 7, .adults_serious = NOT_KNOWN,
	    .measures = "[\"called_120\",\"guardians_told\",\"services_stopped\"]", .services_stopped = true } },
	{ SIM_SCENARIO_FOOD_POISONING, 0, 2,
	  { .stage = FINAL, .type = SIM_FOOD_POISONING, .sick = 7, .loss_yuan = 12000,
	    .measures = "[\"called_120\",\"guardians_told\",\"services_stopped\"]", .services_stopped = true } },
	{ SIM_MINOR_FALLS, 0, 0,
	  { .stage = FIRST, .type = SIM_FALL, .minor = 1, .measures = "[\"guardians_told\"]" } },
	{ SIM_MINOR_FALLS, 1, 0, { .stage = FIRST, .type = SIM_FALL, .measures = "[\"guardians_told\"]" } },
	{ SIM_MINOR_FALLS, 2, 1, { .stage = FIRST, .type = SIM_FALL, .minor = 1, .measures = NULL } },
	{ SIM_MINOR_FALLS, 0, 2,
	  { .stage = FINAL, .type = SIM_FALL, .minor = 1, .measures = "[\"guardians_told\"]" } },
};
const size_t sim_act_count = ARRAY_SIZE(sim_acts);

#define BODY "\"body\":{"
#define HUGE_TIMES 7000
#define DEEP_TIMES 200
/* The look-alikes belong to nobody: region 000000 does not exist, and the number is a carrier's own hotline. */
const struct sim_trick sim_tricks[] = {
	{ .name = "repeat", .scenario = SIM_MESSY, .kind = SIM_TRICK_TWICE },
	{ .name = "repeat with a new sent_at", .scenario = SIM_MESSY, .kind = SIM_TRICK_RESTAMP },
	{ .name = "seq reused", .scenario = SIM_MESSY, .kind = SIM_TRICK_REUSE },
	{ .name = "out of order", .scenario = SIM_MESSY, .kind = SIM_TRICK_REVERSE },
	{ .name = "amend", .scenario = SIM_MESSY, .kind = SIM_TRICK_AMEND },
	{ .name = "retract", .scenario = SIM_MESSY, .kind = SIM_TRICK_RETRACT },
	{ .name = "gap", .scenario = SIM_MESSY, .kind = SIM_TRICK_GAP, .times = 2 },
	{ .name = "modes do not sum", .scenario = SIM_MESSY, .from = "\"mode\":{\"fullday\":",
	  .to = "\"mode\":{\"fullday\":1" },
	{ .name = "more came than are enrolled", .scenario = SIM_MESSY, .from = "\"attended\":",
	  .to = "\"attended\":9" },
	{ .name = "bad JSON", .scenario = SIM_MESSY, .kind = SIM_TRICK_CUT, .unreadable = true },
	{ .name = "unknown number", .scenario = SIM_MESSY, .from = BODY, .to = BODY "\"room_temperature\":21," },
	{ .name = "unknown text", .scenario = SIM_MESSY, .from = BODY, .to = BODY "\"colour\":\"blue\"," },
	{ .name = "missing field", .scenario = SIM_MESSY, .from = "\"open\":", .to = "\"opened\":" },
	{ .name = "wrong type", .scenario = SIM_MESSY, .from = "\"places\":", .to = "\"places\":\"many\",\"rooms\":" },
	{ .name = "wrong version", .scenario = SIM_MESSY, .from = "\"v\":1,", .to = "\"v\":2," },
	{ .name = "too old a day", .scenario = SIM_MESSY, .kind = SIM_TRICK_OLD, .times = 420 },
	{ .name = "forbidden key", .scenario = SIM_HOSTILE, .from = BODY, .to = BODY "\"guardian\":\"nobody\"," },
	{ .name = "forbidden key 家长", .scenario = SIM_HOSTILE, .from = BODY, .to = BODY "\"家长\":1," },
	{ .name = "identity number of nobody", .scenario = SIM_HOSTILE, .from = BODY,
	  .to = BODY "\"note\":\"000000190001010009\"," },
	{ .name = "mobile number of a hotline", .scenario = SIM_HOSTILE, .from = BODY,
	  .to = BODY "\"note\":\"138-0013-8000\"," },
	{ .name = "deep", .scenario = SIM_HOSTILE, .kind = SIM_TRICK_INSERT, .from = BODY, .to = "\"x\":{",
	  .times = DEEP_TIMES, .unreadable = true },
	{ .name = "huge", .scenario = SIM_HOSTILE, .kind = SIM_TRICK_INSERT, .from = BODY, .to = "          ",
	  .times = HUGE_TIMES, .unreadable = true },
	{ .name = "not UTF-8", .scenario = SIM_HOSTILE, .from = BODY, .to = BODY "\"note\":\"\xc3\x28\xff\",",
	  .unreadable = true, .not_utf8 = true },
	{ .name = "unknown feed", .scenario = SIM_HOSTILE, .kind = SIM_TRICK_FEED },
	{ .name = "wrong check character", .scenario = SIM_HOSTILE, .kind = SIM_TRICK_STRANGER },
	{ .name = "forged site", .scenario = SIM_HOSTILE, .kind = SIM_TRICK_FORGED },
	{ .name = "seq jump", .scenario = SIM_HOSTILE, .kind = SIM_TRICK_JUMP, .times = 20000 },
};
const size_t sim_trick_count = ARRAY_SIZE(sim_tricks);

const char *sim_scenario_name(enum sim_scenario_id id)
{
	return scenarios[id].name;
}

bool sim_scenario_has(uint64_t chosen, enum sim_scenario_id id)
{
	return chosen & (BIT(id) | BIT(SIM_ALL));
}

bool sim_scenario_is_load(uint64_t chosen)
{
	return chosen & BIT(SIM_ENROLMENT_LOAD);
}

void sim_scenario_list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		printf("%-15s %s\n%-15s %s\n", scenarios[i].name, scenarios[i].en, "", scenarios[i].zh);
}

static int choose_one(const char *name, size_t len, uint64_t *chosen)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		if (strlen(scenarios[i].name) == len && strncmp(scenarios[i].name, name, len) == 0) {
			*chosen |= BIT(i);
			return 0;
		}
	sim_complain("there is no scenario '%.*s'; see nursery-sim --list-scenarios", (int)len, name);
	return 1;
}

int sim_scenario_choose(const char *names, uint64_t *ret)
{
	*ret = 0;
	for (const char *p = names;; p++) {
		size_t len = strcspn(p, ",");

		if (choose_one(p, len, ret) > 0)
			return 1;
		p += len;
		if (*p == '\0')
			return 0;
	}
}
