/* SPDX-License-Identifier: MIT
 *
 * Meaning: bytes of one MQTT message → struct message with all findings. Pure: no clock, no store, no log.
 * Looks only at topic, payload, received_at and the shipped divisions, as CONTRACT §1 asks of an error; what
 * needs other state (identity, highest seq, rate, comparisons with the registration) is added at the door.
 */
#pragma once

#include "../collectors/collector.h"

/* A topic's parts; its text must outlive it. The feed may be unknown to us. */
struct topic {
	const char *text; /* borrowed, whole */
	size_t site_len;  /* its bytes up to the site's end, before "/up/": a receipt goes under the topic as it came */
	bool sandbox;     /* nursery-test/ */
	char province[8]; /* as it came, cut to size: validity is checked by envelope_decode */
	char division[16];
	char site[64];
	char feed[32];
};

/* 0; -EINVAL when the topic is not `nursery[-test]/v1/P/D/S/up/F` at all (we never subscribed to such). */
int topic_parse(const char *text, struct topic *ret);

/* What the payload turned out to be, for the verdict. */
enum payload_state {
	PAYLOAD_JSON,       /* parsed; may be kept unless personal data was found */
	PAYLOAD_UNREADABLE, /* not JSON, or too large: never kept */
};

struct decoded {
	const struct collector *collector; /* NULL: unknown feed (E_FEED is among the findings) */
	enum payload_state state;
	size_t error_offset; /* where it stopped being JSON */
	bool site_valid;     /* the topic's site id is valid: the message belongs to a site */
	json *root;          /* owned; NULL when unreadable. For comparing repeats */
	struct message message;
};

/* Knows whether a county-level division code exists (shipped data); borrowed, may be NULL = all known. */
typedef bool (*division_known_fn)(void *context, const char *division);

/* Never fails: what cannot be read is a finding. decoded_done frees what it holds. */
void envelope_decode(const struct topic *topic, const char *payload, size_t len, int64_t received_at,
		     division_known_fn known, void *context, struct decoded *ret);
void decoded_done(struct decoded *d);

/* The stored payload of an accepted row, again: used by the fold, which never judges. Same code, findings
 * ignored. -EINVAL when it is not JSON (the ledger was tampered with). */
int envelope_facts(const struct collector *collector, const char *payload, size_t len, int64_t received_at,
		   struct message *ret);

/* What stays of an accepted message when its texts are erased: all that envelope_facts reads, but free text. A new value. */
json *envelope_forget(const struct collector *collector, const json *root);

/* Equal kind, ref and body as JSON values: the test of a repeat (CONTRACT, Identity). */
bool envelope_same(const json *a, const json *b);
/* Canonical bytes of {kind, ref, body}, for the keyed fingerprint of a payload that may not be kept. */
void envelope_canonical(const json *root, struct buf *out);
