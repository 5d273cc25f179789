/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "clock.h"

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
	  .zh = "申报创建中的城市发生重大安全事件",
	  .en = "major safety incident in a city that is a candidate for the title" },
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
};
const size_t rule_count = ARRAY_SIZE(rules);

const struct rule *rule_of(const char *id)
{
	for (size_t i = 0; i < rule_count; i++)
		if (strcmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

struct raise {
	const char *rule, *unit, *division, *site, *subject;
	bool unconfirmed, paged;
	int64_t n, now;
};

static int raise(struct fold *f, const struct raise *a)
{
	return store_run(f->store,
			 "INSERT INTO alert(rule, unit, division, site, subject, severity, unconfirmed, paged, state,"
			 " raised_at, raised_n, changed_n) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', ?9, ?10, ?10)",
			 "ttttttiiii", a->rule, a->unit, a->division, a->site, a->subject, rule_of(a->rule)->severity,
			 (int64_t)a->unconfirmed, (int64_t)a->paged, a->now, a->n);
}

/* What the unit was on that local day: the latest designation on or before it. "none" without one. */
static int designation_on(struct store *s, const char *unit, int64_t day, char status[static 32])
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

static const char *rule_for(const char *status)
{
	static const struct {
		const char *status, *rule;
	} by_status[] = {
		{ "named", "art5-1" },
		{ "recheck", "art5-1" },
		{ "applied", "candidate-accident" },
		{ "province_review", "candidate-accident" },
		{ "province_publicity", "candidate-accident" },
		{ "recommended", "candidate-accident" },
		{ "national_review", "candidate-accident" },
		{ "national_publicity", "candidate-accident" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(by_status); i++)
		if (strcmp(by_status[i].status, status) == 0)
			return by_status[i].rule;
	return "severe-incident";
}

/* "raised once": an alert of this rule and subject in whatever state. A raised one only loses its "unconfirmed". */
static int raise_once(struct fold *f, const struct raise *a)
{
	int64_t exists = 0;
	int r = store_get_int(f->store, &exists, "SELECT 1 FROM alert WHERE subject = ? AND rule = ? LIMIT 1", "tt", a->subject,
			      a->rule);

	if (r < 0)
		return r;
	return exists ? 0 : raise(f, a);
}

static int follow_confirmation(struct fold *f, const struct rule_event *e, const char *subject)
{
	return store_run(f->store,
			 "UPDATE alert SET unconfirmed = ?1, changed_n = ?2 WHERE subject = ?3 AND state = 'open'"
			 " AND rule IN ('art5-1', 'candidate-accident', 'severe-incident') AND unconfirmed <> ?1",
			 "iit", (int64_t)e->unconfirmed, e->n, subject);
}

int rules_event(struct fold *f, const struct rule_event *e)
{
	char status[32], subject[SITE_ID_SIZE + 66];
	int64_t occurred_day = clock_local_day(e->occurred_at);
	bool backfill = e->now - e->known_at > policy_clocks(f->policy, clock_local_day(e->now))->page_age_limit_ms;
	int r;

	snprintf(subject, sizeof subject, "%s/%s", e->site, e->event);
	r = follow_confirmation(f, e, subject);
	if (r < 0 || e->severity > 1)
		return r;
	r = designation_on(f->store, e->unit, occurred_day, status);
	if (r < 0)
		return r;
	return raise_once(f, &(struct raise){ .rule = rule_for(status), .unit = e->unit, .division = e->division,
					      .site = e->site, .subject = subject, .unconfirmed = e->unconfirmed,
					      .paged = !backfill, .n = e->n, .now = e->now });
}

int rules_is_unreadable_open(struct store *s, const char *site)
{
	int64_t open = 0;
	int r = store_get_int(s, &open,
			      "SELECT 1 FROM alert WHERE subject = ? AND rule = 'incident-unreadable' AND state = 'open' LIMIT 1",
			      "t", site);

	return r < 0 ? r : open != 0;
}

int rules_incident_unreadable(struct fold *f, int64_t n, int64_t now, const char *site, const char *division)
{
	char unit[UNIT_SIZE] = "000000"; /* a topic without a readable division: the province's duty officer */
	int r = rules_is_unreadable_open(f->store, site);

	if (r != 0)
		return MIN(r, 0);
	if (ids_division_valid(division))
		ids_unit_of(division, unit);
	return raise(f, &(struct raise){ .rule = "incident-unreadable", .unit = unit, .division = division, .site = site,
					 .subject = site, .paged = true, .n = n, .now = now });
}

int rules_incident_readable(struct fold *f, int64_t n, int64_t now, const char *site)
{
	return store_run(f->store,
			 "UPDATE alert SET state = 'closed', closed_at = ?2, changed_n = ?1, closed_because = 'a later incident"
			 " of the site was accepted' WHERE subject = ?3 AND rule = 'incident-unreadable' AND state = 'open'",
			 "iit", n, now, site);
}
