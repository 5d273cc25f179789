/* SPDX-License-Identifier: MIT
 *
 * Connecting, subscribing, and what the daemon asks of the connection.
 */
#include "mqtt_wire.h"

#include "clock.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define RECEIVE_MAXIMUM 4096    /* unacknowledged messages that the broker may send (DESIGN §4.4) */
#define KEEPALIVE_S 30
/* What is larger the broker does not deliver. MQTT allows 256 MiB, libmosquitto allocates them, and a daemon that is killed for
 * want of memory gets the same message again. Far above what an E_TOO_LARGE is answered to in practice. */
#define PACKET_MAX (16u << 20)
#define SUBSCRIPTIONS_MAX (2 * CONFIG_SUBSCRIBE_MAX + 1)

#define STATUS_TOPIC "nurseryd/v1/status"
#define ALERTS_TOPIC "nurseryd/v1/alert/#"

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
		wire_set_ready(m, true, "");
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
	wire_lost(m, true, "session taken over: another client uses this client id");
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
	if (m->v5)
		mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, PACKET_MAX);
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
	wire_listen_for_trouble(m);
	if (give_credentials(m) < 0 || pthread_create(&m->helper, NULL, connect_blocking, m) != 0) {
		wire_wait(m, 0);
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
	wire_wait(m, 0);
	log_warning("mqtt.unreachable", "host=%s port=%d why=\"%s\" next=\"%stry again in %lld ms\"", m->options.config->mqtt.host,
		    m->options.config->mqtt.port, why, wire_advice_of(why, advice, sizeof advice),
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
	sd_event_add_io(m->event, &m->io, mosquitto_socket(m->mosq), EPOLLIN, wire_on_io, m);
	if (wire_write(m) != MOSQ_ERR_SUCCESS)
		wire_lost(m, false, "write failed");
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
		wire_lost(m, false, "the broker does not answer");
	else if (wire_write(m) != MOSQ_ERR_SUCCESS)
		wire_lost(m, false, "write failed");
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
	mosquitto_message_v5_callback_set(m->mosq, wire_on_message);
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

/* What a helper that may hang in connect(2) still uses while the process ends; named, so that it is no leak. */
static struct mqtt *volatile left_to_helper;

void mqtt_free(struct mqtt *m)
{
	if (!m)
		return;
	m->io = sd_event_source_disable_unref(m->io);
	m->connected_source = sd_event_source_disable_unref(m->connected_source);
	if (m->state == STATE_CONNECTING) {
		pthread_detach(m->helper);
		left_to_helper = m;
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
	if (m->state == STATE_CONNECTED && wire_write(m) != MOSQ_ERR_SUCCESS)
		wire_lost(m, false, "write failed");
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
		wire_watch(m);
}

bool mqtt_is_ready(const struct mqtt *m)
{
	return m->ready;
}

const struct mqtt_counters *mqtt_counters(const struct mqtt *m)
{
	return &m->counters;
}
