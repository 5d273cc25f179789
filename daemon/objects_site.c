/* SPDX-License-Identifier: MIT
 *
 * A nursery: where it counts, the registration in force, its last enrolment, what it should send next.
 */
#include "objects.h"
#include "objects_row.h"

#include "../collectors/collector.h"
#include "../collectors/registration.h"
#include "streams.h"

/* In a list the latest enrolment is looked for on so many days that have any nursery's report, alone on all of them. Facts are
 * keyed day first, so each such day is two looks. */
#define LOOK_BACK_LIST 60

enum {
	EFFECTIVE_ON, NAME, FACILITY, REGISTRAR, REGISTRATION, FILING, OPERATION, FILING_NO, FILED_ON,
	PLACES, /* four columns */
	INCLUSIVE = PLACES + 4, DISCLOSED, INSURED_UNTIL, CCTV_DAYS, FEE_FULLDAY, FEE_HALFDAY, EPOCH, SEQ, N,
};

static json *named_ints(store_stmt *q, int first, const char *const *names, int count)
{
	json *o = json_new_object();

	for (int i = 0; i < count; i++)
		json_set(o, names[i], row_int(q, first + i));
	return o;
}

static json *fees(store_stmt *q)
{
	static const char *const names[] = { "fullday", "halfday" };

	return named_ints(q, FEE_FULLDAY, names, 2);
}

/* As in the message (CONTRACT §1), and which message it was. */
static json *registration(store_stmt *q)
{
	static const char *const places[] = { "infant", "toddler", "older", "mixed" };
	json *o = json_new_object();

	json_set(o, "effective_on", row_day(q, EFFECTIVE_ON));
	json_set(o, "name", row_text(q, NAME));
	json_set(o, "facility", row_word(q, FACILITY, facility_words, FACILITY_COUNT));
	json_set(o, "registrar", row_word(q, REGISTRAR, registrar_words, REGISTRAR_COUNT));
	json_set(o, "registration", row_word(q, REGISTRATION, registration_words, REGISTRATION_COUNT));
	json_set(o, "filing", row_word(q, FILING, filing_words, FILING_COUNT));
	json_set(o, "filing_no", row_text(q, FILING_NO));
	json_set(o, "filed_on", row_day(q, FILED_ON));
	json_set(o, "operation", row_word(q, OPERATION, operation_words, OPERATION_COUNT));
	json_set(o, "places", named_ints(q, PLACES, places, 4));
	json_set(o, "inclusive", row_bool(q, INCLUSIVE));
	json_set(o, "disclosed", row_bool(q, DISCLOSED));
	json_set(o, "insured_until", row_day(q, INSURED_UNTIL));
	json_set(o, "cctv_days", row_int(q, CCTV_DAYS));
	json_set(o, "fee_month", fees(q));
	json_set(o, "epoch", row_int(q, EPOCH));
	json_set(o, "seq", row_int(q, SEQ));
	json_set(o, "n", row_int(q, N));
	return o;
}

/* What the official register states; it outranks the claim (DOMAIN §2). STORE_NULL: nothing. */
struct stated {
	int64_t filing, registration;
};

#define STATED(column) \
	"(SELECT g." column " FROM register g WHERE g.site = s.code AND g.effective_on <= ?2 AND g." column " IS NOT NULL" \
	" ORDER BY g.effective_on DESC LIMIT 1)"

static int read_stated(struct store *s, int64_t site, int64_t today, struct stated *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT " STATED("filing") ", " STATED("registration") " FROM site s WHERE s.id = ?1", "ii",
			    site, today);

	*ret = (struct stated){ STORE_NULL, STORE_NULL };
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	*ret = (struct stated){ store_int(q, 0), store_int(q, 1) };
	return 0;
}

/* What the registration in force says of the site's standing (DOMAIN §2: registered, operating, counted). */
static json *standing(store_stmt *q, bool in_force, const struct stated *stated)
{
	int64_t filing = stated->filing != STORE_NULL ? stated->filing : in_force ? store_int(q, FILING) : FILING_NONE;
	int64_t state = stated->registration != STORE_NULL ? stated->registration : in_force ? store_int(q, REGISTRATION) : 0;
	bool registered = in_force && state == REGISTRATION_REGISTERED;
	bool operating = registered && store_int(q, OPERATION) == OPERATION_OPERATING;
	bool filed = filing == FILING_FILED || filing == FILING_CHANGE_PENDING || filing == FILING_LICENSED;
	json *o = json_new_object();

	json_set(o, "exists", json_new_bool(in_force));
	json_set(o, "registered", json_new_bool(registered));
	json_set(o, "operating", json_new_bool(operating));
	json_set(o, "filed", json_new_bool(filed));
	json_set(o, "counted", json_new_bool(operating && filed));
	return o;
}

