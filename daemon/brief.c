/* SPDX-License-Identifier: MIT */
#include "brief.h"

#include "clock.h"
#include "escape.h"
#include "ledger.h"
#include "objects.h"
#include "rules.h"

#include <errno.h>
#include <stdio.h>

#define NAME_SHOWN 45 /* bytes of a nursery's name in the line: it must fit a text message */

static const struct {
	const char *zh, *en;
} types[INCIDENT_COUNT] = {
	[INCIDENT_FALL] = { "跌落", "fall" },
	[INCIDENT_BURN] = { "烧烫伤", "burn" },
	[INCIDENT_CHOKING] = { "气道异物", "choking" },
	[INCIDENT_POISONING] = { "中毒", "poisoning" },
	[INCIDENT_FOOD_POISONING] = { "食物中毒", "food poisoning" },
	[INCIDENT_INFECTIOUS_CLUSTER] = { "传染病聚集", "infectious cluster" },
	[INCIDENT_DROWNING] = { "溺水", "drowning" },
	[INCIDENT_TRAFFIC] = { "交通事故", "traffic" },
	[INCIDENT_FIRE] = { "火灾", "fire" },
	[INCIDENT_COLLAPSE] = { "坍塌", "collapse" },
	[INCIDENT_MISSING_CHILD] = { "儿童走失", "missing child" },
	[INCIDENT_WRONG_PICKUP] = { "错接", "wrong pickup" },
	[INCIDENT_ABUSE_SUSPECTED] = { "疑似虐待", "abuse suspected" },
	[INCIDENT_SEXUAL_ABUSE_SUSPECTED] = { "疑似性侵", "sexual abuse suspected" },
	[INCIDENT_INTRUSION] = { "外人闯入", "intrusion" },
	[INCIDENT_ANIMAL] = { "动物伤害", "animal" },
	[INCIDENT_MEDICAL] = { "突发疾病", "medical" },
	[INCIDENT_SLEEP_DEATH] = { "睡眠中猝死", "death in sleep" },
	[INCIDENT_OTHER] = { "其他", "other" },
};

/* group: the word that stands once before its counts; adults' follow the children's. */
static const struct {
	const char *zh, *en, *group_zh, *group_en, *name_zh, *name_en;
	bool casualty;
} counts[BRIEF_COUNT_COUNT] = {
	[BRIEF_DEAD] = { "死亡", "dead", "儿童", "children", "儿童死亡", "children dead", true },
	[BRIEF_CRITICAL] = { "危重", "critical", "儿童", "children", "儿童危重", "children critical", true },
	[BRIEF_SERIOUS] = { "重伤", "serious", "儿童", "children", "儿童重伤", "children seriously hurt", true },
	[BRIEF_MINOR] = { "轻伤", "minor", "儿童", "children", "儿童轻伤", "children slightly hurt", true },
	[BRIEF_MISSING] = { "失联", "missing", "儿童", "children", "儿童失联", "children missing", true },
	[BRIEF_ADULTS_DEAD] = { "死亡", "dead", "成人", "adults", "成人死亡", "adults dead", true },
	[BRIEF_ADULTS_SERIOUS] = { "重伤", "serious", "成人", "adults", "成人重伤", "adults seriously hurt", true },
	[BRIEF_SICK] = { "患病", "sick", "", "", "患病", "sick", true },
	[BRIEF_LOSS] = { "", "", "", "", "直接损失（元）", "loss in yuan", false },
};

const char *brief_count_name(enum brief_count c, enum brief_language language)
{
	return language == BRIEF_ZH ? counts[c].name_zh : counts[c].name_en;
}

/* ---- texts from outside ---- */

static size_t character(const unsigned char *p)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 1;
	return n;
}

static void put(char *out, size_t room, const char *text)
{
	const unsigned char *p = (const unsigned char *)(text ? text : "");
	size_t len = 0;

	while (*p) {
		size_t skip = escape_hidden((const char *)p), n = character(p);

		if (skip) {
			p += skip;
			continue;
		}
		if (len + n >= room)
			break;
		memcpy(out + len, p, n);
		len += n;
		p += n;
	}
	out[len] = '\0';
}

