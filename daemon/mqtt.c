/* SPDX-License-Identifier: MIT */
#include "mqtt.h"

#include "clock.h"
#include "hash.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define BURST_MAX 1024          /* messages a transaction */
#define RECEIVE_MAXIMUM 4096    /* unacknowledged messages that the broker may send (DESIGN §4.4) */
#define KEEPALIVE_S 30
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS (30 * SECOND_MS)
#define STAY_AWAY_MS (60 * SECOND_MS) /* after somebody took our session over */
#define QUICK_DROP_MS (2 * SECOND_MS)
#define SUBSCRIPTIONS_MAX (2 * CONFIG_SUBSCRIBE_MAX + 1)

#define STATUS_TOPIC "nurseryd/v1/status"
#define ALERTS_TOPIC "nurseryd/v1/alert/#"

enum state {
	STATE_WAITING,    /* until retry_at */
	STATE_CONNECTING, /* the helper thread owns the handle */
	STATE_CONNECTED,  /* TCP is up; CONNACK or SUBACKs may be missing */
};

struct held {
	size_t topic_at, payload_at, payload_len;
};

struct mqtt {
	struct mosquitto *mosq;
	struct mqtt_handlers handlers;
	struct mqtt_options options;
	sd_event *event;
	sd_event_source *io, *connected_source;
	enum state state;
	bool acknowledged; /* CONNACK seen */
	bool ready, paused, leaving;
	int connected_fd; /* eventfd of the helper thread */
	int connect_result;
	pthread_t helper;
	char *host; /* the helper's own copies: the configuration may be replaced meanwhile */
	int port;
	bool v5;
	int64_t retry_at, backoff_ms, connected_at;
	int quick_drops;
	int missing_subacks;
	struct buf burst_bytes;
	struct held *burst;
	size_t burst_count, burst_cap;
	struct incoming *incoming;
	struct buf held_alerts; /* topics, NUL-separated */
	char trouble[200];      /* what libmosquitto said first while connecting, TLS's reason; "" when nothing */
	struct mqtt_counters counters;
};

/* ---- the burst ---- */

static void on_message(struct mosquitto *mosq, void *context, const struct mosquitto_message *message,
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
	if (m->burst_count == m->burst_cap) {
		m->burst_cap = MAX(m->burst_cap * 2, (size_t)64);
		m->burst = xrealloc(m->burst, m->burst_cap * sizeof *m->burst);
	}
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
	while (m->burst_count < BURST_MAX) {
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

static void listen_for_trouble(struct mqtt *m)
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
static const char *advice_of(const char *why, char *advice, size_t size)
{
	*advice = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(troubles) && !*advice; i++)
		if (strstr(why, troubles[i].text))
			snprintf(advice, size, "%s; ", troubles[i].advice);
	return advice;
}

/* ---- connection ---- */

static void set_ready(struct mqtt *m, bool ready, const char *why)
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

static void wait_before_retry(struct mqtt *m, int64_t at_least_ms)
{
	m->state = STATE_WAITING;
	m->backoff_ms = MIN(MAX(m->backoff_ms * 2, BACKOFF_FIRST_MS), BACKOFF_MAX_MS);
	m->retry_at = clock_monotonic_ms() + MAX(jitter(m->backoff_ms), at_least_ms);
}

/* The socket is closed or must not be used any more. What was queued and not written is dropped by the next
 * connect, PUBACKs of a failed COMMIT among it. */
static void lost(struct mqtt *m, bool by_peer, const char *why)
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
	wait_before_retry(m, stay_away);
	log_warning("mqtt.lost", "why=\"%s\" next=\"%sconnect again in %lld ms\"", why,
		    advice_of(why, advice, sizeof advice), (long long)(m->retry_at - clock_monotonic_ms()));
	set_ready(m, false, why);
}

static void watch_writability(struct mqtt *m)
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
static int write_queue(struct mqtt *m)
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
		watch_writability(m);
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
		write_queue(m);
#endif
	acknowledge_tcp(m);
	r = hand_over(m);
	if (r < 0) {
		m->counters.dropped_on_commit_failure++;
		lost(m, false, "the batch could not be stored; its messages were not acknowledged");
		return;
	}
	if (rc == MOSQ_ERR_SUCCESS)
		rc = write_queue(m);
	if (rc != MOSQ_ERR_SUCCESS && m->state == STATE_CONNECTED) {
		lost(m, true, mosquitto_strerror(rc));
		return;
	}
	tell_held_alerts(m);
	if (m->state == STATE_CONNECTED && write_queue(m) != MOSQ_ERR_SUCCESS)
		lost(m, false, "write failed");
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct mqtt *m = context;

	(void)source;
	(void)fd;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		readable(m);
	else if (write_queue(m) != MOSQ_ERR_SUCCESS)
		lost(m, false, "write failed");
	return 0;
}

