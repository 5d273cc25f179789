/* SPDX-License-Identifier: MIT
 *
 * Simulator: which messages still wait for their receipt, and how long the others waited.
 */
#pragma once

#include "sim_stream.h"

#define SIM_STATUSES 4
extern const char *const sim_status_names[SIM_STATUSES]; /* accepted, rejected, refused_pii, fault */

struct sim_receipts;

struct sim_tally {
	int64_t by_status[SIM_STATUSES];
	int64_t duplicates;   /* receipts that say so */
	int64_t rate_limited; /* E_RATE: not judged; resent with --until-receipted */
	int64_t strange;      /* for no message of ours, or not a receipt */
	int64_t waiting;      /* messages without a receipt */
	double p50_ms, p99_ms, max_ms;
};

/* keep: the bytes too, for sending them again. */
struct sim_receipts *sim_receipts_new(bool keep);
void sim_receipts_free(struct sim_receipts *r);
static inline void sim_receipts_freep(struct sim_receipts **r)
{
	sim_receipts_free(*r);
}

/* A message was published at now_us (monotonic). */
void sim_receipts_expect(struct sim_receipts *r, const struct sim_message *m, int64_t now_us);
/* A message of topic …/down/receipt came. */
void sim_receipts_take(struct sim_receipts *r, const char *topic, const char *payload, size_t len, int64_t now_us);
int64_t sim_receipts_waiting(const struct sim_receipts *r);
/* The message that waited longest, when it was last sent before before_us; it is marked as sent at now_us.
 * false when there is none. Borrowed until the next call. */
bool sim_receipts_overdue(struct sim_receipts *r, int64_t before_us, int64_t now_us, const char **topic,
			  const char **payload, size_t *len);
void sim_receipts_tally(const struct sim_receipts *r, struct sim_tally *ret);
