/* SPDX-License-Identifier: MIT
 *
 * The stock of a day: children, modes, classes, staff. Source: CONTRACT §1, `enrolment`.
 */
#include "enrolment.h"

#include "../daemon/clock.h"
#include "../daemon/facts.h"
#include "../daemon/standing.h"
#include "fields.h"
#include "registration.h"

#include <stdio.h>

#define AS_OF_DAYS_BEFORE 400
#define AS_OF_DAYS_AFTER 1

const char *const class_words[CLASS_COUNT + 1] = {
	[CLASS_INFANT] = "infant",
	[CLASS_TODDLER] = "toddler",
	[CLASS_OLDER] = "older",
	[CLASS_MIXED] = "mixed",
};

const struct group_rule group_rules[CLASS_COUNT] = {
	[CLASS_INFANT] = { .children = 10, .children_per_carer = 3 },
	[CLASS_TODDLER] = { .children = 15, .children_per_carer = 5 },
	[CLASS_OLDER] = { .children = 20, .children_per_carer = 7 },
	[CLASS_MIXED] = { .children = 18, .children_per_carer = 5 },
};

const struct group_rule group_rule_family_point = { .children = 5, .children_per_carer = 3 };

#define AT(member) .offset = offsetof(struct enrolment, member)
#define COUNT(key, member) { .name = key, AT(member), .max = COUNT_MAX }
#define COUNT_OR_NULL(key, member) { .name = key, AT(member), .max = COUNT_MAX, .presence = NULLABLE }

static const struct field enrolled_fields[] = {
	COUNT("under12", enrolled[AGE_UNDER12]),
	COUNT("m12_23", enrolled[AGE_M12_23]),
	COUNT("m24_35", enrolled[AGE_M24_35]),
	COUNT("over36", enrolled[AGE_OVER36]),
	{ 0 },
};

static const struct field mode_fields[] = {
	COUNT("fullday", mode[MODE_FULLDAY]),
	COUNT("halfday", mode[MODE_HALFDAY]),
	COUNT("hourly", mode[MODE_HOURLY]),
	COUNT("temporary", mode[MODE_TEMPORARY]),
	{ 0 },
};

#define CLASS_AT(member) .offset = offsetof(struct class_group, member)

static const struct field class_fields[] = {
	{ .name = "type", .type = FIELD_WORD, CLASS_AT(type), .words = class_words },
	{ .name = "children", .presence = NULLABLE, CLASS_AT(children), .max = COUNT_MAX },
	{ .name = "carers", .presence = NULLABLE, CLASS_AT(carers), .max = COUNT_MAX },
	{ 0 },
};

static const struct field staff_fields[] = {
	COUNT_OR_NULL("carers", carers),
	COUNT_OR_NULL("health", health),
	COUNT_OR_NULL("guards", guards),
	{ 0 },
};

static const struct field enrolment_fields[] = {
	{ .name = "as_of", .type = FIELD_DAY, AT(as_of) },
	{ .name = "open", .type = FIELD_FLAG, AT(open), .otherwise = true },
	COUNT_OR_NULL("places", places),
	{ .name = "enrolled", .type = FIELD_OBJECT, .fields = enrolled_fields },
	{ .name = "mode", .type = FIELD_OBJECT, .fields = mode_fields },
	COUNT_OR_NULL("attended", attended),
	COUNT_OR_NULL("waiting", waiting),
	{ .name = "classes", .type = FIELD_LIST, .presence = NULLABLE, AT(classes), .size = sizeof(struct class_group),
	  .max = CLASSES_MAX, .count = offsetof(struct enrolment, class_count),
	  .known = offsetof(struct enrolment, classes_known), .fields = class_fields },
	{ .name = "staff", .type = FIELD_OBJECT, .presence = NULLABLE, .fields = staff_fields },
	{ 0 },
};