/* ---- subscriptions ---- */

/* The same topic in the sandbox; false when it has none. */
static bool sandbox_twin(const char *topic, char ret[static 256])
{
	if (strncmp(topic, "nursery/", 8) != 0)
		return false;
	snprintf(ret, 256, "nursery-test/%.240s", topic + 8);
	return true;
}

/* Our topics: as configured, the same in the sandbox, and the alerts that the broker holds. */
static size_t subscriptions(const struct mqtt *m, char (*ret)[256])
{
	const struct config *c = m->options.config;
	size_t n = 0;

	for (size_t i = 0; i < c->mqtt.subscribe_count; i++) {
		snprintf(ret[n++], sizeof ret[0], "%s", c->mqtt.subscribe[i]);
		if (c->mqtt.sandbox && sandbox_twin(c->mqtt.subscribe[i], ret[n]))
			n++;
	}
	snprintf(ret[n++], sizeof ret[0], ALERTS_TOPIC);
	return n;
}

static bool is_subscribed(char (*topics)[256], size_t count, const char *topic)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(topics[i], topic) == 0)
			return true;
	return false;
}

/* The session is persistent: what the configuration no longer names must be given up explicitly. */
static void give_up(struct mqtt *m, char (*topics)[256], size_t count, const char *old)
{
	if (!is_subscribed(topics, count, old))
		mosquitto_unsubscribe(m->mosq, NULL, old);
}

static void subscribe(struct mqtt *m)
{
	char topics[SUBSCRIPTIONS_MAX][256];
	size_t count = subscriptions(m, topics);

	for (size_t i = 0; i < m->options.old_subscription_count; i++) {
		char twin[256];

		give_up(m, topics, count, m->options.old_subscriptions[i]);
		if (sandbox_twin(m->options.old_subscriptions[i], twin))
			give_up(m, topics, count, twin);
	}
	m->missing_subacks = 0;
	for (size_t i = 0; i < count; i++)
		if (mosquitto_subscribe(m->mosq, NULL, topics[i], i + 1 == count ? 0 : 1) == MOSQ_ERR_SUCCESS)
			m->missing_subacks++;
}

static void on_connect(struct mosquitto *mosq, void *context, int reason, int flags, const mosquitto_property *properties)
{
	struct mqtt *m = context;

	(void)mosq;
	(void)properties;
	if (reason != 0) {
		log_error("mqtt.refused", "reason=%d why=\"%s\" next=\"try again; check user name, password and ACL\"", reason,
			  m->options.config->mqtt.protocol_v5 ? mosquitto_reason_string(reason) :
								mosquitto_connack_string(reason));
		return;
	}
	mosquitto_log_callback_set(m->mosq, NULL);
	m->acknowledged = true;
	m->connected_at = clock_monotonic_ms();
	m->counters.connects++;
	log_info("mqtt.connected", "host=%s port=%d session_present=%d next=\"subscribe\"", m->options.config->mqtt.host,
		 m->options.config->mqtt.port, flags & 1);
	subscribe(m);
	mqtt_publish(m, STATUS_TOPIC, "online", 6, 1, true);
}

static void on_subscribe(struct mosquitto *mosq, void *context, int mid, int count, const int *granted,
			 const mosquitto_property *properties)
{
	struct mqtt *m = context;

	(void)mosq;
	(void)mid;
	(void)properties;
	for (int i = 0; i < count; i++)
		if (granted[i] >= 0x80) {
			log_error("mqtt.subscribe_refused", "code=%d next=\"not ready; mend the broker's ACL and reload\"",
				  granted[i]);
			return;
		}
	if (m->missing_subacks > 0 && --m->missing_subacks == 0) {
		m->backoff_ms = 0;
		set_ready(m, true, "");
	}
}

static void on_disconnect(struct mosquitto *mosq, void *context, int reason, const mosquitto_property *properties)
{
	struct mqtt *m = context;

	(void)mosq;
	(void)properties;
	if (reason != MQTT_RC_SESSION_TAKEN_OVER || m->state != STATE_CONNECTED)
		return;
	m->counters.takeovers++;
	lost(m, true, "session taken over: another client uses this client id");
	m->retry_at = clock_monotonic_ms() + STAY_AWAY_MS;
	log_error("mqtt.taken_over", "client_id=%s next=\"stay away %d s\"", m->options.client_id,
		  (int)(STAY_AWAY_MS / SECOND_MS));
}

