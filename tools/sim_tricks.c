/* SPDX-License-Identifier: MIT
 *
 * Simulator: how each kind of trick (sim_scenario.h) makes its one or two messages.
 */
#include "sim_queue.h"

#include "../daemon/err.h"

/* Replaces the first `from` by `to`, or puts `to` in front of what follows it, `times` times. */
static void edit(struct buf *b, const struct sim_trick *t)
{
	const char *found = strstr(b->p, t->from);
	_cleanup_(buf_done) struct buf rest = { 0 };

	if (!found)
		return;
	buf_str(&rest, found + strlen(t->from));
	b->len = (size_t)(found - b->p);
	if (t->kind == SIM_TRICK_INSERT)
		buf_str(b, t->from);
	for (int i = 0; i < MAX(t->times, 1); i++)
		buf_str(b, t->to);
	buf_add(b, rest.p, rest.len);
	/* what was opened is closed, so that only the depth is wrong */
	for (int i = 0; i < t->times && strchr(t->to, '{'); i++)
		buf_char(b, '}');
}

static void copy_message(const struct sim_message *from, struct sim_message *to)
{
	buf_reset(&to->topic);
	buf_add(&to->topic, from->topic.p, from->topic.len);
	buf_reset(&to->payload);
	buf_add(&to->payload, from->payload.p, from->payload.len);
}

typedef void (*trick_fn)(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day);

static void trick_twice(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	int64_t seq = sim_next_seq(s, site, SIM_ENROLMENT);
	const struct sim_message *m = sim_push_enrolment(s, site, seq, day, 1);

	(void)t;
	copy_message(m, sim_push(s, m->feed, seq));
}

static void trick_restamp(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	int64_t seq = sim_next_seq(s, site, SIM_ENROLMENT);

	(void)t;
	sim_push_enrolment(s, site, seq, day, 1);
	s->clock_ms++; /* a retry is a little later */
	sim_push_enrolment(s, site, seq, day, 1);
}

/* Another day is surely another body. */
static void trick_reuse(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	int64_t seq = sim_next_seq(s, site, SIM_ENROLMENT);

	(void)t;
	sim_push_enrolment(s, site, seq, day, 1);
	sim_push_enrolment(s, site, seq, day - 1, 1);
}

static void trick_reverse(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	int64_t seq = sim_next_seq(s, site, SIM_ENROLMENT);

	(void)t;
	sim_push_enrolment(s, site, sim_next_seq(s, site, SIM_ENROLMENT), day, 2);
	sim_push_enrolment(s, site, seq, day, 1);
}

static void trick_amend(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	int64_t wrong = sim_next_seq(s, site, SIM_ENROLMENT), seq = sim_next_seq(s, site, SIM_ENROLMENT);
	struct sim_envelope e = sim_envelope_of(s, site, SIM_ENROLMENT, seq);
	struct sim_enrolment figures;
	struct sim_message *m;

	sim_push_enrolment(s, site, wrong, day, 1);
	m = sim_push_for(s, site, SIM_ENROLMENT, seq);
	e.ref_seq = wrong;
	if (t->kind == SIM_TRICK_RETRACT) {
		e.kind = "retract";
		e.reason = "误报，撤回";
		sim_write_retraction(s->w, &e, &m->payload);
		return;
	}
	e.kind = "amend";
	e.reason = "录入有误，更正";
	sim_world_enrolment(s->w, site, day, 2, &figures);
	sim_write_enrolment(s->w, &e, &figures, &m->payload);
}

static void trick_feed(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	struct sim_message *m = sim_push_enrolment(s, site, s->o->first_seq, day, 1);

	(void)t;
	m->feed = "attendance";
	sim_write_topic(s->w, site, s->o->sandbox, m->feed, &m->topic);
}

/* The site's own id with a check character that is wrong. */
static void trick_stranger(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	struct sim_site stranger = *site;

	(void)t;
	stranger.id[17] = stranger.id[17] == '7' ? '8' : '7';
	sim_push_enrolment(s, &stranger, s->o->first_seq, day, 1);
}

static void trick_forged(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	const struct sim_site *victim = &s->w->sites[(site->index + 1) % s->w->site_count];
	struct sim_message *m = sim_push_enrolment(s, victim, sim_next_seq(s, site, SIM_ENROLMENT), day, 1);

	(void)t;
	sim_write_topic(s->w, site, s->o->sandbox, m->feed, &m->topic);
}

static void trick_single(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	int64_t seq = t->kind == SIM_TRICK_JUMP ? s->o->first_seq + site->issued[SIM_ENROLMENT] + t->times
						: sim_next_seq(s, site, SIM_ENROLMENT);
	struct sim_message *m = sim_push_enrolment(s, site, seq, day - (t->kind == SIM_TRICK_OLD ? t->times : 0), 1);

	m->unreadable = t->unreadable;
	m->not_utf8 = t->not_utf8;
	if (t->from)
		edit(&m->payload, t);
	if (t->kind == SIM_TRICK_CUT)
		m->payload.p[m->payload.len /= 2] = '\0';
	if (t->unreadable) /* its seq is never seen: the site uses it again, there is no gap */
		site->issued[SIM_ENROLMENT]--;
}

static void trick_gap(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	site->issued[SIM_ENROLMENT] += (uint32_t)t->times;
	sim_push_enrolment(s, site, sim_next_seq(s, site, SIM_ENROLMENT), day, 1);
}

static const trick_fn plays[] = {
	[SIM_TRICK_EDIT] = trick_single,
	[SIM_TRICK_INSERT] = trick_single,
	[SIM_TRICK_CUT] = trick_single,
	[SIM_TRICK_TWICE] = trick_twice,
	[SIM_TRICK_RESTAMP] = trick_restamp,
	[SIM_TRICK_REUSE] = trick_reuse,
	[SIM_TRICK_REVERSE] = trick_reverse,
	[SIM_TRICK_AMEND] = trick_amend,
	[SIM_TRICK_RETRACT] = trick_amend,
	[SIM_TRICK_GAP] = trick_gap,
	[SIM_TRICK_JUMP] = trick_single,
	[SIM_TRICK_OLD] = trick_single,
	[SIM_TRICK_FEED] = trick_feed,
	[SIM_TRICK_STRANGER] = trick_stranger,
	[SIM_TRICK_FORGED] = trick_forged,
};

void sim_play(struct sim_stream *s, const struct sim_trick *t, struct sim_site *site, int64_t day)
{
	plays[t->kind](s, t, site, day);
}
