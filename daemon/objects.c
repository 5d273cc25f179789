/* SPDX-License-Identifier: MIT
 *
 * Ledger rows and alerts.
 */
#include "objects.h"

#include "envelope.h"
#include "objects_row.h"
#include "rules.h"

#include <errno.h>
#include <stdio.h>

/* The door's codes for bytes that are stored nowhere (CONTRACT §1 "No personal data"). */
static const char *const not_kept[] = { "E_PII", "E_JSON", "E_TOO_LARGE" };

static bool payload_kept(const json *errors)
{
	for (size_t i = 0; errors && i < json_count(errors); i++) {
		const json *code = json_get(json_at(errors, i), "code");

		for (size_t k = 0; code && json_kind(code) == JSON_KIND_TEXT && k < ARRAY_SIZE(not_kept); k++)
			if (strcmp(json_text(code), not_kept[k]) == 0)
				return false;
	}
	return true;
}

static void set_copy(json *object, const char *key, const json *from, const char *from_key)
{
	json *value = from ? json_get(from, from_key) : NULL;

	json_set(object, key, value ? json_keep(value) : NULL);
}

static void set_list(json *object, const char *key, const json *from)
{
	json *value = from ? json_get(from, key) : NULL;

	json_set(object, key, value ? json_keep(value) : json_new_list());
}

static void set_topic(json *object, const char *topic)
{
	struct topic t;
	bool message = topic_parse(topic, &t) == 0;

	json_set(object, "topic", json_new_text(topic));
	json_set(object, "site", json_new_text(message ? t.site : NULL));
	json_set(object, "feed", json_new_text(message ? t.feed : NULL));
}

static void set_payload(json *object, const struct ledger_row *row, const json *outcome)
{
	json_set(object, "payload", json_new_text_len(row->payload, row->payload_len));
	json_set(object, "payload_kept", json_new_bool(payload_kept(outcome ? json_get(outcome, "errors") : NULL)));
	json_set(object, "outcome_json", json_new_text_len(row->outcome, row->outcome_len));
}

int object_message(const struct ledger_row *row, bool alone, json **ret)
{
	_cleanup_(json_freep) json *outcome = NULL;
	char text[HASH_HEX_SIZE];
	size_t offset;
	json *m = json_new_object();

	/* An outcome that is not JSON was tampered with: the row is shown as it is, verify says the rest. */
	(void)json_parse(row->outcome, row->outcome_len, 16, &outcome, &offset);
	json_set(m, "n", json_new_int(row->n));
	json_set(m, "received_at", json_new_text(clock_format_time(row->received_at, text)));
	set_topic(m, row->topic);
	set_copy(m, "epoch", outcome, "epoch");
	set_copy(m, "seq", outcome, "seq");
	set_copy(m, "outcome", outcome, "status");
	set_list(m, "errors", outcome);
	set_list(m, "warnings", outcome);
	json_set(m, "hash", json_new_text(hash_hex(row->hash, text)));
	if (alone)
		set_payload(m, row, outcome);
	*ret = m;
	return 0;
}

#define ALERT_PREFIX "A-"

int object_alert_id(const char *text, int64_t *ret)
{
	int64_t id = 0;

	if (strncmp(text, ALERT_PREFIX, 2) != 0 || strlen(text) < 3 || strlen(text) > 2 + 15)
		return -EINVAL;
	for (const char *p = text + 2; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		id = id * 10 + (*p - '0');
	}
	*ret = id;
	return 0;
}

static void set_rule(json *alert, const char *id)
{
	const struct rule *rule = rule_of(id);

	json_set(alert, "rule", json_new_text(id));
	json_set(alert, "article", json_new_text(rule ? rule->article : NULL));
	json_set(alert, "zh", json_new_text(rule ? rule->zh : id));
	json_set(alert, "en", json_new_text(rule ? rule->en : id));
	/* A ground for revocation is only ever suspected here: competent officers decide (管理办法 第六条). */
	json_set(alert, "provisional", json_new_bool(strncmp(id, "art5-", 5) == 0));
}

static json *alert_of(store_stmt *q, bool inside)
{
	char id[32];
	json *a = json_new_object();

	snprintf(id, sizeof id, ALERT_PREFIX "%06lld", (long long)store_int(q, 0));
	json_set(a, "id", json_new_text(id));
	set_rule(a, store_text(q, 1));
	json_set(a, "unit", row_text(q, 2));
	if (inside) {
		json_set(a, "site", row_text(q, 3));
		json_set(a, "subject", row_text(q, 4));
		json_set(a, "closed_because", row_text(q, 11)); /* an officer's own words */
	}
	json_set(a, "severity", row_text(q, 5));
	json_set(a, "unconfirmed", row_bool(q, 6));
	json_set(a, "paged", row_bool(q, 7));
	json_set(a, "state", row_text(q, 8));
	json_set(a, "raised_at", row_time(q, 9));
	json_set(a, "closed_at", row_time(q, 10));
	json_set(a, "case", row_text(q, 12));
	json_set(a, "acknowledged_at", row_time(q, 13));
	if (inside) {
		json_set(a, "acknowledged_by", row_text(q, 14));
		/* of an alert raised by hand (signals.h): by whom, why, from which document */
		json_set(a, "raised_by", row_text(q, 15));
		json_set(a, "reason", row_text(q, 16));
		json_set(a, "document", row_text(q, 17));
	}
	json_set(a, "policy_n", row_int(q, 18));
	return a;
}

int object_alert(struct store *s, int64_t id, bool inside, json **ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT a.id, rule, unit, site, subject, severity, unconfirmed, paged, state, raised_at,"
			    " closed_at, closed_because, c.case_id, k.at, k.actor, h.actor, h.reason, h.document, a.policy_n FROM alert a LEFT JOIN alert_case c ON c.alert = a.id"
			    " LEFT JOIN alert_act k ON k.alert = a.id AND k.n = (SELECT min(n) FROM alert_act WHERE alert = a.id"
			    " AND act = 'acknowledge') LEFT JOIN alert_act h ON h.alert = a.id AND h.n = a.raised_n WHERE a.id = ?1",
			    "i", id);

	*ret = NULL;
	if (r >= 0)
		r = store_step(q);
	if (r <= 0)
		return r < 0 ? r : OBJECT_NONE;
	*ret = alert_of(q, inside);
	return 0;
}

static int set_acts(struct store *s, int64_t id, json *alert)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q, "SELECT n, at, act, actor, roles, reason, document FROM alert_act WHERE alert = ? ORDER BY n", "i", id);

	json_set(alert, "acts", list);
	while (r >= 0 && (r = store_step(q)) > 0) {
		json *o = json_new_object();

		json_set(o, "n", row_int(q, 0));
		json_set(o, "at", row_time(q, 1));
		json_set(o, "act", row_text(q, 2));
		json_set(o, "actor", row_text(q, 3));
		json_set(o, "roles", row_text(q, 4));
		json_set(o, "reason", row_text(q, 5));
		json_set(o, "document", row_text(q, 6));
		json_push(list, o);
	}
	return r;
}

int object_alert_alone(struct store *s, int64_t id, bool inside, json **ret)
{
	int r = object_alert(s, id, inside, ret);

	return r == 0 && inside ? set_acts(s, id, *ret) : r;
}
