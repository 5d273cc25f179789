/* SPDX-License-Identifier: MIT */
#include "alert_log.h"

#include "log.h"
#include "store.h"

/* Rules that a person on duty binds an alarm to; every other is alert.raised. */
static const struct {
	const char *rule, *event;
} events[] = {
	{ "art5-1", "alert.revocation" },
	{ "incident-unreadable", "alert.incident_unreadable" },
};

static const char *event_of(const char *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (strcmp(events[i].rule, rule) == 0)
			return events[i].event;
	return "alert.raised";
}

/* Neither site nor subject: the journal is read by people who need not know. */
static void tell(store_stmt *q)
{
	log_warning(event_of(store_text(q, 1)), "id=A-%06lld rule=%s severity=%s unit=%s unconfirmed=%lld next=\"%s\"",
		    (long long)store_int(q, 0), store_text(q, 1), store_text(q, 2), store_text(q, 3),
		    (long long)store_int(q, 4), store_int(q, 5) ? "call people" : "nobody is called");
}

int alert_log_tell(struct alert_log *l, int64_t head_n)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r;

	if (head_n <= l->told_n)
		return 0;
	r = store_query(l->store, &q,
			/* Asked at every burst; for the order alone SQLite would read all alerts there ever were. */
			"SELECT id, rule, severity, unit, unconfirmed, paged FROM alert INDEXED BY alert_by_change"
			" WHERE changed_n > ?1 AND raised_n > ?1 ORDER BY id",
			"i", l->told_n);
	while (r >= 0 && (r = store_step(q)) > 0)
		tell(q);
	if (r >= 0)
		l->told_n = head_n;
	return r;
}
