/* SPDX-License-Identifier: MIT
 *
 * Bench: the least that a subscriber can do. Counts the messages of its persistent session with the ordinary
 * mosquitto_loop(), MQTT 5, nurseryd's receive maximum.
 *
 *   counter PORT COUNT     COUNT = 0: only makes the session; else prints the seconds from first to last message
 */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECEIVE_MAXIMUM 4096

struct counter {
	long count, want;
	double first, last;
	int subscribed;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_message(struct mosquitto *m, void *context, const struct mosquitto_message *message)
{
	struct counter *c = context;

	(void)m;
	(void)message;
	if (c->count++ == 0)
		c->first = seconds();
	if (c->count == c->want)
		c->last = seconds();
}

static void on_subscribe(struct mosquitto *m, void *context, int mid, int count, const int *granted)
{
	struct counter *c = context;

	(void)m;
	(void)mid;
	(void)count;
	(void)granted;
	c->subscribed = 1;
}

static int is_done(const struct counter *c)
{
	return c->want == 0 ? c->subscribed : c->count >= c->want;
}

int main(int argc, char **argv)
{
	struct counter c = { 0 };
	mosquitto_property *properties = NULL;
	struct mosquitto *m;
	int rc;

	if (argc != 3)
		return 2;
	c.want = atol(argv[2]);
	mosquitto_lib_init();
	m = mosquitto_new("counter", false, &c);
	mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
	mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM);
	mosquitto_message_callback_set(m, on_message);
	mosquitto_subscribe_callback_set(m, on_subscribe);
	mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, UINT32_MAX);
	rc = mosquitto_connect_bind_v5(m, "127.0.0.1", atoi(argv[1]), 60, NULL, properties);
	if (rc == MOSQ_ERR_SUCCESS && c.want == 0)
		rc = mosquitto_subscribe(m, NULL, "nursery/v1/+/+/+/up/+", 1);
	while (rc == MOSQ_ERR_SUCCESS && !is_done(&c))
		rc = mosquitto_loop(m, 100, 1);
	if (rc != MOSQ_ERR_SUCCESS) {
		fprintf(stderr, "counter: %s\n", mosquitto_strerror(rc));
		return 1;
	}
	for (int i = 0; i < 10; i++) /* the last PUBACKs */
		mosquitto_loop(m, 1, 1);
	mosquitto_disconnect(m);
	printf("%.6f\n", c.last - c.first);
	mosquitto_property_free_all(&properties);
	mosquitto_destroy(m);
	mosquitto_lib_cleanup();
	return 0;
}
