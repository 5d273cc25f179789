/* SPDX-License-Identifier: MIT */
#include "casework_doing.h"

#include "clock.h"
#include "outcome.h"
#include "procedures.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>

void doing_done(struct doing *d)
{
	outcome_done(&d->outcome);
	json_free(d->body);
	free(d->bytes);
}

int doing_begin(struct fold *f, const struct ledger_row *row, struct doing *d)
{
	size_t offset;
	int r = outcome_read(row->outcome, row->outcome_len, &d->outcome);

	if (r < 0)
		return r;
	if (json_parse(row->payload, row->payload_len, DEPTH_MAX, &d->body, &offset) < 0)
		return -EUCLEAN;
	d->f = f;
	d->n = row->n;
	d->now = row->received_at;
	d->bytes = xcalloc(1, row->payload_len + 1);
	memcpy(d->bytes, row->payload, row->payload_len);
	d->act = body_text(d->body, "act");
	d->actor = d->outcome.actor ? d->outcome.actor : "";
	d->roles = d->outcome.roles ? d->outcome.roles : "";
	return *d->act ? 0 : -EUCLEAN;
}

const char *doing_text(const struct doing *d, const char *key)
{
	const char *text = body_text(d->body, key);

	return *text ? text : NULL;
}

void casework_print(const char *target, const char *payload, size_t len, uint8_t ret[static HASH_SIZE])
{
	_cleanup_(buf_done) struct buf both = { 0 };

	buf_add(&both, target, strlen(target) + 1);
	buf_add(&both, payload, len);
	hash_sha256(both.p, both.len, ret);
}

int doing_note(const struct doing *d, const struct ledger_row *row)
{
	uint8_t print[HASH_SIZE];

	casework_print(row->topic, row->payload, row->payload_len, print);
	return store_run(d->f->store, "INSERT INTO officer_act(n, key, print, target, act, state, case_id, alert) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
			 "ithtttti", d->n, d->outcome.key, print, row->topic, d->act, d->state, d->case_id[0] ? d->case_id : NULL,
			 d->alert ? d->alert : STORE_NULL);
}

static int read_done(store_stmt *q, struct act_done *ret)
{
	size_t len;
	const void *print;
	int r = store_step(q);

	*ret = (struct act_done){ 0 };
	if (r <= 0)
		return r;
	ret->n = store_int(q, 0);
	snprintf(ret->act, sizeof ret->act, "%s", store_text(q, 1));
	snprintf(ret->state, sizeof ret->state, "%s", store_text(q, 2));
	snprintf(ret->case_id, sizeof ret->case_id, "%s", store_is_null(q, 3) ? "" : store_text(q, 3));
	ret->alert = store_int(q, 5);
	print = store_blob(q, 4, &len);
	if (len == HASH_SIZE)
		memcpy(ret->print, print, HASH_SIZE);
	return 1;
}

int casework_done(struct store *s, int64_t n, struct act_done *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT n, act, state, case_id, print, ifnull(alert, 0) FROM officer_act WHERE n = ?", "i", n);

	return r < 0 ? r : read_done(q, ret);
}

int casework_done_by_key(struct store *s, const char *key, struct act_done *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT n, act, state, case_id, print, ifnull(alert, 0) FROM officer_act WHERE key = ? ORDER BY n LIMIT 1", "t", key);

	return r < 0 ? r : read_done(q, ret);
}

/* ---- cases ---- */

struct told { /* an entry of a case's history */
	int64_t n, at;
	const char *id, *act, *actor, *roles, *from, *to, *bytes;
};

static int tell(struct fold *f, const struct told *t)
{
	return store_run(f->store,
			 "INSERT INTO case_event(id, case_id, n, at, act, actor, roles, from_state, state, body)"
			 " VALUES((SELECT ifnull(max(id), 0) + 1 FROM case_event), ?1, ?2, ?3, ?4, ?5, ?6, ?7,"
			 " ifnull(nullif(?8, ''), (SELECT state FROM case_file WHERE id = ?1)), ?9)",
			 "tiitttttt", t->id, t->n, t->at, t->act, t->actor, t->roles, t->from, t->to, t->bytes);
}

