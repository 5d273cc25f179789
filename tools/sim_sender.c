/* SPDX-License-Identifier: MIT
 *
 * Throughput. mosquitto_loop() reads one packet, selects, and starts over: a few thousand messages a second.
 * Here a burst is published under TCP_CORK (the kernel packs it into few segments), then all that came is read
 * (mosquitto_loop_read() takes one packet a call), and poll() sleeps only when the window is full or the rate
 * says wait. The window is ours: libmosquitto would queue beyond it without limit. MQTT 5 brokers announce a
 * smaller one (receive maximum; mosquitto's default is 20, `max_inflight_messages 0` lifts it): the smaller
 * counts.
 */
#include "sim_sender.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define BURST 128 /* messages before the next look at the socket */
#define POLL_MS_MAX 100
#define KEEPALIVE_S 60
#define CONNECT_MS_MAX (10 * SECOND_MS)
#define AWAY_MS_MAX (60 * SECOND_MS) /* a broker that went away may come back so late */
#define DRAIN_MS_MAX (10 * SECOND_MS) /* for the last PUBACKs after an interrupt */
#define REASON_NO_SUBSCRIBERS 0x10
#define REASON_ERROR 0x80 /* and above */
#define SECOND_US INT64_C(1000000)

struct sender {
	const struct sim_options *o;
	struct sim_stream *stream;
	struct sim_receipts *receipts;
	const volatile sig_atomic_t *stop;
	struct mosquitto *m;
	char *filter; /* owned: the receipts' topic */

	bool connected, answered;
	int refusal; /* CONNACK code when answered and not connected */
	int64_t window, flying; /* the broker's and ours; messages without PUBACK */
	int64_t began_us, last_ack_us, last_receipt_us, misc_us, paced;
	bool ended; /* the stream has no more */
	int failed_reason; /* first PUBACK that said no */
	struct sim_sent sent;
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

static bool stopping(const struct sender *s)
{
	return *s->stop != 0;
}

/* ---- callbacks ---- */

static void on_connect(struct mosquitto *m, void *context, int code, int flags, const mosquitto_property *properties)
{
	struct sender *s = context;
	uint16_t most = 0;

	(void)flags;
	s->answered = true;
	s->connected = code == 0;
	s->refusal = code;
	if (!s->connected)
		return;
	s->window = s->o->window;
	if (mosquitto_property_read_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM, &most, false))
		s->window = MIN(s->window, (int64_t)most);
	if (!s->o->no_receipts)
		mosquitto_subscribe(m, NULL, s->filter, 0);
}

static void on_disconnect(struct mosquitto *m, void *context, int code, const mosquitto_property *properties)
{
	struct sender *s = context;

	(void)m;
	(void)properties;
	s->connected = false;
	if (code != 0 && s->answered)
		s->refusal = code;
}

static void on_publish(struct mosquitto *m, void *context, int mid, int reason, const mosquitto_property *properties)
{
	struct sender *s = context;

	(void)m;
	(void)mid;
	(void)properties;
	s->flying--;
	s->last_ack_us = now_us();
	s->sent.nobody_listens += reason == REASON_NO_SUBSCRIBERS;
	if (reason >= REASON_ERROR) {
		s->sent.refused++;
		s->failed_reason = s->failed_reason ? s->failed_reason : reason;
	} else {
		s->sent.acknowledged++;
	}
}

static void on_message(struct mosquitto *m, void *context, const struct mosquitto_message *message,
		       const mosquitto_property *properties)
{
	struct sender *s = context;

	(void)m;
	(void)properties;
	s->last_receipt_us = now_us();
	sim_receipts_take(s->receipts, message->topic, message->payload, (size_t)message->payloadlen,
			  s->last_receipt_us);
}

/* ---- the connection ---- */

static bool is_five(const struct sim_options *o)
{
	return strcmp(o->protocol, "5") == 0;
}

