/* SPDX-License-Identifier: MIT
 *
 * nurseryctl status: is the daemon ready, how far is the ledger.
 */
#include "ctl.h"

#include <stdio.h>

static int print_head(const struct ctl *ctl, json *all)
{
	_cleanup_(ctl_answer_done) struct ctl_answer head = { 0 };
	char n[48], done[48];
	int r = ctl_get(ctl, "/api/v1/ledger/head", &head);

	if (r != EXIT_FINE)
		return r;
	json_set(all, "head", json_keep(head.value));
	if (!ctl->json)
		printf("ledger      %s:%s\n            at %s, indicators up to %s\n", ctl_number(head.value, "n", n),
		       ctl_text_of(head.value, "hash"), ctl_text_of(head.value, "at"),
		       ctl_number(head.value, "indicators_n", done));
	return EXIT_FINE;
}

static int print_alert_count(const struct ctl *ctl, json *all)
{
	_cleanup_(json_freep) json *alerts = NULL;
	int r = ctl_get_all(ctl, "/api/v1/alerts", CTL_ALL, &alerts);

	if (r != EXIT_FINE)
		return r;
	json_set(all, "open_alerts", json_new_int((int64_t)json_count(json_get(alerts, "items"))));
	if (!ctl->json)
		printf("alerts      %zu open\n", json_count(json_get(alerts, "items")));
	return EXIT_FINE;
}

/* Ready or not is the daemon's own word; a file has no such thing. */
static int print_ready(const struct ctl *ctl, json *all, bool *ready)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	const char *why;
	char port[48];
	int r;

	*ready = true;
	if (ctl->db)
		return EXIT_FINE;
	r = ctl_ask(ctl, "GET", "/readyz", NULL, NULL, &a);
	if (r != EXIT_FINE)
		return r;
	*ready = a.status == 200;
	why = ctl_text_of(a.value, "why");
	json_set(all, "ready", json_keep(a.value));
	if (!ctl->json)
		printf("nurseryd    %s%s%s\nhttp port   %s\n", *ready ? "ready" : "not ready", *why ? ": " : "", why,
		       ctl_number(a.value, "http_port", port));
	if (!ctl->json && *ctl_text_of(a.value, "sinks"))
		printf("sinks       %s\n", ctl_text_of(a.value, "sinks"));
	return EXIT_FINE;
}

int ctl_status(const struct ctl *ctl)
{
	_cleanup_(json_freep) json *all = json_new_object();
	bool ready = false;
	int r = print_ready(ctl, all, &ready);

	if (r == EXIT_FINE)
		r = print_head(ctl, all);
	if (r == EXIT_FINE)
		r = print_alert_count(ctl, all);
	if (r == EXIT_FINE && ctl->json)
		ctl_print_json(all);
	return r != EXIT_FINE ? r : ready ? EXIT_FINE : EXIT_NO;
}
