/* SPDX-License-Identifier: MIT
 *
 * Meaning: the verdict on a message, as the canonical JSON that is hashed with its row (DOMAIN §6), and the receipt
 * its sender gets. Passed once, at the door; the fold and every later receipt of a repeat read it from the ledger.
 */
#pragma once

#include "../collectors/collector.h"
#include "hash.h"

enum status {
	STATUS_ACCEPTED,
	STATUS_REJECTED,
	STATUS_REFUSED_PII,
	STATUS_FAULT, /* our bug; kept and looked at */
};
extern const char *const status_words[];

struct verdict {
	enum status status;
	bool identified; /* the row consumes (epoch, seq) */
	int64_t epoch, seq;
	const struct findings *findings; /* borrowed */
	const char *actor; /* who did an act ("uid:1000", "daemon"); NULL for a message */
	const char *roles; /* of an officer, "prov_hc,duty_officer"; or NULL */
	const char *key;   /* hex SHA-256 of actor and Idempotency-Key; or NULL */
	const char *print; /* hex HMAC of {kind, ref, body} where the payload is not kept; or NULL */
	int64_t replay_of, replay_received_at; /* of the row that is judged again, and its time, ms; 0: no replay */
};

/* {"epoch":1,"errors":[…],"fold":1,"seq":207,"status":"accepted","warnings":[…]}: sorted keys, no spaces. */
void outcome_write(const struct verdict *v, struct buf *out);

/* The same, read back. json borrowed lists live as long as *root. */
struct outcome {
	json *root; /* owned */
	enum status status;
	bool identified;
	int64_t epoch, seq;
	bool jump_refused; /* E_SEQ_JUMP: the identity is consumed, the highest seq is not raised */
	bool reused; /* E_SEQ_REUSED: not the first message of its identity */
	const char *print; /* or NULL */
	const char *actor, *roles, *key; /* of an act; or NULL */
	int64_t replay_of, replay_received_at; /* 0: no replay */
	const json *errors, *warnings;
};
int outcome_read(const char *text, size_t len, struct outcome *ret); /* -EUCLEAN when it is none of ours */
void outcome_done(struct outcome *o);

/* The same outcome without anything that the message itself said: of its findings only the codes stay. */
int outcome_forget(const char *text, size_t len, struct buf *out);

struct receipt {
	const char *feed;
	bool identified;
	int64_t epoch, seq;
	enum status status;
	int64_t received_at;
	int64_t ledger;      /* 0: null */
	const uint8_t *hash; /* NULL: null */
	const struct findings *findings;      /* either these, */
	const json *errors, *warnings;        /* or these of an earlier outcome */
	int64_t next_seq;
	bool duplicate, unverified, sandbox;
	const uint8_t *sha256; /* of the payload when its seq is not readable; or NULL */
};
void receipt_write(const struct receipt *r, struct buf *out);
