/* SPDX-License-Identifier: MIT
 *
 * Properties of the whole heart (door, fold, recomputation, frozen months) on random histories (history.h): the fold is a
 * function of the ledger alone, however it was cut into transactions, rolled back, taken one by one or restarted; memory says
 * what the database says; numbers computed piece by piece are those computed at once; the order of arrival changes none but
 * the three that are about arrival. With test seams some messages are our own bug, too. HISTORIES=N seeds (default 6), HISTORY_SEED: the first one.
 */
#include "world.h"

#include <errno.h>

/* How the same steps are cut. */
struct how {
	size_t batch;      /* messages in one transaction */
	bool reload;       /* memory is read from the database anew before every batch */
	bool roll_back;    /* batches are begun and taken back now and then */
	bool compute;      /* numbers are computed in small pieces in between */
	bool check_memory;
};

static int64_t dice(struct world *w, int64_t sides)
{
	struct history h = { .random = w->random + 0x9e3779b9 };
	int64_t v = any(&h, 0, sides - 1);

	w->random = h.random;
	return v;
}

/* ---- what a database says ---- */

static void dump_rows(struct store *s, const char *sql, struct buf *out)
{
	_cleanup_(store_finishp) store_stmt *q = NULL;
	int r = store_query_once(s, &q, sql, "");

	while (r >= 0 && (r = store_step(q)) > 0) {
		for (int i = 0; i < store_columns(q); i++) {
			size_t len;
			const char *p = store_blob(q, i, &len);

			buf_add(out, p ? p : "", len);
			buf_char(out, '|');
		}
		buf_char(out, '\n');
	}
	assert_int_equal(r, 0);
}

static void show_difference(const char *what, const char *a, const char *b)
{
	const char *from_a = a, *from_b = b;

	for (; *a && *a == *b; a++, b++)
		if (*a == '\n') {
			from_a = a + 1;
			from_b = b + 1;
		}
	fail_msg("seed %llu: %s\n one: %.*s\nother: %.*s", (unsigned long long)seed, what, (int)strcspn(from_a, "\n"), from_a,
		 (int)strcspn(from_b, "\n"), from_b);
}

static void same_rows(const char *what, struct store *a, struct store *b, const char *sql)
{
	_cleanup_(buf_done) struct buf of_a = { 0 }, of_b = { 0 };

	buf_str(&of_a, "");
	buf_str(&of_b, "");
	dump_rows(a, sql, &of_a);
	dump_rows(b, sql, &of_b);
	if (of_a.len != of_b.len || memcmp(of_a.p, of_b.p, of_a.len) != 0)
		show_difference(what, of_a.p, of_b.p);
}

static void same_tables(const char *what, struct store *a, struct store *b, bool ledger)
{
	for (size_t i = 0; i < schema_table_count; i++) {
		const struct table *t = &schema_tables[i];
		char sql[200], name[200];

		if (t->class != TABLE_FOLDED && !(ledger && t->class == TABLE_TRUTH))
			continue;
		snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY %s", t->name, t->key);
		snprintf(name, sizeof name, "%s: table %s", what, t->name);
		same_rows(name, a, b, sql);
	}
}

static const char samples_sql[] = "SELECT unit, indicator, period, as_of, numerator, denominator, status, reason, completeness_n,"
				  " completeness_d, stale, missing, revision, final, sources, detail FROM sample ORDER BY 1, 2, 3, 4";
static const char sums_sql[] = "SELECT * FROM province_sum ORDER BY 1, 2, 3, 4";
static const char open_sql[] = "SELECT * FROM open_month ORDER BY 1, 2";

/* ---- playing ---- */

struct taken {
	const struct incoming *messages;
	size_t count;
};

/* Some messages, and then the transaction fails. */
static int take_some_and_fail(struct ingest *in, void *context, int64_t now)
{
	const struct taken *t = context;

	for (size_t i = 0; i < t->count; i++) {
		int r = ingest_take(in, &t->messages[i], MAX(now, t->messages[i].received_at));

		if (r < 0)
			return r;
	}
	return -ECANCELED;
}

