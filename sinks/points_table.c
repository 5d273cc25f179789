/* SPDX-License-Identifier: MIT */
#include "points_table.h"

#include "../collectors/incident.h"
#include "../daemon/clock.h"
#include "../daemon/indicators.h"
#include "../daemon/objects_compare.h"
#include "../daemon/schema.h"
#include "line_protocol.h"

#include <math.h>
#include <stdio.h>

/* ---- rows to lines ---- */

/* The period's first moment: a day, or the month the day lies in. */
static int64_t period_start(const char *period, int64_t as_of)
{
	int year, month, day;

	if (strcmp(period, "month") != 0)
		return clock_day_start_ms(as_of);
	clock_date_of(as_of, &year, &month, &day);
	return clock_day_start_ms(as_of - day + 1);
}

static const char *province_of(const char *unit, char text[static 3])
{
	snprintf(text, 3, "%.2s", unit);
	return text;
}

static int64_t period_end(const char *period, int64_t as_of)
{
	int year, month, day;

	if (strcmp(period, "month") != 0)
		return as_of;
	clock_date_of(as_of, &year, &month, &day);
	return clock_day_of(year + month / 12, month % 12 + 1, 1) - 1;
}

/* Fractions (weighted shares) come as decimal text. */
static double number(store_stmt *q, int column)
{
	return store_is_null(q, column) ? NAN : store_real(q, column);
}

static double value_of(const struct indicator *i, store_stmt *q, int numerator, int denominator)
{
	double n = number(q, numerator), d = number(q, denominator);
	double value;

	if (isnan(n) || (!i->count && !(d > 0)))
		return NAN;
	if (n != floor(n) || (!i->count && d != floor(d)))
		return i->count ? n : (double)((long double)i->scale * (long double)n / (long double)d);
	if (i->count)
		return n;
	return indicator_double(i, store_int(q, numerator), store_int(q, denominator), &value) ? value : NAN;
}

/* A sample that is no more is overwritten with unknown numbers: a point cannot be taken back. */
static const char select_indicators[] =
	"SELECT * FROM (SELECT change, as_of, unit, indicator, period, numerator, denominator, status, completeness_n,"
	"  completeness_d, revision, final FROM sample WHERE change > ?1 ORDER BY change LIMIT ?2)"
	" UNION ALL SELECT * FROM (SELECT change, as_of, unit, indicator, period, NULL, NULL, 'no_data', 0, 0, 1, 0"
	"  FROM sample_gone WHERE change > ?1 ORDER BY change LIMIT ?2)"
	" ORDER BY 1 LIMIT ?2";

/* Cells of few answers are no more shown here than over TCP (DOMAIN §5). */
static bool is_hidden(struct encoder *e, const struct indicator *i, store_stmt *q)
{
	bool hidden = false;
	int r = cell_is_hidden(e->store, &e->readers, i, period_end(store_text(q, 4), store_int(q, 1)), store_int(q, 6), &hidden);

	return r < 0 || hidden;
}

/* As the indicator object has it: an insufficient share has a value, too. */
static bool has_value(const char *status, store_stmt *q)
{
	return strcmp(status, "ok") == 0 || (strcmp(status, "insufficient") == 0 && store_real(q, 6) > 0);
}

static void encode_indicator(struct encoder *e, store_stmt *q)
{
	const struct indicator *i = indicator_of(store_text(q, 3));
	const char *unit = store_text(q, 2), *period = store_text(q, 4), *status = store_text(q, 7);
	const struct indicator declared = { .id = store_text(q, 3), .scale = 1, .count = store_is_null(q, 6) };
	bool hidden;
	char province[3];
	struct line l;

	if (!i)
		i = &declared;
	hidden = is_hidden(e, i, q);
	line_start(&l, e->out, "unit_indicator");
	line_tag(&l, "indicator", i->id);
	line_tag(&l, "period", period);
	line_tag(&l, "province", province_of(unit, province));
	line_tag(&l, "unit", unit);
	line_float(&l, "value", !hidden && has_value(status, q) ? value_of(i, q, 5, 6) : NAN);
	line_float(&l, "numerator", hidden ? NAN : number(q, 5));
	line_float(&l, "denominator", hidden || i->count ? NAN : number(q, 6));
	line_float(&l, "completeness", store_int(q, 9) > 0 ? number(q, 8) / number(q, 9) : NAN);
	line_integer(&l, "revision", store_int(q, 10));
	line_bool(&l, "final", store_int(q, 11) == 1);
	line_text(&l, "status", hidden ? "insufficient" : status);
	line_end(&l, period_start(period, store_int(q, 1)));
}

/* A key of which nothing counts any more, or that belongs to another unit now, is retracted under its old tags. */
static const char select_enrolments[] =
	"SELECT p.id, p.day, p.unit, s.code, e.places, e.under12 + e.m12_23 + e.m24_35 + e.over36, e.attended, e.carers,"
	" e.day IS NULL FROM point_enrolment p CROSS JOIN site s ON s.id = p.site"
	" LEFT JOIN enrolment e ON e.day = p.day AND e.site = p.site AND e.counts = 1 AND s.unit IS NOT NULL"
	" AND " STANDING_UNIT("p.day") " = p.unit"
	" WHERE p.id > ?1 ORDER BY p.id LIMIT ?2";

static void encode_enrolment(struct encoder *e, store_stmt *q)
{
	struct line l;

	line_start(&l, e->out, "site_enrolment");
	line_tag(&l, "site", store_text(q, 3));
	line_tag(&l, "unit", store_text(q, 2));
	line_integer(&l, "places", store_int(q, 4));
	line_integer(&l, "enrolled", store_int(q, 5));
	line_integer(&l, "attended", store_int(q, 6));
	line_integer(&l, "carers", store_int(q, 7));
	line_bool(&l, "retracted", store_int(q, 8) == 1);
	line_end(&l, clock_day_start_ms(store_int(q, 1)));
}

