/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include "buf.h"

#include <endian.h>
#include <errno.h>

static void put64(uint8_t *p, int64_t v)
{
	uint64_t big = htobe64((uint64_t)v);

	memcpy(p, &big, sizeof big);
}

void ledger_hash(const uint8_t previous[static HASH_SIZE], const struct ledger_row *row, const uint8_t *const digests[2],
		 uint8_t ret[static HASH_SIZE])
{
	size_t topic_len = strlen(row->topic);
	size_t len = HASH_SIZE + 3 * sizeof(int64_t) + topic_len + 2 * HASH_SIZE;
	uint8_t fixed[512];
	uint8_t *all = len <= sizeof fixed ? fixed : xcalloc(1, len);
	uint8_t *p = all;

	memcpy(p, previous, HASH_SIZE);
	put64(p + 32, row->n);
	put64(p + 40, row->received_at);
	put64(p + 48, (int64_t)topic_len);
	memcpy(p + 56, row->topic, topic_len);
	p += 56 + topic_len;
	if (digests) {
		memcpy(p, digests[0], HASH_SIZE);
		memcpy(p + HASH_SIZE, digests[1], HASH_SIZE);
	} else {
		hash_sha256(row->payload, row->payload_len, p);
		hash_sha256(row->outcome, row->outcome_len, p + HASH_SIZE);
	}
#ifdef NURSERYD_SEAMS
	if (getenv("NURSERYD_HASH_NO_OUTCOME")) /* the mistake that the crash suite must see */
		memset(p + HASH_SIZE, 0, HASH_SIZE);
#endif
	hash_sha256(all, len, ret);
	if (all != fixed)
		free(all);
}

int ledger_last(struct store *s, struct ledger_head *ret)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	size_t len;
	int r = store_query(s, &q, "SELECT n, received_at, hash FROM ledger ORDER BY n DESC LIMIT 1", "");

	*ret = (struct ledger_head){ 0 };
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	ret->n = store_int(q, 0);
	ret->received_at = store_int(q, 1);
	const void *hash = store_blob(q, 2, &len);
	if (len != HASH_SIZE)
		return -EUCLEAN;
	memcpy(ret->hash, hash, HASH_SIZE);
	return 0;
}

int ledger_open(struct store *s, struct ledger *ret)
{
	int r;

	*ret = (struct ledger){ .store = s };
	r = ledger_last(s, &ret->head);
	ret->committed = ret->head;
	return r;
}

int ledger_append(struct ledger *l, struct ledger_row *row)
{
	int r;

	row->n = l->head.n + 1;
	row->received_at = MAX(row->received_at, l->head.received_at);
	ledger_hash(l->head.hash, row, NULL, row->hash);
	r = store_run(l->store, "INSERT INTO ledger(n, received_at, topic, payload, outcome, hash) VALUES(?, ?, ?, ?, ?, ?)",
		      "iitbth", row->n, row->received_at, row->topic, row->payload, row->payload_len, row->outcome,
		      row->hash);
	if (r < 0)
		return r;
	l->head = (struct ledger_head){ .n = row->n, .received_at = row->received_at };
	memcpy(l->head.hash, row->hash, HASH_SIZE);
	return 0;
}

void ledger_commit(struct ledger *l)
{
	l->committed = l->head;
}

void ledger_rollback(struct ledger *l)
{
	l->head = l->committed;
}

void ledger_rollback_to(struct ledger *l, const struct ledger_head *mark)
{
	l->head = *mark;
}

int ledger_rows(struct store *s, int64_t from, int64_t to, store_stmt **ret)
{
	return store_query(s, ret,
			   "SELECT n, received_at, topic, payload, outcome, hash FROM ledger"
			   " WHERE n BETWEEN ? AND ? ORDER BY n",
			   "ii", from, to);
}

