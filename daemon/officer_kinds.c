/* SPDX-License-Identifier: MIT */
#include "officer_kinds.h"

#include "api.h"
#include "clock.h"
#include "objects.h"
#include "quota.h"
#include "signals.h"
#include "standing.h"
#include "workdays.h"

#include <stdio.h>

/* ---- refusals ---- */

int officer_refuse(struct acting *a, int status, const char *title, const char *detail)
{
	struct api_response rs = { 0 };

	api_problem(&rs, status, title, detail, NULL, NULL, NULL);
	a->ret->status = rs.status;
	a->ret->content_type = rs.content_type;
	a->ret->body = rs.body;
	return 1;
}

static int refuse_by(struct acting *a, const char *guard, const char *zh, const char *en)
{
	json *p = json_new_object();

	json_set(p, "type", json_new_text("urn:nurseryd:problem:guard"));
	json_set(p, "title", json_new_text("a guard refuses this act"));
	json_set(p, "status", json_new_int(409));
	json_set(p, "detail", json_new_text(en));
	json_set(p, "guard", json_new_text(guard));
	json_set(p, "zh", json_new_text(zh));
	json_set(p, "en", json_new_text(en));
	json_compact(p, &a->ret->body);
	json_free(p);
	a->ret->status = 409;
	a->ret->content_type = "application/problem+json";
	return 1;
}

static int refuse_place(struct acting *a)
{
	return who_covers(a->rq->who, a->unit) ? 0 :
						 officer_refuse(a, 403, "not in your scope", "your role covers other provinces or units only");
}

static int refuse_role(struct acting *a, unsigned roles)
{
	return who_may(a->rq->who, roles) ? 0 : officer_refuse(a, 403, "your role does not allow this", "who may do what: docs/cases.md");
}

/* ---- alerts ---- */

static const struct {
	const char *act;
	uint32_t guards;
} alert_acts[] = {
	{ "acknowledge", 0 },
	{ "note", GUARD(REASON) },
	{ "resolve", GUARD(REASON) },
	{ "reopen", GUARD(REASON) },
	{ "open_case", 0 },
};

static int guard_texts(struct acting *a, uint32_t wanted)
{
	const struct act_case c = { .store = a->in->store, .body = a->body, .who = a->rq->who, .quota_used = -1 };
	enum guard_number refused;
	int r = guards_ask(&c, &(struct transition){ .guards = wanted }, &refused);

	if (r < 0 || refused == GUARD_COUNT)
		return r;
	return refuse_by(a, guards[refused].id, guards[refused].zh, guards[refused].en);
}

static int alert_object(struct acting *a, json **ret)
{
	int64_t id;

	return object_alert_id(a->id, &id) < 0 ? OBJECT_NONE : object_alert_alone(a->in->store, id, true, ret);
}

static int alert_state(struct acting *a, const json *alert)
{
	bool open = strcmp(body_text(alert, "state"), "open") == 0, has_case = *body_text(alert, "case");
	bool ground = case_ground_of(body_text(alert, "rule"));

	if (strcmp(a->act, "resolve") == 0 && has_case)
		return refuse_by(a, "case_decides", "该预警已立案，只能由案件的决定解除", "the alert has a case: only a decision on it clears it");
	if (strcmp(a->act, "resolve") == 0 && !open)
		return refuse_by(a, "state", "该预警已经解除", "the alert is resolved already");
	if (strcmp(a->act, "reopen") == 0 && (open || has_case))
		return refuse_by(a, "state", "该预警未解除，或由案件决定", "the alert is open, or its case decides");
	if (strcmp(a->act, "open_case") == 0 && (has_case || !ground))
		return refuse_by(a, "state", "该预警已立案，或不属于撤销事由", "the alert has a case, or is no ground for revocation");
	return 0;
}

