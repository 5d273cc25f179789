/* SPDX-License-Identifier: MIT
 *
 * nursery-sim: publishes a seeded, believable province of nurseries and counts the receipts.
 * docs/nursery-sim.md is its manual.
 */
#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "sim_scenario.h"
#include "sim_sender.h"

#include <errno.h>
#include <stdio.h>

static volatile sig_atomic_t stop; /* set by a signal, read between messages */

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* The first one ends cleanly; a second one is the user's last word. */
static void catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

/* ---- --print ---- */

static void print_line(const struct sim_message *m, struct buf *line)
{
	char when[CLOCK_TEXT_SIZE];

	buf_reset(line);
	buf_printf(line, "{\"received_at\":\"%s\",\"topic\":", clock_format_time(m->at_ms, when));
	buf_json(line, m->topic.p, (ptrdiff_t)m->topic.len);
	buf_str(line, ",\"payload\":");
	buf_json(line, m->payload.p, (ptrdiff_t)m->payload.len);
	buf_str(line, "}\n");
	fwrite(line->p, 1, line->len, stdout);
}

static int print_all(struct sim_stream *stream)
{
	_cleanup_(buf_done) struct buf line = { 0 };
	const struct sim_message *m;
	int64_t left_out = 0;

	while (!stop && !ferror(stdout) && sim_stream_next(stream, 0, &m) == 0) {
		if (m->not_utf8)
			left_out++;
		else
			print_line(m, &line);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		sim_complain("cannot write to standard output: %s", strerror(errno));
		return SIM_EXIT_NO;
	}
	if (left_out > 0)
		sim_complain("left out %lld messages that are not UTF-8: a JSON line cannot hold them",
			     (long long)left_out);
	if (sim_stream_acts_left(stream) > 0)
		sim_complain("ended before %zu incident messages were due; allow more --days, --seconds or --count",
			     sim_stream_acts_left(stream));
	return SIM_EXIT_DONE;
}

/* ---- the report ---- */

static double rate_of(const struct sim_sent *s)
{
	return s->elapsed_ms > 0 ? (double)(s->sent + s->resent) * 1000 / (double)s->elapsed_ms : 0;
}

static void report_json(const struct sim_sent *s, const struct sim_tally *t)
{
	printf("{\"sent\":%lld,\"resent\":%lld,\"acknowledged\":%lld,\"refused_by_broker\":%lld,\"no_subscriber\":%lld,",
	       (long long)s->sent, (long long)s->resent, (long long)s->acknowledged, (long long)s->refused,
	       (long long)s->nobody_listens);
	fputs("\"receipts\":{", stdout);
	for (int i = 0; i < SIM_STATUSES; i++)
		printf("%s\"%s\":%lld", i > 0 ? "," : "", sim_status_names[i], (long long)t->by_status[i]);
	printf("},\"duplicates\":%lld,\"rate_limited\":%lld,\"strange_receipts\":%lld,\"unreceipted\":%lld,",
	       (long long)t->duplicates, (long long)t->rate_limited, (long long)t->strange, (long long)t->waiting);
	printf("\"elapsed_s\":%.3f,\"rate_per_s\":%.1f,\"latency_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},"
	       "\"interrupted\":%s}\n", (double)s->elapsed_ms / 1000, rate_of(s), t->p50_ms, t->p99_ms, t->max_ms,
	       s->interrupted ? "true" : "false");
}

static void report_text(const struct sim_sent *s, const struct sim_tally *t)
{
	printf("sent %lld (and %lld again), acknowledged by the broker %lld, refused by it %lld\n", (long long)s->sent,
	       (long long)s->resent, (long long)s->acknowledged, (long long)s->refused);
	fputs("receipts:", stdout);
	for (int i = 0; i < SIM_STATUSES; i++)
		printf(" %s %lld%s", sim_status_names[i], (long long)t->by_status[i], i + 1 < SIM_STATUSES ? "," : "\n");
	printf("duplicates %lld, rate-limited %lld, strange %lld, unreceipted %lld\n", (long long)t->duplicates,
	       (long long)t->rate_limited, (long long)t->strange, (long long)t->waiting);
	printf("%.3f s, %.1f messages/s; publish to receipt p50 %.3f ms, p99 %.3f ms, max %.3f ms\n",
	       (double)s->elapsed_ms / 1000, rate_of(s), t->p50_ms, t->p99_ms, t->max_ms);
}

static int publish(const struct sim_options *o, const struct sim_world *w, struct sim_stream *stream)
{
	_cleanup_(sim_receipts_freep) struct sim_receipts *receipts = sim_receipts_new(o->until_receipted);
	struct sim_tally tally;
	struct sim_sent sent;
	int r = sim_send(o, w->province, stream, receipts, &stop, &sent);

	sim_receipts_tally(receipts, &tally);
	if (r > 0 && sent.sent == 0)
		return SIM_EXIT_UNREACHABLE;
	(o->json ? report_json : report_text)(&sent, &tally);
	if (r > 0)
		return SIM_EXIT_UNREACHABLE;
	return o->until_receipted && tally.waiting > 0 ? SIM_EXIT_NO : SIM_EXIT_DONE;
}

static int run(const struct sim_options *o)
{
	_cleanup_(sim_world_freep) struct sim_world *w = NULL;
	_cleanup_(sim_stream_freep) struct sim_stream *stream = NULL;

	if (sim_world_new(o, &w) > 0)
		return SIM_EXIT_USAGE;
	stream = sim_stream_new(o, w);
	catch_signals();
	return o->print ? print_all(stream) : publish(o, w, stream);
}

int main(int argc, char **argv)
{
	struct sim_options o;

	if (sim_options_parse(argc, argv, &o) > 0)
		return SIM_EXIT_USAGE;
	if (o.help)
		sim_options_help();
	else if (o.version)
		puts("nursery-sim " NURSERYD_VERSION);
	else if (o.list_scenarios)
		sim_scenario_list();
	else
		return run(&o);
	return SIM_EXIT_DONE;
}
