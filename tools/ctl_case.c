/* SPDX-License-Identifier: MIT
 *
 * nurseryctl case: the procedure of Article 6, through the same API as everybody's (docs/cases.md).
 */
#include "ctl.h"

#include <stdio.h>

static int list_cases(const struct ctl *ctl)
{
	static const struct ctl_column columns[] = {
		{ "id", "案件", false },     { "unit", "单位", false },	  { "ground", "事由", false },	  { "state", "状态", false },
		{ "next_zh", "下一步", false }, { "next_en", "next", false }, { "opened_at", "立案", false }, { "next_clock", "时限", false },
	};
	_cleanup_(buf_done) struct buf target = { 0 };

	if (ctl->state && strspn(ctl->state, "abcdefghijklmnopqrstuvwxyz_") != strlen(ctl->state))
		return ctl_wrong(ctl->state, "open, all, or a state");
	buf_str(&target, "/api/v1/cases");
	ctl_add_param(&target, "state", ctl->state);
	return ctl_show_list(ctl, target.p, CTL_ALL, columns, ARRAY_SIZE(columns));
}

static void print_clocks(const json *list)
{
	_cleanup_(ctl_table_done) struct ctl_table t = { .columns = 4 };

	if (json_count(list) == 0)
		return;
	puts("\n时限 / clocks");
	for (size_t i = 0; i < json_count(list); i++) {
		const json *clock = json_at(list, i);

		ctl_cell(&t, ctl_text_of(clock, "subject"));
		if (*ctl_text_of(clock, "met_at"))
			ctl_cell(&t, ctl_text_of(clock, "zh"));
		else
			ctl_clock_cell(&t, clock);
		ctl_cell(&t, ctl_text_of(clock, "due_at"));
		ctl_cell(&t, ctl_text_of(clock, "state"));
	}
	ctl_table_print(&t);
}

static void print_allowed(const json *list)
{
	printf("\n可办理 / what may be done\n");
	for (size_t i = 0; i < json_count(list); i++) {
		const json *act = json_at(list, i), *missing = json_get(act, "missing");

		printf("  %s → %s  %s / %s\n", ctl_text_of(act, "act"), ctl_text_of(act, "to"), ctl_text_of(act, "zh"),
		       ctl_text_of(act, "en"));
		for (size_t k = 0; k < json_count(missing); k++)
			printf("      缺 %s / %s\n", ctl_text_of(json_at(missing, k), "zh"), ctl_text_of(json_at(missing, k), "en"));
	}
}

static int show_case(const struct ctl *ctl, const char *id)
{
	static const char *const history[] = { "at", "act", "state", "actor", "roles" };
	static const char *const evidence[] = { "at", "kind", "alert", "document", "subject" };
	static const char *const signatures[] = { "for", "role", "actor" };
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	int r = ctl_get_one(ctl, "cases", id, &a);

	if (r != EXIT_FINE)
		return r;
	if (ctl->json) {
		puts(a.text.p);
		return EXIT_FINE;
	}
	printf("%s  %s  %s  %s  %s %s\n", ctl_text_of(a.value, "id"), ctl_text_of(a.value, "unit"), ctl_text_of(a.value, "ground"),
	       ctl_text_of(a.value, "state"), *ctl_text_of(a.value, "next_zh") ? "→" : "", ctl_text_of(a.value, "next_zh"));
	ctl_print_parts(json_get(a.value, "evidence"), "证据 / evidence", evidence, ARRAY_SIZE(evidence));
	ctl_print_parts(json_get(a.value, "signatures"), "会签 / signatures", signatures, ARRAY_SIZE(signatures));
	print_clocks(json_get(a.value, "clocks"));
	ctl_print_parts(json_get(a.value, "history"), "经过 / history", history, ARRAY_SIZE(history));
	print_allowed(json_get(a.value, "allowed"));
	return EXIT_FINE;
}

static int open_case(const struct ctl *ctl)
{
	json *body;

	if (ctl->arg_count != 3 || !ctl->reason)
		return ctl_wrong("open", "UNIT GROUND --reason TEXT");
	body = ctl_act_body("open");
	json_set(body, "unit", json_new_text(ctl->args[1]));
	json_set(body, "ground", json_new_text(ctl->args[2]));
	return ctl_act_post(ctl, "cases", "new", body);
}

int ctl_case(const struct ctl *ctl)
{
	const char *what = ctl->arg_count > 0 ? ctl->args[0] : "list";
	json *body;

	if (strcmp(what, "list") == 0)
		return list_cases(ctl);
	if (strcmp(what, "open") == 0)
		return open_case(ctl);
	if (ctl->arg_count == 1 && strncmp(what, "C-", 2) == 0) /* no act begins so */
		return show_case(ctl, what);
	if (ctl->arg_count < 2)
		return ctl_wrong(what, "of which case?");
	if (strcmp(what, "show") == 0)
		return show_case(ctl, ctl->args[1]);
	body = ctl_act_body(what);
	for (size_t i = 2; i < ctl->arg_count; i++) {
		_cleanup_(freep) char *key = xstrdup(ctl->args[i]);
		char *equals = strchr(key, '=');

		if (!equals) {
			json_free(body);
			return ctl_wrong(key, "key=value, as in for=substantiate");
		}
		*equals++ = '\0';
		json_set(body, key, strcmp(key, "override") == 0 ? json_new_bool(true) : json_new_text(equals));
	}
	return ctl_act_post(ctl, "cases", ctl->args[1], body);
}
