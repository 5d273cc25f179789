/* SPDX-License-Identifier: MIT
 *
 * What a nursery is and how it stands, from a day on. Source: CONTRACT §1, `registration`.
 */
#include "registration.h"

#include "../daemon/clock.h"
#include "../daemon/facts.h"
#include "../daemon/ids.h"
#include "../daemon/standing.h"
#include "fields.h"
#include "incident.h"
#include "survey.h"

const char *const facility_words[FACILITY_COUNT + 1] = {
	[FACILITY_NURSERY] = "nursery",	    [FACILITY_KINDERGARTEN_CLASS] = "kindergarten_class",
	[FACILITY_WORKPLACE] = "workplace", [FACILITY_COMMUNITY] = "community",
	[FACILITY_FAMILY_POINT] = "family_point", [FACILITY_CENTRE] = "centre",
};

const char *const registrar_words[REGISTRAR_COUNT + 1] = {
	[REGISTRAR_MARKET] = "market",
	[REGISTRAR_CIVIL] = "civil",
	[REGISTRAR_ESTABLISHMENT] = "establishment",
};

const char *const registration_words[REGISTRATION_COUNT + 1] = {
	[REGISTRATION_REGISTERED] = "registered",
	[REGISTRATION_CANCELLED] = "cancelled",
};

const char *const filing_words[FILING_COUNT + 1] = {
	[FILING_NONE] = "none",
	[FILING_SUBMITTED] = "submitted",
	[FILING_FILED] = "filed",
	[FILING_DEFECTS] = "defects",
	[FILING_CHANGE_PENDING] = "change_pending",
	[FILING_WITHDRAWN] = "withdrawn",
	[FILING_CANCELLED] = "cancelled",
	[FILING_LICENSED] = "licensed",
	[FILING_LICENCE_SUSPENDED] = "licence_suspended",
	[FILING_LICENCE_REVOKED] = "licence_revoked",
};

const char *const operation_words[OPERATION_COUNT + 1] = {
	[OPERATION_PREPARING] = "preparing",
	[OPERATION_OPERATING] = "operating",
	[OPERATION_SUSPENDED] = "suspended",
	[OPERATION_CLOSED] = "closed",
};

/* The length in bytes of the UTF-8 character at text, and its code point. The JSON parser has checked the form. */
static size_t character_at(const char *text, uint32_t *ret)
{
	unsigned char lead = (unsigned char)*text;
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t point = len == 1 ? lead : lead & (0x7fU >> len);

	for (size_t i = 1; i < len; i++)
		point = point << 6 | ((unsigned char)text[i] & 0x3f);
	*ret = point;
	return len;
}

static const struct {
	uint32_t first, last;
} unprintable[] = {
	{ 0x00, 0x1f },	    { 0x7f, 0x9f },	/* control characters */
	{ 0x061c, 0x061c }, { 0x200e, 0x200f }, /* Unicode Bidi_Control: a name must read as it is stored */
	{ 0x202a, 0x202e }, { 0x2066, 0x2069 },
};

static bool name_valid(const char *text)
{
	while (*text) {
		uint32_t point;

		text += character_at(text, &point);
		for (size_t i = 0; i < ARRAY_SIZE(unprintable); i++)
			if (point >= unprintable[i].first && point <= unprintable[i].last)
				return false;
	}
	return true;
}

#define FILING_NO_MAX 64 /* characters */

static bool filing_character(const char *character, size_t len)
{
	static const char allowed[] = "()-（）〔〕号字第";

	for (const char *c = allowed; *c;) {
		uint32_t point;
		size_t allowed_len = character_at(c, &point);

		if (len == allowed_len && memcmp(c, character, len) == 0)
			return true;
		c += allowed_len;
	}
	return len == 1 && ((*character >= '0' && *character <= '9') || (*character >= 'A' && *character <= 'Z') ||
			    (*character >= 'a' && *character <= 'z'));
}

static bool filing_no_valid(const char *text)
{
	int count = 0;

	for (; *text; count++) {
		uint32_t point;
		size_t len = character_at(text, &point);

		if (count == FILING_NO_MAX || !filing_character(text, len))
			return false;
		text += len;
	}
	return count > 0;
}