static void check_as_of(const struct enrolment *e, int64_t received_day, struct findings *f)
{
	int64_t first = received_day - AS_OF_DAYS_BEFORE, last = received_day + AS_OF_DAYS_AFTER;
	char got[CLOCK_TEXT_SIZE], from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE], want[2 * CLOCK_TEXT_SIZE + 2];

	if (e->as_of == COUNT_UNKNOWN || (e->as_of >= first && e->as_of <= last))
		return;
	snprintf(want, sizeof want, "%s..%s", clock_format_day(first, from), clock_format_day(last, to));
	findings_add(f, E_TIME_RANGE, "/body/as_of", clock_format_day(e->as_of, got), want);
}

static void check_sums(const struct enrolment *e, struct findings *f)
{
	int64_t enrolled = fields_sum(e->enrolled, AGE_COUNT);
	int64_t mode = fields_sum(e->mode, MODE_COUNT);

	if (enrolled != COUNT_UNKNOWN && mode != COUNT_UNKNOWN && enrolled != mode)
		fields_disagree(f, E_SUM_MISMATCH, "/body/mode", mode, "", enrolled,
				"分托类人数之和应等于在托人数之和", "the sum of mode must equal the sum of enrolled",
				"correct mode and send again with the next seq");
	if (enrolled != COUNT_UNKNOWN && e->attended != COUNT_UNKNOWN && e->attended > enrolled)
		fields_disagree(f, E_SUM_MISMATCH, "/body/attended", e->attended, "<= ", enrolled,
				"出勤人数不应超过在托人数", "attended must not exceed the sum of enrolled",
				"correct attended and send again with the next seq");
	if (!e->open && e->attended != COUNT_UNKNOWN && e->attended > 0)
		fields_disagree(f, E_SUM_MISMATCH, "/body/attended", e->attended, "", 0,
				"当日未开放，出勤人数应为 0", "attended must be 0 on a day that is not open",
				"correct attended or open and send again with the next seq");
	if (enrolled != COUNT_UNKNOWN && e->places != COUNT_UNKNOWN && enrolled > e->places)
		fields_disagree(f, W_OVER_CAPACITY, "/body/enrolled", enrolled, "<= ", e->places, NULL, NULL, NULL);
}

static void check_class(const struct class_group *group, int index, struct findings *f)
{
	const struct group_rule *rule;
	int64_t most;
	char path[48];

	if (group->type == WORD_UNKNOWN || group->children == COUNT_UNKNOWN)
		return;
	rule = &group_rules[group->type];
	if (group->children > rule->children) {
		snprintf(path, sizeof path, "/body/classes/%d/children", index);
		fields_disagree(f, W_GROUP_SIZE, path, group->children, "<= ", rule->children, NULL, NULL, NULL);
	}
	if (group->carers == COUNT_UNKNOWN)
		return;
	most = group->carers * rule->children_per_carer;
	if (group->children > most) {
		snprintf(path, sizeof path, "/body/classes/%d/carers", index);
		fields_disagree(f, W_CARER_RATIO, path, group->carers, ">= ",
				(group->children + rule->children_per_carer - 1) / rule->children_per_carer, NULL,
				NULL, NULL);
	}
}

static void decode(const json *body, int64_t received_day, struct message *m)
{
	const struct reading r = { .received_day = received_day, .findings = &m->findings };
	struct enrolment *e = &m->facts.enrolment;

	fields_read(enrolment_fields, body, &body_path, e, &r);
	check_as_of(e, received_day, &m->findings);
	check_sums(e, &m->findings);
	for (int i = 0; i < e->class_count; i++)
		check_class(&e->classes[i], i, &m->findings);
}

/* ---- facts ---- */

/* An enrolment is used while it is usable, and further as far as closed days carry its figures: up to the day before the next open report; not further than reports, closed ones among them, stay usable. */
static int last_day_touched(struct fold *f, int64_t site, int64_t day, int64_t *ret)
{
	*ret = day + USABLE_DAYS_MAX;
	for (int64_t d = day + 1; d <= f->dirty.today; d++) {
		int64_t open = 0;
		int r = store_get_int(f->store, &open, "SELECT open FROM enrolment WHERE day = ? AND site = ? AND counts = 1",
				      "ii", d, site);

		if (r < 0)
			return r;
		if (r > 0 && open) {
			*ret = MIN(*ret, d - 1);
			return 0;
		}
		if (r > 0)
			*ret = d + USABLE_DAYS_MAX;
	}
	return 0;
}

