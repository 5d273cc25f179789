/* SPDX-License-Identifier: MIT */
#include "outlet.h"

#include "clock.h"
#include "dirty.h"
#include "objects.h"
#include "samples.h"

#include <errno.h>
#include <stdio.h>

#define ALERT_TOPIC "nurseryd/v1/alert/"
#define CURRENT_MS 50   /* of what is current after a connect, at a time */
#define PASSED_OVER 100 /* samples of history looked at for each one published */

static int publish_json(struct outlet *o, const char *topic, const json *value)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	json_compact(value, &text);
	return o->publish(o->context, topic, text.p, text.len, 1, true);
}

static int publish_alert(struct outlet *o, int64_t id, const char *unit, bool open)
{
	_cleanup_(json_freep) json *alert = NULL;
	char topic[96];
	int r;

	snprintf(topic, sizeof topic, ALERT_TOPIC "%.2s/%.6s/A-%06lld", unit, unit, (long long)id);
	o->alerts_published++;
	if (!open)
		return o->publish(o->context, topic, "", 0, 1, true);
	r = object_alert(o->store, id, true, &alert);
	return r != 0 ? MIN(r, 0) : publish_json(o, topic, alert);
}

/* Alerts changed by rows after `since`, the closed ones too. */
static int publish_alerts(struct outlet *o, int64_t since, bool only_open)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(o->store, &q, "SELECT id, unit, state, changed_n FROM alert WHERE changed_n > ? ORDER BY changed_n",
			    "i", since);

	if (r < 0)
		return r;
	while ((r = store_step(q)) > 0) {
		bool open = strcmp(store_text(q, 2), "open") == 0;

		if (open || !only_open)
			r = publish_alert(o, store_int(q, 0), store_text(q, 1), open);
		if (r < 0)
			return r;
		o->alert_n = MAX(o->alert_n, store_int(q, 3));
	}
	return r;
}

/* as_of STORE_NULL: the unit has no such sample any more, its retained topic is cleared. */
static int publish_indicator(struct outlet *o, struct province_sums *sums, const char *unit, const char *indicator,
			     int64_t as_of)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	char topic[128];
	int r = as_of == STORE_NULL ? OBJECT_NONE : object_indicator_text(o->store, sums, unit, indicator, "day", as_of, &text);

	if (r < 0)
		return r;
	snprintf(topic, sizeof topic, "nurseryd/v1/indicator/%.2s/%.6s/%.64s", unit, unit, indicator);
	o->indicators_published++;
	return o->publish(o->context, topic, r == OBJECT_NONE ? "" : text.p, text.len, 1, true);
}

/* Of every indicator the latest day, sought directly: history may hold millions of samples. */
static int publish_unit(struct outlet *o, struct province_sums *sums, const char *unit)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < indicator_count; i++) {
		int64_t as_of = STORE_NULL;

		r = store_get_int(o->store, &as_of, "SELECT max(as_of) FROM sample WHERE unit = ? AND indicator = ? AND period = 'day'",
				  "tt", unit, indicators[i].id);
		if (r >= 0 && as_of != STORE_NULL)
			r = publish_indicator(o, sums, unit, indicators[i].id, as_of);
	}
	return r;
}

/* All units behind the one that was published last, for a moment: a country's 340 take 0.4 s. */
static int publish_current(struct outlet *o)
{
	_cleanup_(province_sums_done) struct province_sums sums = { 0 };
	int64_t until = clock_monotonic_ms() + CURRENT_MS;
	int r;

	do {
		r = dirty_next_unit(o->store, o->unit);
		o->all_told = r == 0;
		if (r > 0)
			r = publish_unit(o, &sums, o->unit);
	} while (r >= 0 && !o->all_told && clock_monotonic_ms() < until);
	return r;
}

#define LATEST(row) \
	"(SELECT max(as_of) FROM sample WHERE unit = " row ".unit AND indicator = " row ".indicator AND period = 'day')"

/* The retained topic holds the latest day; history that is recomputed is passed over. A day that is no more leaves the one
 * before it, or nothing. */
static int publish_changed(struct outlet *o, int most)
{
	_cleanup_(province_sums_done) struct province_sums sums = { 0 };
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(o->store, &q,
			    "SELECT * FROM (SELECT s.unit, s.indicator, s.as_of, s.change, s.as_of = " LATEST("s")
			    " FROM sample s WHERE s.change > ?1 AND s.period = 'day' ORDER BY s.change LIMIT ?2)"
			    " UNION ALL SELECT * FROM (SELECT g.unit, g.indicator, " LATEST("g") ", g.change, g.as_of > ifnull(" LATEST("g")
			    ", 0) FROM sample_gone g WHERE g.change > ?1 AND g.period = 'day' ORDER BY g.change LIMIT ?2) ORDER BY 4 LIMIT ?2",
			    "ii", o->change, (int64_t)most * PASSED_OVER);
	int published = 0;

	while (r >= 0 && published < most && (r = store_step(q)) > 0) {
		if (store_int(q, 4)) {
			r = publish_indicator(o, &sums, store_text(q, 0), store_text(q, 1), store_int(q, 2));
			published++;
		}
		if (r >= 0)
			o->change = store_int(q, 3);
	}
	return MIN(r, 0);
}

int outlet_indicators(struct outlet *o, int most)
{
	int r = o->all_told ? 0 : publish_current(o);

	return r < 0 ? r : publish_changed(o, most);
}

int outlet_start(struct outlet *o)
{
	int r = samples_last_change(o->store, &o->change);

	o->alert_n = 0;
	o->unit[0] = '\0';
	if (r >= 0)
		r = publish_alerts(o, 0, true);
	return r < 0 ? r : publish_current(o);
}

int outlet_alerts(struct outlet *o, int64_t head_n)
{
	int r = head_n > o->alert_n ? publish_alerts(o, o->alert_n, false) : 0;

	if (r >= 0)
		o->alert_n = MAX(o->alert_n, head_n);
	return r;
}

int outlet_held_alert(struct outlet *o, const char *topic)
{
	const char *slash = strrchr(topic, '/');
	int64_t id, open = 0;
	int r = slash && strncmp(topic, ALERT_TOPIC, strlen(ALERT_TOPIC)) == 0 ? object_alert_id(slash + 1, &id) : -EINVAL;

	if (r >= 0)
		r = store_get_int(o->store, &open, "SELECT 1 FROM alert WHERE id = ? AND state = 'open'", "i", id);
	if (r < 0 && r != -EINVAL)
		return r;
	/* A stranger: closed while we were away, or left by a database that is no longer ours. */
	return open ? 0 : o->publish(o->context, topic, "", 0, 1, true);
}

int outlet_head(struct outlet *o, const struct ledger_head *head, int64_t now)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	char hash[HASH_HEX_SIZE], at[CLOCK_TEXT_SIZE];

	buf_printf(&text, "{\"n\":%lld,\"hash\":\"%s\",\"at\":\"%s\"}", (long long)head->n, hash_hex(head->hash, hash),
		   clock_format_time(now, at));
	return o->publish(o->context, "nurseryd/v1/ledger/head", text.p, text.len, 1, true);
}