static int examine_alert(struct acting *a)
{
	_cleanup_(json_freep) json *alert = NULL;
	int r = alert_object(a, &alert);

	if (r != 0)
		return r < 0 ? r : officer_refuse(a, 404, "no such alert", "alerts look like A-000012");
	snprintf(a->unit, sizeof a->unit, "%s", body_text(alert, "unit"));
	if (refuse_place(a) || refuse_role(a, ROLES_OFFICERS))
		return 1;
	/* One alert, one topic: A-12 and A-000012 are the same. */
	buf_printf(&a->topic, "act/alert/%s", body_text(alert, "id"));
	for (size_t i = 0; i < ARRAY_SIZE(alert_acts); i++)
		if (strcmp(alert_acts[i].act, a->act) == 0) {
			r = guard_texts(a, alert_acts[i].guards);
			return r != 0 ? r : alert_state(a, alert);
		}
	return officer_refuse(a, 422, "no such act", "acknowledge, note, resolve, reopen or open_case");
}

/* ---- cases ---- */

static bool act_known(const struct transition *table, const char *act)
{
	for (; table->act; table++)
		if (strcmp(table->act, act) == 0)
			return true;
	return false;
}

/* The transition, asked in the order: known, possible from here, allowed to him, guarded. */
static int examine_transition(struct acting *a, const struct transition *table, struct act_case *c)
{
	const struct transition *t = transition_of(table, c->state, a->act);
	enum guard_number refused;
	int r;

	if (!act_known(table, a->act))
		return officer_refuse(a, 422, "no such act", "the acts are listed in docs/cases.md");
	if (!t) {
		char zh[128], en[128];

		snprintf(zh, sizeof zh, "当前状态为 %s，不能办理", c->state);
		snprintf(en, sizeof en, "not from the state %s", c->state);
		return refuse_by(a, "state", zh, en);
	}
	if (refuse_role(a, t->roles))
		return 1;
	c->act = a->act;
	r = guards_ask(c, t, &refused);
	if (r < 0 || refused == GUARD_COUNT)
		return r;
	return refuse_by(a, guards[refused].id, guards[refused].zh, guards[refused].en);
}

static struct act_case about(const struct acting *a)
{
	return (struct act_case){ .store = a->in->store, .policy = a->in->fold.policy, .who = a->rq->who, .body = a->body,
				  .today = clock_local_day(MAX(a->rq->now, a->in->ledger.head.received_at)), .id = a->id, .unit = a->unit,
				  .quota_used = -1 };
}

static bool unit_known(struct acting *a, const char *unit)
{
	char province[3] = { unit[0], unit[0] ? unit[1] : '\0', '\0' };

	return strlen(unit) == 6 && strspn(unit, "0123456789") == 6 && ids_province_valid(province) &&
	       object_unit_known(a->in->store, unit) > 0;
}

static int examine_new_case(struct acting *a)
{
	struct act_case c = about(a);
	bool none = false;
	int r;

	if (strcmp(a->act, "open") != 0)
		return officer_refuse(a, 404, "no such case", "only `open` makes a new one");
	snprintf(a->unit, sizeof a->unit, "%s", body_text(a->body, "unit"));
	if (!unit_known(a, a->unit))
		return officer_refuse(a, 422, "which unit?", "`unit` is the code of a city that may take part");
	if (refuse_place(a) || refuse_role(a, ROLES_OFFICERS))
		return 1;
	c.ground = body_text(a->body, "ground");
	if (!case_ground_known(c.ground))
		return refuse_by(a, "ground", guards[GUARD_GROUND].zh, guards[GUARD_GROUND].en);
	if (!*body_text(a->body, "reason")) /* the source: press, hotline 12345, inspection */
		return refuse_by(a, "reason", guards[GUARD_REASON].zh, guards[GUARD_REASON].en);
	r = guards[GUARD_ONE_OPEN].holds(&c, &none);
	if (r >= 0 && !none)
		return refuse_by(a, "one_open_case", guards[GUARD_ONE_OPEN].zh, guards[GUARD_ONE_OPEN].en);
	buf_str(&a->topic, "act/case/new");
	return MIN(r, 0);
}

static int case_object(struct acting *a, json **ret)
{
	return object_case(a->in->store, a->id, true, ret);
}