/* The next number of the year, as Shanghai counts it. */
static int open_case(struct fold *f, int64_t n, int64_t now, const char *unit, const char *ground, const char *by, const char *roles,
		     const char *bytes, char id[static CASE_ID_SIZE])
{
	int year, month, day_of_month, r;
	int64_t no = 1;

	clock_date_of(clock_local_day(now), &year, &month, &day_of_month);
	r = store_get_int(f->store, &no, "SELECT ifnull(max(no), 0) + 1 FROM case_file WHERE year = ?", "i", (int64_t)year);
	if (r < 0)
		return r;
	snprintf(id, CASE_ID_SIZE, "C-%04d-%03lld", year, (long long)no);
	r = store_run(f->store,
		      "INSERT INTO case_file(id, year, no, unit, ground, state, is_open, opened_at, opened_n, changed_n)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, 'signal', 1, ?6, ?7, ?7)",
		      "tiittii", id, (int64_t)year, no, unit, ground, now, n);
	return r < 0 ? r : tell(f, &(struct told){ n, now, id, "open", by, roles, NULL, "signal", bytes });
}

static int take_alert(struct fold *f, int64_t n, int64_t now, const char *id, int64_t alert)
{
	char name[32];
	int r;

	snprintf(name, sizeof name, "A-%06lld", (long long)alert);
	r = store_run(f->store, "INSERT OR IGNORE INTO case_evidence(case_id, n, kind, subject, at) VALUES(?, ?, 'alert', ?, ?)", "titi",
		      id, n, name, now);
	if (r >= 0)
		r = store_run(f->store,
			      "INSERT INTO alert_case(alert, case_id, n) VALUES(?1, ?2, ?3)"
			      " ON CONFLICT DO UPDATE SET case_id = excluded.case_id, n = excluded.n",
			      "iti", alert, id, n);
	/* Only a decision on the case clears it now. */
	if (r >= 0)
		r = store_run(f->store,
			      "UPDATE alert SET state = 'open', closed_at = NULL, closed_because = NULL, changed_n = ?2 WHERE id = ?1", "ii",
			      alert, n);
	return r < 0 ? r : store_run(f->store, "UPDATE case_file SET changed_n = ? WHERE id = ?", "it", n, id);
}

static int open_case_of(struct fold *f, const char *unit, const char *ground, char id[static CASE_ID_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q, "SELECT id FROM case_file WHERE unit = ? AND ground = ? AND is_open = 1", "tt", unit, ground);

	id[0] = '\0';
	if (r >= 0 && (r = store_step(q)) > 0)
		snprintf(id, CASE_ID_SIZE, "%s", store_text(q, 0));
	return MIN(r, 0);
}

struct alert {
	int64_t id, raised_at;
	bool unconfirmed, open, has_case;
	char unit[UNIT_SIZE], rule[32];
};

/* By its rule and subject, or (subject NULL) by its number. */
static int read_alert(struct fold *f, const char *rule, const char *subject, int64_t id, struct alert *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT a.id, a.raised_at, a.unconfirmed, a.state = 'open', c.alert IS NOT NULL, a.unit, a.rule FROM alert a"
			    " LEFT JOIN alert_case c ON c.alert = a.id WHERE (?1 IS NOT NULL AND a.subject = ?1 AND a.rule = ?3)"
			    " OR (?1 IS NULL AND a.id = ?2) ORDER BY a.id DESC LIMIT 1",
			    "tit", subject, id, rule);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*ret = (struct alert){ .id = store_int(q, 0), .raised_at = store_int(q, 1), .unconfirmed = store_int(q, 2),
			       .open = store_int(q, 3), .has_case = store_int(q, 4) };
	snprintf(ret->unit, sizeof ret->unit, "%s", store_text(q, 5));
	snprintf(ret->rule, sizeof ret->rule, "%s", store_text(q, 6));
	return 1;
}

/* into the unit's open case, or a new one. */
static int take_up(struct fold *f, int64_t n, int64_t now, const struct alert *a, const char *by, const char *roles, const char *bytes,
		   char id[static CASE_ID_SIZE])
{
	const char *ground = case_ground_of(a->rule);
	int r = ground ? open_case_of(f, a->unit, ground, id) : -EUCLEAN;

	if (r >= 0 && !id[0])
		r = open_case(f, n, now, a->unit, ground, by, roles, bytes, id);
	else if (r >= 0)
		r = tell(f, &(struct told){ n, now, id, "add_evidence", by, roles, NULL, "", bytes });
	return r < 0 ? r : take_alert(f, n, now, id, a->id);
}

