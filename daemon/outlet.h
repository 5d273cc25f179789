/* SPDX-License-Identifier: MIT
 *
 * Engines: what leaves by itself as retained MQTT messages (CONTRACT §1): alerts while they are open, indicators, and
 * the ledger's head. Cursors over change numbers in memory; everything open is published again at every connect, so
 * nothing depends on what a crash forgot.
 */
#pragma once

#include "ids.h"
#include "ledger.h"

typedef int (*outlet_publish_fn)(void *context, const char *topic, const void *payload, size_t len, int qos, bool retain);

struct outlet {
	struct store *store; /* borrowed */
	outlet_publish_fn publish;
	void *context;
	int64_t alert_n; /* alerts changed by rows up to this one are published */
	int64_t change;  /* samples up to this change number are published */
	char unit[UNIT_SIZE]; /* after a connect the units up to this one have been told anew; */
	bool all_told;        /* all of them */
	uint64_t alerts_published, indicators_published;
};

/* After (re)connecting: all that is current, the indicators little by little by outlet_indicators. */
int outlet_start(struct outlet *o);
/* Alerts changed since: cheap when there are none, so it is asked after every commit. */
int outlet_alerts(struct outlet *o, int64_t head_n);
/* Indicators changed since, at most `most` a call. */
int outlet_indicators(struct outlet *o, int most);
/* The broker holds this alert of ours: cleared when it is not open. */
int outlet_held_alert(struct outlet *o, const char *topic);
int outlet_head(struct outlet *o, const struct ledger_head *head, int64_t now);