#define AT(member) .offset = offsetof(struct registration, member)
#define COUNT(key, member) { .name = key, AT(member), .max = COUNT_MAX }
#define COUNT_OR_NULL(key, member) { .name = key, AT(member), .max = COUNT_MAX, .presence = NULLABLE }
#define WORD(key, member, list) { .name = key, .type = FIELD_WORD, AT(member), .words = list }

static const struct field places_fields[] = {
	COUNT("infant", places[0]),
	COUNT("toddler", places[1]),
	COUNT("older", places[2]),
	COUNT("mixed", places[3]),
	{ 0 },
};

static const struct field fee_fields[] = {
	COUNT_OR_NULL("fullday", fee_fullday),
	COUNT_OR_NULL("halfday", fee_halfday),
	{ 0 },
};

static const struct field registration_fields[] = {
	{ .name = "effective_on", .type = FIELD_DAY, AT(effective_on) },
	{ .name = "name", .type = FIELD_TEXT, AT(name), .size = sizeof(((struct registration *)0)->name), .min = 1,
	  .max = 100, .free_text = true, .check = name_valid, .form = "no control or bidirectional characters" },
	WORD("facility", facility, facility_words),
	WORD("registrar", registrar, registrar_words),
	WORD("registration", registration, registration_words),
	WORD("filing", filing, filing_words),
	{ .name = "filing_no", .type = FIELD_TEXT, .presence = NULLABLE, AT(filing_no),
	  .size = sizeof(((struct registration *)0)->filing_no), .check = filing_no_valid,
	  .form = "[0-9A-Za-z()（）〔〕号字第-]{1,64}" },
	{ .name = "filed_on", .type = FIELD_DAY, .presence = NULLABLE, AT(filed_on) },
	WORD("operation", operation, operation_words),
	{ .name = "places", .type = FIELD_OBJECT, .fields = places_fields },
	{ .name = "inclusive", .type = FIELD_TRILEAN, .presence = NULLABLE, AT(inclusive) },
	{ .name = "disclosed", .type = FIELD_TRILEAN, .presence = NULLABLE, AT(disclosed) },
	{ .name = "insured_until", .type = FIELD_DAY, .presence = NULLABLE, AT(insured_until) },
	COUNT_OR_NULL("cctv_days", cctv_days),
	{ .name = "fee_month", .type = FIELD_OBJECT, .presence = NULLABLE, .fields = fee_fields },
	{ 0 },
};

static void decode(const json *body, int64_t received_day, struct message *m)
{
	const struct reading r = { .received_day = received_day, .findings = &m->findings };

	fields_read(registration_fields, body, &body_path, &m->facts.registration, &r);
}

/* ---- facts ---- */

static int recount(struct fold *f, int64_t site, int64_t effective_on)
{
	return store_run(f->store,
			 "UPDATE registration SET counts = 1 - counts WHERE site = ?2 AND effective_on = ?1 AND counts <>"
			 " (n = ifnull((SELECT n FROM registration WHERE site = ?2 AND effective_on = ?1 AND void = 0"
			 " ORDER BY epoch DESC, seq DESC, n LIMIT 1), 0))",
			 "ii", effective_on, site);
}

static int insert(struct fold *f, const struct fold_row *row)
{
	const struct registration *g = &row->message->facts.registration;

	return store_run(f->store,
			 "INSERT INTO registration(site, effective_on, epoch, seq, n, void, counts, name, facility, registrar,"
			 " registration, filing, operation, filing_no, filed_on, places_infant, places_toddler, places_older,"
			 " places_mixed, inclusive, disclosed, insured_until, cctv_days, fee_fullday, fee_halfday)"
			 " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 "iiiiiiitiiiiitiiiiiiiiiii", row->site->id, g->effective_on, row->message->epoch, row->message->seq, row->n,
			 (int64_t)row->voided, (int64_t)!row->voided, g->name, (int64_t)g->facility, (int64_t)g->registrar,
			 (int64_t)g->registration, (int64_t)g->filing, (int64_t)g->operation,
			 g->filing_no[0] ? g->filing_no : NULL, g->filed_on, g->places[0], g->places[1], g->places[2], g->places[3],
			 tri(g->inclusive), tri(g->disclosed), g->insured_until, g->cctv_days, g->fee_fullday, g->fee_halfday);
}