/* ---- where ---- */

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && memcmp(text + len - n, end, n) == 0;
}

/* 杭州市 → 杭州; what would become a single character stays (忠县). */
static void put_short(char *out, size_t room, const char *name)
{
	static const char *const ends[] = { "自治州", "自治县", "地区", "林区", "市", "区", "县", "盟", "省" };
	size_t len = strlen(name), used = strlen(out);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_with(name, len, ends[i]) && len - strlen(ends[i]) >= 6) {
			len -= strlen(ends[i]);
			break;
		}
	snprintf(out + used, room - used, "%.*s", (int)len, name);
}

static int add_division(struct store *s, const char *code, const char *level, char *out, size_t room)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT name FROM division WHERE code = ?1 AND level = ?2", "tt", code, level);

	if (r >= 0 && (r = store_step(q)) > 0 && strncmp(store_text(q, 0), "市辖区", 9) != 0 &&
	    strncmp(store_text(q, 0), "省直辖", 9) != 0 && strcmp(store_text(q, 0), "县") != 0)
		put_short(out, room, store_text(q, 0));
	return MIN(r, 0);
}

static int load_place(struct store *s, const char *division, struct brief *b)
{
	static const char *const municipalities[] = { "11", "12", "31", "50" };
	char code[UNIT_SIZE];
	int r = 0;

	if (strlen(division) != 6) {
		snprintf(b->place, sizeof b->place, "%s", b->unit);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(municipalities); i++)
		if (strncmp(division, municipalities[i], 2) == 0) {
			snprintf(code, sizeof code, "%.2s0000", division);
			r = add_division(s, code, "province", b->place, sizeof b->place);
		}
	snprintf(code, sizeof code, "%.4s00", division);
	if (r >= 0)
		r = add_division(s, code, "prefecture", b->place, sizeof b->place);
	if (r >= 0 && strcmp(code, division) != 0)
		r = add_division(s, division, "county", b->place, sizeof b->place);
	if (r >= 0 && !b->place[0])
		snprintf(b->place, sizeof b->place, "%s", division);
	return r;
}

/* ---- reading ---- */

static int load_name(struct store *s, struct brief *b)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT r.name FROM registration r JOIN site s ON s.id = r.site WHERE s.code = ?1 AND r.counts = 1"
			    " ORDER BY r.effective_on DESC LIMIT 1",
			    "t", b->site);

	if (r >= 0 && (r = store_step(q)) > 0)
		put(b->name, sizeof b->name, store_text(q, 0));
	return MIN(r, 0);
}

static void take_event(struct brief *b, store_stmt *q)
{
	b->incident = true;
	b->type = store_int(q, 0);
	b->stage = store_int(q, 1);
	b->occurred_at = store_int(q, 2);
	b->known_at = store_int(q, 3);
	b->services_stopped = store_int(q, 4);
	b->measures = store_int(q, 5);
	b->police_at = store_int(q, 6);
	b->grade = store_int(q, 7);
	b->first_received_at = store_int(q, 8);
	for (int i = 0; i < BRIEF_COUNT_COUNT; i++)
		b->counts[i] = store_int(q, 9 + i);
}

static int load_event(struct store *s, struct brief *b)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT m.type, m.stage, i.occurred_at, i.known_at, m.services_stopped, m.measures, m.police_at,"
			    " i.grade, i.first_received_at, m.dead, m.critical, m.serious, m.minor, m.missing, m.adults_dead,"
			    " m.adults_serious, m.sick, m.loss_yuan FROM site s JOIN incident i ON i.site = s.id"
			    " JOIN incident_message m ON m.site = i.site AND m.event = i.event WHERE s.code = ?1 AND i.event = ?2"
			    " ORDER BY m.counts DESC, m.epoch DESC, m.seq DESC, m.n LIMIT 1",
			    "tt", b->site, b->event);

	if (r >= 0 && (r = store_step(q)) > 0)
		take_event(b, q);
	return MIN(r, 0);
}