/* ---- connecting, in the helper thread ---- */

static void *connect_blocking(void *context)
{
	struct mqtt *m = context;
	mosquitto_property *properties = NULL;
	uint64_t one = 1;

	if (m->v5)
		mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, UINT32_MAX);
	m->connect_result = mosquitto_connect_bind_v5(m->mosq, m->host, m->port, KEEPALIVE_S, NULL, properties);
	if (m->connect_result == MOSQ_ERR_ERRNO)
		m->connect_result = -errno;
	mosquitto_property_free_all(&properties);
	(void)!write(m->connected_fd, &one, sizeof one);
	return NULL;
}

static int give_credentials(struct mqtt *m)
{
	const struct config *c = m->options.config;
	_cleanup_(freep) char *password = NULL;
	int r;

	if (!c->mqtt.username[0])
		return 0;
	if (c->mqtt.password_file[0]) {
		r = config_read_secret(c->mqtt.password_file, &password);
		if (r < 0) {
			log_error("mqtt.password_unreadable", "file=%s error=%d next=\"try again\"", c->mqtt.password_file, r);
			return r;
		}
	}
	return mosquitto_username_pw_set(m->mosq, c->mqtt.username, password) == MOSQ_ERR_SUCCESS ? 0 : -EINVAL;
}

static void begin_connecting(struct mqtt *m)
{
	listen_for_trouble(m);
	if (give_credentials(m) < 0 || pthread_create(&m->helper, NULL, connect_blocking, m) != 0) {
		wait_before_retry(m, 0);
		return;
	}
	m->state = STATE_CONNECTING;
}

static void unreachable(struct mqtt *m)
{
	const char *why = m->trouble[0]		  ? m->trouble
			  : m->connect_result < 0 ? strerror(-m->connect_result)
						  : mosquitto_strerror(m->connect_result);
	char advice[160];

	m->counters.connect_failures++;
	wait_before_retry(m, 0);
	log_warning("mqtt.unreachable", "host=%s port=%d why=\"%s\" next=\"%stry again in %lld ms\"", m->options.config->mqtt.host,
		    m->options.config->mqtt.port, why, advice_of(why, advice, sizeof advice),
		    (long long)(m->retry_at - clock_monotonic_ms()));
}

static int on_connected(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct mqtt *m = context;
	uint64_t count;

	(void)source;
	(void)events;
	(void)!read(fd, &count, sizeof count);
	pthread_join(m->helper, NULL);
	if (m->connect_result != MOSQ_ERR_SUCCESS) {
		unreachable(m);
		return 0;
	}
	m->state = STATE_CONNECTED;
	sd_event_add_io(m->event, &m->io, mosquitto_socket(m->mosq), EPOLLIN, on_io, m);
	if (write_queue(m) != MOSQ_ERR_SUCCESS)
		lost(m, false, "write failed");
	return 0;
}

void mqtt_tick(struct mqtt *m)
{
	if (m->state == STATE_WAITING && !m->leaving && clock_monotonic_ms() >= m->retry_at) {
		begin_connecting(m);
		return;
	}
	if (m->state != STATE_CONNECTED)
		return;
	if (mosquitto_loop_misc(m->mosq) != MOSQ_ERR_SUCCESS)
		lost(m, false, "the broker does not answer");
	else if (write_queue(m) != MOSQ_ERR_SUCCESS)
		lost(m, false, "write failed");
}

/* ---- outside ---- */

static int set_tls(struct mqtt *m)
{
	const struct config *c = m->options.config;
	const char *ca = c->mqtt.ca_file[0] ? c->mqtt.ca_file : NULL;
	const char *cert = c->mqtt.cert_file[0] ? c->mqtt.cert_file : NULL;
	const char *key = c->mqtt.key_file[0] ? c->mqtt.key_file : NULL;

	if (!c->mqtt.tls)
		return 0;
	if (mosquitto_tls_set(m->mosq, ca, ca ? NULL : "/etc/ssl/certs", cert, key, NULL) != MOSQ_ERR_SUCCESS) {
		log_error("mqtt.tls", "ca_file=\"%s\" cert_file=\"%s\" next=\"stop: check the files\"", c->mqtt.ca_file,
			  c->mqtt.cert_file);
		return -EINVAL;
	}
	return 0;
}