/* A site's division is that of its earliest (lowest epoch, seq) accepted registration, live or void (CONTRACT §1). */
static int is_earliest(struct fold *f, const struct fold_row *row, bool *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	int r = store_query(f->store, &q,
			    "SELECT 1 FROM site WHERE id = ?1 AND registered_epoch IS NOT NULL"
			    " AND (registered_epoch, registered_seq) <= (?2, ?3)",
			    "iii", row->site->id, row->message->epoch, row->message->seq);

	if (r >= 0)
		r = store_step(q);
	*ret = r == 0;
	return MIN(r, 0);
}

static int first_day_known(struct fold *f, int64_t site, int64_t *ret)
{
	return store_get_int(f->store, ret, "SELECT min(effective_on) FROM registration WHERE site = ?", "i", site);
}

/* The site belongs to its (new) unit, and so do the events that it has reported. */
static int settle(struct fold *f, const struct fold_row *row)
{
	const struct message *m = row->message;
	struct site *site = row->site;
	int64_t first = f->dirty.today;
	int r = first_day_known(f, site->id, &first);

	if (r >= 0)
		r = survey_mark_rounds(f, site);
	if (r >= 0)
		r = standing_mark(f, site, first, f->dirty.today);
	if (r < 0)
		return r;
	streams_change(&f->streams, site);
	memcpy(site->division, m->division, sizeof site->division);
	ids_unit_of(m->division, site->unit);
	r = store_run(f->store,
		      "UPDATE site SET division = ?, unit = ?, registered_epoch = ?, registered_seq = ?,"
		      " expected_from = ? WHERE id = ?",
		      "ttiiii", site->division, site->unit, m->epoch, m->seq,
		      MAX(m->facts.registration.effective_on, clock_local_day(m->sent_at)), site->id);
	if (r >= 0)
		r = incident_settle(f, row->by_n, row->now, site);
	if (r >= 0)
		r = survey_mark_rounds(f, site);
	return r < 0 ? r : standing_mark(f, site, first, f->dirty.today);
}

static int apply(struct fold *f, const struct fold_row *row)
{
	int64_t effective_on = row->message->facts.registration.effective_on;
	bool earliest;
	int r = insert(f, row);

	if (r >= 0)
		r = recount(f, row->site->id, effective_on);
	if (r >= 0)
		r = is_earliest(f, row, &earliest);
	if (r >= 0 && earliest)
		r = settle(f, row);
	return r < 0 ? r : standing_mark(f, row->site, effective_on, f->dirty.today);
}

static int void_message(struct fold *f, const struct site *site, int64_t epoch, int64_t seq, int64_t n, int64_t now)
{
	(void)n;
	(void)now;
	int64_t effective_on;
	int r = store_get_int(f->store, &effective_on,
			      "SELECT min(effective_on) FROM registration WHERE site = ? AND epoch = ? AND seq = ? AND void = 0",
			      "iii", site->id, epoch, seq);

	if (r <= 0 || effective_on == STORE_NULL)
		return MIN(r, 0);
	r = store_run(f->store, "UPDATE registration SET void = 1, counts = 0 WHERE site = ? AND epoch = ? AND seq = ?", "iii",
		      site->id, epoch, seq);
	if (r >= 0)
		r = recount(f, site->id, effective_on);
	return r < 0 ? r : standing_mark(f, site, effective_on, f->dirty.today);
}

static int forget(struct fold *f, const struct site *site, int64_t n)
{
	return store_run(f->store, "UPDATE registration SET name = '" ERASED_TEXT "' WHERE site = ? AND n = ?", "ii", site->id, n);
}

static const struct field *fields_of(const json *body)
{
	(void)body;
	return registration_fields;
}

const struct collector collector_registration = {
	.feed = "registration",
	.number = 1,
	.decode = decode,
	.fields = fields_of,
	.forget = forget,
	.apply = apply,
	.void_message = void_message,
};
