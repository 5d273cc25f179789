/* SPDX-License-Identifier: MIT */
#include "mqtt_wire.h"

#include "clock.h"
#include "hash.h"
#include "log.h"

#include <errno.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BURST_MAX 1024               /* messages a transaction */
#define BURST_BYTES ((size_t)8 << 20) /* and about so many bytes: payloads may be far too large */
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS (30 * SECOND_MS)
#define QUICK_DROP_MS (2 * SECOND_MS)

struct held {
	size_t topic_at, payload_at, payload_len;
};

/* ---- the burst ---- */

void wire_on_message(struct mosquitto *mosq, void *context, const struct mosquitto_message *message,
		       const mosquitto_property *properties)
{
	struct mqtt *m = context;
	struct held *h;

	/* No system call here: read_burst looks at errno to know that the socket is drained. */
	(void)mosq;
	(void)properties;
	if (strncmp(message->topic, "nurseryd/", 9) == 0) {
		if (message->payloadlen > 0)
			buf_add(&m->held_alerts, message->topic, strlen(message->topic) + 1);
		return;
	}
	m->burst = xgrow(m->burst, m->burst_count, &m->burst_cap, sizeof *m->burst);
	h = &m->burst[m->burst_count++];
	h->topic_at = m->burst_bytes.len;
	buf_add(&m->burst_bytes, message->topic, strlen(message->topic) + 1);
	h->payload_at = m->burst_bytes.len;
	h->payload_len = (size_t)message->payloadlen;
	buf_add(&m->burst_bytes, message->payload, h->payload_len);
	buf_char(&m->burst_bytes, '\0');
}

/* Reads until the socket is drained or the burst is full; a libmosquitto error otherwise. */
static int read_burst(struct mqtt *m)
{
	m->burst_count = 0;
	buf_reset(&m->burst_bytes);
	while (m->burst_count < BURST_MAX && m->burst_bytes.len < BURST_BYTES) {
		size_t before = m->burst_count;
		int rc;

		errno = 0;
		rc = mosquitto_loop_read(m->mosq, 1);
		if (rc != MOSQ_ERR_SUCCESS)
			return rc;
		if (errno == EAGAIN && m->burst_count == before)
			return MOSQ_ERR_SUCCESS;
	}
	return MOSQ_ERR_SUCCESS;
}

static int hand_over(struct mqtt *m)
{
	if (m->burst_count == 0)
		return 0;
	m->incoming = xrealloc(m->incoming, m->burst_cap * sizeof *m->incoming);
	for (size_t i = 0; i < m->burst_count; i++)
		m->incoming[i] = (struct incoming){ .topic = m->burst_bytes.p + m->burst[i].topic_at,
						    .payload = m->burst_bytes.p + m->burst[i].payload_at,
						    .len = m->burst[i].payload_len };
	return m->handlers.burst(m->handlers.context, m->incoming, m->burst_count);
}

static void tell_held_alerts(struct mqtt *m)
{
	for (size_t at = 0; at < m->held_alerts.len; at += strlen(m->held_alerts.p + at) + 1)
		m->handlers.held_alert(m->handlers.context, m->held_alerts.p + at);
	buf_reset(&m->held_alerts);
}

/* ---- what is wrong with a connection ---- */

/* Only while connecting (the helper thread's handle, or before CONNACK): otherwise libmosquitto would format a line for
 * every packet. "A TLS error occurred." is all that its return codes say. */
static void on_log(struct mosquitto *mosq, void *context, int level, const char *text)
{
	struct mqtt *m = context;

	(void)mosq;
	if (level == MOSQ_LOG_ERR && !m->trouble[0])
		snprintf(m->trouble, sizeof m->trouble, "%s", text);
}

void wire_listen_for_trouble(struct mqtt *m)
{
	m->trouble[0] = '\0';
	mosquitto_log_callback_set(m->mosq, on_log);
}

static const char no_answer[] = "no answer to CONNECT over TLS";

static const struct {
	const char *text, *advice;
} troubles[] = {
	{ no_answer, "check mqtt.cert_file: the broker may refuse it (revoked, expired, other authority); its log says why" },
	{ "host name verification", "check that the broker's certificate names the host of mqtt.url" },
	{ "certificate verify failed", "check mqtt.ca_file, and that the broker's certificate has not expired" },
	{ "certificate revoked", "check mqtt.cert_file: the broker's authority has revoked it, get a new one" },
	{ "certificate expired", "check mqtt.cert_file: it has expired, get a new one" },
	{ "SSL routines", "check mqtt.cert_file and mqtt.key_file, and that the broker's port speaks TLS" },
	{ "Unable to load", "check that mqtt.ca_file, cert_file and key_file exist, belong together and can be read" },
};

/* "" or "check …; ". */
const char *wire_advice_of(const char *why, char *advice, size_t size)
{
	*advice = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(troubles) && !*advice; i++)
		if (strstr(why, troubles[i].text))
			snprintf(advice, size, "%s; ", troubles[i].advice);
	return advice;
}

/* ---- connection ---- */

void wire_set_ready(struct mqtt *m, bool ready, const char *why)
{
	if (m->ready == ready)
		return;
	m->ready = ready;
	m->handlers.ready(m->handlers.context, ready, why);
}