/* The one in force; before the first, the site does not exist yet and the coming one is shown. */
static int set_registration(struct store *s, int64_t site, int64_t today, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT effective_on, name, facility, registrar, registration, filing, operation, filing_no,"
			    " filed_on, places_infant, places_toddler, places_older, places_mixed, inclusive, disclosed,"
			    " insured_until, cctv_days, fee_fullday, fee_halfday, epoch, seq, n FROM registration"
			    " WHERE site = ?1 AND counts = 1"
			    " ORDER BY effective_on > ?2, abs(effective_on - ?2) LIMIT 1",
			    "ii", site, today);
	struct stated stated;
	bool found, in_force;

	if (r >= 0)
		r = store_step(q);
	if (r < 0)
		return r;
	found = r > 0;
	r = read_stated(s, site, today, &stated);
	if (r < 0)
		return r;
	in_force = found && store_int(q, EFFECTIVE_ON) <= today;
	json_set(object, "standing", standing(q, in_force, &stated));
	json_set(object, "registration", found ? registration(q) : NULL);
	return 0;
}

static json *classes(const char *text)
{
	json *list = NULL;
	size_t offset;

	if (!text || json_parse(text, strlen(text), 4, &list, &offset) < 0)
		return json_new_null();
	return list;
}

static json *enrolment(store_stmt *q)
{
	static const char *const ages[] = { "under12", "m12_23", "m24_35", "over36" };
	static const char *const modes[] = { "fullday", "halfday", "hourly", "temporary" };
	static const char *const staff[] = { "carers", "health", "guards" };
	json *o = json_new_object();

	json_set(o, "as_of", row_day(q, 0));
	json_set(o, "open", row_bool(q, 1));
	json_set(o, "places", row_int(q, 2));
	json_set(o, "enrolled", named_ints(q, 3, ages, 4));
	json_set(o, "mode", named_ints(q, 7, modes, 4));
	json_set(o, "attended", row_int(q, 11));
	json_set(o, "waiting", row_int(q, 12));
	json_set(o, "classes", classes(store_text(q, 13)));
	json_set(o, "staff", named_ints(q, 14, staff, 3));
	json_set(o, "received_at", row_time(q, 17));
	json_set(o, "epoch", row_int(q, 18));
	json_set(o, "seq", row_int(q, 19));
	json_set(o, "n", row_int(q, 20));
	return o;
}

static int set_enrolment(struct store *s, int64_t site, int64_t today, bool alone, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "WITH RECURSIVE days(day) AS (SELECT max(day) FROM enrolment WHERE day <= ?2 UNION ALL"
			    " SELECT (SELECT max(day) FROM enrolment WHERE day < days.day) FROM days WHERE days.day IS NOT NULL LIMIT ?3)"
			    " SELECT e.day, open, places, under12, m12_23, m24_35, over36, fullday, halfday, hourly,"
			    " temporary, attended, waiting, classes, carers, health, guards, received_at, epoch, seq, n"
			    " FROM days CROSS JOIN enrolment e ON e.day = days.day AND e.site = ?1 AND e.counts = 1 LIMIT 1",
			    "iii", site, today + 1, alone ? INT64_C(-1) : (int64_t)LOOK_BACK_LIST);

	json_set(object, "enrolment", NULL);
	if (r >= 0)
		r = store_step(q);
	if (r > 0)
		json_set(object, "enrolment", enrolment(q));
	return MIN(r, 0);
}

static int set_status(struct store *s, const char *code, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT state, at FROM site_status WHERE site = ?1", "t", code);

	if (r >= 0)
		r = store_step(q);
	json_set(object, "status", r > 0 ? row_text(q, 0) : NULL);
	json_set(object, "status_at", r > 0 ? row_time(q, 1) : NULL);
	return r < 0 ? r : 0;
}

static int set_next(struct store *s, int64_t site, const struct collector *c, json *next, json *epochs)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT highest + 1, epoch FROM stream WHERE site = ?1 AND feed = ?2", "ii", site,
			    (int64_t)c->number);

	if (r >= 0)
		r = store_step(q);
	json_set(next, c->feed, r > 0 ? row_int(q, 0) : json_new_int(1));
	json_set(epochs, c->feed, r > 0 ? row_int(q, 1) : NULL);
	return r < 0 ? r : 0;
}

