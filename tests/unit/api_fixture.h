/* SPDX-License-Identifier: MIT
 *
 * For test_objects, test_api and test_http: a migrated database whose rows are known, written as SQL.
 * Zhejiang (33) has five units here: 330100 … 330500, each with one county.
 */
#pragma once

#include "../../daemon/api.h"
#include "../../daemon/clock.h"
#include "../../daemon/json.h"
#include "../../daemon/ledger.h"
#include "../../daemon/policy.h"
#include "../../daemon/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SITE_A "52330106MJ0000018E"
#define SITE_B "91330106MA0000023E"
#define DAY INT64_C(20780) /* 2026-11-23 */
#define NOW_MS (INT64_C(20780) * DAY_MS + 4 * HOUR_MS) /* noon in Shanghai */

static inline void run_sql(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void run_sql(struct store *s, const char *format, ...)
{
	char sql[2048];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sql, sizeof sql, format, ap);
	va_end(ap);
	if (store_exec(s, sql) < 0)
		fail_msg("%s: %s", sql, store_why(s));
}

static inline void add_sample(struct store *s, const char *unit, const char *indicator, const char *period,
			      int64_t as_of, const char *numerator, const char *denominator, const char *status)
{
	run_sql(s,
		"INSERT INTO sample VALUES('%s','%s','%s',%lld,%s,%s,'%s',NULL,75,76,4,2,1,0,'[{\"what\":\"population\"}]',1,NULL)",
		unit, indicator, period, (long long)as_of, numerator, denominator, status);
}

static inline void add_divisions(struct store *s)
{
	run_sql(s, "INSERT INTO division VALUES('330000','province','浙江省','')");
	for (int i = 1; i <= 5; i++)
		run_sql(s,
			"INSERT INTO division VALUES('330%d00','prefecture','城市%d','330000'),"
			"('330%d02','county','甲区','330%d00'),('330%d03','county','乙区','330%d00')",
			i, i, i, i, i, i);
	run_sql(s, "INSERT INTO division VALUES('110000','province','北京市',''),('110101','county','东城区','110100')");
}

static inline void append(struct ledger *l, int64_t at, const char *topic, const char *payload, const char *outcome)
{
	struct ledger_row row = {
		.received_at = at,
		.topic = topic,
		.payload = payload,
		.payload_len = strlen(payload),
		.outcome = outcome,
		.outcome_len = strlen(outcome),
	};

	assert_int_equal(ledger_append(l, &row), 0);
}

#define ACCEPTED(seq) \
	"{\"epoch\":1,\"errors\":[],\"fold\":1,\"seq\":" #seq ",\"status\":\"accepted\",\"warnings\":[]}"
/* A `got` that tries to look like a status. */
#define REJECTED \
	"{\"epoch\":1,\"errors\":[{\"code\":\"E_FORMAT\",\"got\":\"\\\"status\\\":\\\"accepted\\\"\",\"path\":\"/body/x\"}]," \
	"\"fold\":1,\"seq\":2,\"status\":\"rejected\",\"warnings\":[]}"
#define REFUSED \
	"{\"epoch\":1,\"errors\":[{\"code\":\"E_PII\",\"path\":\"/body/phone\"}],\"fold\":1,\"seq\":3,\"status\":\"refused_pii\"," \
	"\"warnings\":[]}"

/* Rows 1 … 4 as named; then `more` accepted ones of site B. */
static inline void add_ledger(struct store *s, int more)
{
	struct ledger l;

	assert_int_equal(ledger_open(s, &l), 0);
	append(&l, NOW_MS, "nursery/v1/33/330102/" SITE_A "/up/registration", "{\"v\":1}", ACCEPTED(1));
	append(&l, NOW_MS + 1, "nursery/v1/33/330102/" SITE_A "/up/enrolment", "{\"v\":1}", REJECTED);
	append(&l, NOW_MS + 2, "nursery/v1/33/330102/" SITE_A "/up/enrolment", "{\"size\":12}", REFUSED);
	append(&l, NOW_MS + 3, "act/start", "{}", "{\"actor\":\"daemon\",\"errors\":[],\"status\":\"accepted\"}");
	for (int i = 0; i < more; i++)
		append(&l, NOW_MS + 4 + i, "nursery/v1/33/330102/" SITE_B "/up/enrolment", "{\"v\":1}", ACCEPTED(9));
	ledger_commit(&l);
	run_sql(s, "INSERT INTO refused VALUES(2,'rejected',1,2,0,x'00'),(3,'refused_pii',1,2,0,x'01')");
}

