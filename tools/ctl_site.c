/* SPDX-License-Identifier: MIT
 *
 * nurseryctl site: one nursery and where it belongs, and the act that moves it (docs/cases.md).
 */
#include "ctl.h"

#include <stdio.h>

static int show_site(const struct ctl *ctl, const char *id)
{
	static const char *const moves[] = { "effective_on", "division", "unit" };
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	const json *registration;
	int r = ctl_get_one(ctl, "sites", id, &a);

	if (r != EXIT_FINE)
		return r;
	if (ctl->json) {
		puts(a.text.p);
		return EXIT_FINE;
	}
	registration = json_get(a.value, "registration");
	printf("%s  %s  %s", ctl_text_of(a.value, "site"), ctl_text_of(a.value, "unit"), ctl_text_of(a.value, "division"));
	if (registration && json_kind(registration) == JSON_KIND_OBJECT) {
		_cleanup_(freep) char *name = ctl_tamed(ctl_text_of(registration, "name"));

		printf("  %s  %s %s %s", name, ctl_text_of(registration, "registration"), ctl_text_of(registration, "filing"),
		       ctl_text_of(registration, "operation"));
	}
	puts("");
	ctl_print_parts(json_get(a.value, "moves"), "区划变更 / moves", moves, ARRAY_SIZE(moves));
	return EXIT_FINE;
}

int ctl_site(const struct ctl *ctl)
{
	const char *id = ctl->args[0];
	json *body;

	if (ctl->arg_count == 1)
		return show_site(ctl, id);
	if (ctl->arg_count != 3 || strcmp(ctl->args[1], "move") != 0 || !ctl->from || !ctl->reason)
		return ctl_wrong(id, "变更所在区划 / wanted is SITE move DIVISION --from DAY --reason TEXT");
	body = ctl_act_body("move");
	json_set(body, "division", json_new_text(ctl->args[2]));
	json_set(body, "effective_on", json_new_text(ctl->from));
	return ctl_act_post(ctl, "sites", id, body);
}
