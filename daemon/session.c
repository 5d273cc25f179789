/* SPDX-License-Identifier: MIT */
#include "session.h"

#include "hash.h"
#include "instance.h"

#include <stdio.h>

/* Two daemons with one client id steal each other's messages: the default is random and kept (DESIGN §4.5). */
static int find_client_id(struct store *s, const struct config *c, char *ret, size_t size)
{
	_cleanup_(buf_done) struct buf kept = { 0 };
	uint8_t random[HASH_SIZE];
	char hex[HASH_HEX_SIZE];
	int r;

	if (c->mqtt.client_id[0]) {
		snprintf(ret, size, "%s", c->mqtt.client_id);
		return 0;
	}
	r = instance_get(s, "client_id", &kept);
	if (r > 0)
		snprintf(ret, size, "%s", kept.p);
	if (r != 0)
		return MIN(r, 0);
	hash_random(random, sizeof random);
	snprintf(ret, size, "nurseryd-%.16s", hash_hex(random, hex));
	return instance_set(s, "client_id", ret, strlen(ret));
}

static void remember(struct session *s, const char *topic)
{
	for (size_t i = 0; i < s->topic_count; i++)
		if (strcmp(s->topics[i], topic) == 0)
			return;
	s->topics = xrealloc(s->topics, (s->topic_count + 1) * sizeof(char *));
	s->topics[s->topic_count++] = xstrdup(topic);
}

/* A topic a line: those of former configurations, then those of this one. */
static int remember_topics(struct store *s, const struct config *c, struct session *ret)
{
	_cleanup_(buf_done) struct buf old = { 0 }, all = { 0 };
	char *rest, *topic;
	int r = instance_get(s, "subscriptions", &old);

	if (r < 0)
		return r;
	rest = old.p;
	while ((topic = strsep(&rest, "\n")))
		if (topic[0])
			remember(ret, topic);
	for (size_t i = 0; i < c->mqtt.subscribe_count; i++)
		remember(ret, c->mqtt.subscribe[i]);
	for (size_t i = 0; i < ret->topic_count; i++)
		buf_printf(&all, "%s\n", ret->topics[i]);
	return instance_set(s, "subscriptions", all.p ? all.p : "", all.len);
}

int session_open(struct store *s, const struct config *c, struct session *ret)
{
	int r;

	*ret = (struct session){ 0 };
	r = find_client_id(s, c, ret->client_id, sizeof ret->client_id);
	return r < 0 ? r : remember_topics(s, c, ret);
}

void session_done(struct session *s)
{
	for (size_t i = 0; i < s->topic_count; i++)
		free(s->topics[i]);
	free(s->topics);
	*s = (struct session){ 0 };
}