static void take_alert(struct brief *b, store_stmt *q)
{
	const char *subject = store_text(q, 10);
	const char *slash = strchr(subject, '/');
	const void *hash;
	size_t len;

	snprintf(b->id, sizeof b->id, "A-%06lld", (long long)b->alert);
	put(b->rule, sizeof b->rule, store_text(q, 0));
	put(b->unit, sizeof b->unit, store_text(q, 1));
	put(b->severity, sizeof b->severity, store_text(q, 2));
	put(b->state, sizeof b->state, store_text(q, 3));
	b->unconfirmed = store_int(q, 4) > 0;
	b->paged = store_int(q, 5) > 0;
	b->raised_at = store_int(q, 6);
	b->closed_at = store_int(q, 7);
	b->raised_n = store_int(q, 8);
	put(b->site, sizeof b->site, store_text(q, 9));
	if (b->site[0] && slash && strncmp(subject, b->site, strlen(b->site)) == 0)
		put(b->event, sizeof b->event, slash + 1);
	hash = store_blob(q, 12, &len);
	if (hash && len == HASH_SIZE)
		memcpy(b->hash, hash, HASH_SIZE);
}

int brief_load(struct store *s, int64_t alert, struct brief *b)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT a.rule, a.unit, a.severity, a.state, a.unconfirmed, a.paged, a.raised_at, a.closed_at,"
			    " a.raised_n, a.site, a.subject, a.division, l.hash, c.case_id FROM alert a LEFT JOIN ledger l"
			    " ON l.n = a.raised_n LEFT JOIN alert_case c ON c.alert = a.id WHERE a.id = ?1",
			    "i", alert);

	*b = (struct brief){ .alert = alert };
	if (r >= 0)
		r = store_step(q);
	if (r <= 0)
		return r < 0 ? r : BRIEF_NONE;
	take_alert(b, q);
	snprintf(b->case_id, sizeof b->case_id, "%s", store_is_null(q, 13) ? "" : store_text(q, 13));
	r = load_place(s, store_text(q, 11), b);
	if (r >= 0 && b->site[0])
		r = load_name(s, b);
	return r >= 0 && b->event[0] ? load_event(s, b) : MIN(r, 0);
}

int brief_find(struct store *s, const char *id, int64_t *ret)
{
	int r;

	if (object_alert_id(id, ret) == 0)
		return 0;
	/* A case is told by the first of its alerts. */
	r = store_get_int(s, ret, "SELECT alert FROM alert_case WHERE case_id = ? ORDER BY alert LIMIT 1", "t", id);
	return r < 0 ? r : r == 0 ? BRIEF_NONE : 0;
}

/* ---- writing ---- */

void brief_time(int64_t at, int64_t now, struct buf *out)
{
	int64_t day = clock_local_day(at), minutes = (at - clock_day_start_ms(day)) / MINUTE_MS;
	char text[CLOCK_TEXT_SIZE];

	if (day != clock_local_day(now))
		buf_printf(out, "%s ", clock_format_day(day, text) + 5);
	buf_printf(out, "%02d:%02d", (int)(minutes / 60), (int)(minutes % 60));
}

const char *brief_type(const struct brief *b, enum brief_language language)
{
	const struct rule *rule = rule_of(b->rule);

	/* what is not paged (a late report of a fire) is about the rule, not the event */
	if (b->incident && (!rule || rule->page) && b->type >= 0 && b->type < INCIDENT_COUNT)
		return language == BRIEF_ZH ? types[b->type].zh : types[b->type].en;
	return !rule ? b->rule : language == BRIEF_ZH ? rule->zh : rule->en;
}