static int set_password(struct sender *s)
{
	char line[256] = "";
	FILE *f;

	if (!s->o->username)
		return 0;
	if (!s->o->password_file)
		return mosquitto_username_pw_set(s->m, s->o->username, NULL);
	f = fopen(s->o->password_file, "re");
	if (!f || !fgets(line, sizeof line, f)) {
		sim_complain("%s holds no password that can be read; give a file whose first line is it",
			     s->o->password_file);
		if (f)
			fclose(f);
		return 1;
	}
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return mosquitto_username_pw_set(s->m, s->o->username, line);
}

static int prepare(struct sender *s)
{
	s->m = mosquitto_new(NULL, true, s);
	if (!s->m)
		die_oom();
	mosquitto_int_option(s->m, MOSQ_OPT_PROTOCOL_VERSION, is_five(s->o) ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
	mosquitto_int_option(s->m, MOSQ_OPT_SEND_MAXIMUM, (int)s->o->window);
	/* TCP_CORK packs bursts; without Nagle a lone message goes out at once and latency is the broker's. */
	mosquitto_int_option(s->m, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_connect_v5_callback_set(s->m, on_connect);
	mosquitto_disconnect_v5_callback_set(s->m, on_disconnect);
	mosquitto_publish_v5_callback_set(s->m, on_publish);
	mosquitto_message_v5_callback_set(s->m, on_message);
	return set_password(s) == 0 ? 0 : 1;
}

static void complain_refused(const struct sender *s)
{
	const char *why = is_five(s->o) ? mosquitto_reason_string(s->refusal) : mosquitto_connack_string(s->refusal);

	sim_complain("the broker at %s:%d refuses us: %s; check --username, --password-file and --protocol", s->o->host,
		     s->o->port, why);
}

/* Reads all that came, writes what is queued; sleeps up to wait_ms for something to happen. */
static int turn(struct sender *s, int wait_ms)
{
	struct pollfd p = { .fd = mosquitto_socket(s->m), .events = POLLIN };
	int r = MOSQ_ERR_SUCCESS;

	if (p.fd < 0)
		return MOSQ_ERR_NO_CONN;
	if (mosquitto_want_write(s->m))
		p.events |= POLLOUT;
	if (poll(&p, 1, wait_ms) < 0)
		return errno == EINTR ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ERRNO;
	if (p.revents & POLLOUT)
		r = mosquitto_loop_write(s->m, BURST);
	for (int i = 0; i < 2 * BURST && r == MOSQ_ERR_SUCCESS && (p.revents & (POLLIN | POLLHUP | POLLERR)); i++) {
		errno = 0;
		r = mosquitto_loop_read(s->m, 1);
		if (errno == EAGAIN || !s->connected)
			break;
	}
	if (r == MOSQ_ERR_SUCCESS && now_us() - s->misc_us > SECOND_US) {
		s->misc_us = now_us();
		r = mosquitto_loop_misc(s->m);
	}
	return r;
}

/* Waits for the CONNACK of a connection that was begun. 0; 1: not connected. */
static int wait_connack(struct sender *s)
{
	int64_t until = clock_monotonic_ms() + CONNECT_MS_MAX;

	while (!s->answered && !stopping(s) && clock_monotonic_ms() < until)
		if (turn(s, POLL_MS_MAX) != MOSQ_ERR_SUCCESS)
			break;
	return s->connected ? 0 : 1;
}

static int open_connection(struct sender *s)
{
	int r = mosquitto_connect(s->m, s->o->host, s->o->port, KEEPALIVE_S);

	if (r != MOSQ_ERR_SUCCESS) {
		sim_complain("no broker answers at %s:%d (%s); start one (mosquitto -p %d) or give its --url", s->o->host,
			     s->o->port, r == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(r), s->o->port);
		return 1;
	}
	if (wait_connack(s) == 0)
		return 0;
	if (s->answered)
		complain_refused(s);
	else
		sim_complain("%s:%d accepts connections but does not speak MQTT %s; check --url and --protocol",
			     s->o->host, s->o->port, s->o->protocol);
	return 1;
}

/* The broker went away in the middle: what was not acknowledged goes out again (libmosquitto keeps it). */
static int come_back(struct sender *s, int why)
{
	int64_t until = clock_monotonic_ms() + AWAY_MS_MAX;
	struct timespec second = { .tv_sec = 1 };

	sim_complain("the connection is gone (%s); trying again every second for a minute, Ctrl-C ends",
		     mosquitto_strerror(why));
	while (!stopping(s) && clock_monotonic_ms() < until) {
		nanosleep(&second, NULL);
		s->answered = s->connected = false;
		if (mosquitto_reconnect(s->m) == MOSQ_ERR_SUCCESS && wait_connack(s) == 0)
			return 0;
	}
	sim_complain("the broker at %s:%d did not come back; see its log, then run again with --reset-epoch %lld",
		     s->o->host, s->o->port, (long long)s->o->epoch + 1);
	return 1;
}

static int keep_turning(struct sender *s, int wait_ms)
{
	int r = turn(s, wait_ms);

	if (r == MOSQ_ERR_SUCCESS && mosquitto_socket(s->m) >= 0)
		return 0;
	return stopping(s) ? 1 : come_back(s, r == MOSQ_ERR_SUCCESS ? MOSQ_ERR_CONN_LOST : r);
}

/* ---- publishing ---- */

static int publish(struct sender *s, const char *topic, const char *payload, size_t len)
{
	int r = mosquitto_publish(s->m, NULL, topic, (int)len, payload, 1, false);

	/* A lost connection is seen by the next turn; the message is kept by libmosquitto until then. */
	if (r == MOSQ_ERR_SUCCESS || r == MOSQ_ERR_NO_CONN || r == MOSQ_ERR_CONN_LOST || r == MOSQ_ERR_ERRNO) {
		s->flying++;
		return 0;
	}
	sim_complain("cannot publish to %s: %s", topic, mosquitto_strerror(r));
	return 1;
}

/* Messages the rate allows now. The unused part of a second is not saved up: after a pause no flood. */
static int64_t allowance(struct sender *s, int64_t now)
{
	int64_t due, slack = MAX(s->o->rate / 10, INT64_C(1));

	if (s->o->rate == 0)
		return BURST;
	due = (now - s->began_us) * s->o->rate / SECOND_US + 1;
	s->paced = MAX(s->paced, due - slack);
	return due - s->paced;
}

static int64_t room(struct sender *s, int64_t now)
{
	int64_t paced = allowance(s, now);
	int64_t free_places = s->o->outstanding - sim_receipts_waiting(s->receipts);
	int64_t n = MIN(paced, MIN(s->window - s->flying, (int64_t)BURST));

	if (s->o->outstanding > 0)
		n = MIN(n, free_places);
	return s->ended || !s->connected ? 0 : n;
}

static bool out_of_time(const struct sender *s, int64_t now)
{
	return s->o->seconds > 0 && now - s->began_us >= s->o->seconds * SECOND_US;
}

static int send_one(struct sender *s, int64_t wall_ms)
{
	const struct sim_message *m;

	if (stopping(s) || sim_stream_next(s->stream, wall_ms, &m) > 0) {
		s->ended = true;
		return 0;
	}
	if (!s->o->no_receipts)
		sim_receipts_expect(s->receipts, m, now_us());
	s->sent.sent++;
	s->paced++;
	return publish(s, m->topic.p, m->payload.p, m->payload.len);
}

static int resend_overdue(struct sender *s)
{
	const char *topic, *payload;
	int64_t now = now_us();
	size_t len;

	if (!s->o->until_receipted || stopping(s))
		return 0;
	for (int i = 0; i < BURST && s->flying < s->window; i++) {
		if (!sim_receipts_overdue(s->receipts, now - s->o->resend * SECOND_US, now, &topic, &payload, &len))
			return 0;
		s->sent.resent++;
		if (publish(s, topic, payload, len) > 0)
			return 1;
	}
	return 0;
}

static void cork(struct sender *s, int on)
{
	int fd = mosquitto_socket(s->m);

	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static int burst(struct sender *s)
{
	int64_t now = now_us(), wall_ms = clock_now_ms(), n;
	int r = 0;

	s->ended = s->ended || out_of_time(s, now);
	n = room(s, now);
	if (n > 1)
		cork(s, 1);
	while (n-- > 0 && r == 0 && !s->ended)
		r = send_one(s, wall_ms);
	if (r == 0)
		r = resend_overdue(s);
	cork(s, 0);
	return r;
}

/* Until the next message is due; 0 when there is room for one now. */
static int patience_ms(struct sender *s)
{
	int64_t now = now_us(), next;

	if (room(s, now) > 0)
		return 0;
	if (s->o->rate == 0 || s->ended)
		return POLL_MS_MAX;
	next = s->began_us + s->paced * SECOND_US / s->o->rate;
	return (int)MIN(MAX((next - now + 999) / 1000, INT64_C(1)), (int64_t)POLL_MS_MAX);
}

/* ---- phases ---- */

static int publish_all(struct sender *s)
{
	s->began_us = s->last_ack_us = s->last_receipt_us = now_us();
	while (!s->ended && !stopping(s))
		if (burst(s) > 0 || keep_turning(s, patience_ms(s)) > 0)
			return 1;
	return 0;
}

static int drain_acknowledgements(struct sender *s)
{
	int64_t until = clock_monotonic_ms() + DRAIN_MS_MAX;

	while (s->flying > 0 && (!stopping(s) || clock_monotonic_ms() < until))
		if (keep_turning(s, POLL_MS_MAX) > 0)
			return 1;
	return 0;
}

/* Until every message has its receipt, or none came for --settle seconds. */
static int await_receipts(struct sender *s)
{
	s->last_receipt_us = now_us();
	while (!stopping(s) && sim_receipts_waiting(s->receipts) > 0 &&
	       now_us() - s->last_receipt_us < s->o->settle * SECOND_US)
		if (resend_overdue(s) > 0 || keep_turning(s, POLL_MS_MAX) > 0)
			return 1;
	return 0;
}

static void explain(const struct sender *s)
{
	if (s->failed_reason)
		sim_complain("the broker refused %lld messages (%s); its ACL must let the gateway write %s/v1/…/up/#",
			     (long long)s->sent.refused, mosquitto_reason_string(s->failed_reason),
			     s->o->sandbox ? "nursery-test" : "nursery");
	if (s->sent.nobody_listens > 0)
		sim_complain("nobody had subscribed for %lld messages; is nurseryd connected to this broker?",
			     (long long)s->sent.nobody_listens);
	if (sim_stream_acts_left(s->stream) > 0)
		sim_complain("ended before %zu incident messages were due; allow more --seconds or --count, or lower "
			     "--fire-after and --step", sim_stream_acts_left(s->stream));
}

static int run(struct sender *s)
{
	int r = prepare(s);

	if (r == 0)
		r = open_connection(s);
	if (r > 0)
		return r;
	r = publish_all(s);
	if (r == 0)
		r = drain_acknowledgements(s);
	s->sent.elapsed_ms = (s->last_ack_us - s->began_us) / 1000;
	if (r == 0 && !s->o->no_receipts)
		r = await_receipts(s);
	s->sent.interrupted = stopping(s);
	explain(s);
	mosquitto_disconnect(s->m);
	return stopping(s) ? 0 : r;
}

int sim_send(const struct sim_options *o, const char *province, struct sim_stream *stream, struct sim_receipts *receipts,
	     const volatile sig_atomic_t *stop, struct sim_sent *ret)
{
	struct sender s = { .o = o, .stream = stream, .receipts = receipts, .stop = stop };
	struct buf filter = { 0 };
	int r;

	buf_printf(&filter, "%s/v1/%s/+/+/down/receipt", o->sandbox ? "nursery-test" : "nursery", province);
	s.filter = buf_take(&filter);
	mosquitto_lib_init();
	r = run(&s);
	mosquitto_destroy(s.m);
	mosquitto_lib_cleanup();
	free(s.filter);
	*ret = s.sent;
	return r;
}