int casework_art5_1(struct fold *f, int64_t n, int64_t now, const char *subject, bool unconfirmed)
{
	int64_t window = policy_severity(f->policy, clock_local_day(now))->unconfirmed_window_minutes * MINUTE_MS;
	char id[CASE_ID_SIZE], name[32];
	struct alert a;
	int r = read_alert(f, "art5-1", subject, 0, &a);

	if (r <= 0 || a.has_case)
		return MIN(r, 0);
	r = open_case_of(f, a.unit, "art5-1", id);
	if (r < 0)
		return r;
	if (id[0] || !unconfirmed)
		return take_up(f, n, now, &a, "daemon", "", "{\"act\":\"open\",\"because\":\"S1\"}", id);
	snprintf(name, sizeof name, "A-%06lld", (long long)a.id);
	/* Unknown again after it was known for a while: from now. */
	return fold_ask_due(f, (now < a.raised_at + window ? a.raised_at : now) + window, "unconfirmed", name);
}

int casework_still_unconfirmed(struct fold *f, int64_t n, int64_t now, const char *subject)
{
	char id[CASE_ID_SIZE];
	struct alert a;
	int r = strlen(subject) > 2 ? read_alert(f, NULL, NULL, atoll(subject + 2), &a) : -EUCLEAN;

	if (r <= 0 || a.has_case || !a.unconfirmed || !a.open)
		return MIN(r, 0);
	return take_up(f, n, now, &a, "daemon", "", "{\"act\":\"open\",\"because\":\"unconfirmed\"}", id);
}

static int note_alert_act(const struct doing *d)
{
	return store_run(d->f->store, "INSERT INTO alert_act(alert, n, at, act, actor, roles, reason, document) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
			 "iiittttt", d->alert, d->n, d->now, d->act, d->actor, d->roles, doing_text(d, "reason"),
			 doing_text(d, "document"));
}

int casework_signal(struct doing *d, const char *rule, const char *subject)
{
	struct alert a;
	int r = read_alert(d->f, rule, subject, 0, &a);

	if (r <= 0)
		return r < 0 ? r : -EUCLEAN;
	d->alert = a.id;
	snprintf(d->state, sizeof d->state, "open");
	if (case_ground_of(rule))
		r = open_case_of(d->f, a.unit, case_ground_of(rule), d->case_id);
	if (r >= 0 && d->case_id[0])
		r = take_up(d->f, d->n, d->now, &a, d->actor, d->roles, d->bytes, d->case_id);
	return r < 0 ? r : note_alert_act(d);
}

/* ---- what acts on a case do beside their transition ---- */

struct case_row {
	char id[CASE_ID_SIZE], unit[UNIT_SIZE], ground[16], state[32];
};

static int read_case(struct fold *f, const char *id, struct case_row *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q, "SELECT id, unit, ground, state FROM case_file WHERE id = ?", "t", id);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	snprintf(ret->id, sizeof ret->id, "%s", store_text(q, 0));
	snprintf(ret->unit, sizeof ret->unit, "%s", store_text(q, 1));
	snprintf(ret->ground, sizeof ret->ground, "%s", store_text(q, 2));
	snprintf(ret->state, sizeof ret->state, "%s", store_text(q, 3));
	return 0;
}

/* An alert's decision is the case's: closed with it, and open again with it. */
static int settle_alerts(const struct doing *d, const struct case_row *c, const char *because)
{
	return store_run(d->f->store,
			 "UPDATE alert SET state = iif(?2 IS NULL, 'open', 'closed'), closed_at = iif(?2 IS NULL, NULL, ?3),"
			 " closed_because = ?2, changed_n = ?4 WHERE id IN (SELECT alert FROM alert_case WHERE case_id = ?1)",
			 "ttii", c->id, because, d->now, d->n);
}

/* A title's status after revoked, barred and restored follows from the case. */
static int set_designation(const struct doing *d, const char *unit, const char *status, const char *cycle)
{
	return store_run(d->f->store,
			 "INSERT INTO designation(unit, effective_on, name, cycle, status, document) VALUES(?1, ?2,"
			 " ifnull((SELECT name FROM designation WHERE unit = ?1 AND effective_on <= ?2 ORDER BY effective_on DESC LIMIT 1),"
			 " ifnull((SELECT name FROM division WHERE code = ?1 LIMIT 1), '')),"
			 " ifnull(?4, ifnull((SELECT cycle FROM designation WHERE unit = ?1 AND effective_on <= ?2"
			 " ORDER BY effective_on DESC LIMIT 1), '')), ?3, ?5) ON CONFLICT DO UPDATE SET"
			 " status = excluded.status, cycle = excluded.cycle, document = excluded.document",
			 "tittt", unit, clock_local_day(d->now), status, cycle, body_text(d->body, "document"));
}

