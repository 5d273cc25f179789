/* SPDX-License-Identifier: MIT */
#include "procedures.h"

#include "clock.h"
#include "workdays.h"

#include <stdio.h>

#define PROVINCE (ROLE(PROV_HC) | ROLE(PROV_DRC))
#define NATION (ROLE(NHC) | ROLE(NDRC))
#define COMPETENT (PROVINCE | NATION)

const struct transition case_transitions[] = {
	{ " signal ", "acknowledge", "acknowledged", ROLES_OFFICERS, 0, "知悉", "somebody has seen it" },
	{ " acknowledged ", "verify", "verifying", COMPETENT | ROLE(DUTY_OFFICER), 0, "开始核实", "verification begins" },
	{ " signal acknowledged verifying substantiated reported national_review ", "add_evidence", "", ROLES_OFFICERS,
	  GUARD(GIVEN), "补充证据", "evidence is added" },
	{ "*", "note", "", ROLES_OFFICERS, GUARD(REASON), "备注", "a note" },
	{ " verifying national_review ", "sign", "", COMPETENT, GUARD(SIGNER), "会签", "one of those who must signs" },
	{ " verifying ", "unsubstantiate", "unsubstantiated", PROVINCE, GUARD(REASON), "认定不属实", "it is not so" },
	{ " verifying ", "substantiate", "substantiated", PROVINCE, GUARD(GROUND) | GUARD(EVIDENCE) | GUARD(PROVINCE_SIGNED),
	  "认定属实", "it is so" },
	{ " substantiated ", "report", "reported", PROVINCE, GUARD(DOCUMENT), "上报国家", "reported to the nation" },
	{ " reported ", "review", "national_review", NATION, 0, "国家复核", "the nation reviews" },
	{ " national_review ", "retain", "retained", NATION, GUARD(NATION_SIGNED), "保留命名", "the title stays" },
	{ " national_review ", "revoke", "revoked", NATION, GUARD(NATION_SIGNED), "撤销命名", "the title is revoked" },
	{ " revoked ", "publish", "published", NATION, GUARD(PUBLISHED), "公布", "made public" },
	{ " published ", "bar", "barred", NATION, GUARD(NEXT_CYCLE), "下一周期不得申报", "barred from the next cycle" },
	{ " barred ", "restore", "restored", NATION, GUARD(REASON), "恢复申报资格", "may apply again" },
	{ " signal acknowledged verifying substantiated ", "merge", "merged", COMPETENT | ROLE(DUTY_OFFICER),
	  GUARD(REASON) | GUARD(OTHER_CASE), "并案", "goes on in another case" },
	{ " unsubstantiated retained merged ", "reopen", "verifying", COMPETENT, GUARD(REASON) | GUARD(ONE_OPEN), "重新调查",
	  "taken up again" },
	{ 0 },
};

const struct transition designation_transitions[] = {
	{ " none rejected ", "apply", "applied", PROVINCE, GUARD(ELIGIBLE) | GUARD(CYCLE), "申报", "applies" },
	{ " applied ", "review", "province_review", PROVINCE, 0, "省级评审", "the province reviews" },
	{ " province_review ", "publicise", "province_publicity", PROVINCE, GUARD(PUBLISHED), "省级公示", "public in the province" },
	{ " province_publicity ", "recommend", "recommended", PROVINCE, GUARD(DOCUMENT) | GUARD(QUOTA), "推荐", "recommended" },
	{ " recommended ", "review", "national_review", NATION, 0, "国家评审", "the nation reviews" },
	{ " national_review ", "publicise", "national_publicity", NATION, GUARD(PUBLISHED), "全国公示", "public in the nation" },
	{ " national_publicity ", "name", "named", NATION, GUARD(DOCUMENT) | GUARD(PERIOD_OVER), "命名", "named" },
	{ " named ", "recheck", "recheck", COMPETENT, GUARD(REASON), "复查", "looked at again" },
	{ " recheck ", "confirm", "named", COMPETENT, GUARD(REASON), "复查通过", "stays named" },
	{ " province_publicity national_publicity ", "object", "objection", ROLES_OFFICERS, GUARD(REASON), "收到异议",
	  "an objection came in" },
	{ " objection ", "dismiss", "<", COMPETENT, GUARD(REASON), "异议不成立", "the objection is dismissed" },
	{ " objection ", "uphold", "rejected", COMPETENT, GUARD(REASON), "异议成立", "the objection is upheld" },
	{ " applied province_review province_publicity recommended national_review national_publicity ", "reject", "rejected",
	  COMPETENT, GUARD(REASON), "不予通过", "turned down" },
	{ 0 },
};

