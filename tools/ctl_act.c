/* SPDX-License-Identifier: MIT
 *
 * An officer's act, as the verbs send it: POST …/actions with who he is taken from the socket (docs/cases.md). And the one act
 * that needs no more than an id, nurseryctl ack.
 */
#include "ctl.h"

#include <stdio.h>

bool ctl_id_plain(const char *id)
{
	return *id && strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == strlen(id);
}

int ctl_wrong(const char *text, const char *what)
{
	fprintf(stderr, "nurseryctl: %s: %s\n", text, what);
	return EXIT_USAGE;
}

static void tell_refusal(const struct ctl_answer *a)
{
	ctl_tell_problem(a);
	if (*ctl_text_of(a->value, "zh"))
		fprintf(stderr, "%s\n", ctl_text_of(a->value, "zh"));
}

static void print_done(const char *id, const json *value)
{
	const char *case_id = ctl_text_of(value, "case"), *alert = ctl_text_of(value, "alert");
	bool raised = *alert && strcmp(alert, id) != 0;

	printf("%s %s: %s%s%s%s%s\n", id, ctl_text_of(value, "act"), ctl_text_of(value, "state"), raised ? "  预警 " : "", raised ? alert : "",
	       *case_id ? "  案 " : "", case_id);
}

json *ctl_act_body(const char *act)
{
	json *body = json_new_object();

	json_set(body, "act", json_new_text(act));
	return body;
}

int ctl_act_post(const struct ctl *ctl, const char *list, const char *id, json *body)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf target = { 0 }, text = { 0 };
	int r;

	if (ctl->reason)
		json_set(body, "reason", json_new_text(ctl->reason));
	if (ctl->document)
		json_set(body, "document", json_new_text(ctl->document));
	json_compact(body, &text);
	json_free(body);
	if (ctl->db || !ctl_id_plain(id))
		return ctl_wrong(id, ctl->db ? "an act needs the daemon: leave --db away" : "looks like no id");
	buf_printf(&target, "/api/v1/%s/%s/actions", list, id);
	r = ctl_ask(ctl, "POST", target.p, "application/json", &text, &a);
	if (r != EXIT_FINE)
		return r;
	if (a.status < 200 || a.status >= 300) {
		tell_refusal(&a);
		return EXIT_NO;
	}
	if (ctl->json)
		puts(a.text.len ? a.text.p : "null");
	else
		print_done(id, a.value);
	return EXIT_FINE;
}

int ctl_ack(const struct ctl *ctl)
{
	const char *id = ctl->args[0];

	return ctl_act_post(ctl, strncmp(id, "C-", 2) == 0 ? "cases" : "alerts", id, ctl_act_body("acknowledge"));
}