static int examine_case(struct acting *a)
{
	_cleanup_(json_freep) json *found = NULL;
	struct act_case c;
	int r;

	if (strcmp(a->id, "new") == 0)
		return examine_new_case(a);
	r = object_case(a->in->store, a->id, false, &found);
	if (r != 0)
		return r < 0 ? r : officer_refuse(a, 404, "no such case", "cases look like C-2026-001");
	snprintf(a->unit, sizeof a->unit, "%s", body_text(found, "unit"));
	if (refuse_place(a))
		return 1;
	buf_printf(&a->topic, "act/case/%s", a->id);
	c = about(a);
	c.ground = body_text(found, "ground");
	c.state = body_text(found, "state");
	return examine_transition(a, case_transitions, &c);
}

/* ---- incidents ---- */

static const struct {
	const char *act, *key, *words; /* which word the body must hold there; NULL: none */
	uint32_t guards;
} incident_acts[] = {
	{ "liability", "finding", " nursery none ", GUARD(REASON) },
	{ "late", "finding", " late not_late unclear ", GUARD(REASON) },
	{ "concealment", "finding", " none omitted false concealed ", GUARD(REASON) },
	/* the clock of this level stops, by the time `at`; the last one told of a level counts */
	{ "reported_up", "level", " " LEVEL_CITY " " LEVEL_PROVINCE " " LEVEL_NATION " ", GUARD(DOCUMENT) },
	{ "not_reported_up", "level", " " LEVEL_CITY " " LEVEL_PROVINCE " " LEVEL_NATION " ", GUARD(REASON) },
	{ "note", NULL, NULL, GUARD(REASON) },
};

static int incident_object(struct acting *a, json **ret)
{
	int64_t id = 0;
	int r = store_get_int(a->in->store, &id, "SELECT id FROM site WHERE code = ?", "t", a->id);

	return r <= 0 ? (r < 0 ? r : OBJECT_NONE) : object_incident(a->in->store, id, a->event, true, ret);
}

static bool word_among(const char *words, const char *word)
{
	char padded[32];

	snprintf(padded, sizeof padded, " %s ", word);
	return *word && strlen(word) < 24 && strstr(words, padded);
}

/* When it was done, if it is said: a time, and none to come. */
static bool time_good(const struct acting *a)
{
	const char *at = body_text(a->body, "at");
	int64_t done_at = 0;

	return !*at || (clock_parse_time(at, &done_at) == 0 && done_at <= a->rq->now);
}

static int examine_incident(struct acting *a)
{
	_cleanup_(json_freep) json *incident = NULL;
	int r = incident_object(a, &incident);

	if (r != 0)
		return r < 0 ? r : officer_refuse(a, 404, "no such incident", "/incidents/{site}/{event}/actions");
	snprintf(a->unit, sizeof a->unit, "%s", body_text(incident, "unit"));
	if (refuse_place(a) || refuse_role(a, ROLES_OFFICERS))
		return 1;
	buf_printf(&a->topic, "act/incident/%s/%s", a->id, a->event);
	for (size_t i = 0; i < ARRAY_SIZE(incident_acts); i++) {
		if (strcmp(incident_acts[i].act, a->act) != 0)
			continue;
		if (incident_acts[i].key && !word_among(incident_acts[i].words, body_text(a->body, incident_acts[i].key)))
			return officer_refuse(a, 422, incident_acts[i].key, incident_acts[i].words);
		if (!time_good(a))
			return officer_refuse(a, 422, "at", "when it was done: RFC 3339 with offset, not in the future");
		return guard_texts(a, incident_acts[i].guards);
	}
	return officer_refuse(a, 422, "no such act", "liability, late, concealment, reported_up, not_reported_up or note");
}

/* ---- designations ---- */

static int count_quota(struct acting *a, const char *cycle, struct act_case *c)
{
	struct quota quota;
	int r = quota_of(a->in->store, c->policy, c->today, a->unit, cycle, &quota);

	c->quota_used = quota.used;
	c->quota_limit = quota.limit;
	return r;
}

static int title_object(struct acting *a, json **ret)
{
	return object_title(a->in->store, a->id, about(a).today, ret);
}

