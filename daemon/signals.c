/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include "casework_doing.h"
#include "ids.h"
#include "procedures.h"
#include "rules_raise.h"
#include "standing.h"

#include <errno.h>
#include <stdio.h>

static const struct signal {
	const char *rule, *zh, *what; /* what: in the subject, NULL nothing */
	bool titled;                  /* a ground for revocation: only of a unit that has the title */
	bool of_a_site;               /* may name a nursery and an event */
} signals[] = {
	{ "art5-2-other", "等情形", NULL, true, false },
	{ "art5-2-falsification", "弄虚作假", "hard-flag", true, false },
	{ "suspected-concealment", "疑似漏报、谎报、瞒报", NULL, false, true },
};

static const struct source {
	const char *word, *zh;
} sources[] = {
	{ "press", "媒体报道" },
	{ "hotline_12345", "12345热线" },
	{ "inspection", "检查" },
	{ "other", "其他" },
};

static const struct signal *signal_by(const char *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (strcmp(signals[i].rule, rule) == 0)
			return &signals[i];
	return NULL;
}

static const struct signal *signal_of(const json *body)
{
	const char *rule = body_text(body, "rule");

	return signal_by(*rule ? rule : "art5-2-other");
}

bool signal_rule_known(const char *rule)
{
	return signal_by(rule) != NULL;
}

bool signal_source_known(const char *source)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (strcmp(sources[i].word, source) == 0)
			return true;
	return false;
}

static void add_choice(struct buf *ret, size_t i, const char *word, const char *zh)
{
	buf_printf(ret, "%s%s %s", i > 0 ? ", " : "", word, zh);
}

void signal_rules(struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		add_choice(ret, i, signals[i].rule, signals[i].zh);
}

void signal_sources(struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		add_choice(ret, i, sources[i].word, sources[i].zh);
}

static bool event_good(const char *event)
{
	size_t len = strspn(event, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return len <= 64 && event[len] == '\0';
}

/* n: the act's row, for what has no document; 0: not known yet, and nothing else can have this subject. */
static void subject_of(const struct signal *signal, const char *unit, const json *body, int64_t n, char ret[static SIGNAL_SUBJECT_SIZE])
{
	const char *site = body_text(body, "site"), *event = body_text(body, "event"), *document = body_text(body, "document");
	char row[32];

	snprintf(row, sizeof row, "row-%lld", (long long)n);
	if (*event)
		snprintf(ret, SIGNAL_SUBJECT_SIZE, "%s/%s", site, event);
	else
		snprintf(ret, SIGNAL_SUBJECT_SIZE, "%s/%s%s%s/%s", *site ? site : unit, signal->what ? signal->what : "",
			 signal->what ? "/" : "", body_text(body, "source"), *document ? document : row);
}

/* A nursery that never reported is not known, and may be of any unit. */
static int belongs_elsewhere(struct store *s, const char *unit, const char *site, int64_t today)
{
	int64_t elsewhere = 0;
	int r = store_get_int(s, &elsewhere, "SELECT " STANDING_UNIT("?3") " <> ?2 FROM site s WHERE code = ?1 AND unit <> ''", "tti", site,
			      unit, today);

	return r < 0 ? r : elsewhere != 0;
}

static int refuse_body(struct signal_refusal *ret, const char *en)
{
	*ret = (struct signal_refusal){ .status = 422, .en = en };
	return 1;
}

static int refuse_guard(struct signal_refusal *ret, const char *guard, const char *zh, const char *en)
{
	*ret = (struct signal_refusal){ 409, guard, zh, en };
	return 1;
}

static int examine_site(struct store *s, const char *unit, const struct signal *signal, const json *body, int64_t today,
			struct signal_refusal *ret)
{
	const char *site = body_text(body, "site"), *event = body_text(body, "event");
	int elsewhere;

	if ((*site || *event) && !signal->of_a_site)
		return refuse_body(ret, "site and event belong to suspected-concealment alone");
	if ((*site && !ids_site_valid(site)) || (*event && !*site) || !event_good(event))
		return refuse_body(ret, "site is a nursery's id, and event its own [A-Za-z0-9._-]{1,64}");
	elsewhere = *site ? belongs_elsewhere(s, unit, site, today) : 0;
	return elsewhere <= 0 ? elsewhere : refuse_body(ret, "the nursery belongs to another unit");
}

int signal_examine(struct store *s, const char *unit, const json *body, int64_t today, struct signal_refusal *ret)
{
	const struct signal *signal = signal_of(body);
	char subject[SIGNAL_SUBJECT_SIZE];
	int64_t raised = 0;
	int r;

	if (!signal)
		return refuse_body(ret, "rule: art5-2-other, art5-2-falsification or suspected-concealment");
	if (!signal_source_known(body_text(body, "source")))
		return refuse_body(ret, "source: press, hotline_12345, inspection or other");
	r = examine_site(s, unit, signal, body, today, ret);
	if (r != 0)
		return r;
	r = signal->titled ? rules_is_titled(s, unit, today) : 1;
	if (r <= 0)
		return r < 0 ? r : refuse_guard(ret, "titled", "该单位未获命名，不适用撤销事由", "the unit has no title that could be revoked");
	subject_of(signal, unit, body, 0, subject);
	r = store_get_int(s, &raised, "SELECT 1 FROM alert WHERE subject = ? AND rule = ? LIMIT 1", "tt", subject, signal->rule);
	if (r < 0 || !raised)
		return MIN(r, 0);
	return refuse_guard(ret, "raised_once", "同一事项已有预警，可在该预警上备注或重新打开",
			    "there is an alert of this already: add a note to it, or reopen it");
}

static int raise(struct doing *d, const char *unit)
{
	const struct signal *signal = signal_of(d->body);
	const char *site = doing_text(d, "site");
	char subject[SIGNAL_SUBJECT_SIZE];
	int r;

	if (!signal)
		return -EUCLEAN;
	subject_of(signal, unit, d->body, d->n, subject);
	r = rules_by_hand(d->f, &(struct rule_by_hand){ .n = d->n, .now = d->now, .rule = signal->rule, .unit = unit, .site = site,
							.subject = subject });
	return r < 0 ? r : casework_signal(d, signal->rule, subject);
}

int signal_fold(struct fold *f, const struct ledger_row *row, const char *unit)
{
	_cleanup_(doing_done) struct doing d = { 0 };
	int r = doing_begin(f, row, &d);

	if (r >= 0)
		r = raise(&d, unit);
	return r < 0 ? r : doing_note(&d, row);
}
