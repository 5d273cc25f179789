/* SPDX-License-Identifier: MIT
 *
 * A case: where it stands, what led there, and what its state allows next (DOMAIN §4). Nothing in it depends on the time
 * of asking: deadlines are put beside it (objects_clocks.c).
 */
#include "objects.h"
#include "objects_row.h"
#include "policy_row.h"
#include "procedures.h"

#include <stdio.h>

/* The first act that leads on, and the first of the table: what the officers are waited for. */
static const struct transition *next_of(const char *state)
{
	for (const struct transition *t = case_transitions; t->act; t++)
		if (*t->to && transition_of(case_transitions, state, t->act) == t && strcmp(t->act, "merge") != 0 &&
		    strcmp(t->act, "unsubstantiate") != 0 && strcmp(t->act, "reopen") != 0)
			return t;
	return NULL;
}

static json *roles_list(unsigned roles)
{
	json *list = json_new_list();

	for (unsigned i = 0; i < ROLE_COUNT; i++)
		if (roles >> i & 1)
			json_push(list, json_new_text(role_words[i]));
	return list;
}

static json *guard_object(const struct guard *g)
{
	json *o = json_new_object();

	json_set(o, "guard", json_new_text(g->id));
	json_set(o, "zh", json_new_text(g->zh));
	json_set(o, "en", json_new_text(g->en));
	return o;
}

static int allowed_act(const struct act_case *about, const struct transition *t, json **ret)
{
	json *o = json_new_object(), *needs = json_new_list(), *missing = json_new_list();
	struct act_case c = *about;
	int r = 0;

	c.act = t->act;
	json_set(o, "act", json_new_text(t->act));
	json_set(o, "to", json_new_text(*t->to ? t->to : c.state));
	json_set(o, "roles", roles_list(t->roles));
	json_set(o, "zh", json_new_text(t->zh));
	json_set(o, "en", json_new_text(t->en));
	for (int i = 0; r >= 0 && i < GUARD_COUNT; i++) {
		bool holds = true;

		if (!(t->guards >> i & 1))
			continue;
		if (guards[i].needs)
			json_push(needs, json_new_text(guards[i].needs));
		r = guards[i].holds(&c, &holds);
		if (!holds)
			json_push(missing, guard_object(&guards[i]));
	}
	json_set(o, "needs", needs);
	json_set(o, "missing", missing);
	*ret = o;
	return r;
}

static int set_allowed(struct store *s, const struct act_case *about, json *object)
{
	json *list = json_new_list();
	int r = 0;

	(void)s;
	json_set(object, "allowed", list);
	for (const struct transition *t = case_transitions; r >= 0 && t->act; t++) {
		json *o = NULL;

		if (transition_of(case_transitions, about->state, t->act) != t)
			continue;
		r = allowed_act(about, t, &o);
		json_push(list, o);
	}
	return r;
}

static json *parsed(const char *text)
{
	json *value = NULL;
	size_t offset;

	return text && json_parse(text, strlen(text), 16, &value, &offset) == 0 ? value : json_new_text(text);
}

static int set_history(struct store *s, const char *id, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q, "SELECT n, at, act, actor, roles, from_state, state, body FROM case_event WHERE case_id = ? ORDER BY id",
			    "t", id);

	json_set(object, "history", list);
	while (r >= 0 && (r = store_step(q)) > 0) {
		json *o = json_new_object();

		json_set(o, "n", row_int(q, 0));
		json_set(o, "at", row_time(q, 1));
		json_set(o, "act", row_text(q, 2));
		json_set(o, "actor", row_text(q, 3));
		json_set(o, "roles", row_text(q, 4));
		json_set(o, "from", row_text(q, 5));
		json_set(o, "state", row_text(q, 6));
		json_set(o, "body", parsed(store_text(q, 7)));
		json_push(list, o);
	}
	return r;
}

static int set_evidence(struct store *s, const char *id, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q,
			    "SELECT e.n, e.at, e.kind, e.subject, a.subject FROM case_evidence e LEFT JOIN alert a ON e.kind = 'alert'"
			    " AND a.id = CAST(substr(e.subject, 3) AS INTEGER) WHERE e.case_id = ? ORDER BY e.n, e.kind, e.subject",
			    "t", id);

	json_set(object, "evidence", list);
	while (r >= 0 && (r = store_step(q)) > 0) {
		json *o = json_new_object();

		json_set(o, "n", row_int(q, 0));
		json_set(o, "at", row_time(q, 1));
		json_set(o, "kind", row_text(q, 2));
		json_set(o, store_text(q, 2)[0] == 'a' ? "alert" : "document", row_text(q, 3));
		json_set(o, "subject", row_text(q, 4));
		json_push(list, o);
	}
	return r;
}

static int set_signatures(struct store *s, const char *id, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q, "SELECT decision, role, actor, n FROM case_signature WHERE case_id = ? ORDER BY n, role", "t", id);

	json_set(object, "signatures", list);
	while (r >= 0 && (r = store_step(q)) > 0) {
		json *o = json_new_object();

		json_set(o, "for", row_text(q, 0));
		json_set(o, "role", row_text(q, 1));
		json_set(o, "actor", row_text(q, 2));
		json_set(o, "n", row_int(q, 3));
		json_push(list, o);
	}
	return r;
}

static int set_alone(struct store *s, const char *id, const struct act_case *about, json *o)
{
	_cleanup_(policy_freep) struct policy *p = NULL;
	struct act_case c = *about;
	int r = policy_row_newest(s, &p);

	c.policy = p;
	if (r >= 0)
		r = set_history(s, id, o);
	if (r >= 0)
		r = set_evidence(s, id, o);
	if (r >= 0)
		r = set_signatures(s, id, o);
	return r < 0 || !p ? r : set_allowed(s, &c, o);
}

int object_case(struct store *s, const char *id, bool alone, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const struct transition *next;
	struct act_case about = { .store = s, .quota_used = -1 };
	int r = store_query(s, &q,
			    "SELECT id, ground, unit, state, opened_at, decided_on, barred_cycle, merged_into, is_open FROM case_file"
			    " WHERE id = ?",
			    "t", id);

	*ret = NULL;
	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : OBJECT_NONE;
	about.id = store_text(q, 0);
	about.ground = store_text(q, 1);
	about.unit = store_text(q, 2);
	about.state = store_text(q, 3);
	next = next_of(about.state);
	json_set(o, "id", row_text(q, 0));
	json_set(o, "ground", row_text(q, 1));
	json_set(o, "unit", row_text(q, 2));
	json_set(o, "state", row_text(q, 3));
	json_set(o, "next", json_new_text(next ? next->act : NULL));
	json_set(o, "next_zh", json_new_text(next ? next->zh : NULL));
	json_set(o, "next_en", json_new_text(next ? next->en : NULL));
	json_set(o, "open", row_bool(q, 8));
	json_set(o, "opened_at", row_time(q, 4));
	json_set(o, "decided_on", row_day(q, 5));
	json_set(o, "barred_cycle", row_text(q, 6));
	json_set(o, "merged_into", row_text(q, 7));
	if (alone)
		r = set_alone(s, id, &about, o);
	if (r < 0)
		return r;
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}