static int do_sign(struct doing *d, const struct case_row *c)
{
	static const char *const signing[] = { "prov_hc", "prov_drc", "nhc", "ndrc" };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signing); i++) {
		_cleanup_(freep) char *roles = xstrdup(d->roles);
		char *rest = roles, *role;

		while (r >= 0 && (role = strsep(&rest, ",")))
			if (strcmp(role, signing[i]) == 0)
				r = store_run(d->f->store,
					      "INSERT OR IGNORE INTO case_signature(case_id, decision, role, actor, n) VALUES(?, ?, ?, ?, ?)",
					      "tttti", c->id, body_text(d->body, "for"), role, d->actor, d->n);
	}
	return r;
}

static int do_add_evidence(struct doing *d, const struct case_row *c)
{
	const char *alert = body_text(d->body, "alert");

	if (*alert)
		return take_alert(d->f, d->n, d->now, c->id, atoll(alert + 2));
	return store_run(d->f->store, "INSERT OR IGNORE INTO case_evidence(case_id, n, kind, subject, at) VALUES(?, ?, 'document', ?, ?)",
			 "titi", c->id, d->n, body_text(d->body, "evidence"), d->now);
}

static int do_decide(struct doing *d, const struct case_row *c)
{
	_cleanup_(buf_done) struct buf because = { 0 };
	int r = store_run(d->f->store, "UPDATE case_file SET decided_on = ? WHERE id = ?", "it", clock_local_day(d->now), c->id);

	buf_printf(&because, "%s: %s", c->id, d->state);
	return r < 0 ? r : settle_alerts(d, c, because.p);
}

static int do_revoke(struct doing *d, const struct case_row *c)
{
	int r = do_decide(d, c);

	return r < 0 ? r : set_designation(d, c->unit, "revoked", NULL);
}

static int do_bar(struct doing *d, const struct case_row *c)
{
	int r = store_run(d->f->store, "UPDATE case_file SET barred_cycle = ? WHERE id = ?", "tt", body_text(d->body, "cycle"), c->id);

	return r < 0 ? r : set_designation(d, c->unit, "barred", NULL);
}

static int do_restore(struct doing *d, const struct case_row *c)
{
	return set_designation(d, c->unit, "none", NULL);
}

/* Evidence and alerts go on in the other case. */
static int do_merge(struct doing *d, const struct case_row *c)
{
	const char *into = body_text(d->body, "into");
	int r = store_run(d->f->store,
			  "INSERT OR IGNORE INTO case_evidence(case_id, n, kind, subject, at) SELECT ?2, ?3, kind, subject, ?4"
			  " FROM case_evidence WHERE case_id = ?1",
			  "ttii", c->id, into, d->n, d->now);

	if (r >= 0)
		r = store_run(d->f->store, "UPDATE alert SET changed_n = ?2 WHERE id IN (SELECT alert FROM alert_case WHERE case_id = ?1)",
			      "ti", c->id, d->n);
	if (r >= 0)
		r = store_run(d->f->store, "UPDATE alert_case SET case_id = ?2, n = ?3 WHERE case_id = ?1", "tti", c->id, into, d->n);
	if (r >= 0)
		r = store_run(d->f->store, "UPDATE case_file SET merged_into = iif(id = ?1, ?2, merged_into), changed_n = ?3 WHERE id IN (?1, ?2)",
			      "tti", c->id, into, d->n);
	return r < 0 ? r :
		       tell(d->f, &(struct told){ d->n, d->now, into, "merged_here", d->actor, d->roles, NULL, "", c->id });
}

static int do_reopen(struct doing *d, const struct case_row *c)
{
	int r = store_run(d->f->store, "DELETE FROM case_signature WHERE case_id = ?", "t", c->id);

	if (r >= 0)
		r = store_run(d->f->store, "UPDATE case_file SET decided_on = NULL, merged_into = NULL WHERE id = ?", "t", c->id);
	return r < 0 ? r : settle_alerts(d, c, NULL);
}