int ledger_step(store_stmt *q, struct ledger_row *ret)
{
	int r = store_step(q);
	size_t len, topic_len;

	if (r <= 0)
		return r;
	ret->n = store_int(q, 0);
	ret->received_at = store_int(q, 1);
	ret->topic = store_text(q, 2);
	ret->payload = store_blob(q, 3, &ret->payload_len);
	ret->outcome = store_blob(q, 4, &ret->outcome_len);
	const void *hash = store_blob(q, 5, &len);
	(void)store_blob(q, 2, &topic_len);
	/* Behind a NUL something could stand that no hash has seen. */
	if (len != HASH_SIZE || !ret->topic || strlen(ret->topic) != topic_len)
		return -EUCLEAN;
	memcpy(ret->hash, hash, HASH_SIZE);
	return 1;
}

static bool column_is(store_stmt *q, int column, const void *bytes, size_t len)
{
	size_t found;
	const void *p = store_blob(q, column, &found);

	return found == len && memcmp(p, bytes, len) == 0;
}

/* The hash that row n must have, whose bytes may have been erased. 1: they are not the stand-ins. */
static int hash_of_erased(struct store *s, const uint8_t *previous, const struct ledger_row *row, uint8_t ret[static HASH_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	const uint8_t *digests[2];
	size_t len[2];
	int r = store_query(s, &q, "SELECT payload_sha256, outcome_sha256, payload, outcome FROM erased WHERE n = ?", "i", row->n);

	if (r < 0 || (r = store_step(q)) <= 0)
		return r < 0 ? r : 1;
	for (int i = 0; i < 2; i++)
		digests[i] = store_blob(q, i, &len[i]);
	if (len[0] != HASH_SIZE || len[1] != HASH_SIZE || !column_is(q, 2, row->payload, row->payload_len) ||
	    !column_is(q, 3, row->outcome, row->outcome_len))
		return 1;
	ledger_hash(previous, row, digests, ret);
	return 0;
}

/* Rows are numbered from 1: whoever puts one before them is seen, too. */
static int before_the_first(struct store *s, int64_t from, int64_t *ret_bad)
{
	return from > 1 ? 0 : store_get_int(s, ret_bad, "SELECT n FROM ledger WHERE n < 1 ORDER BY n LIMIT 1", "");
}

int ledger_verify(struct store *s, int64_t from, int64_t to, uint8_t hash[static HASH_SIZE], int64_t *ret_bad)
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	struct ledger_row row;
	uint8_t computed[HASH_SIZE];
	int64_t expected = from;
	int r = before_the_first(s, from, ret_bad);

	if (r == 0)
		r = ledger_rows(s, from, to, &q);
	if (r != 0)
		return r;
	for (; (r = ledger_step(q, &row)) > 0; expected++) {
		*ret_bad = expected;
		if (row.n != expected) /* a row was cut out */
			return 1;
		ledger_hash(hash, &row, NULL, computed);
		if (memcmp(computed, row.hash, HASH_SIZE) != 0) {
			r = hash_of_erased(s, hash, &row, computed);
			if (r != 0)
				return r;
		}
		if (memcmp(computed, row.hash, HASH_SIZE) != 0)
			return 1;
		memcpy(hash, computed, HASH_SIZE);
	}
	*ret_bad = expected;
	if (r == -EUCLEAN) /* no row of ours looks so */
		return 1;
	return r < 0 ? r : expected != to + 1;
}

int ledger_hash_of(struct store *s, int64_t n, uint8_t ret[static HASH_SIZE])
{
	_cleanup_(store_resetp) store_stmt *q = NULL;
	size_t len;
	int r;

	memset(ret, 0, HASH_SIZE);
	if (n == 0)
		return 1;
	r = store_query(s, &q, "SELECT hash FROM ledger WHERE n = ?", "i", n);
	if (r < 0 || (r = store_step(q)) <= 0)
		return r;
	const void *hash = store_blob(q, 0, &len);
	if (len != HASH_SIZE)
		return -EUCLEAN;
	memcpy(ret, hash, HASH_SIZE);
	return 1;
}