static int set_next_seqs(struct store *s, int64_t site, json *object)
{
	json *next = json_new_object(), *epochs = json_new_object();
	int r = 0;

	json_set(object, "next_seq", next);
	json_set(object, "epoch", epochs);
	for (size_t i = 0; r >= 0 && i < collector_count; i++)
		r = set_next(s, site, collectors[i], next, epochs);
	return r;
}

#define GAPS_SHOWN 100 /* a feed and kind */

/* Ranges of seqs that never came: still asked for, or given up. Those before a site's first seq are no gaps. */
static int set_gaps_of(struct store *s, int64_t site, const struct collector *c, bool lost, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q,
			    "SELECT epoch, first, last FROM gap WHERE site = ?1 AND feed = ?2 AND (since = ?3 OR since >= ?4)"
			    " ORDER BY epoch, first LIMIT ?5",
			    "iiiii", site, (int64_t)c->number, lost ? (int64_t)GAP_LOST : INT64_MIN + 1,
			    lost ? INT64_MAX : (int64_t)0, (int64_t)GAPS_SHOWN);

	json_set(object, c->feed, list);
	while (r >= 0 && (r = store_step(q)) > 0) {
		json *range = json_new_object();

		json_set(range, "epoch", row_int(q, 0));
		json_set(range, "from", row_int(q, 1));
		json_set(range, "to", row_int(q, 2));
		json_push(list, range);
	}
	return r;
}

static int set_gaps(struct store *s, int64_t site, json *object)
{
	json *gaps = json_new_object(), *lost = json_new_object();
	int r = 0;

	json_set(object, "gaps", gaps);
	json_set(object, "lost", lost);
	for (size_t i = 0; r >= 0 && i < collector_count; i++) {
		r = set_gaps_of(s, site, collectors[i], false, gaps);
		if (r >= 0)
			r = set_gaps_of(s, site, collectors[i], true, lost);
	}
	return r;
}

/* Where it belongs today. 1 found. */
static int set_place(struct store *s, int64_t id, int64_t today, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q,
			    "SELECT code, iif(unit <> '', ifnull(" STATED("unit") ", unit), NULL),"
			    " iif(unit <> '', ifnull(" STATED("division") ", division), NULL) FROM site s WHERE id = ?1",
			    "ii", id, today);

	if (r >= 0)
		r = store_step(q);
	if (r <= 0)
		return r;
	json_set(object, "site", row_text(q, 0));
	json_set(object, "unit", row_text(q, 1));
	json_set(object, "division", row_text(q, 2));
	return 1;
}

/* By the register or an officer's act: row n says which. */
static int set_moves(struct store *s, int64_t id, json *object)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	json *list = json_new_list();
	int r = store_query(s, &q,
			    "SELECT g.effective_on, g.division, g.unit, g.n FROM site s JOIN register g ON g.site = s.code AND g.unit IS NOT NULL"
			    " WHERE s.id = ? ORDER BY g.effective_on",
			    "i", id);

	json_set(object, "moves", list);
	while (r >= 0 && (r = store_step(q)) > 0) {
		json *move = json_new_object();

		json_set(move, "effective_on", row_day(q, 0));
		json_set(move, "division", row_text(q, 1));
		json_set(move, "unit", row_text(q, 2));
		json_set(move, "n", row_int(q, 3));
		json_push(list, move);
	}
	return r;
}

int object_site_moves(struct store *s, int64_t id, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(s, &q, "SELECT code, division FROM site WHERE id = ?", "i", id);

	*ret = NULL;
	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : OBJECT_NONE;
	json_set(o, "site", row_text(q, 0));
	json_set(o, "division", row_text(q, 1));
	r = set_moves(s, id, o);
	if (r < 0)
		return r;
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}

int object_site(struct store *s, int64_t id, int64_t today, bool alone, json **ret)
{
	_cleanup_(json_freep) json *o = json_new_object();
	int r = set_place(s, id, today, o);

	*ret = NULL;
	if (r <= 0)
		return r < 0 ? r : OBJECT_NONE;
	r = set_registration(s, id, today, o);
	if (r >= 0)
		r = set_enrolment(s, id, today, alone, o);
	if (r >= 0)
		r = set_status(s, json_text(json_get(o, "site")), o);
	if (r >= 0)
		r = set_next_seqs(s, id, o);
	if (r >= 0 && alone)
		r = set_gaps(s, id, o);
	if (r >= 0 && alone)
		r = set_moves(s, id, o);
	if (r < 0)
		return r;
	*ret = o;
	o = NULL; /* ownership moved to the caller */
	return 0;
}
