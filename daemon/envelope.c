/* SPDX-License-Identifier: MIT
 *
 * The order is: readable at all → personal data → the envelope by its table → what the envelope's fields have to do
 * with each other, the topic and the clock → the body by its collector. Everything is told, but personal data wins.
 */
#include "envelope.h"

#include "../collectors/fields.h"
#include "clock.h"
#include "err.h"
#include "ids.h"
#include "privacy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define CLOCK_TOLERANCE_MS (5 * MINUTE_MS)
#define FUTURE_MAX_MS (24 * HOUR_MS)
#define REASON_MAX 200 /* characters */
#define SOFTWARE_MAX 64

static const char *const kind_words[] = {
	[KIND_REPORT] = "report",
	[KIND_AMEND] = "amend",
	[KIND_RETRACT] = "retract",
	NULL,
};

struct envelope {
	int64_t v;
	const char *site, *division;
	int64_t epoch, seq, sent_at;
	int kind;
	int64_t ref_epoch, ref_seq;
	const char *reason, *sw;
	const json *body; /* NULL when absent */
};

static bool software_character(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("._/ -", c));
}

static bool software_valid(const char *text)
{
	size_t len = 0;

	while (len <= SOFTWARE_MAX && software_character(text[len]))
		len++;
	return len >= 1 && len <= SOFTWARE_MAX && text[len] == '\0';
}

#define AT(member) .offset = offsetof(struct envelope, member)
#define EPOCH(member) \
	{ .name = "epoch", .presence = OPTIONAL, .otherwise = 1, AT(member), .min = 0, .max = SEQ_MAX }
#define SEQ(member) { .name = "seq", AT(member), .min = 1, .max = SEQ_MAX }

static const struct field ref_fields[] = { EPOCH(ref_epoch), SEQ(ref_seq), { 0 } };

/* What depends on kind, topic or feed (ref, reason, body, the values of v, site and division) is judged below. */
static const struct field envelope_fields[] = {
	{ .name = "v", AT(v), .min = INT64_MIN + 1, .max = INT64_MAX },
	{ .name = "site", .type = FIELD_STRING, AT(site) },
	{ .name = "division", .type = FIELD_STRING, AT(division) },
	EPOCH(epoch),
	SEQ(seq),
	{ .name = "sent_at", .type = FIELD_TIME, AT(sent_at) },
	{ .name = "kind", .type = FIELD_WORD, AT(kind), .words = kind_words },
	{ .name = "ref", .type = FIELD_OBJECT, .presence = NULLABLE, .fields = ref_fields },
	{ .name = "reason", .type = FIELD_STRING, .presence = NULLABLE, AT(reason), .max = REASON_MAX,
	  .free_text = true },
	{ .name = "sw", .type = FIELD_STRING, .presence = NULLABLE, AT(sw), .check = software_valid,
	  .form = "[A-Za-z0-9._/ -]{1,64}" },
	{ .name = "body", .type = FIELD_ANY, .presence = OPTIONAL, AT(body) },
	{ 0 },
};

