/* SPDX-License-Identifier: MIT
 *
 * Engines, private to ingest*.c: what is done with one message inside the batch's transaction.
 */
#pragma once

#include "ingest.h"

/* Judged, stored and folded unless it is a repeat; its receipt waits in in->out. */
int ingest_take(struct ingest *in, const struct incoming *m, int64_t now);
/* Of one row's fold. What our own code finds impossible (-EUCLEAN) must not keep every message out for ever; a damaged database says the
 * same, and then what can still be written is kept as fault: if nothing can, that write says so. */
bool ingest_is_fault(int r);
/* The message that made our code fail: kept, receipted as `fault`, and looked at by a person. */
int ingest_take_culprit(struct ingest *in, const struct incoming *m, int64_t now);
