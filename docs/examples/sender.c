/* Sends one message and waits for its receipt (Debian: libmosquitto-dev). Without one it sends the same bytes again.
 *
 *   cc -o sender sender.c -lmosquitto
 *   sender HOST PORT nursery-test/v1/33/330106/SITE FEED MESSAGE.json [CA.crt SITE.crt SITE.key]
 *
 * Exit 0: accepted; 1: refused, the receipt says why; 2: no receipt within two minutes. */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAYLOAD_MAX 65536
#define AGAIN_S 30 /* an incident's; every other feed: 15 min, doubling to 6 h, each ± 50 % */
#define GIVE_UP_S 120

struct sender {
	char up[256], down[256], payload[PAYLOAD_MAX];
	int len, status; /* -1: no receipt yet */
	time_t send_at;
};

static void on_connect(struct mosquitto *mosq, void *context, int reason, int flags, const mosquitto_property *properties)
{
	struct sender *s = context;

	(void)flags;
	(void)properties;
	if (reason != 0)
		fprintf(stderr, "the broker refuses us: %s\n", mosquitto_reason_string(reason));
	else
		mosquitto_subscribe(mosq, NULL, s->down, 1);
}

/* Only now: a receipt is sent once, to whoever listens. */
static void on_subscribe(struct mosquitto *mosq, void *context, int mid, int count, const int *granted)
{
	struct sender *s = context;

	(void)mosq;
	(void)mid;
	if (count == 1 && granted[0] < 128)
		s->send_at = time(NULL);
	else
		fprintf(stderr, "the broker does not let us read %s\n", s->down);
}

/* Only MQTT 5 tells us that the broker's ACL refused the message. */
static void on_publish(struct mosquitto *mosq, void *context, int mid, int reason, const mosquitto_property *properties)
{
	(void)mosq;
	(void)context;
	(void)mid;
	(void)properties;
	if (reason >= 128)
		fprintf(stderr, "the broker refuses the message: %s\n", mosquitto_reason_string(reason));
}

/* A real sender reads the receipt with a JSON library, and finds by feed, epoch and seq which message it is about. */
static void on_message(struct mosquitto *mosq, void *context, const struct mosquitto_message *message)
{
	struct sender *s = context;
	char receipt[PAYLOAD_MAX + 1];

	(void)mosq;
	if (message->payloadlen > PAYLOAD_MAX)
		return;
	memcpy(receipt, message->payload, (size_t)message->payloadlen);
	receipt[message->payloadlen] = '\0';
	puts(receipt);
	if (!strstr(receipt, "\"E_RATE\"")) /* that one: the same again, later */
		s->status = strstr(receipt, "\"status\":\"accepted\"") ? 0 : 1;
}

static int read_message(struct sender *s, const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return -1;
	s->len = (int)fread(s->payload, 1, sizeof s->payload, file);
	fclose(file);
	return s->len > 0 ? 0 : -1;
}

static void run(struct sender *s, struct mosquitto *mosq)
{
	time_t end = time(NULL) + GIVE_UP_S;

	s->send_at = end;
	while (s->status < 0 && time(NULL) < end) {
		if (time(NULL) >= s->send_at) {
			s->send_at = time(NULL) + AGAIN_S;
			mosquitto_publish(mosq, NULL, s->up, s->len, s->payload, 1, false);
		}
		if (mosquitto_loop(mosq, 200, 1) != MOSQ_ERR_SUCCESS) {
			struct timespec second = { .tv_sec = 1 };

			s->send_at = end; /* until we are subscribed again */
			nanosleep(&second, NULL);
			mosquitto_reconnect(mosq);
		}
	}
}

int main(int argc, char **argv)
{
	static struct sender s = { .status = -1 };
	struct mosquitto *mosq;
	int rc;

	if ((argc != 6 && argc != 9) || read_message(&s, argv[5]) < 0) {
		fprintf(stderr, "usage: sender HOST PORT PLACE FEED MESSAGE.json [CA.crt SITE.crt SITE.key]\n");
		return 2;
	}
	snprintf(s.up, sizeof s.up, "%s/up/%s", argv[3], argv[4]);
	snprintf(s.down, sizeof s.down, "%s/down/receipt", argv[3]);
	mosquitto_lib_init();
	mosq = mosquitto_new(NULL, true, &s);
	if (!mosq)
		return 2;
	mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
	mosquitto_connect_v5_callback_set(mosq, on_connect);
	mosquitto_subscribe_callback_set(mosq, on_subscribe);
	mosquitto_publish_v5_callback_set(mosq, on_publish);
	mosquitto_message_callback_set(mosq, on_message);
	rc = argc == 9 ? mosquitto_tls_set(mosq, argv[6], NULL, argv[7], argv[8], NULL) : MOSQ_ERR_SUCCESS;
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mosquitto_connect(mosq, argv[1], atoi(argv[2]), 30);
	if (rc == MOSQ_ERR_SUCCESS)
		run(&s, mosq);
	else
		fprintf(stderr, "%s\n", mosquitto_strerror(rc));
	mosquitto_destroy(mosq);
	mosquitto_lib_cleanup();
	return s.status < 0 ? 2 : s.status;
}