/* Copies up to the next "/" and returns what is behind it; NULL at the end of the text. */
static const char *take_level(const char *text, char *level, size_t size)
{
	size_t len = strcspn(text, "/");
	size_t kept = MIN(len, size - 1); /* cut levels are longer than anything valid */

	while (kept < len && kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
		kept--; /* not through a character: the feed is repeated in the receipt */
	memcpy(level, text, kept);
	level[kept] = '\0';
	return text[len] == '/' ? text + len + 1 : NULL;
}

int topic_parse(const char *text, struct topic *ret)
{
	static const struct {
		const char *prefix;
		bool sandbox;
	} roots[] = { { "nursery/v1/", false }, { "nursery-test/v1/", true } };
	const char *rest = NULL;
	char up[4];

	for (size_t i = 0; i < ARRAY_SIZE(roots) && !rest; i++) {
		if (strncmp(text, roots[i].prefix, strlen(roots[i].prefix)) == 0)
			rest = text + strlen(roots[i].prefix);
		ret->sandbox = roots[i].sandbox;
	}
	rest = rest ? take_level(rest, ret->province, sizeof ret->province) : NULL;
	rest = rest ? take_level(rest, ret->division, sizeof ret->division) : NULL;
	rest = rest ? take_level(rest, ret->site, sizeof ret->site) : NULL;
	ret->text = text;
	ret->site_len = rest ? (size_t)(rest - 1 - text) : 0;
	rest = rest && strncmp(rest, "up/", 3) == 0 ? take_level(rest, up, sizeof up) : NULL;
	if (!rest || *rest == '\0' || strchr(rest, '/'))
		return -EINVAL;
	take_level(rest, ret->feed, sizeof ret->feed);
	return 0;
}

/* Everything but the facts, which are large and set by the collector alone. */
static void message_init(struct message *m)
{
	m->province[0] = m->division[0] = m->site[0] = '\0';
	m->identified = false;
	m->epoch = m->seq = m->ref_epoch = m->ref_seq = m->sent_at = COUNT_UNKNOWN;
	m->kind = KIND_REPORT;
	m->findings = (struct findings){ 0 };
}

static void message_place(struct message *m, const char *division, const char *site)
{
	if (ids_division_valid(division)) {
		memcpy(m->division, division, sizeof m->division);
		memcpy(m->province, division, 2);
		m->province[2] = '\0';
	}
	if (ids_site_valid(site))
		memcpy(m->site, site, strlen(site) + 1);
}

static void message_take(struct message *m, const struct envelope *e)
{
	m->identified = e->epoch != COUNT_UNKNOWN && e->seq != COUNT_UNKNOWN;
	m->epoch = e->epoch;
	m->seq = e->seq;
	m->kind = e->kind == WORD_UNKNOWN ? KIND_REPORT : (enum message_kind)e->kind;
	m->sent_at = e->sent_at;
	m->ref_epoch = e->ref_epoch;
	m->ref_seq = e->ref_seq;
}

/* One message being judged. */
struct judging {
	const struct topic *topic;
	int64_t received_at, received_day;
	const json *root;
	const struct collector *collector;
	struct message *message;
	struct findings *findings;
	struct envelope envelope;
};

/* A text for `got`, or nothing where it might hold personal data. */
static const char *shown(const struct judging *j, const char *text)
{
	const char *site = j->message->site[0] ? j->message->site : NULL;

	return text && privacy_may_show(text, strlen(text), site, j->received_day) ? text : NULL;
}

static void judge_version(const struct judging *j)
{
	char got[24];

	if (j->envelope.v == COUNT_UNKNOWN || j->envelope.v == 1)
		return;
	snprintf(got, sizeof got, "%" PRId64, j->envelope.v);
	findings_add(j->findings, E_VERSION, "/v", shown(j, got), "1");
}

static void judge_site(const struct judging *j)
{
	const char *site = j->envelope.site, *topic_site = j->topic->site;

	if (site && strcmp(site, topic_site) != 0)
		findings_add(j->findings, E_TOPIC_MISMATCH, "/site", shown(j, site), shown(j, topic_site));
	if (!ids_site_valid(topic_site))
		findings_add(j->findings, E_SITE_ID, "/site", shown(j, topic_site), NULL);
	else if (site && !ids_site_valid(site))
		findings_add(j->findings, E_SITE_ID, "/site", shown(j, site), topic_site);
}

static bool province_matches(const struct topic *topic)
{
	return strlen(topic->province) == 2 && strncmp(topic->division, topic->province, 2) == 0;
}

static void judge_division(const struct judging *j, division_known_fn known, void *context)
{
	const char *division = j->envelope.division, *topic_division = j->topic->division;

	if (division && strcmp(division, topic_division) != 0)
		findings_add(j->findings, E_TOPIC_MISMATCH, "/division", shown(j, division),
			     shown(j, topic_division));
	else if (!province_matches(j->topic))
		findings_add_text(j->findings, E_TOPIC_MISMATCH, "/division", shown(j, topic_division), j->topic->province,
				  "主题中的省级代码与区划代码前两位不一致",
				  "the topic's province is not the first two digits of its division",
				  "publish under the province that the division begins with");
	if (!ids_division_valid(topic_division))
		findings_add(j->findings, E_DIVISION, "/division", shown(j, topic_division), NULL);
	else if (division && !ids_division_valid(division))
		findings_add(j->findings, E_DIVISION, "/division", shown(j, division), topic_division);
	else if (known && !known(context, topic_division))
		findings_add(j->findings, W_DIVISION, "/division", topic_division, NULL);
}

static void judge_sent_at(const struct judging *j)
{
	int64_t sent_at = j->envelope.sent_at; /* COUNT_UNKNOWN is long ago */
	bool incident = j->collector && j->collector->never_silent;
	bool refused = sent_at > j->received_at + FUTURE_MAX_MS && !incident;
	enum code code = refused ? E_TIME_FUTURE : W_CLOCK;
	char got[CLOCK_TEXT_SIZE], want[CLOCK_TEXT_SIZE + 3] = "<= ";

	if (sent_at <= j->received_at + CLOCK_TOLERANCE_MS)
		return;
	clock_format_time(sent_at, got);
	clock_format_time(j->received_at + (refused ? FUTURE_MAX_MS : CLOCK_TOLERANCE_MS), want + 3);
	findings_add(j->findings, code, "/sent_at", got, want);
}

static bool present(const struct judging *j, const char *key)
{
	const json *value = json_get(j->root, key);

	return value && json_kind(value) != JSON_KIND_NULL;
}

static bool ref_is_lower(const struct envelope *e)
{
	return e->ref_epoch < e->epoch || (e->ref_epoch == e->epoch && e->ref_seq < e->seq);
}

static void judge_ref(const struct judging *j)
{
	const struct envelope *e = &j->envelope;

	if (e->kind == WORD_UNKNOWN)
		return;
	if (e->kind == KIND_REPORT && present(j, "ref"))
		findings_add_text(j->findings, E_REF, "/ref", NULL, NULL, "普通上报不应引用其他报文",
				  "a report has no ref: it would void nothing",
				  "use kind amend to replace a message, or leave ref out");
	if (e->kind == KIND_REPORT)
		return;
	if (!present(j, "ref"))
		findings_add(j->findings, E_MISSING, "/ref", NULL, "object");
	else if (j->message->identified && e->ref_epoch != COUNT_UNKNOWN && e->ref_seq != COUNT_UNKNOWN &&
		 !ref_is_lower(e))
		findings_add(j->findings, E_REF, "/ref", NULL, "lower than the message's own epoch and seq");
}

static void judge_reason(const struct judging *j)
{
	const struct envelope *e = &j->envelope;

	if (e->kind != KIND_AMEND && e->kind != KIND_RETRACT)
		return;
	if (!present(j, "reason"))
		findings_add(j->findings, E_MISSING, "/reason", NULL, "string");
	else if (e->reason && *e->reason == '\0')
		findings_add(j->findings, E_RANGE, "/reason", "0", "1..200");
}

static void judge_no_body(const struct judging *j)
{
	const json *body = j->envelope.body;

	if (!body || json_kind(body) == JSON_KIND_NULL)
		return;
	findings_add_text(j->findings, E_UNKNOWN_FIELD, "/body", NULL, NULL, "撤回报文不应带 body",
			  "a retract has no body", "leave body out, or use kind amend to replace the message");
	privacy_check_unknown(body, &body_path, j->received_day, j->findings);
}

static void judge_body(const struct judging *j)
{
	const json *body = j->envelope.body;

	if (j->envelope.kind == KIND_RETRACT)
		judge_no_body(j);
	else if (body && j->collector)
		j->collector->decode(body, j->received_day, j->message);
	else if (body) /* no table for an unknown feed: it must not carry personal data all the same */
		privacy_check_unknown(body, &body_path, j->received_day, j->findings);
	else if (j->envelope.kind != WORD_UNKNOWN)
		findings_add(j->findings, E_MISSING, "/body", NULL, "object");
}

static void read_envelope(struct judging *j)
{
	const struct reading r = { .received_day = j->received_day, .findings = j->findings };

	fields_read(envelope_fields, j->root, NULL, &j->envelope, &r);
	message_take(j->message, &j->envelope);
}

static void judge_feed(const struct judging *j)
{
	if (!j->collector)
		findings_add(j->findings, E_FEED, "", shown(j, j->topic->feed),
			     "registration, enrolment, incident, survey");
}

static void judge(struct judging *j, division_known_fn known, void *context)
{
	read_envelope(j);
	judge_feed(j);
	if (json_kind(j->root) != JSON_KIND_OBJECT)
		return;
	judge_version(j);
	judge_site(j);
	judge_division(j, known, context);
	judge_sent_at(j);
	judge_ref(j);
	judge_reason(j);
	judge_body(j);
}

static void judge_unreadable(const char *payload, size_t len, const char *site, int64_t received_day,
			     struct findings *f)
{
	enum code code = len > PAYLOAD_MAX ? E_TOO_LARGE : E_JSON;

	if (privacy_bytes_suspicious(payload, len, site, received_day))
		code = E_PII;
	findings_add(f, code, "", NULL, code == E_TOO_LARGE ? "<= 65536 bytes" : NULL);
}

static json *parse(const char *payload, size_t len, size_t *ret_offset)
{
	json *root;

	*ret_offset = PAYLOAD_MAX;
	return len <= PAYLOAD_MAX && json_parse_passing(payload, len, DEPTH_MAX, &root, ret_offset) == 0 ? root : NULL;
}

void envelope_decode(const struct topic *topic, const char *payload, size_t len, int64_t received_at,
		     division_known_fn known, void *context, struct decoded *ret)
{
	struct message *m = &ret->message;
	struct judging j = { .topic = topic,
			     .received_at = received_at,
			     .received_day = clock_local_day(received_at),
			     .message = m,
			     .findings = &m->findings };

	message_init(m);
	message_place(m, topic->division, topic->site);
	ret->site_valid = m->site[0] != '\0';
	ret->collector = j.collector = collector_of(topic->feed);
	ret->root = parse(payload, len, &ret->error_offset);
	ret->state = ret->root ? PAYLOAD_JSON : PAYLOAD_UNREADABLE;
	if (!ret->root) {
		judge_unreadable(payload, len, ret->site_valid ? m->site : NULL, j.received_day, &m->findings);
		judge_feed(&j);
		findings_keep_pii(&m->findings);
		return;
	}
	j.root = ret->root;
	privacy_check(j.root, ret->site_valid ? m->site : NULL, j.received_day, &m->findings);
	judge(&j, known, context);
	findings_keep_pii(&m->findings);
}

void decoded_done(struct decoded *d)
{
	json_free(d->root);
	d->root = NULL;
	findings_done(&d->message.findings);
}

int envelope_facts(const struct collector *collector, const char *payload, size_t len, int64_t received_at,
		   struct message *ret)
{
	size_t offset;
	_cleanup_(json_freep) json *root = parse(payload, len, &offset);
	struct judging j = { .received_day = clock_local_day(received_at),
			     .root = root,
			     .collector = collector,
			     .message = ret,
			     .findings = &ret->findings };

	message_init(ret);
	if (!root || json_kind(root) != JSON_KIND_OBJECT)
		return -EINVAL;
	read_envelope(&j);
	message_place(ret, j.envelope.division ? j.envelope.division : "", j.envelope.site ? j.envelope.site : "");
	judge_body(&j);
	findings_done(&ret->findings);
	return 0;
}

json *envelope_forget(const struct collector *collector, const json *root)
{
	json *kept = fields_forget(envelope_fields, root), *bare;
	const json *body = json_get(root, "body");

	if (body && json_kind(body) == JSON_KIND_OBJECT)
		json_set(kept, "body", fields_forget(collector->fields(body), body));
	if (!json_get(kept, "sw"))
		return kept;
	bare = json_new_object(); /* the software's name is no fact */
	for (void *i = json_first(kept); i; i = json_next(kept, i))
		if (strcmp(json_key(i), "sw") != 0)
			json_set(bare, json_key(i), json_keep(json_value(i)));
	json_free(kept);
	return bare;
}

static const char *const identity_keys[] = { "body", "kind", "ref" };

bool envelope_same(const json *a, const json *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(identity_keys); i++)
		if (!json_equal(json_get(a, identity_keys[i]), json_get(b, identity_keys[i])))
			return false;
	return true;
}

void envelope_canonical(const json *root, struct buf *out)
{
	_cleanup_(json_freep) json *same = NULL;

	if (json_kind(root) != JSON_KIND_OBJECT) { /* has no identity; still not equal to any other payload */
		json_canonical(root, out);
		return;
	}
	same = json_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(identity_keys); i++) {
		json *value = json_get(root, identity_keys[i]);

		if (value)
			json_set(same, identity_keys[i], json_keep(value));
	}
	json_canonical(same, out);
}