static int make_handle(struct mqtt *m)
{
	bool v5 = m->options.config->mqtt.protocol_v5;

	m->mosq = mosquitto_new(m->options.client_id, false, m);
	if (!m->mosq)
		return -errno;
	mosquitto_int_option(m->mosq, MOSQ_OPT_PROTOCOL_VERSION, v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
	if (v5)
		mosquitto_int_option(m->mosq, MOSQ_OPT_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM);
	mosquitto_int_option(m->mosq, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_threaded_set(m->mosq, true);
	mosquitto_connect_v5_callback_set(m->mosq, on_connect);
	mosquitto_disconnect_v5_callback_set(m->mosq, on_disconnect);
	mosquitto_subscribe_v5_callback_set(m->mosq, on_subscribe);
	mosquitto_message_v5_callback_set(m->mosq, on_message);
	mosquitto_will_set(m->mosq, STATUS_TOPIC, 7, "offline", 1, true);
	return set_tls(m);
}

int mqtt_new(sd_event *event, const struct mqtt_options *options, const struct mqtt_handlers *handlers, struct mqtt **ret)
{
	struct mqtt *m = xcalloc(1, sizeof *m);
	int r;

	mosquitto_lib_init();
	m->handlers = *handlers;
	m->options = *options;
	m->event = sd_event_ref(event);
	m->connected_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->host = xstrdup(options->config->mqtt.host);
	m->port = options->config->mqtt.port;
	m->v5 = options->config->mqtt.protocol_v5;
	r = m->connected_fd < 0 ? -errno : make_handle(m);
	if (r >= 0)
		r = sd_event_add_io(event, &m->connected_source, m->connected_fd, EPOLLIN, on_connected, m);
	if (r < 0) {
		mqtt_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void mqtt_free(struct mqtt *m)
{
	if (!m)
		return;
	m->io = sd_event_source_disable_unref(m->io);
	m->connected_source = sd_event_source_disable_unref(m->connected_source);
	if (m->state == STATE_CONNECTING) {
		/* The helper may hang in connect(2) for long; the process is ending, so the handle stays with it. */
		pthread_detach(m->helper);
		sd_event_unref(m->event);
		return;
	}
	if (m->mosq)
		mosquitto_destroy(m->mosq);
	closep(&m->connected_fd);
	sd_event_unref(m->event);
	buf_done(&m->burst_bytes);
	buf_done(&m->held_alerts);
	free(m->burst);
	free(m->incoming);
	free(m->host);
	free(m);
	mosquitto_lib_cleanup();
}

int mqtt_publish(struct mqtt *m, const char *topic, const void *payload, size_t len, int qos, bool retain)
{
	int rc;

	/* Not connected: QoS 0 would be refused, and what is retained is published again at every connect. */
	if (m->state != STATE_CONNECTED || !m->acknowledged)
		return -ENOTCONN;
	rc = mosquitto_publish(m->mosq, NULL, topic, (int)len, payload, qos, retain);
	if (rc != MOSQ_ERR_SUCCESS) {
		m->counters.publish_failures++;
		return -EIO;
	}
	m->counters.published++;
	return 0;
}

void mqtt_reconfigure(struct mqtt *m, const struct config *config)
{
	m->options.config = config;
}

void mqtt_flush(struct mqtt *m)
{
	if (m->state == STATE_CONNECTED && write_queue(m) != MOSQ_ERR_SUCCESS)
		lost(m, false, "write failed");
}

void mqtt_say_goodbye(struct mqtt *m)
{
	m->leaving = true;
	if (m->state != STATE_CONNECTED)
		return;
	mqtt_publish(m, STATUS_TOPIC, "offline", 7, 0, true);
	mosquitto_disconnect(m->mosq);
	for (int i = 0; i < 100 && m->state == STATE_CONNECTED && mosquitto_want_write(m->mosq); i++)
		if (mosquitto_loop_write(m->mosq, 1) != MOSQ_ERR_SUCCESS)
			break;
}

void mqtt_pause(struct mqtt *m, bool paused)
{
	if (m->paused == paused)
		return;
	m->paused = paused;
	if (m->state == STATE_CONNECTED)
		watch_writability(m);
}

bool mqtt_is_ready(const struct mqtt *m)
{
	return m->ready;
}

const struct mqtt_counters *mqtt_counters(const struct mqtt *m)
{
	return &m->counters;
}
