/* SPDX-License-Identifier: MIT
 *
 * What several verbs print: what is wrong, JSON as a line, a number, the time left, a few members of each object of a list.
 */
#include "ctl.h"

#include "../daemon/clock.h"

#include <stdio.h>

int ctl_wrong(const char *text, const char *what)
{
	fprintf(stderr, "nurseryctl: %s: %s\n", text, what);
	return EXIT_USAGE;
}

void ctl_print_json(const json *value)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	json_compact(value, &text);
	puts(text.p);
}

const char *ctl_number(const json *object, const char *key, char text[static 48])
{
	const json *v = object ? json_get(object, key) : NULL;
	enum json_type kind = v ? json_kind(v) : JSON_KIND_NULL;

	text[0] = '\0';
	if (kind == JSON_KIND_INT)
		snprintf(text, 48, "%lld", (long long)json_int(v));
	else if (kind == JSON_KIND_REAL)
		snprintf(text, 48, "%.2f", json_real(v));
	return text;
}

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