static int touch(struct fold *f, const struct site *site, int64_t day)
{
	int64_t last = day + USABLE_DAYS_MAX;
	int r = day < f->dirty.today ? last_day_touched(f, site->id, day, &last) : 0;

	return r < 0 ? r : standing_mark(f, site, day, last);
}

/* Of the live messages of one (site, as_of) the highest (epoch, seq) counts; of equals the first received. */
static int recount(struct fold *f, int64_t site, int64_t day)
{
	return store_run(f->store,
			 "UPDATE enrolment SET counts = 1 - counts WHERE day = ?1 AND site = ?2 AND counts <>"
			 " (n = ifnull((SELECT n FROM enrolment WHERE day = ?1 AND site = ?2 AND void = 0"
			 " ORDER BY epoch DESC, seq DESC, n LIMIT 1), 0))",
			 "ii", day, site);
}

/* Group by group "type children carers;", unknown numbers as "-": judged against the policy of its day later. */
static const char *classes_text(const struct enrolment *e, struct buf *text)
{
	if (!e->classes_known)
		return NULL;
	buf_str(text, "");
	for (int i = 0; i < e->class_count; i++) {
		const struct class_group *c = &e->classes[i];

		buf_int(text, c->type);
		buf_char(text, ' ');
		if (c->children == COUNT_UNKNOWN)
			buf_char(text, '-');
		else
			buf_int(text, c->children);
		buf_char(text, ' ');
		if (c->carers == COUNT_UNKNOWN)
			buf_char(text, '-');
		else
			buf_int(text, c->carers);
		buf_char(text, ';');
	}
	return text->p;
}

static int insert(struct fold *f, const struct fold_row *row, const char *classes)
{
	const struct enrolment *e = &row->message->facts.enrolment;

	return store_run(f->store,
			 "INSERT INTO enrolment(day, site, epoch, seq, n, received_at, void, counts, open, places, under12,"
			 " m12_23, m24_35, over36, fullday, halfday, hourly, temporary, attended, waiting, classes, carers,"
			 " health, guards) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 "iiiiiiiiiiiiiiiiiiiitiii", e->as_of, row->site->id, row->message->epoch, row->message->seq,
			 row->n, row->received_at, (int64_t)row->voided, (int64_t)!row->voided, (int64_t)e->open, e->places,
			 e->enrolled[0], e->enrolled[1], e->enrolled[2], e->enrolled[3], e->mode[0], e->mode[1], e->mode[2],
			 e->mode[3], e->attended, e->waiting, classes, e->carers, e->health, e->guards);
}

static int apply(struct fold *f, const struct fold_row *row)
{
	const struct enrolment *e = &row->message->facts.enrolment;
	_cleanup_(buf_done) struct buf classes = { 0 };
	int64_t others = 0;
	int r = store_get_int(f->store, &others, "SELECT 1 FROM enrolment WHERE day = ? AND site = ? LIMIT 1", "ii", e->as_of,
			      row->site->id);

	if (r >= 0)
		r = insert(f, row, classes_text(e, &classes));
	if (r >= 0 && others)
		r = recount(f, row->site->id, e->as_of);
	return r < 0 ? r : touch(f, row->site, e->as_of);
}