static const struct {
	const char *act;
	int (*perform)(struct doing *d, const struct case_row *c);
} case_effects[] = {
	{ "sign", do_sign },	  { "add_evidence", do_add_evidence }, { "unsubstantiate", do_decide }, { "retain", do_decide },
	{ "revoke", do_revoke },  { "bar", do_bar },		       { "restore", do_restore },	 { "merge", do_merge },
	{ "reopen", do_reopen },
};

static int take_transition(struct doing *d, const struct case_row *c)
{
	const struct transition *t = transition_of(case_transitions, c->state, d->act);
	int r;

	if (!t)
		return -EUCLEAN;
	snprintf(d->state, sizeof d->state, "%s", *t->to ? t->to : c->state);
	r = store_run(d->f->store, "UPDATE case_file SET state = ?, is_open = ?, changed_n = ? WHERE id = ?", "tiit", d->state,
		      (int64_t)case_state_open(d->state), d->n, c->id);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(case_effects); i++)
		if (strcmp(case_effects[i].act, d->act) == 0)
			r = case_effects[i].perform(d, c);
	return r < 0 ? r :
		       tell(d->f, &(struct told){ d->n, d->now, c->id, d->act, d->actor, d->roles, c->state, d->state, d->bytes });
}

static int open_by_hand(struct doing *d)
{
	int r = open_case(d->f, d->n, d->now, body_text(d->body, "unit"), body_text(d->body, "ground"), d->actor, d->roles, d->bytes,
			  d->case_id);
	struct case_row c = { 0 };

	snprintf(d->state, sizeof d->state, "signal");
	if (r < 0 || !*body_text(d->body, "evidence"))
		return r;
	snprintf(c.id, sizeof c.id, "%s", d->case_id);
	return do_add_evidence(d, &c);
}

int casework_fold_case(struct fold *f, const struct ledger_row *row, const char *id)
{
	_cleanup_(doing_done) struct doing d = { 0 };
	struct case_row c;
	int r = doing_begin(f, row, &d);

	if (r >= 0 && strcmp(id, "new") == 0) {
		r = open_by_hand(&d);
	} else if (r >= 0) {
		snprintf(d.case_id, sizeof d.case_id, "%s", id);
		r = read_case(f, id, &c);
		if (r >= 0)
			r = take_transition(&d, &c);
	}
	return r < 0 ? r : doing_note(&d, row);
}

/* ---- alerts ---- */

static int alert_resolve(struct doing *d, const struct alert *a)
{
	return store_run(d->f->store, "UPDATE alert SET state = 'closed', closed_at = ?2, closed_because = ?3 WHERE id = ?1", "iit", a->id,
			 d->now, body_text(d->body, "reason"));
}

static int alert_reopen(struct doing *d, const struct alert *a)
{
	return store_run(d->f->store, "UPDATE alert SET state = 'open', closed_at = NULL, closed_because = NULL WHERE id = ?", "i", a->id);
}

static int alert_open_case(struct doing *d, const struct alert *a)
{
	return take_up(d->f, d->n, d->now, a, d->actor, d->roles, d->bytes, d->case_id);
}

static const struct {
	const char *act;
	int (*perform)(struct doing *d, const struct alert *a);
} alert_effects[] = {
	{ "resolve", alert_resolve },
	{ "reopen", alert_reopen },
	{ "open_case", alert_open_case },
};

int casework_fold_alert(struct fold *f, const struct ledger_row *row, const char *id)
{
	_cleanup_(doing_done) struct doing d = { 0 };
	struct alert a;
	int r = doing_begin(f, row, &d);

	if (r >= 0)
		r = read_alert(f, NULL, NULL, strlen(id) > 2 ? atoll(id + 2) : 0, &a);
	if (r <= 0)
		return r < 0 ? r : -EUCLEAN;
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(alert_effects); i++)
		if (strcmp(alert_effects[i].act, d.act) == 0)
			r = alert_effects[i].perform(&d, &a);
	d.alert = a.id;
	if (r >= 0)
		r = note_alert_act(&d);
	if (r >= 0)
		r = store_run(f->store, "UPDATE alert SET changed_n = ? WHERE id = ?", "ii", d.n, a.id);
	if (r >= 0)
		r = read_alert(f, NULL, NULL, a.id, &a);
	snprintf(d.state, sizeof d.state, "%s", a.open ? "open" : "closed");
	return r < 0 ? r : doing_note(&d, row);
}

/* ---- incidents ---- */

