/* SPDX-License-Identifier: MIT
 *
 * Envelope, door, ledger and fold as a whole: messages (topic, line feed, payload; 0x1e between two) into a database
 * of its own; receipts out. Nothing crashes, nothing is our fault, every receipt is JSON and shows nothing refused,
 * every message is answered, and a message that comes again is a duplicate with the same ledger number.
 */
#include "fuzz.h"

#include "../../daemon/config.h"
#include "../../daemon/ingest.h"
#include "../../daemon/schema.h"

#define BETWEEN '\x1e'
#define MESSAGES_MAX 16

struct world {
	struct store *store;
	struct ingest ingest;
};

static void open_world(struct world *w)
{
	static struct buf policy;

	if (!policy.len && config_read_bytes("config/policy.conf", POLICY_BYTES_MAX, &policy) < 0)
		abort();
	if (store_open("", STORE_MEMORY, &w->store) < 0 || schema_migrate(w->store) != 0 ||
	    ingest_open(w->store, &w->ingest) < 0 || ingest_policy(&w->ingest, &policy, "fuzz", FUZZ_RECEIVED_AT) < 0)
		abort();
}

static void close_world(struct world *w)
{
	ingest_done(&w->ingest);
	store_free(w->store);
}

static const char *text_of(const json *object, const char *key)
{
	const json *value = json_get(object, key);

	return value && json_kind(value) == JSON_KIND_TEXT ? json_text(value) : NULL;
}

static void check_list(const json *list, const char *site, bool pii)
{
	PROMISE(list && json_kind(list) == JSON_KIND_LIST);
	for (size_t i = 0; i < json_count(list); i++) {
		const json *x = json_at(list, i);
		const char *code = text_of(x, "code"), *path = text_of(x, "path"), *got = text_of(x, "got");

		PROMISE(code && code_of(code) >= 0 && path && text_of(x, "zh") && text_of(x, "en") && text_of(x, "fix"));
		PROMISE(strcmp(code, "E_FAULT") != 0);
		PROMISE(!pii || (strcmp(code, "E_PII") == 0 && !got));
		fuzz_check_path(path, site);
		if (got)
			fuzz_check_got(got, site);
	}
}

static const char *status_in(const json *receipt)
{
	const char *status = text_of(receipt, "status");

	PROMISE(status && strcmp(status, "fault") != 0);
	return status;
}

static json *check_receipt(const struct ingest *in, size_t i, char *site, size_t size)
{
	const struct outgoing *o = &in->out[i];
	const char *topic = in->bytes.p + o->topic_at;
	struct topic parsed;
	size_t offset;
	json *receipt, *whole = json_new_text(topic);
	const char *end = strrchr(topic, '/');

	PROMISE(json_kind(whole) == JSON_KIND_TEXT && end && strcmp(end - 5, "/down/receipt") == 0);
	snprintf(site, size, "%.*s/up/x", (int)(end - 5 - topic), topic);
	PROMISE(topic_parse(site, &parsed) == 0);
	snprintf(site, size, "%s", ids_site_valid(parsed.site) ? parsed.site : "");
	PROMISE(json_parse(in->bytes.p + o->payload_at, o->payload_len, DEPTH_MAX, &receipt, &offset) == 0);
	check_list(json_get(receipt, "errors"), *site ? site : NULL, strcmp(status_in(receipt), "refused_pii") == 0);
	check_list(json_get(receipt, "warnings"), *site ? site : NULL, false);
	json_free(whole);
	return receipt;
}

/* Sent again at once: nothing new, the same verdict and the same row. */
static void check_repeat(struct ingest *in, const struct incoming *m, const json *first)
{
	static char site[512];
	const json *row = json_get(first, "ledger");
	json *again;

	if (json_kind(row) != JSON_KIND_INT || json_kind(json_get(first, "seq")) != JSON_KIND_INT)
		return;
	PROMISE(ingest_batch(in, m, 1, FUZZ_RECEIVED_AT) == 0 && in->out_count == 1);
	again = check_receipt(in, 0, site, sizeof site);
	PROMISE(json_get(again, "duplicate") && json_equal(json_get(again, "ledger"), row));
	PROMISE(json_equal(json_get(again, "errors"), json_get(first, "errors")));
	PROMISE(json_equal(json_get(again, "status"), json_get(first, "status")));
	json_free(again);
}

static void take(struct ingest *in, const struct incoming *m)
{
	static char site[70000];
	json *receipt;

	PROMISE(ingest_batch(in, m, 1, FUZZ_RECEIVED_AT) == 0);
	PROMISE(in->out_count <= 1);
	if (in->out_count == 0)
		return;
	receipt = check_receipt(in, 0, site, sizeof site);
	check_repeat(in, m, receipt);
	json_free(receipt);
}

static bool utf8(const char *text)
{
	json *copy = json_new_text(text);
	bool valid = json_kind(copy) == JSON_KIND_TEXT;

	json_free(copy);
	return valid; /* of a topic the broker has made sure */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1), *next = text;
	struct world w;

	if (!text)
		abort();
	memcpy(text, bytes, len);
	text[len] = '\0';
	open_world(&w);
	for (int i = 0; next && i < MESSAGES_MAX; i++) {
		char *here = next, *end = memchr(here, BETWEEN, (size_t)(text + len - here));
		char *payload = memchr(here, '\n', (size_t)((end ? end : text + len) - here));

		next = end ? end + 1 : NULL;
		if (!payload)
			continue;
		*payload++ = '\0';
		if (strlen(here) < 65536 && utf8(here))
			take(&w.ingest, &(struct incoming){ .topic = here, .payload = payload,
							    .len = (size_t)((end ? end : text + len) - payload) });
	}
	close_world(&w);
	free(text);
	return 0;
}
