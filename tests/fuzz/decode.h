/* SPDX-License-Identifier: MIT
 *
 * One decoder: a payload of its feed in, findings and facts out. The corpus is tests/feeds/<feed>, in place.
 */
#pragma once

#include "fuzz.h"

#include "../../daemon/envelope.h"

/* Accepted once, so it is folded again from the ledger's bytes: to the same message. */
static inline void fuzz_check_facts(const struct decoded *d, const char *payload, size_t len)
{
	static struct message again;

	memset(&again, 0xa5, sizeof again); /* nothing may rest on zeroed memory */
	PROMISE(envelope_facts(d->collector, payload, len, FUZZ_RECEIVED_AT, &again) == 0);
	PROMISE(again.epoch == d->message.epoch && again.seq == d->message.seq && again.kind == d->message.kind);
	PROMISE(again.sent_at == d->message.sent_at && strcmp(again.site, d->message.site) == 0);
}

static inline int fuzz_decode(const char *topic_text, const uint8_t *bytes, size_t len)
{
	char *payload = malloc(len + 1); /* exactly as long as it is: reading behind it is found */
	struct decoded d;
	struct topic topic;

	if (!payload || topic_parse(topic_text, &topic) < 0)
		abort();
	memcpy(payload, bytes, len);
	payload = realloc(payload, len ? len : 1);
	memset(&d, 0xa5, sizeof d);
	envelope_decode(&topic, payload, len, FUZZ_RECEIVED_AT, NULL, NULL, &d);
	PROMISE(d.collector && d.site_valid);
	PROMISE((d.root != NULL) == (d.state == PAYLOAD_JSON));
	PROMISE(d.error_offset <= len || d.root || len > PAYLOAD_MAX);
	fuzz_check_findings(&d.message.findings, FUZZ_SITE);
	if (d.message.findings.errors == 0) {
		PROMISE(d.root && d.message.identified && d.message.epoch >= 0 && d.message.seq >= 1);
		PROMISE(d.message.epoch <= SEQ_MAX && d.message.seq <= SEQ_MAX && d.message.sent_at != COUNT_UNKNOWN);
		fuzz_check_facts(&d, payload, len);
	}
	decoded_done(&d);
	free(payload);
	return 0;
}

#define FUZZ_DECODER(feed)                                                                               \
	int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)                                      \
	{                                                                                                 \
		return fuzz_decode("nursery/v1/33/" FUZZ_DIVISION "/" FUZZ_SITE "/up/" feed, bytes, len); \
	}