static int find_liable(struct doing *d, const struct site *site, const char *event)
{
	int64_t occurred_at = 0;
	int r = store_run(d->f->store,
			  "INSERT INTO liability(site, event, n, liable) VALUES(?1, ?2, ?3, ?4)"
			  " ON CONFLICT DO UPDATE SET n = excluded.n, liable = excluded.liable",
			  "itit", site->id, event, d->n, body_text(d->body, "finding"));

	if (r >= 0)
		r = store_get_int(d->f->store, &occurred_at, "SELECT occurred_at FROM incident WHERE site = ? AND event = ?", "it",
				  site->id, event);
	if (r >= 0)
		r = standing_mark(d->f, site, clock_local_day(occurred_at), clock_local_day(occurred_at));
	return r;
}

/* What was found, or for a report upwards: to which level, and when (by default as it is told). */
static const char *found_what(const struct doing *d, int64_t *ret_done_at)
{
	const char *level = body_text(d->body, "level");

	*ret_done_at = STORE_NULL;
	if (*level && clock_parse_time(body_text(d->body, "at"), ret_done_at) < 0)
		*ret_done_at = d->now;
	return *level ? level : body_text(d->body, "finding");
}

int casework_fold_incident(struct fold *f, const struct ledger_row *row, const char *subject)
{
	_cleanup_(doing_done) struct doing d = { 0 };
	const char *slash = strchr(subject, '/'), *said;
	const struct site *site;
	char code[SITE_ID_SIZE];
	int64_t done_at;
	int r = doing_begin(f, row, &d);

	if (r < 0 || !slash || (size_t)(slash - subject) >= sizeof code)
		return r < 0 ? r : -EUCLEAN;
	snprintf(code, sizeof code, "%.*s", (int)(slash - subject), subject);
	site = streams_find(&f->streams, code);
	if (!site)
		return -EUCLEAN;
	said = found_what(&d, &done_at);
	r = store_run(f->store,
		      "INSERT INTO finding(site, event, what, value, n, at, done_at, actor, reason, document)"
		      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		      "itttiiittt", site->id, slash + 1, d.act, said, d.n, d.now, done_at, d.actor, doing_text(&d, "reason"),
		      doing_text(&d, "document"));
	if (r >= 0 && strcmp(d.act, "liability") == 0)
		r = find_liable(&d, site, slash + 1);
	snprintf(d.state, sizeof d.state, "%.31s", said);
	if (r >= 0)
		r = doing_note(&d, row);
	if (r < 0 || strcmp(d.act, "liability") != 0 || strcmp(d.state, "nursery") != 0)
		return r;
	return 1;
}

/* ---- designations ---- */

static int came_from(struct fold *f, const char *unit, char state[static 32])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q, "SELECT from_state FROM designation_event WHERE unit = ? AND act = 'object' ORDER BY n DESC LIMIT 1",
			    "t", unit);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : -EUCLEAN;
	snprintf(state, 32, "%s", store_text(q, 0));
	return 0;
}

int casework_fold_designation(struct fold *f, const struct ledger_row *row, const char *unit)
{
	_cleanup_(doing_done) struct doing d = { 0 };
	const struct transition *t;
	char from[32], cycle[16];
	const char *said;
	int64_t starts = STORE_NULL;
	int r = doing_begin(f, row, &d);

	if (r >= 0)
		r = designation_status(f->store, unit, clock_local_day(row->received_at), from, cycle);
	if (r < 0)
		return r;
	t = transition_of(designation_transitions, from, d.act);
	if (!t)
		return -EUCLEAN;
	said = body_text(d.body, "cycle");
	if (*said)
		snprintf(cycle, sizeof cycle, "%.15s", said);
	snprintf(d.state, sizeof d.state, "%s", *t->to ? t->to : from);
	if (strcmp(t->to, "<") == 0)
		r = came_from(f, unit, d.state);
	(void)clock_parse_day(body_text(d.body, "when"), &starts);
	if (r >= 0)
		r = store_run(f->store,
			      "INSERT INTO designation_event(n, unit, at, act, actor, roles, from_state, state, cycle, starts_on, body)"
			      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			      "itittttttit", d.n, unit, d.now, d.act, d.actor, d.roles, from, d.state, cycle, starts, d.bytes);
	if (r >= 0)
		r = set_designation(&d, unit, d.state, cycle);
	return r < 0 ? r : doing_note(&d, row);
}