const struct transition site_transitions[] = {
	{ "*", "move", "", ROLE(PROV_HC) | ROLE(NHC) | ROLE(OPERATOR),
	  GUARD(REASON) | GUARD(DIVISION) | GUARD(FROM_DAY) | GUARD(SITE_EXISTS), "变更所在区划", "belongs to another division from a day on" },
	{ 0 },
};

static bool among(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; len > 0 && (at = strstr(at, word)); at++)
		if (at > words && at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

const struct transition *transition_of(const struct transition *table, const char *state, const char *act)
{
	for (; table->act; table++)
		if (strcmp(table->act, act) == 0 && (strcmp(table->from, "*") == 0 || among(table->from, state)))
			return table;
	return NULL;
}

#define OPEN_STATES " signal acknowledged verifying substantiated reported national_review revoked published barred "
#define ENDED_STATES " unsubstantiated retained restored merged "

bool case_state_known(const char *state)
{
	return among(OPEN_STATES ENDED_STATES, state);
}

bool case_state_open(const char *state)
{
	return among(OPEN_STATES, state);
}

static const char *const grounds[] = { "art5-1", "art5-2", "art5-3" };

bool case_ground_known(const char *ground)
{
	return case_ground_of(ground) && strlen(ground) == strlen(grounds[0]);
}

const char *case_ground_of(const char *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(grounds); i++) {
		size_t len = strlen(grounds[i]);

		if (strncmp(rule, grounds[i], len) == 0 && (rule[len] == '\0' || rule[len] == '-'))
			return grounds[i];
	}
	return NULL;
}

const char *body_text(const json *body, const char *key)
{
	const json *value = body ? json_get(body, key) : NULL;

	return value && json_kind(value) == JSON_KIND_TEXT ? json_text(value) : "";
}

static bool is_true(const json *body, const char *key)
{
	const json *value = json_get(body, key);

	return value && json_kind(value) == JSON_KIND_BOOL && json_bool(value);
}

/* ---- guards: 0, *ret says whether it holds ---- */

static int has_reason(const struct act_case *c, bool *ret)
{
	*ret = !c->body || *body_text(c->body, "reason");
	return 0;
}

static int has_document(const struct act_case *c, bool *ret)
{
	*ret = !c->body || *body_text(c->body, "document");
	return 0;
}

static int has_ground(const struct act_case *c, bool *ret)
{
	*ret = c->ground && case_ground_known(c->ground);
	return 0;
}

static int has_evidence(const struct act_case *c, bool *ret)
{
	int64_t found = 0;
	int r = store_get_int(c->store, &found, "SELECT 1 FROM case_evidence WHERE case_id = ? LIMIT 1", "t", c->id);

	*ret = found != 0;
	return MIN(r, 0);
}

static int evidence_given(const struct act_case *c, bool *ret)
{
	const char *alert = body_text(c->body, "alert");
	int64_t found = 1;
	int r = 0;

	if (*alert) {
		found = 0;
		r = store_get_int(c->store, &found,
				  "SELECT 1 FROM alert WHERE id = CAST(substr(?1, 3) AS INTEGER) AND unit = ?2 AND substr(?1, 1, 2) = 'A-'",
				  "tt", alert, c->unit);
	}
	*ret = !c->body || (found && (*alert || *body_text(c->body, "evidence")));
	return MIN(r, 0);
}