/* The table is keyed day first, so the message is looked for day by day: one seek a day that has data. */
static int days_of(struct fold *f, int64_t site, int64_t epoch, int64_t seq, int64_t *days, size_t max, size_t *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "WITH RECURSIVE days(day) AS (SELECT min(day) FROM enrolment UNION ALL"
			    " SELECT (SELECT min(day) FROM enrolment WHERE day > days.day) FROM days WHERE days.day IS NOT NULL)"
			    " SELECT DISTINCT e.day FROM days CROSS JOIN enrolment e ON e.day = days.day AND e.site = ?1"
			    " AND e.epoch = ?2 AND e.seq = ?3 WHERE e.void = 0",
			    "iii", site, epoch, seq);

	*ret = 0;
	if (r < 0)
		return r;
	while ((r = store_step(q)) > 0 && *ret < max)
		days[(*ret)++] = store_int(q, 0);
	return r;
}

static int void_message(struct fold *f, const struct site *site, int64_t epoch, int64_t seq, int64_t n, int64_t now)
{
	(void)n;
	(void)now;
	int64_t days[RECENT_MESSAGES];
	size_t count;
	int r = days_of(f, site->id, epoch, seq, days, ARRAY_SIZE(days), &count);

	for (size_t i = 0; r >= 0 && i < count; i++) {
		r = store_run(f->store,
			      "UPDATE enrolment SET void = 1, counts = 0 WHERE day = ? AND site = ? AND epoch = ? AND seq = ?",
			      "iiii", days[i], site->id, epoch, seq);
		if (r >= 0)
			r = recount(f, site->id, days[i]);
		if (r >= 0)
			r = touch(f, site, days[i]);
	}
	return r;
}

/* The carers of all groups; where they are not told by class, those of the staff. */
static int64_t carers_of_all(const struct enrolment *e, const char **ret_path)
{
	int64_t sum = 0;

	*ret_path = "/body/classes";
	for (int i = 0; i < e->class_count; i++) {
		if (e->classes[i].carers == COUNT_UNKNOWN)
			return COUNT_UNKNOWN;
		sum += e->classes[i].carers;
	}
	if (e->class_count > 0)
		return sum;
	*ret_path = "/body/staff/carers";
	return e->carers;
}

/* 家庭托育点: the whole point is one group (DOMAIN §2), whatever classes it reports. */
static void check_family_point(const struct enrolment *e, struct findings *f)
{
	const struct group_rule *rule = &group_rule_family_point;
	int64_t children = fields_sum(e->enrolled, AGE_COUNT), carers;
	const char *path;

	if (children > rule->children)
		fields_disagree(f, W_GROUP_SIZE, "/body/enrolled", children, "<= ", rule->children,
				"家庭托育点收托人数不应超过 5 人", "a family point takes at most 5 children", NULL);
	carers = carers_of_all(e, &path);
	if (carers != COUNT_UNKNOWN && children > carers * rule->children_per_carer)
		fields_disagree(f, W_CARER_RATIO, path, carers, ">= ",
				(children + rule->children_per_carer - 1) / rule->children_per_carer,
				"家庭托育点每名保育人员照护不应超过 3 人", "a family point needs a carer for every 3 children",
				NULL);
}

static int warn(struct store *s, const struct site *site, struct message *m)
{
	const struct enrolment *e = &m->facts.enrolment;
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int64_t registered;
	int r = store_query(s, &q,
			    "SELECT places_infant + places_toddler + places_older + places_mixed, facility FROM registration"
			    " WHERE site = ? AND effective_on <= ? AND counts = 1 ORDER BY effective_on DESC LIMIT 1",
			    "ii", site->id, e->as_of);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	registered = store_int(q, 0);
	if (e->places != COUNT_UNKNOWN && e->places > registered)
		fields_disagree(&m->findings, W_PLACES_EXCEED_REGISTERED, "/body/places", e->places, "<= ", registered, NULL,
				NULL, NULL);
	if (store_int(q, 1) == FACILITY_FAMILY_POINT)
		check_family_point(e, &m->findings);
	return 0;
}

static const struct field *fields_of(const json *body)
{
	(void)body;
	return enrolment_fields;
}

const struct collector collector_enrolment = {
	.feed = "enrolment",
	.number = 2,
	.decode = decode,
	.fields = fields_of,
	.warn = warn,
	.apply = apply,
	.void_message = void_message,
};
