/* SPDX-License-Identifier: MIT
 *
 * Simulator: which message comes next. Pure but for the stream's own state: no socket, no clock of its own.
 * The same seed and options give the same messages; with a simulated clock, the same bytes.
 */
#pragma once

#include "../daemon/buf.h"
#include "sim_options.h"
#include "sim_world.h"

struct sim_message {
	struct buf topic, payload;
	const char *feed; /* as in the topic and in its receipt */
	int64_t at_ms;    /* its moment on the stream's clock */
	int64_t epoch, seq;
	bool unreadable; /* its receipt names no epoch and seq */
	bool not_utf8;
};

struct sim_stream;

struct sim_stream *sim_stream_new(const struct sim_options *o, struct sim_world *w); /* both are borrowed */
void sim_stream_free(struct sim_stream *s);
static inline void sim_stream_freep(struct sim_stream **s)
{
	sim_stream_free(*s);
}

/* 0 and *ret, borrowed until the next call; 1: no more (count, seconds or days are full). now_ms is the real
 * clock, looked at only when no simulated one was asked for. */
int sim_stream_next(struct sim_stream *s, int64_t now_ms, const struct sim_message **ret);
/* Incident messages whose time had not come when the stream ended. */
size_t sim_stream_acts_left(const struct sim_stream *s);
