/* SPDX-License-Identifier: MIT
 *
 * A migration is never edited once it has been released; a change is a new one behind it. Facts are keyed day
 * first and nothing that all messages touch is an index over all history: measured 188k rows/s against 33k at
 * 100,000 sites (DESIGN §4.14). Times are ms since 1970 UTC, days are days since 1970-01-01 (Shanghai's),
 * words are numbers of the tables in collectors/.
 */
#include "schema.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>

/* The points of the facts are queued in the transaction that folds them, and only while a sink exists. */
#define POINTS_WANTED(measurement_) " WHEN EXISTS(SELECT 1 FROM sink_cursor WHERE measurement = '" measurement_ "') BEGIN "
#define QUEUE_ENROLMENT \
	" DELETE FROM point_enrolment WHERE day = new.day AND site = new.site" \
	" AND unit = (SELECT " STANDING_UNIT("new.day") " FROM site s WHERE s.id = new.site);" \
	" INSERT INTO point_enrolment(day, site, unit) SELECT new.day, s.id, " STANDING_UNIT("new.day") " FROM site s" \
	" WHERE s.id = new.site AND s.unit IS NOT NULL; END;"
/* Of the days from first on: what stood under a unit may belong to another now. Rows s of table site. */
#define QUEUE_SITE(unit_, first_, sites_) \
	" INSERT INTO point_site(site, unit, first) SELECT s.id, " unit_ ", " first_ " FROM site s WHERE " sites_ \
	" AND NOT EXISTS(SELECT 1 FROM point_site WHERE site = s.id AND unit = " unit_ " AND first = " first_ "); END;"
#define QUEUE_INCIDENT(row) \
	" DELETE FROM point_incident WHERE site = " row ".site AND event = " row ".event AND unit = " row ".unit;" \
	" INSERT INTO point_incident(site, event, unit) VALUES(" row ".site, " row ".event, " row ".unit); "

/* What a province's units add up to. */
#define SUMMED(row) "(" row ".status = 'ok' AND typeof(" row ".numerator) = 'integer')"
#define PROVINCE_OF(row) \
	"province = substr(" row ".unit, 1, 2) AND indicator = " row ".indicator AND period = " row ".period AND as_of = " row ".as_of"
#define ADD_TO_PROVINCE \
	" INSERT INTO province_sum VALUES(substr(new.unit, 1, 2), new.indicator, new.period, new.as_of, new.numerator," \
	" ifnull(new.denominator, 0), 1) ON CONFLICT DO UPDATE SET numerator = numerator + excluded.numerator," \
	" denominator = denominator + excluded.denominator, ok = ok + 1;"
#define TAKE_FROM_PROVINCE \
	" UPDATE province_sum SET numerator = numerator - old.numerator, denominator = denominator - ifnull(old.denominator, 0)," \
	" ok = ok - 1 WHERE " PROVINCE_OF("old") "; DELETE FROM province_sum WHERE " PROVINCE_OF("old") " AND ok = 0;"