/* The time is the first message's and stays, whatever later ones say: another time were another point. */
static const char select_incidents[] =
	"SELECT p.id, (SELECT occurred_at FROM incident_message WHERE site = i.site AND event = i.event AND n = i.n), p.unit,"
	" s.code, p.event, i.severity, m.type, m.dead, m.critical, m.serious, m.minor, m.missing, m.loss_yuan,"
	" m.n IS NULL OR i.unit <> p.unit FROM point_incident p CROSS JOIN incident i ON i.site = p.site AND i.event = p.event"
	" JOIN site s ON s.id = p.site"
	" LEFT JOIN incident_message m ON m.site = p.site AND m.event = p.event AND m.counts = 1 AND i.unit = p.unit"
	" WHERE p.id > ?1 ORDER BY p.id LIMIT ?2";

static void encode_incident(struct encoder *e, store_stmt *q)
{
	static const char *const counts[] = { "dead", "critical", "serious", "minor", "missing", "loss_yuan" };
	int64_t type = store_int(q, 6);
	char severity[24];
	struct line l;

	snprintf(severity, sizeof severity, "S%lld", (long long)store_int(q, 5));
	line_start(&l, e->out, "incident");
	line_tag(&l, "event", store_text(q, 4));
	line_tag(&l, "site", store_text(q, 3));
	line_tag(&l, "unit", store_text(q, 2));
	line_text(&l, "severity", severity);
	line_text(&l, "type", type >= 0 && type < INCIDENT_COUNT ? incident_type_words[type] : "");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		line_integer(&l, counts[i], store_int(q, 7 + (int)i));
	line_bool(&l, "retracted", store_int(q, 13) == 1);
	line_end(&l, store_int(q, 1));
}

/* id, at (ms), unit, case, n, ground, state, actor_role */
static void encode_case_event(struct encoder *e, store_stmt *q)
{
	char n[24];
	struct line l;

	snprintf(n, sizeof n, "%lld", (long long)store_int(q, 4));
	line_start(&l, e->out, "case_event");
	line_tag(&l, "case", store_text(q, 3));
	line_tag(&l, "n", n);
	line_tag(&l, "unit", store_text(q, 2));
	line_text(&l, "ground", store_text(q, 5));
	line_text(&l, "state", store_text(q, 6));
	line_text(&l, "actor_role", store_text(q, 7));
	line_end(&l, store_int(q, 1));
}

static const char select_case_events[] =
	"SELECT e.id, e.at, c.unit, e.case_id, e.n, c.ground, e.state, e.roles FROM case_event e JOIN case_file c ON c.id = e.case_id"
	" WHERE e.id > ?1 ORDER BY e.id LIMIT ?2";

/* ---- walking over the facts for a refill: from (day, site) downwards; ?3 rows at most ---- */

static const char walk_enrolments[] =
	"SELECT e.day, e.site, iif(s.unit IS NULL, NULL, " STANDING_UNIT("e.day") ")"
	" FROM enrolment e JOIN site s ON s.id = e.site WHERE (e.day, e.site) < (?1, ?2)"
	" ORDER BY e.day DESC, e.site DESC LIMIT ?3";
static const char queue_enrolment[] = "INSERT OR REPLACE INTO point_enrolment(day, site, unit) VALUES(?1, ?2, ?3)";
static const char walk_incidents[] =
	"SELECT 0, i.site, i.unit, i.event FROM incident i WHERE i.site < ?2 AND ?1 >= 0 AND i.site >="
	" (SELECT min(site) FROM (SELECT site FROM incident WHERE site < ?2 ORDER BY site DESC LIMIT ?3)) ORDER BY i.site DESC";
static const char queue_incident[] = "INSERT OR REPLACE INTO point_incident(event, site, unit) VALUES(?4, ?2, ?3)";

const struct measured_points measurements[MEASUREMENT_COUNT] = {
	[POINT_UNIT_INDICATOR] = {
		.name = "unit_indicator", .select = select_indicators, .encode = encode_indicator,
		.reached = "UPDATE sink_cursor SET position = ?1 WHERE sink = ?2 AND measurement = 'unit_indicator'",
		.waiting = "SELECT count(*) FROM (SELECT 1 FROM sample WHERE change > ?1 LIMIT ?2)",
	},
	[POINT_SITE_ENROLMENT] = {
		.name = "site_enrolment", .select = select_enrolments, .encode = encode_enrolment,
		.reached = "DELETE FROM point_enrolment WHERE id <= ?1 AND ?2 <> ''",
		.waiting = "SELECT count(*) FROM (SELECT 1 FROM point_enrolment WHERE id > ?1 LIMIT ?2)",
		.walk = walk_enrolments, .queue = queue_enrolment,
	},
	[POINT_INCIDENT] = {
		.name = "incident", .select = select_incidents, .encode = encode_incident,
		.reached = "DELETE FROM point_incident WHERE id <= ?1 AND ?2 <> ''",
		.waiting = "SELECT count(*) FROM (SELECT 1 FROM point_incident WHERE id > ?1 LIMIT ?2)",
		.walk = walk_incidents, .queue = queue_incident,
	},
	[POINT_CASE_EVENT] = {
		.name = "case_event", .select = select_case_events, .encode = encode_case_event,
		.reached = "UPDATE sink_cursor SET position = ?1 WHERE sink = ?2 AND measurement = 'case_event'",
		.waiting = "SELECT count(*) FROM (SELECT 1 FROM case_event WHERE id > ?1 LIMIT ?2)",
	},
};