static int both_signed(const struct act_case *c, const char *decision, const char *one, const char *other, bool *ret)
{
	int64_t found = 0;
	int r = store_get_int(c->store, &found,
			      "SELECT 1 FROM case_signature a JOIN case_signature b ON b.case_id = a.case_id AND b.decision = a.decision"
			      " AND b.role = ?4 AND b.actor <> a.actor WHERE a.case_id = ?1 AND a.decision = ?2 AND a.role = ?3 LIMIT 1",
			      "tttt", c->id, decision, one, other);

	*ret = found != 0;
	return MIN(r, 0);
}

static int province_signed(const struct act_case *c, bool *ret)
{
	return both_signed(c, "substantiate", "prov_hc", "prov_drc", ret);
}

static int nation_signed(const struct act_case *c, bool *ret)
{
	int r = both_signed(c, c->act, "nhc", "ndrc", ret);

	*ret = *ret || *body_text(c->body, "joint_document");
	return r;
}

/* Who signs for what: the province whether it is so, the nation which way it decides. */
static int signs_his_part(const struct act_case *c, bool *ret)
{
	const char *decision = body_text(c->body, "for");
	bool verifying = strcmp(c->state, "verifying") == 0;

	*ret = !c->body || (verifying ? strcmp(decision, "substantiate") == 0 && (!c->who || who_may(c->who, PROVINCE)) :
			    among(" retain revoke ", decision) && (!c->who || who_may(c->who, NATION)));
	return 0;
}

static int where_and_when(const struct act_case *c, bool *ret)
{
	int64_t day;

	*ret = !c->body || (*body_text(c->body, "where") && clock_parse_day(body_text(c->body, "when"), &day) == 0);
	return 0;
}

/* "2027-2028": as long as the policy's cycles are. */
static bool cycle_of(const struct act_case *c, const char *text, int *first)
{
	int last, end = 0;

	return sscanf(text, "%4d-%4d%n", first, &last, &end) == 2 && text[end] == '\0' && end == 9 &&
	       last - *first + 1 == policy_quota(c->policy, c->today)->cycle_years;
}

/* Applications open in the cycle itself, or in the year before it. */
static bool opens_for(const struct act_case *c, int64_t opens)
{
	int first, year, month, day_of_month;

	clock_date_of(opens, &year, &month, &day_of_month);
	return cycle_of(c, body_text(c->body, "cycle"), &first) && year >= first - 1 &&
	       year < first + policy_quota(c->policy, c->today)->cycle_years;
}

/* The next cycle whose applications open after the decision: the one after it would open a whole cycle later. */
static int bars_the_next(const struct act_case *c, bool *ret)
{
	int64_t decided = 0, opens, cycle_days = policy_quota(c->policy, c->today)->cycle_years * 366;
	int r = store_get_int(c->store, &decided, "SELECT decided_on FROM case_file WHERE id = ?", "t", c->id);

	*ret = !c->body || (clock_parse_day(body_text(c->body, "opens_on"), &opens) == 0 && opens > decided &&
			    opens <= decided + cycle_days && opens_for(c, opens));
	return MIN(r, 0);
}

static int another_open_case(const struct act_case *c, bool *ret)
{
	int64_t found = 0;
	int r = store_get_int(c->store, &found, "SELECT 1 FROM case_file WHERE id = ?1 AND id <> ?2 AND unit = ?3 AND is_open = 1",
			      "ttt", body_text(c->body, "into"), c->id, c->unit);

	*ret = !c->body || found;
	return MIN(r, 0);
}

static int no_other_is_open(const struct act_case *c, bool *ret)
{
	int64_t found = 0;
	int r = store_get_int(c->store, &found, "SELECT 1 FROM case_file WHERE unit = ? AND ground = ? AND is_open = 1", "tt", c->unit,
			      c->ground);

	*ret = !found;
	return MIN(r, 0);
}