static int examine_designation(struct acting *a)
{
	char status[32], cycle[16];
	struct act_case c;
	int r;

	if (!unit_known(a, a->id))
		return officer_refuse(a, 404, "no such unit", "a unit is the code of a city that may take part");
	snprintf(a->unit, sizeof a->unit, "%.6s", a->id);
	if (refuse_place(a))
		return 1;
	buf_printf(&a->topic, "act/designation/%s", a->unit);
	c = about(a);
	r = designation_status(a->in->store, a->unit, c.today, status, cycle);
	c.state = status;
	if (r >= 0 && strcmp(a->act, "recommend") == 0)
		r = count_quota(a, cycle, &c);
	return r < 0 ? r : examine_transition(a, designation_transitions, &c);
}

/* ---- signals: what an officer heard from elsewhere ---- */

static int examine_signal(struct acting *a)
{
	struct signal_refusal refused;
	int r;

	if (!unit_known(a, a->id))
		return officer_refuse(a, 404, "no such unit", "a unit is the code of a city that may take part");
	snprintf(a->unit, sizeof a->unit, "%.6s", a->id);
	if (refuse_place(a) || refuse_role(a, ROLES_OFFICERS))
		return 1;
	buf_printf(&a->topic, "act/signal/%s", a->unit);
	r = guard_texts(a, GUARD(REASON));
	if (r != 0)
		return r;
	r = signal_examine(a->in->store, a->unit, a->body, about(a).today, &refused);
	if (r <= 0)
		return r;
	return refused.guard ? refuse_by(a, refused.guard, refused.zh, refused.en) : officer_refuse(a, 422, "what is signalled?", refused.en);
}

/* ---- sites ---- */

static int site_id_of(struct acting *a, int64_t *ret)
{
	return store_get_int(a->in->store, ret, "SELECT id FROM site WHERE code = ?", "t", a->id);
}

static int site_object(struct acting *a, json **ret)
{
	int64_t id = 0;
	int r = site_id_of(a, &id);

	return r <= 0 ? (r < 0 ? r : OBJECT_NONE) : object_site_moves(a->in->store, id, ret);
}

/* His role covers where it was (without a registration it is nowhere), and where it comes to. */
static int refuse_move(struct acting *a, int64_t today)
{
	const struct site *site = streams_find(&a->in->fold.streams, a->id);
	const char *to = body_text(a->body, "division");
	char division[7];
	int r = site ? standing_place(a->in->store, &a->in->fold.streams, site, today, division, a->unit) : 0;

	if (r < 0 || (a->unit[0] && refuse_place(a)))
		return r < 0 ? r : 1;
	if (strlen(to) != sizeof division - 1)
		return 0; /* a guard's */
	ids_unit_of(to, a->unit);
	return refuse_place(a);
}

static int examine_site(struct acting *a)
{
	struct act_case c = about(a);
	int64_t id = 0;
	int r = site_id_of(a, &id);

	if (r <= 0)
		return r < 0 ? r : officer_refuse(a, 404, "no such site", "/sites/{site}/actions");
	r = refuse_move(a, c.today);
	if (r != 0)
		return r;
	buf_printf(&a->topic, "act/site/%s", a->id);
	c.state = "";
	return examine_transition(a, site_transitions, &c);
}

/* ---- all ---- */

static const struct officer_kind kinds[] = {
	{ "/api/v1/alerts/", "alert", NULL, examine_alert, alert_object },
	{ "/api/v1/cases/", "case", NULL, examine_case, case_object },
	{ "/api/v1/incidents/", "incident", NULL, examine_incident, incident_object },
	{ "/api/v1/units/", "designation", NULL, examine_designation, title_object },
	{ "/api/v1/units/", "signal", "signal", examine_signal, title_object },
	{ "/api/v1/sites/", "site", NULL, examine_site, site_object },
};

const struct officer_kind *officer_kind_of(const char *path, const char *act)
{
	const struct officer_kind *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(path, kinds[i].prefix, strlen(kinds[i].prefix)) == 0 &&
		    (!kinds[i].act || (act && strcmp(kinds[i].act, act) == 0)))
			found = &kinds[i];
	return found;
}
