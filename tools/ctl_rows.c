/* SPDX-License-Identifier: MIT
 *
 * nurseryctl replay, nurseryctl erase: acts on a row of the ledger.
 */
#include "ctl.h"

#include <stdio.h>

static bool is_no(const json *answer)
{
	const char *status = ctl_text_of(answer, "status");

	return strcmp(status, "rejected") == 0 || strcmp(status, "refused_pii") == 0;
}

static int act_on_row(const struct ctl *ctl, const char *what, const struct buf *body)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf target = { 0 };
	char n[48];
	int r;

	if (strspn(ctl->args[0], "0123456789") != strlen(ctl->args[0]))
		return ctl_wrong(ctl->args[0], "N is a row of the ledger");
	buf_printf(&target, "/api/v1/messages/%s/%s", ctl->args[0], what);
	r = ctl_post(ctl, ctl->args[0], target.p, "application/json", body, &a);
	if (r != EXIT_FINE)
		return r;
	if (!ctl->json)
		printf("row %s: %s%s%s\n", ctl_number(a.value, "n", n), ctl_text_of(a.value, "status"),
		       *ctl_text_of(a.value, "status") ? "; " : "", ctl_text_of(a.value, "text"));
	return is_no(a.value) ? EXIT_NO : EXIT_FINE;
}

int ctl_replay(const struct ctl *ctl)
{
	_cleanup_(buf_done) struct buf body = { 0 };

	buf_str(&body, "{}");
	return act_on_row(ctl, "replay", &body);
}

int ctl_erase(const struct ctl *ctl)
{
	_cleanup_(buf_done) struct buf body = { 0 };

	if (!ctl->reason)
		return ctl_wrong("erase", "needs --reason TEXT: it stays on record");
	buf_str(&body, "{\"reason\":");
	buf_json(&body, ctl->reason, -1);
	buf_char(&body, '}');
	return act_on_row(ctl, "erase", &body);
}