static void send_batch(struct world *w, const struct how *how, const struct incoming *messages, size_t count)
{
	if (how->reload)
		must(ingest_reload(&w->in), w, "reload");
	if (how->roll_back && dice(w, 2)) {
		struct taken some = { messages, (size_t)dice(w, (int64_t)count) + 1 };

		assert_true(ingest_transaction(&w->in, messages[0].received_at, take_some_and_fail, &some) < 0);
		if (how->check_memory)
			check_memory(w);
	}
	must(ingest_batch(&w->in, messages, count, messages[count - 1].received_at), w, "batch");
	if (how->check_memory)
		check_memory(w);
	if (how->compute && dice(w, 3) == 0)
		must(recompute_step(&w->rc, w->in.ledger.head.n, dice(w, 3)), w, "recompute");
}

static void take_step(struct world *w, const struct step *step)
{
	_cleanup_(buf_done) struct buf policy = { 0 };
	struct import_report report;

	if (step->kind == STEP_IMPORT) {
		must(ingest_import(&w->in, step->topic, step->payload, strlen(step->payload), "test", step->at, &report, NULL), w, step->payload);
	} else if (step->kind == STEP_POLICY) {
		policy_bytes(true, &policy);
		must(ingest_policy(&w->in, &policy, "test", step->at), w, "policy");
	} else if (step->kind == STEP_MOVE) {
		must(ingest_act(&w->in, step->topic, step->payload, strlen(step->payload), "uid:1", step->at, NULL), w, step->payload);
	} else { /* what is not known is refused, and taken back */
		ingest_act(&w->in, step->topic, step->payload, strlen(step->payload), "uid:1", step->at, NULL);
	}
}

#define FREEZE_EVERY_DAYS 4

static void play(struct world *w, const struct history *h, const struct how *how)
{
	struct incoming *messages = xcalloc(how->batch, sizeof *messages);
	int64_t looked = FIRST_DAY;
	size_t count = 0;

	for (size_t i = 0; i <= h->count; i++) {
		const struct step *step = i < h->count ? &h->steps[i] : NULL;
		bool look = step && clock_local_day(step->at) >= looked + FREEZE_EVERY_DAYS;

		if (count > 0 && (!step || look || step->kind != STEP_MESSAGE || count == how->batch)) {
			send_batch(w, how, messages, count);
			count = 0;
		}
		if (look) {
			looked = clock_local_day(step->at);
			freeze(w, step->at);
		}
		if (step && step->kind == STEP_MESSAGE)
			messages[count++] = (struct incoming){ step->topic, step->payload, strlen(step->payload), step->at };
		else if (step)
			take_step(w, step);
		if (step && step->kind != STEP_MESSAGE && how->check_memory)
			check_memory(w);
	}
	free(messages);
	freeze(w, clock_day_start_ms(LAST_DAY + 3) + 20 * HOUR_MS);
	freeze(w, clock_day_start_ms(LAST_DAY + 40));
}

/* ---- properties ---- */

static uint64_t first_seed(void)
{
	const char *text = getenv("HISTORY_SEED");

	return text ? strtoull(text, NULL, 10) : 1;
}

static uint64_t seeds(void)
{
	const char *text = getenv("HISTORIES");

	return text ? strtoull(text, NULL, 10) : 6;
}

static void each_history(void (*property)(const struct history *h))
{
	for (seed = first_seed(); seed < first_seed() + seeds(); seed++) {
		struct history h;

		history_make(seed, &h);
		property(&h);
		history_done(&h);
	}
}

static void folded_again(struct world *w)
{
	_cleanup_(store_freep) struct store *fresh = NULL;
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	struct fold f;
	int r;

	assert_int_equal(store_open("", STORE_MEMORY, &fresh), 0);
	assert_int_equal(schema_migrate(fresh), 0);
	assert_int_equal(fold_open(fresh, &f), 0);
	must(ledger_rows(w->store, 1, INT64_MAX, &q), w, "ledger");
	while ((r = ledger_step(q, &row)) > 0)
		must(fold_ledger_row(&f, &row), w, row.topic);
	assert_int_equal(r, 0);
	assert_int_equal(fold_before_commit(&f), 0);
	fold_commit(&f);
	same_tables("folded again", w->store, fresh, false);
	fold_done(&f);
}