static int64_t jitter(int64_t ms)
{
	uint16_t random;

	hash_random(&random, sizeof random);
	return ms / 2 + ms * random / 65536;
}

void wire_wait(struct mqtt *m, int64_t at_least_ms)
{
	m->state = STATE_WAITING;
	m->backoff_ms = MIN(MAX(m->backoff_ms * 2, BACKOFF_FIRST_MS), BACKOFF_MAX_MS);
	m->retry_at = clock_monotonic_ms() + MAX(jitter(m->backoff_ms), at_least_ms);
}

/* The socket is closed or must not be used any more. What was queued and not written is dropped by the next
 * connect, PUBACKs of a failed COMMIT among it. */
void wire_lost(struct mqtt *m, bool by_peer, const char *why)
{
	int64_t stay_away = 0;
	char advice[160];
	int fd = mosquitto_socket(m->mosq);

	m->io = sd_event_source_disable_unref(m->io);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	/* On 3.1.1 a takeover shows only as quick drops; those that we made (a failed COMMIT) are none. */
	if (by_peer && m->acknowledged && clock_monotonic_ms() - m->connected_at < QUICK_DROP_MS)
		m->quick_drops++;
	else
		m->quick_drops = 0;
	if (m->quick_drops >= 3 && !m->options.config->mqtt.protocol_v5) {
		log_error("mqtt.taken_over", "client_id=%s next=\"stay away %d s: another client uses this id\"",
			  m->options.client_id, (int)(STAY_AWAY_MS / SECOND_MS));
		stay_away = STAY_AWAY_MS;
		m->counters.takeovers++;
		m->quick_drops = 0;
	}
	if (!m->acknowledged && m->options.config->mqtt.tls) /* a refusal in TLS 1.3 comes late, and may be cut off */
		why = m->trouble[0] ? m->trouble : no_answer;
	m->acknowledged = false;
	wire_wait(m, stay_away);
	log_warning("mqtt.lost", "why=\"%s\" next=\"%sconnect again in %lld ms\"", why,
		    wire_advice_of(why, advice, sizeof advice), (long long)(m->retry_at - clock_monotonic_ms()));
	wire_set_ready(m, false, why);
}

void wire_watch(struct mqtt *m)
{
	uint32_t events = (m->paused ? 0 : EPOLLIN) | (mosquitto_want_write(m->mosq) ? EPOLLOUT : 0);

	if (m->io)
		sd_event_source_set_io_events(m->io, events);
}

/* libmosquitto sends a packet a system call. Corked they leave as full segments; without TCP_NODELAY the receipt of a
 * lone message would wait 40 ms for the delayed ACK of its PUBACK (measured: p50 20–60 ms at 100 messages/s). */
static void cork(struct mqtt *m, int on)
{
	setsockopt(mosquitto_socket(m->mosq), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static int write_packets(struct mqtt *m)
{
	while (m->state == STATE_CONNECTED && mosquitto_want_write(m->mosq)) {
		int rc;

		errno = 0;
		rc = mosquitto_loop_write(m->mosq, 1);
		if (rc != MOSQ_ERR_SUCCESS)
			return rc;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
	}
	return MOSQ_ERR_SUCCESS;
}

/* Writes queued packets; only called when everything received is committed. */
int wire_write(struct mqtt *m)
{
	int rc = MOSQ_ERR_SUCCESS;

	if (m->state != STATE_CONNECTED)
		return rc;
	if (mosquitto_want_write(m->mosq)) {
		cork(m, 1);
		rc = write_packets(m);
		cork(m, 0);
	}
	if (m->state == STATE_CONNECTED)
		wire_watch(m);
	return rc;
}

/* A read that brought no message (the PUBACK of an alert) leaves nothing to send: our TCP ACK would be delayed, and the
 * broker's Nagle would hold the next message until it comes. Measured: 18 ms for every S1 alert. */
static void acknowledge_tcp(struct mqtt *m)
{
	int on = 1;

	if (m->burst_count == 0)
		setsockopt(mosquitto_socket(m->mosq), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void readable(struct mqtt *m)
{
	int r, rc = read_burst(m);

#ifdef NURSERYD_SEAMS
	if (getenv("NURSERYD_ACK_EARLY")) /* the mistake that the crash suite must see */
		wire_write(m);
#endif
	acknowledge_tcp(m);
	r = hand_over(m);
	if (r < 0) {
		m->counters.dropped_on_commit_failure++;
		wire_lost(m, false, "the batch could not be stored; its messages were not acknowledged");
		return;
	}
	if (rc == MOSQ_ERR_SUCCESS)
		rc = wire_write(m);
	if (rc != MOSQ_ERR_SUCCESS && m->state == STATE_CONNECTED) {
		wire_lost(m, true, mosquitto_strerror(rc));
		return;
	}
	tell_held_alerts(m);
	if (m->state == STATE_CONNECTED && wire_write(m) != MOSQ_ERR_SUCCESS)
		wire_lost(m, false, "write failed");
}

int wire_on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct mqtt *m = context;

	(void)source;
	(void)fd;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		readable(m);
	else if (wire_write(m) != MOSQ_ERR_SUCCESS)
		wire_lost(m, false, "write failed");
	return 0;
}