static int is_eligible(const struct act_case *c, bool *ret)
{
	enum policy_answer answer = policy_eligible(c->policy, c->today, c->unit);

	*ret = answer == POLICY_YES || (answer == POLICY_ASK && (!c->body || *body_text(c->body, "document")));
	return 0;
}

static int names_a_cycle(const struct act_case *c, bool *ret)
{
	int64_t barred = 0;
	int first, r = store_get_int(c->store, &barred, "SELECT 1 FROM case_file WHERE unit = ? AND barred_cycle = ?", "tt", c->unit,
				     body_text(c->body, "cycle"));

	*ret = !c->body || (cycle_of(c, body_text(c->body, "cycle"), &first) && !barred);
	return MIN(r, 0);
}

/* Never a block: with a reason it goes on, and that is on record (DOMAIN §1). */
static int within_quota(const struct act_case *c, bool *ret)
{
	*ret = c->quota_used < 0 || c->quota_used + 1 <= c->quota_limit ||
	       (c->body && is_true(c->body, "override") && *body_text(c->body, "reason"));
	return 0;
}

static int period_is_over(const struct act_case *c, bool *ret)
{
	int64_t end = 0;
	int r = designation_period_end(c->store, c->policy, c->unit, &end);

	*ret = r == 0 && c->today > end;
	return MIN(r, 0);
}

static int division_known(const struct act_case *c, bool *ret)
{
	const char *division = body_text(c->body, "division");
	int64_t found = 0;
	int r = store_get_int(c->store, &found, "SELECT 1 FROM division WHERE code = ? AND level = 'county'", "t", division);

	*ret = !c->body || found;
	return MIN(r, 0);
}

static int names_a_day(const struct act_case *c, bool *ret)
{
	int64_t day;

	*ret = !c->body || clock_parse_day(body_text(c->body, "effective_on"), &day) == 0;
	return 0;
}

/* Before its first registration a site counts nowhere (CONTRACT §1). */
static int site_exists(const struct act_case *c, bool *ret)
{
	int64_t day = INT64_MAX, found = 0;
	int r;

	(void)clock_parse_day(body_text(c->body, "effective_on"), &day);
	r = store_get_int(c->store, &found,
			  "SELECT 1 FROM site s JOIN registration r ON r.site = s.id AND r.counts = 1 AND r.effective_on <= ?2"
			  " WHERE s.code = ?1 LIMIT 1",
			  "ti", c->id, day);
	*ret = found != 0;
	return MIN(r, 0);
}