static inline void add_sites(struct store *s)
{
	run_sql(s, "INSERT INTO site(id,code,first_n,division,unit) VALUES(1,'" SITE_A "',1,'330102','330100'),"
		   "(2,'" SITE_B "',5,NULL,NULL)");
	run_sql(s, "INSERT INTO registration VALUES(1,%lld,1,1,1,0,1,'第一园',0,1,0,2,1,'备1',NULL,10,15,35,0,1,NULL,NULL,90,1900,NULL)",
		(long long)DAY - 10);
	run_sql(s, "INSERT INTO registration VALUES(1,%lld,1,4,8,0,1,'将来',0,1,0,2,3,NULL,NULL,1,1,1,1,NULL,NULL,NULL,NULL,NULL,NULL)",
		(long long)DAY + 5);
	run_sql(s, "INSERT INTO enrolment VALUES(%lld,1,1,5,5,0,0,1,1,60,4,14,24,0,38,4,0,0,39,NULL,NULL,9,1,1)",
		(long long)DAY - 2);
	run_sql(s, "INSERT INTO stream VALUES(1,2,1,1,206,5,0)");
	run_sql(s, "INSERT INTO site_status VALUES('" SITE_A "','online',%lld)", (long long)NOW_MS);
}

static inline void add_incident(struct store *s)
{
	run_sql(s, "INSERT INTO incident VALUES(1,'INC-1',6,'330100','330102',1,0,1,%lld,%lld,%lld,1)", (long long)NOW_MS,
		(long long)NOW_MS, (long long)NOW_MS);
	for (int seq = 1; seq <= 2; seq++)
		run_sql(s,
			"INSERT INTO incident_message VALUES(1,'INC-1',1,%d,%d,%lld,NULL,0,%d,%d,8,%lld,%lld,0,1,0,2,NULL,0,0,"
			"0,20000,5,NULL,1,1,1,1)",
			seq, 5 + seq, (long long)NOW_MS, seq == 2, seq - 1, (long long)NOW_MS, (long long)NOW_MS);
	run_sql(s, "INSERT INTO alert(id, rule, unit, division, site, subject, severity, unconfirmed, paged, state, raised_at, closed_at,"
		" raised_n, changed_n, closed_because) VALUES(123,'art5-1','330100','330102','" SITE_A "','INC-1','S1',0,1,'open',%lld,NULL,6,6,NULL),"
		   "(124,'severe-incident','330200','330202',NULL,'INC-2','S1',0,1,'closed',%lld,%lld,7,9,'officer')",
		(long long)NOW_MS, (long long)NOW_MS, (long long)NOW_MS);
}

/* As the ledger would hold it: the shipped one, or what was changed in it. */
static inline void add_policy(struct store *s, int64_t n, const char *from, const char *to)
{
	struct buf bytes = { 0 }, changed = { 0 };
	const char *at;

	assert_int_equal(config_read_bytes("config/policy.conf", POLICY_BYTES_MAX, &bytes), 0);
	at = strstr(bytes.p, from);
	assert_non_null(at);
	buf_add(&changed, bytes.p, (size_t)(at - bytes.p));
	buf_printf(&changed, "%s%s", to, at + strlen(from));
	assert_int_equal(store_run(s, "INSERT INTO policy(n, bytes) VALUES(?, ?)", "ib", n, changed.p, changed.len), 0);
	buf_done(&bytes);
	buf_done(&changed);
}

static inline struct store *fixture_open(const char *path)
{
	struct store *s = NULL;

	assert_int_equal(store_open(path ? path : "", path ? STORE_WRITE : STORE_MEMORY, &s), 0);
	assert_int_equal(schema_migrate(s), 0);
	add_policy(s, 1, "", "");
	return s;
}