static const char migration_1[] =
	/* truth */
	"CREATE TABLE ledger(n INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, topic TEXT NOT NULL,"
	" payload BLOB NOT NULL, outcome TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"
	/* folded: what an `act/erase` row says of a row before it; the digests stand in for the bytes that are gone */
	"CREATE TABLE erased(n INTEGER PRIMARY KEY, by_n INTEGER NOT NULL, payload_sha256 BLOB NOT NULL, payload BLOB NOT NULL,"
	" outcome_sha256 BLOB NOT NULL, outcome TEXT NOT NULL, fingerprint TEXT) STRICT;"
	/* The one change there is: to the very stand-ins that the erase row holds. */
	"CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger WHEN NOT (NEW.n = OLD.n"
	" AND NEW.received_at = OLD.received_at AND NEW.topic = OLD.topic AND NEW.hash = OLD.hash AND EXISTS (SELECT 1"
	" FROM erased e WHERE e.n = OLD.n AND e.payload = NEW.payload AND e.outcome = NEW.outcome))"
	" BEGIN SELECT raise(ABORT, 'ledger rows are never changed'); END;"
	"CREATE TRIGGER ledger_is_never_cut BEFORE DELETE ON ledger"
	" BEGIN SELECT raise(ABORT, 'ledger rows are never deleted'); END;"

	/* folded: identity (CONTRACT §1). message is append-only: prev leads to the feed's message before */
	"CREATE TABLE site(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, first_n INTEGER NOT NULL,"
	" division TEXT, unit TEXT, registered_epoch INTEGER, registered_seq INTEGER, expected_from INTEGER) STRICT;"
	"CREATE INDEX site_by_unit ON site(unit);"
	"CREATE TABLE message(n INTEGER PRIMARY KEY, site INTEGER NOT NULL, feed INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, seq INTEGER NOT NULL, prev INTEGER NOT NULL) STRICT;"
	/* print: of topic and stored payload, to know an identical reject again */
	"CREATE TABLE refused(n INTEGER PRIMARY KEY, status TEXT NOT NULL, site INTEGER, feed INTEGER,"
	" received_at INTEGER NOT NULL, print BLOB NOT NULL) STRICT;"
	"CREATE INDEX refused_by_print ON refused(print);"
	"CREATE INDEX refused_by_site ON refused(site, feed, n);"
	/* of: the message's own row; accepted: by this replay's verdict */
	"CREATE TABLE replay(n INTEGER PRIMARY KEY, of INTEGER NOT NULL, accepted INTEGER NOT NULL) STRICT;"
	"CREATE INDEX replay_by_original ON replay(of);"
	"CREATE TABLE stream(site INTEGER NOT NULL, feed INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL,"
	" highest INTEGER NOT NULL, last_n INTEGER NOT NULL, flags INTEGER NOT NULL,"
	" PRIMARY KEY(site, feed)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE stream_epoch(site INTEGER NOT NULL, feed INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" first INTEGER NOT NULL, highest INTEGER NOT NULL, PRIMARY KEY(site, feed, epoch)) STRICT, WITHOUT ROWID;"
	/* since: when it opened; < 0: not asked for: -1 before a site's first seq (counting starts there), -2 lost */
	"CREATE TABLE gap(site INTEGER NOT NULL, feed INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(site, feed, epoch, first)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX gap_open ON gap(site, feed, epoch, first) WHERE since >= 0;"
	"CREATE TABLE identity(site INTEGER NOT NULL, feed INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" n INTEGER NOT NULL, PRIMARY KEY(site, feed, epoch, seq, n)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE void(site INTEGER NOT NULL, feed INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" n INTEGER NOT NULL, PRIMARY KEY(site, feed, epoch, seq)) STRICT, WITHOUT ROWID;"

	/* folded: facts. void = 1 once an amend or retract voided the message; counts = 1 for the one message of its
	 * natural key that counts (highest live epoch, seq) */
	"CREATE TABLE registration(site INTEGER NOT NULL, effective_on INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, n INTEGER NOT NULL, void INTEGER NOT NULL, counts INTEGER NOT NULL, name TEXT NOT NULL,"
	" facility INTEGER NOT NULL, registrar INTEGER NOT NULL, registration INTEGER NOT NULL, filing INTEGER NOT NULL,"
	" operation INTEGER NOT NULL, filing_no TEXT, filed_on INTEGER, places_infant INTEGER, places_toddler INTEGER,"
	" places_older INTEGER, places_mixed INTEGER, inclusive INTEGER, disclosed INTEGER, insured_until INTEGER,"
	" cctv_days INTEGER, fee_fullday INTEGER, fee_halfday INTEGER,"
	" PRIMARY KEY(site, effective_on, epoch, seq, n)) STRICT, WITHOUT ROWID;"
	/* The first day of all is asked for by every row of an import (12 s for 340 of them at 100,000 sites, seen). */
	"CREATE INDEX registration_by_day ON registration(effective_on);"
	"CREATE TABLE enrolment(day INTEGER NOT NULL, site INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" n INTEGER NOT NULL, received_at INTEGER NOT NULL, void INTEGER NOT NULL, counts INTEGER NOT NULL,"
	" open INTEGER NOT NULL, places INTEGER, under12 INTEGER, m12_23 INTEGER, m24_35 INTEGER, over36 INTEGER,"
	" fullday INTEGER, halfday INTEGER, hourly INTEGER, temporary INTEGER, attended INTEGER, waiting INTEGER,"
	" classes TEXT, carers INTEGER, health INTEGER, guards INTEGER,"
	" PRIMARY KEY(day, site, epoch, seq, n)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE incident_message(site INTEGER NOT NULL, event TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" n INTEGER NOT NULL, received_at INTEGER NOT NULL, sent_at INTEGER, void INTEGER NOT NULL, counts INTEGER NOT NULL,"
	" stage INTEGER NOT NULL, type INTEGER NOT NULL, occurred_at INTEGER NOT NULL, known_at INTEGER NOT NULL,"
	" dead INTEGER, critical INTEGER, serious INTEGER, minor INTEGER, missing INTEGER, adults_dead INTEGER,"
	" adults_serious INTEGER, sick INTEGER, loss_yuan INTEGER, measures INTEGER, police_at INTEGER,"
	" services_stopped INTEGER, severity INTEGER NOT NULL, confirmed INTEGER NOT NULL, grade INTEGER,"
	" PRIMARY KEY(site, event, epoch, seq, n)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX incident_message_by_identity ON incident_message(site, epoch, seq);"
	/* severity 1…4 worst of all confirmed messages; unconfirmed = 1 while only an unconfirmed S1 says so;
	 * division, unit: where the event is counted: the site's, or the topic's while the site is not registered */
	"CREATE TABLE incident(site INTEGER NOT NULL, event TEXT NOT NULL, n INTEGER NOT NULL, unit TEXT NOT NULL,"
	" division TEXT NOT NULL, severity INTEGER NOT NULL, unconfirmed INTEGER NOT NULL, grade INTEGER,"
	" occurred_at INTEGER NOT NULL, known_at INTEGER NOT NULL, first_received_at INTEGER NOT NULL,"
	" live INTEGER NOT NULL, PRIMARY KEY(site, event)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX incident_by_unit ON incident(unit, occurred_at);"

	/* round = year × 2, + 1 for H2; NULL answers: don't know. A ballot counts or not as above; whether its token is
	 * live at a second site, too, is in survey_site: sums over the ballots (left_out: of how many the token is), and
	 * over the tally that counts (DOMAIN §5) */
	"CREATE TABLE ballot(round INTEGER NOT NULL, site INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" n INTEGER NOT NULL, token TEXT NOT NULL, void INTEGER NOT NULL, counts INTEGER NOT NULL,"
	" respondent INTEGER NOT NULL, policy INTEGER, service INTEGER, safety INTEGER, price INTEGER, overall INTEGER,"
	" PRIMARY KEY(round, site, epoch, seq, n)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX ballot_by_token ON ballot(round, token, counts, site);"
	"CREATE TABLE tally(round INTEGER NOT NULL, site INTEGER NOT NULL, respondent INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, void INTEGER NOT NULL, counts INTEGER NOT NULL,"
	" invited INTEGER NOT NULL, answered INTEGER NOT NULL, policy1 INTEGER, policy2 INTEGER, policy3 INTEGER,"
	" policy4 INTEGER, policy5 INTEGER, service1 INTEGER, service2 INTEGER, service3 INTEGER, service4 INTEGER,"
	" service5 INTEGER, safety TEXT, price TEXT, overall TEXT,"
	" PRIMARY KEY(round, site, respondent, epoch, seq, n)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE survey_site(round INTEGER NOT NULL, site INTEGER NOT NULL, respondent INTEGER NOT NULL,"
	" ballots INTEGER NOT NULL DEFAULT 0, left_out INTEGER NOT NULL DEFAULT 0,"
	" policy_good INTEGER NOT NULL DEFAULT 0, policy_all INTEGER NOT NULL DEFAULT 0,"
	" service_good INTEGER NOT NULL DEFAULT 0, service_all INTEGER NOT NULL DEFAULT 0,"
	" tally_policy_good INTEGER NOT NULL DEFAULT 0, tally_policy_all INTEGER NOT NULL DEFAULT 0,"
	" tally_service_good INTEGER NOT NULL DEFAULT 0, tally_service_all INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(round, site, respondent)) STRICT, WITHOUT ROWID;"

	/* folded: what is called to somebody's attention. Raised once a (rule, subject): rules.c looks before it raises.
	 * policy_n: the policy's row that decided; cleared_n: the row at which the rule's own clear condition was met */
	"CREATE TABLE alert(id INTEGER PRIMARY KEY, rule TEXT NOT NULL, unit TEXT NOT NULL, division TEXT NOT NULL,"
	" site TEXT, subject TEXT NOT NULL, severity TEXT NOT NULL, unconfirmed INTEGER NOT NULL, paged INTEGER NOT NULL,"
	" state TEXT NOT NULL, raised_at INTEGER NOT NULL, closed_at INTEGER, raised_n INTEGER NOT NULL,"
	" changed_n INTEGER NOT NULL, closed_because TEXT, policy_n INTEGER, cleared_n INTEGER) STRICT;"
	"CREATE INDEX alert_by_subject ON alert(subject, rule);"
	"CREATE INDEX alert_by_change ON alert(changed_n);"
	"CREATE INDEX alert_by_site ON alert(site) WHERE state = 'open';"
	/* folded: acts of officers. key: hex SHA-256 of actor and Idempotency-Key; print: of target and bytes; state: what it
	 * led to, so that the first answer can be given again */
	"CREATE TABLE officer_act(n INTEGER PRIMARY KEY, key TEXT, print BLOB NOT NULL, target TEXT NOT NULL, act TEXT NOT NULL,"
	" state TEXT NOT NULL, case_id TEXT, alert INTEGER) STRICT;"
	"CREATE INDEX officer_act_by_key ON officer_act(key) WHERE key IS NOT NULL;"
	"CREATE TABLE alert_act(alert INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL,"
	" actor TEXT NOT NULL, roles TEXT NOT NULL, reason TEXT, document TEXT, PRIMARY KEY(alert, n)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE alert_case(alert INTEGER PRIMARY KEY, case_id TEXT NOT NULL, n INTEGER NOT NULL) STRICT;"
	/* role, decision: who signed what; forgotten when the case is reopened (case_event keeps it) */
	"CREATE TABLE case_file(id TEXT PRIMARY KEY, year INTEGER NOT NULL, no INTEGER NOT NULL, unit TEXT NOT NULL,"
	" ground TEXT NOT NULL, state TEXT NOT NULL, is_open INTEGER NOT NULL, opened_at INTEGER NOT NULL, opened_n INTEGER NOT NULL,"
	" changed_n INTEGER NOT NULL, decided_on INTEGER, barred_cycle TEXT, merged_into TEXT) STRICT, WITHOUT ROWID;"
	"CREATE UNIQUE INDEX case_file_open ON case_file(unit, ground) WHERE is_open = 1;"
	"CREATE UNIQUE INDEX case_file_by_number ON case_file(year, no);"
	"CREATE TABLE case_event(id INTEGER PRIMARY KEY, case_id TEXT NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL,"
	" actor TEXT NOT NULL, roles TEXT NOT NULL, from_state TEXT, state TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
	"CREATE INDEX case_event_by_case ON case_event(case_id);"
	"CREATE TABLE case_evidence(case_id TEXT NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,"
	" at INTEGER NOT NULL, PRIMARY KEY(case_id, kind, subject)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE case_signature(case_id TEXT NOT NULL, decision TEXT NOT NULL, role TEXT NOT NULL, actor TEXT NOT NULL,"
	" n INTEGER NOT NULL, PRIMARY KEY(case_id, decision, role, actor)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE designation_event(n INTEGER PRIMARY KEY, unit TEXT NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL,"
	" actor TEXT NOT NULL, roles TEXT NOT NULL, from_state TEXT NOT NULL, state TEXT NOT NULL, cycle TEXT NOT NULL,"
	" starts_on INTEGER, body TEXT NOT NULL) STRICT;"
	"CREATE INDEX designation_event_by_unit ON designation_event(unit, n);"
	/* what officers found of an event beside its liability: late, concealment; that a level reported it up, at done_at */
	"CREATE TABLE finding(site INTEGER NOT NULL, event TEXT NOT NULL, what TEXT NOT NULL, value TEXT NOT NULL, n INTEGER NOT NULL,"
	" at INTEGER NOT NULL, done_at INTEGER, actor TEXT NOT NULL, reason TEXT, document TEXT, PRIMARY KEY(site, event, what, n)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE due(at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,"
	" PRIMARY KEY(at, kind, subject)) STRICT, WITHOUT ROWID;"

	/* folded: imports and policy, of the last accepted row of each key */
	"CREATE TABLE policy(n INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
	"CREATE TABLE import(n INTEGER PRIMARY KEY, kind TEXT NOT NULL, received_at INTEGER NOT NULL, rows INTEGER NOT NULL,"
	" sha256 BLOB NOT NULL) STRICT;"
	"CREATE TABLE division(code TEXT NOT NULL, level TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL,"
	" PRIMARY KEY(code, level)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE workday(date INTEGER PRIMARY KEY, day TEXT NOT NULL, reason TEXT NOT NULL) STRICT;"
	"CREATE TABLE designation(unit TEXT NOT NULL, effective_on INTEGER NOT NULL, name TEXT NOT NULL, cycle TEXT NOT NULL,"
	" status TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY(unit, effective_on)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE population(division TEXT NOT NULL, reference_date INTEGER NOT NULL, n INTEGER NOT NULL,"
	" resident INTEGER, under3 INTEGER, source TEXT NOT NULL,"
	" PRIMARY KEY(division, reference_date, n)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE target(division TEXT NOT NULL, indicator TEXT NOT NULL, by INTEGER NOT NULL, value TEXT NOT NULL,"
	" source TEXT NOT NULL, PRIMARY KEY(division, indicator, by)) STRICT, WITHOUT ROWID;"
	/* what the official register, or an officer, states of a site from a day on; NULL: no statement. unit: of the division; n:
	 * the ledger row that said it last */
	"CREATE TABLE register(site TEXT NOT NULL, effective_on INTEGER NOT NULL, division TEXT, unit TEXT, filing INTEGER,"
	" registration INTEGER, inclusive INTEGER, source TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(site, effective_on)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX register_by_unit ON register(unit, site) WHERE unit IS NOT NULL;"
	/* numerator, denominator: decimal strings as imported; a count has no denominator. as_of: the period's first day */
	"CREATE TABLE declared(unit TEXT NOT NULL, item TEXT NOT NULL, period TEXT NOT NULL, as_of INTEGER NOT NULL,"
	" numerator TEXT NOT NULL, denominator TEXT, document TEXT NOT NULL, revision INTEGER NOT NULL,"
	" PRIMARY KEY(unit, item, period, as_of)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE average(province TEXT NOT NULL, indicator TEXT NOT NULL, reference_date INTEGER NOT NULL,"
	" value TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY(province, indicator, reference_date)) STRICT, WITHOUT ROWID;"

	/* folded: our own starts, stops and lost connections (DOMAIN §3 "unclear") */
	"CREATE TABLE interruption(at INTEGER NOT NULL, n INTEGER NOT NULL, what TEXT NOT NULL, PRIMARY KEY(at, n)) STRICT, WITHOUT ROWID;"
	/* folded: officers' findings (act/incident) */
	"CREATE TABLE liability(site INTEGER NOT NULL, event TEXT NOT NULL, n INTEGER NOT NULL, liable TEXT NOT NULL,"
	" PRIMARY KEY(site, event)) STRICT, WITHOUT ROWID;"
	/* folded: when a month that was past its freezing time was last touched by a row; onwards = 1: it and all later ones */
	"CREATE TABLE late_month(unit TEXT NOT NULL, month INTEGER NOT NULL, onwards INTEGER NOT NULL, at INTEGER NOT NULL,"
	" PRIMARY KEY(unit, month, onwards)) STRICT, WITHOUT ROWID;"
	/* folded: the values that a freezing row holds; n: the row */
	"CREATE TABLE frozen(unit TEXT NOT NULL, month INTEGER NOT NULL, indicator TEXT NOT NULL, revision INTEGER NOT NULL,"
	" numerator ANY, denominator ANY, status TEXT NOT NULL, reason TEXT, completeness_n INTEGER NOT NULL,"
	" completeness_d INTEGER NOT NULL, stale INTEGER NOT NULL, missing INTEGER NOT NULL, sources TEXT NOT NULL, detail TEXT,"
	" n INTEGER NOT NULL, PRIMARY KEY(unit, month, indicator, revision)) STRICT, WITHOUT ROWID;"

	/* derived: indicators. change rises with every written value: the cursor of the outlets. numerator and denominator
	 * are integers, or decimal strings of declared items. detail: a JSON object of what the object shows besides */
	"CREATE TABLE sample(unit TEXT NOT NULL, indicator TEXT NOT NULL, period TEXT NOT NULL, as_of INTEGER NOT NULL,"
	" numerator ANY, denominator ANY, status TEXT NOT NULL, reason TEXT, completeness_n INTEGER NOT NULL,"
	" completeness_d INTEGER NOT NULL, stale INTEGER NOT NULL, missing INTEGER NOT NULL, revision INTEGER NOT NULL,"
	" final INTEGER NOT NULL, sources TEXT NOT NULL, change INTEGER NOT NULL, detail TEXT,"
	" PRIMARY KEY(unit, indicator, period, as_of)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX sample_by_change ON sample(change);"
	/* derived: Σ of a province's units with status ok, kept by the triggers below: the comparison of five years of days is
	 * one range of rows. A sum that left 64 bits is a REAL, and stays one until it is computed anew */
	"CREATE TABLE province_sum(province TEXT NOT NULL, indicator TEXT NOT NULL, period TEXT NOT NULL, as_of INTEGER NOT NULL,"
	" numerator ANY NOT NULL, denominator ANY NOT NULL, ok INTEGER NOT NULL,"
	" PRIMARY KEY(province, indicator, period, as_of)) STRICT, WITHOUT ROWID;"
	"CREATE TRIGGER sample_adds AFTER INSERT ON sample WHEN " SUMMED("new") " BEGIN" ADD_TO_PROVINCE " END;"
	"CREATE TRIGGER sample_leaves AFTER DELETE ON sample WHEN " SUMMED("old") " BEGIN" TAKE_FROM_PROVINCE " END;"
	"CREATE TRIGGER sample_moves AFTER UPDATE OF numerator, denominator, status ON sample WHEN " SUMMED("old")
	" AND " SUMMED("new") " AND (old.numerator, old.denominator) IS NOT (new.numerator, new.denominator) BEGIN"
	" UPDATE province_sum SET numerator = numerator - old.numerator + new.numerator,"
	" denominator = denominator - ifnull(old.denominator, 0) + ifnull(new.denominator, 0) WHERE " PROVINCE_OF("new") "; END;"
	"CREATE TRIGGER sample_becomes_ok AFTER UPDATE OF numerator, denominator, status ON sample WHEN NOT " SUMMED("old")
	" AND " SUMMED("new") " BEGIN" ADD_TO_PROVINCE " END;"
	"CREATE TRIGGER sample_is_no_more_ok AFTER UPDATE OF numerator, denominator, status ON sample WHEN " SUMMED("old")
	" AND NOT " SUMMED("new") " BEGIN" TAKE_FROM_PROVINCE " END;"
	/* months with a sample that is not final. A partial index on sample would make SQLite prepare anew every
	 * statement that has a parameter for the period, at every use (seen) */
	"CREATE TABLE open_month(month INTEGER NOT NULL, unit TEXT NOT NULL, PRIMARY KEY(month, unit)) STRICT, WITHOUT ROWID;"
	/* samples that are no more: what outlets have sent of them must be taken back. Operational */
	"CREATE TABLE sample_gone(unit TEXT NOT NULL, indicator TEXT NOT NULL, period TEXT NOT NULL, as_of INTEGER NOT NULL,"
	" change INTEGER NOT NULL, PRIMARY KEY(unit, indicator, period, as_of)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX sample_gone_by_change ON sample_gone(change);"

	/* operational */
	"CREATE TABLE dirty(day INTEGER NOT NULL, unit TEXT NOT NULL, PRIMARY KEY(day, unit)) STRICT, WITHOUT ROWID;"
	/* started = 1: being computed from its last day downwards; what is marked meanwhile waits in started = 0 */
	"CREATE TABLE dirty_range(started INTEGER NOT NULL, unit TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" PRIMARY KEY(started, unit)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE collapsed(n INTEGER PRIMARY KEY, count INTEGER NOT NULL, last_at INTEGER NOT NULL) STRICT;"
	/* how often the gaps of a stream that opened then were asked for, and when last */
	"CREATE TABLE gap_asked(site INTEGER NOT NULL, feed INTEGER NOT NULL, epoch INTEGER NOT NULL, since INTEGER NOT NULL,"
	" asked INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(site, feed, epoch, since)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE progress(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE instance(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	/* operational: points on their way out (sinks/points.c). A row of sink_cursor is a sink that exists; without one
	 * the triggers write nothing. A key that changes again gets a new id, so "everything up to id" can be ticked off.
	 * position: of unit_indicator, the last sample.change that the server has; everything below (refill_day, refill_site)
	 * is still to be queued. point_enrolment.unit, point_incident.unit: the tag that the point carries */
	"CREATE TABLE sink_cursor(sink TEXT NOT NULL, measurement TEXT NOT NULL, position INTEGER NOT NULL,"
	" refill_day INTEGER NOT NULL, refill_site INTEGER NOT NULL, PRIMARY KEY(sink, measurement)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE poison_line(id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, at INTEGER NOT NULL,"
	" line TEXT NOT NULL, answer TEXT NOT NULL) STRICT;"
	"CREATE TABLE point_enrolment(id INTEGER PRIMARY KEY AUTOINCREMENT, day INTEGER NOT NULL, site INTEGER NOT NULL,"
	" unit TEXT NOT NULL, UNIQUE(day, site, unit)) STRICT;"
	"CREATE TABLE point_incident(id INTEGER PRIMARY KEY AUTOINCREMENT, site INTEGER NOT NULL, event TEXT NOT NULL,"
	" unit TEXT NOT NULL, UNIQUE(site, event, unit)) STRICT;"
	"CREATE TABLE point_site(site INTEGER NOT NULL, unit TEXT NOT NULL, first INTEGER NOT NULL, PRIMARY KEY(site, unit, first)) STRICT, WITHOUT ROWID;"
	"CREATE TRIGGER enrolment_is_a_point AFTER INSERT ON enrolment" POINTS_WANTED("site_enrolment") QUEUE_ENROLMENT
	"CREATE TRIGGER enrolment_changes_a_point AFTER UPDATE OF counts, void ON enrolment" POINTS_WANTED("site_enrolment")
	QUEUE_ENROLMENT
	"CREATE TRIGGER incident_is_a_point AFTER INSERT ON incident" POINTS_WANTED("incident") QUEUE_INCIDENT("new") "END;"
	"CREATE TRIGGER incident_changes_a_point AFTER UPDATE ON incident" POINTS_WANTED("incident") QUEUE_INCIDENT("old")
	QUEUE_INCIDENT("new") "END;"
	"CREATE TRIGGER site_moves_its_points AFTER UPDATE OF unit ON site WHEN old.unit IS NOT new.unit"
	" AND EXISTS(SELECT 1 FROM sink_cursor WHERE measurement = 'site_enrolment') BEGIN"
	QUEUE_SITE("ifnull(old.unit, '')", "0", "s.id = new.id")
	"CREATE TRIGGER register_moves_points AFTER INSERT ON register WHEN new.unit IS NOT NULL"
	" AND EXISTS(SELECT 1 FROM sink_cursor WHERE measurement = 'site_enrolment') BEGIN"
	QUEUE_SITE(STANDING_UNIT("new.effective_on - 1"), "new.effective_on", "s.code = new.site AND s.unit IS NOT NULL")
	"CREATE TRIGGER register_moves_points_again AFTER UPDATE OF unit ON register WHEN old.unit IS NOT new.unit"
	" AND EXISTS(SELECT 1 FROM sink_cursor WHERE measurement = 'site_enrolment') BEGIN"
	QUEUE_SITE("ifnull(old.unit, " STANDING_UNIT("new.effective_on - 1") ")", "new.effective_on",
		   "s.code = new.site AND s.unit IS NOT NULL")
	/* operational: pages on their way out (sinks/pages.c). A row is one call of one address; key: the same however often it
	 * is sent. next_at NULL: nothing more to do. peer: which url of the sink; contact "": the sink's own address */
	"CREATE TABLE notification(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, sink TEXT NOT NULL,"
	" peer INTEGER NOT NULL, contact TEXT NOT NULL, alert INTEGER NOT NULL, kind TEXT NOT NULL, level INTEGER NOT NULL,"
	" drill INTEGER NOT NULL, created_at INTEGER NOT NULL, next_at INTEGER, attempts INTEGER NOT NULL,"
	" delivered_at INTEGER, answer TEXT) STRICT;"
	"CREATE INDEX notification_waiting ON notification(sink, peer, next_at) WHERE next_at IS NOT NULL;"
	"CREATE INDEX notification_by_alert ON notification(alert);"
	/* operational: who is called when, unless somebody acknowledges */
	"CREATE TABLE escalation(alert INTEGER PRIMARY KEY, level INTEGER NOT NULL, at INTEGER NOT NULL,"
	" paged_at INTEGER NOT NULL) STRICT;"
	"CREATE TABLE site_status(site TEXT PRIMARY KEY, state TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

static const char *const migrations[] = { migration_1 };

const struct table schema_tables[] = {
	{ "ledger", "n", TABLE_TRUTH },
	{ "erased", "n", TABLE_FOLDED },
	{ "site", "id", TABLE_FOLDED },
	{ "message", "n", TABLE_FOLDED },
	{ "refused", "n", TABLE_FOLDED },
	{ "replay", "n", TABLE_FOLDED },
	{ "stream", "site, feed", TABLE_FOLDED },
	{ "stream_epoch", "site, feed, epoch", TABLE_FOLDED },
	{ "gap", "site, feed, epoch, first", TABLE_FOLDED },
	{ "identity", "site, feed, epoch, seq, n", TABLE_FOLDED },
	{ "void", "site, feed, epoch, seq", TABLE_FOLDED },
	{ "registration", "site, effective_on, epoch, seq, n", TABLE_FOLDED },
	{ "enrolment", "day, site, epoch, seq, n", TABLE_FOLDED },
	{ "incident_message", "site, event, epoch, seq, n", TABLE_FOLDED },
	{ "incident", "site, event", TABLE_FOLDED },
	{ "ballot", "round, site, epoch, seq, n", TABLE_FOLDED },
	{ "tally", "round, site, respondent, epoch, seq, n", TABLE_FOLDED },
	{ "survey_site", "round, site, respondent", TABLE_FOLDED },
	{ "alert", "id", TABLE_FOLDED },
	{ "officer_act", "n", TABLE_FOLDED },
	{ "alert_act", "alert, n", TABLE_FOLDED },
	{ "alert_case", "alert", TABLE_FOLDED },
	{ "case_file", "id", TABLE_FOLDED },
	{ "case_event", "id", TABLE_FOLDED },
	{ "case_evidence", "case_id, kind, subject", TABLE_FOLDED },
	{ "case_signature", "case_id, decision, role, actor", TABLE_FOLDED },
	{ "designation_event", "n", TABLE_FOLDED },
	{ "finding", "site, event, what, n", TABLE_FOLDED },
	{ "due", "at, kind, subject", TABLE_FOLDED },
	{ "policy", "n", TABLE_FOLDED },
	{ "import", "n", TABLE_FOLDED },
	{ "division", "code, level", TABLE_FOLDED },
	{ "workday", "date", TABLE_FOLDED },
	{ "designation", "unit, effective_on", TABLE_FOLDED },
	{ "population", "division, reference_date, n", TABLE_FOLDED },
	{ "target", "division, indicator, by", TABLE_FOLDED },
	{ "register", "site, effective_on", TABLE_FOLDED },
	{ "declared", "unit, item, period, as_of", TABLE_FOLDED },
	{ "average", "province, indicator, reference_date", TABLE_FOLDED },
	{ "interruption", "at, n", TABLE_FOLDED },
	{ "liability", "site, event", TABLE_FOLDED },
	{ "late_month", "unit, month, onwards", TABLE_FOLDED },
	{ "frozen", "unit, month, indicator, revision", TABLE_FOLDED },
	{ "sample", "unit, indicator, period, as_of", TABLE_DERIVED },
	{ "province_sum", "province, indicator, period, as_of", TABLE_DERIVED },
	{ "open_month", "month, unit", TABLE_DERIVED },
	{ "sample_gone", "unit, indicator, period, as_of", TABLE_OPERATIONAL },
	{ "dirty", "day, unit", TABLE_OPERATIONAL },
	{ "dirty_range", "started, unit", TABLE_OPERATIONAL },
	{ "collapsed", "n", TABLE_OPERATIONAL },
	{ "gap_asked", "site, feed, epoch, since", TABLE_OPERATIONAL },
	{ "progress", "name", TABLE_OPERATIONAL },
	{ "instance", "name", TABLE_OPERATIONAL },
	{ "site_status", "site", TABLE_OPERATIONAL },
	{ "sink_cursor", "sink, measurement", TABLE_OPERATIONAL },
	{ "poison_line", "id", TABLE_OPERATIONAL },
	{ "point_enrolment", "id", TABLE_OPERATIONAL },
	{ "point_incident", "id", TABLE_OPERATIONAL },
	{ "point_site", "site, unit, first", TABLE_OPERATIONAL },
	{ "notification", "id", TABLE_OPERATIONAL },
	{ "escalation", "alert", TABLE_OPERATIONAL },
};
const size_t schema_table_count = ARRAY_SIZE(schema_tables);

static int version_of(struct store *s, int64_t *ret)
{
	*ret = 0;
	return store_get_int(s, ret, "PRAGMA user_version", "");
}

static int migrate_one(struct store *s, size_t i)
{
	char stamp[64];
	int r = store_begin(s);

	if (r < 0)
		return r;
	snprintf(stamp, sizeof stamp, "PRAGMA user_version = %zu", i + 1);
	r = store_exec(s, migrations[i]);
	if (r >= 0)
		r = store_exec(s, stamp);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	return store_commit(s);
}

int schema_migrate(struct store *s)
{
	int64_t version;
	int r = version_of(s, &version);

	if (r < 0)
		return r;
	if (version > (int64_t)ARRAY_SIZE(migrations))
		return 1;
	for (size_t i = (size_t)version; i < ARRAY_SIZE(migrations); i++) {
		r = migrate_one(s, i);
		if (r < 0)
			return r;
	}
	return 0;
}
