/* SPDX-License-Identifier: MIT
 *
 * nurseryctl case: the procedure of Article 6, through the same API as everybody's (docs/cases.md).
 */
#include "ctl.h"

#include "../daemon/clock.h"

#include <stdio.h>

/* "县级 → 市级 剩 left 55 分 min" */
void ctl_clock_cell(struct ctl_table *t, const json *clock)
{
	int64_t due_at;
	long long minutes;

	if (!clock || clock_parse_time(ctl_text_of(clock, "due_at"), &due_at) < 0) {
		ctl_cell(t, "");
		return;
	}
	minutes = (due_at - clock_now_ms()) / MINUTE_MS;
	if (llabs(minutes) < 2 * 24 * 60)
		ctl_cellf(t, "%s %s %lld 分 min", ctl_text_of(clock, "zh"), minutes >= 0 ? "剩 left" : "已过 over", llabs(minutes));
	else
		ctl_cellf(t, "%s %s %lld 天 d", ctl_text_of(clock, "zh"), minutes >= 0 ? "剩 left" : "已过 over", llabs(minutes) / (24 * 60));
}

static int list_cases(const struct ctl *ctl)
{
	static const char *const keys[] = { "id", "unit", "ground", "state", "next_zh", "next_en", "opened_at", "next_clock" };
	static const char *const heads[] = { "案件", "单位", "事由", "状态", "下一步", "next", "立案", "时限" };
	_cleanup_(ctl_table_done) struct ctl_table t = { .columns = ARRAY_SIZE(keys) };
	_cleanup_(buf_done) struct buf target = { 0 };
	_cleanup_(json_freep) json *list = NULL;
	const json *items;
	int r;

	if (ctl->state && strspn(ctl->state, "abcdefghijklmnopqrstuvwxyz_") != strlen(ctl->state))
		return ctl_wrong(ctl->state, "open, all, or a state");
	buf_printf(&target, "/api/v1/cases%s%s", ctl->state ? "?state=" : "", ctl->state ? ctl->state : "");
	r = ctl_get_all(ctl, target.p, 1000000, &list);
	if (r != EXIT_FINE)
		return r;
	if (ctl->json) {
		_cleanup_(buf_done) struct buf text = { 0 };

		json_compact(list, &text);
		puts(text.p);
		return EXIT_FINE;
	}
	items = json_get(list, "items");
	for (size_t k = 0; k < ARRAY_SIZE(heads); k++)
		ctl_cell(&t, heads[k]);
	for (size_t i = 0; i < json_count(items); i++)
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			if (strcmp(keys[k], "next_clock") == 0)
				ctl_clock_cell(&t, json_get(json_at(items, i), keys[k]));
			else
				ctl_cell(&t, ctl_text_of(json_at(items, i), keys[k]));
	ctl_table_print(&t);
	return EXIT_FINE;
}

void ctl_print_parts(const json *list, const char *head, const char *const *keys, size_t count)
{
	_cleanup_(ctl_table_done) struct ctl_table t = { .columns = count };

	if (json_count(list) == 0)
		return;
	printf("\n%s\n", head);
	for (size_t i = 0; i < json_count(list); i++)
		for (size_t k = 0; k < count; k++)
			ctl_cell(&t, ctl_text_of(json_at(list, i), keys[k]));
	ctl_table_print(&t);
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

int ctl_get_one(const struct ctl *ctl, const char *list, const char *id, struct ctl_answer *ret)
{
	_cleanup_(buf_done) struct buf target = { 0 };

	if (!ctl_id_plain(id))
		return ctl_wrong(id, "looks like no id");
	buf_printf(&target, "/api/v1/%s/%s", list, id);
	return ctl_get(ctl, target.p, ret);
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
