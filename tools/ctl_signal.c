/* SPDX-License-Identifier: MIT
 *
 * nurseryctl signal: what an officer heard from elsewhere (press, hotline 12345, inspection) raises an alert (docs/cases.md). Which
 * rules and sources there are is the daemon's own table (daemon/signals.h); the guards are the daemon's to ask.
 */
#include "ctl.h"

#include "../daemon/signals.h"

#include <stdio.h>

static int tell_words(const char *wrong, const char *what, void (*list)(struct buf *ret))
{
	_cleanup_(buf_done) struct buf words = { 0 };

	buf_str(&words, what);
	list(&words);
	return ctl_wrong(wrong, words.p);
}

int ctl_signal(const struct ctl *ctl)
{
	const char *unit = ctl->args[0], *rule = ctl->arg_count > 1 ? ctl->args[1] : NULL;
	json *body;

	if (rule && !signal_rule_known(rule))
		return tell_words(rule, "预警规则 / the rules: ", signal_rules);
	if (!ctl->source || !signal_source_known(ctl->source))
		return tell_words(ctl->source ? ctl->source : unit, "线索来源 / --source is one of: ", signal_sources);
	if (!ctl->reason)
		return ctl_wrong(unit, "须说明理由 / --reason TEXT is needed: it stays on record");
	body = ctl_act_body("signal");
	json_set(body, "source", json_new_text(ctl->source));
	if (rule)
		json_set(body, "rule", json_new_text(rule));
	if (ctl->site)
		json_set(body, "site", json_new_text(ctl->site));
	if (ctl->event)
		json_set(body, "event", json_new_text(ctl->event));
	return ctl_act_post(ctl, "units", unit, body);
}