void brief_casualties(const struct brief *b, enum brief_language language, struct buf *out)
{
	const char *group = NULL;
	bool unknown = false;
	size_t start = out->len;

	for (int i = 0; i < BRIEF_COUNT_COUNT; i++) {
		const char *mine = language == BRIEF_ZH ? counts[i].group_zh : counts[i].group_en;

		if (!counts[i].casualty)
			continue;
		unknown = unknown || (b->counts[i] == STORE_NULL && i != BRIEF_MINOR && i < BRIEF_ADULTS_DEAD);
		if (b->counts[i] <= 0)
			continue;
		if (out->len > start)
			buf_char(out, ' ');
		if (!group || strcmp(group, mine) != 0)
			buf_printf(out, "%s%s", mine, language == BRIEF_ZH || !*mine ? "" : " ");
		group = mine;
		buf_printf(out, language == BRIEF_ZH ? "%s%lld" : "%s %lld", language == BRIEF_ZH ? counts[i].zh : counts[i].en,
			   (long long)b->counts[i]);
	}
	if (unknown)
		buf_printf(out, "%s%s", out->len > start ? " " : "", language == BRIEF_ZH ? "伤亡未明" : "casualties not known");
	else if (out->len == start)
		buf_str(out, language == BRIEF_ZH ? "无伤亡" : "nobody hurt");
}

static void add_name(const struct brief *b, enum brief_language language, struct buf *out)
{
	char name[NAME_SHOWN + 1];

	put(name, sizeof name, b->name);
	if (name[0])
		buf_printf(out, " %s", name);
	else if (b->site[0])
		buf_printf(out, " %s", language == BRIEF_ZH ? "未登记机构" : "unregistered nursery");
}

static void add_clock(const struct brief *b, enum brief_language language, const struct brief_moment *m, struct buf *out)
{
	int64_t length, left;

	if (!m->policy || !b->incident)
		return;
	length = policy_clocks(m->policy, clock_local_day(b->known_at))->nursery_to_county_ms;
	left = b->known_at + length - m->now;
	if (left < -DAY_MS)
		return; /* long past: the brief's clocks say when */
	if (language == BRIEF_ZH)
		buf_printf(out, left >= 0 ? "|%lld小时时限剩%lld分" : "|%lld小时时限已过%lld分", (long long)(length / HOUR_MS),
			   (long long)(llabs(left) / MINUTE_MS));
	else
		buf_printf(out, left >= 0 ? "|%lld h clock: %lld min left" : "|%lld h clock: %lld min over",
			   (long long)(length / HOUR_MS), (long long)(llabs(left) / MINUTE_MS));
}

static void add_head(const struct brief *b, enum brief_language language, bool drill, struct buf *out)
{
	buf_str(out, !drill ? "" : language == BRIEF_ZH ? "【演练】" : "[DRILL]");
	buf_printf(out, language == BRIEF_ZH ? "【%s】" : "[%s] ", b->severity);
}

static void add_case(const struct brief *b, enum brief_language language, struct buf *out)
{
	if (b->case_id[0])
		buf_printf(out, language == BRIEF_ZH ? "|案 %s" : "|case %s", b->case_id);
}

void brief_line(const struct brief *b, enum brief_language language, const struct brief_moment *m, struct buf *out)
{
	bool zh = language == BRIEF_ZH;

	add_head(b, language, m->drill, out);
	buf_str(out, b->place);
	add_name(b, language, out);
	buf_char(out, ' ');
	brief_time(b->incident ? b->occurred_at : b->raised_at, m->now, out);
	buf_printf(out, " %s", brief_type(b, language));
	if (b->incident) {
		buf_char(out, ' ');
		brief_casualties(b, language, out);
	}
	if (b->unconfirmed)
		buf_str(out, zh ? "|待核实" : "|unconfirmed");
	if (b->incident && b->services_stopped >= 0 && b->services_stopped <= 1)
		buf_str(out, b->services_stopped ? (zh ? "|已停园" : "|closed") : (zh ? "|未停园" : "|open"));
	add_clock(b, language, m, out);
	if (b->case_id[0])
		add_case(b, language, out);
	else
		buf_printf(out, zh ? "|警 %s" : "|alert %s", b->id);
	if (strcmp(b->state, "open") == 0)
		buf_str(out, zh ? "|回 ACK" : "|reply ACK");
}

void brief_line_outside(const struct brief *b, enum brief_language language, bool drill, struct buf *out)
{
	add_head(b, language, drill, out);
	buf_str(out, b->unit);
	add_case(b, language, out);
}
