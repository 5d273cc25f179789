/* SPDX-License-Identifier: MIT
 *
 * An officer's act, as the verbs send it: POST …/actions with who he is taken from the socket (docs/cases.md). And the one act
 * that needs no more than an id, nurseryctl ack.
 */
#include "ctl.h"

#include <stdio.h>

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
	if (!ctl_id_plain(id))
		return ctl_wrong(id, "looks like no id");
	buf_printf(&target, "/api/v1/%s/%s/actions", list, id);
	r = ctl_post(ctl, id, target.p, "application/json", &text, &a);
	if (r == EXIT_FINE && !ctl->json)
		print_done(id, a.value);
	return r;
}

int ctl_ack(const struct ctl *ctl)
{
	const char *id = ctl->args[0];

	return ctl_act_post(ctl, strncmp(id, "C-", 2) == 0 ? "cases" : "alerts", id, ctl_act_body("acknowledge"));
}