static void cut_in_any_way(const struct history *h)
{
	static const struct how hows[] = {
		{ .batch = 64 },
		{ .batch = 1, .reload = true },
		{ .batch = 17, .roll_back = true, .compute = true, .check_memory = true },
	};
	struct world first, w;

	open_world(&first);
	play(&first, h, &hows[0]);
	folded_again(&first);
	for (size_t i = 1; i < ARRAY_SIZE(hows); i++) {
		open_world(&w);
		play(&w, h, &hows[i]);
		same_tables(i == 1 ? "one by one" : "rolled back", first.store, w.store, true);
		same_rows("samples", first.store, w.store, samples_sql);
		close_world(&w);
	}
	close_world(&first);
}

static void test_however_a_history_is_cut_and_rolled_back_its_tables_are_the_same(void **state)
{
	(void)state;
	each_history(cut_in_any_way);
}

/* Every unit that any site ever belongs to, from long before its first day. */
static void compute_from_nothing(struct world *w)
{
	char sql[600];

	snprintf(sql, sizeof sql,
		 "DELETE FROM sample; DELETE FROM open_month; DELETE FROM dirty; DELETE FROM dirty_range;"
		 "INSERT INTO dirty_range(started, unit, first, last) SELECT 0, unit, %lld, %lld FROM (SELECT unit FROM site WHERE unit"
		 " IS NOT NULL UNION SELECT unit FROM register WHERE unit IS NOT NULL)",
		 (long long)FIRST_DAY - 300, (long long)w->in.fold.dirty.today);
	must(store_exec(w->store, sql), w, "marks");
	w->rc.declared_n = 0;
	compute_all(w);
}

static void piece_by_piece(const struct history *h)
{
	struct world pieces, whole;

	open_world(&pieces);
	open_world(&whole);
	play(&pieces, h, &(struct how){ .batch = 5, .compute = true });
	play(&whole, h, &(struct how){ .batch = 64 });
	compute_from_nothing(&whole);
	same_rows("samples piece by piece and from nothing", pieces.store, whole.store, samples_sql);
	same_rows("sums of the province", pieces.store, whole.store, sums_sql);
	same_rows("months not frozen", pieces.store, whole.store, open_sql);
	close_world(&pieces);
	close_world(&whole);
}

static void test_what_is_computed_piece_by_piece_is_what_is_computed_from_nothing(void **state)
{
	(void)state;
	each_history(piece_by_piece);
}

static void arrives_in_any_order(const struct history *h)
{
	static const char sql[] = "SELECT unit, indicator, as_of, numerator, denominator, status, reason, completeness_n, completeness_d,"
				  " stale, missing, sources, detail FROM sample WHERE period = 'day' AND indicator NOT IN"
				  " ('timeliness', 'late_report_rate') ORDER BY 1, 2, 3";
	struct history orders[2];
	struct world straight, shuffled;

	(void)h;
	open_world(&straight);
	open_world(&shuffled);
	for (uint64_t i = 0; i < ARRAY_SIZE(orders); i++) {
		history_make(seed, &orders[i]);
		history_shuffle(&orders[i], seed * 2 + i);
	}
	play(&straight, &orders[0], &(struct how){ .batch = 64 });
	play(&shuffled, &orders[1], &(struct how){ .batch = 7, .compute = true });
	same_rows("another order", straight.store, shuffled.store, sql);
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		history_done(&orders[i]);
	close_world(&straight);
	close_world(&shuffled);
}

static void test_the_order_of_arrival_changes_no_number(void **state)
{
	(void)state;
	each_history(arrives_in_any_order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_however_a_history_is_cut_and_rolled_back_its_tables_are_the_same),
		cmocka_unit_test(test_what_is_computed_piece_by_piece_is_what_is_computed_from_nothing),
		cmocka_unit_test(test_the_order_of_arrival_changes_no_number),
	};

#ifdef NURSERYD_SEAMS /* messages that our code fails on, so that batches are taken one by one under SAVEPOINTs */
	setenv("NURSERYD_FAULT_APPLY", "1", 1);
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