const struct guard guards[GUARD_COUNT] = {
	[GUARD_REASON] = { "reason", "须说明理由", "a reason is needed", "reason", has_reason },
	[GUARD_DOCUMENT] = { "document", "须有文号", "a document number is needed", "document", has_document },
	[GUARD_GROUND] = { "ground", "须有撤销事由（第五条）", "a ground of Article 5 is needed", NULL, has_ground },
	[GUARD_EVIDENCE] = { "evidence", "至少须有一项证据", "at least one piece of evidence is needed", NULL, has_evidence },
	[GUARD_GIVEN] = { "evidence_given", "须写明证据（evidence），或本单位的预警（alert）",
			  "name the evidence, or an alert of this unit", "evidence|alert", evidence_given },
	[GUARD_PROVINCE_SIGNED] = { "two_signatures", "须由省级卫生健康、发展改革两部门的不同人员分别会签",
				    "two different people must sign, one of the provincial health commission and one of the provincial DRC", NULL,
				    province_signed },
	[GUARD_NATION_SIGNED] = { "nation_signed", "须由国家卫生健康委、国家发展改革委会签，或有联合发文文号",
				  "NHC and NDRC must sign, or name one joint document number", "joint_document", nation_signed },
	[GUARD_SIGNER] = { "signer", "会签须写明对何决定会签（for），且由该决定的部门人员会签",
			   "say what is signed (for), and sign as one of those who decide that", "for", signs_his_part },
	[GUARD_PUBLISHED] = { "where_and_when", "须写明公布的载体（where）和日期（when）", "say where and when it is made public",
			      "where,when", where_and_when },
	[GUARD_NEXT_CYCLE] = { "next_cycle", "须写明决定之后最先开始申报的周期（cycle）及其申报开始日（opens_on）",
			       "name the next cycle whose applications open after the decision (cycle, opens_on)", "cycle,opens_on",
			       bars_the_next },
	[GUARD_OTHER_CASE] = { "into", "须写明并入的同一单位的在办案件（into）", "name an open case of the same unit (into)", "into",
			       another_open_case },
	[GUARD_ONE_OPEN] = { "one_open_case", "同一单位同一事由已有在办案件", "the unit has an open case of this ground", NULL,
			     no_other_is_open },
	[GUARD_ELIGIBLE] = { "eligible", "该单位不是可参评单位，或须有批准文号", "the unit is not eligible, or needs a document that says so",
			     "document", is_eligible },
	[GUARD_CYCLE] = { "cycle", "须写明申报周期（如 2027-2028），且不在禁止申报的周期内",
			  "name the cycle such as 2027-2028, and none that the unit is barred from", "cycle", names_a_cycle },
	[GUARD_QUOTA] = { "quota", "推荐数超过可参评单位的比例：确需推荐的，写明 override 和理由",
			  "more than the recommender's share: to go on, say override and why; it stays on record", "override,reason",
			  within_quota },
	[GUARD_PERIOD_OVER] = { "period_over", "公示期未满，或缺少该年度的工作日历", "the public period is not over, or the year's calendar is missing",
				NULL, period_is_over },
	[GUARD_DIVISION] = { "division", "须写明已收录的县级行政区划代码（division）", "name a county division that is known (division)",
			     "division", division_known },
	[GUARD_FROM_DAY] = { "effective_on", "须写明自何日起（effective_on，如 2026-12-01）", "say from which day on (effective_on, as 2026-12-01)",
			     "effective_on", names_a_day },
	[GUARD_SITE_EXISTS] = { "site_exists", "该日该机构尚无生效的登记信息", "the nursery has no registration in force on that day",
				"effective_on", site_exists },
};

int guards_ask(const struct act_case *c, const struct transition *t, enum guard_number *ret)
{
	for (int i = 0; i < GUARD_COUNT; i++) {
		bool holds = true;
		int r = t->guards >> i & 1 ? guards[i].holds(c, &holds) : 0;

		*ret = (enum guard_number)i;
		if (r < 0 || !holds)
			return r;
	}
	*ret = GUARD_COUNT;
	return 0;
}

/* ---- designations ---- */

int designation_status(struct store *s, const char *unit, int64_t day, char status[static 32], char cycle[static 16])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT status, cycle FROM designation WHERE unit = ? AND effective_on <= ? ORDER BY effective_on DESC LIMIT 1",
			    "ti", unit, day);

	snprintf(status, 32, "none");
	cycle[0] = '\0';
	if (r >= 0 && (r = store_step(q)) > 0) {
		snprintf(status, 32, "%s", store_text(q, 0));
		snprintf(cycle, 16, "%.15s", store_text(q, 1));
	}
	return MIN(r, 0);
}

int designation_period_end(struct store *s, const struct policy *p, const char *unit, int64_t *ret)
{
	int64_t starts = STORE_NULL;
	const struct policy_quota *q;
	int r = store_get_int(s, &starts,
			      "SELECT starts_on FROM designation_event WHERE unit = ? AND state = 'national_publicity' AND act = 'publicise'"
			      " ORDER BY n DESC LIMIT 1",
			      "t", unit);

	if (r < 0 || starts == STORE_NULL)
		return r < 0 ? r : 2;
	q = policy_quota(p, starts);
	return workdays_end(s, starts, q->publicity_working_days, q->publication_day_counts, ret, NULL);
}
