/* SPDX-License-Identifier: MIT
 *
 * nurseryctl brief: the line first, by itself, so that it can be copied into a text message; then everything else.
 */
#include "ctl.h"

#include <stdio.h>

static void print_said(const char *head, const json *item)
{
	if (*ctl_text_of(item, "zh"))
		printf("%s%s\n", head, ctl_text_of(item, "zh"));
	if (*ctl_text_of(item, "en"))
		printf("%s%s\n", head, ctl_text_of(item, "en"));
}

static void print_short(const char *title, const json *list)
{
	printf("\n%s\n", title);
	for (size_t i = 0; list && i < json_count(list); i++)
		printf("  %s（%s）\n", ctl_text_of(json_at(list, i), "zh"), ctl_text_of(json_at(list, i), "en"));
}

static long long whole(const json *o, const char *key)
{
	const json *v = json_get(o, key);

	return v && json_kind(v) == JSON_KIND_INT ? (long long)json_int(v) : 0;
}

static void print_clocks(const json *list)
{
	puts("\n时限 Clocks");
	for (size_t i = 0; list && i < json_count(list); i++) {
		const json *o = json_at(list, i);
		long long left = whole(o, "left_minutes");

		printf("  %s（%s） %s  %s%lld 分 min\n", ctl_text_of(o, "zh"), ctl_text_of(o, "en"), ctl_text_of(o, "by"),
		       left >= 0 ? "剩 left " : "已过 over ", left >= 0 ? left : -left);
	}
}

static void print_site(const json *site)
{
	const json *registration = json_get(site, "registration"), *places = json_get(registration, "places");

	puts("\n机构 Site");
	printf("  %s  %s  %s\n  %s %s %s\n", ctl_text_of(site, "site"), ctl_text_of(registration, "name"), ctl_text_of(site, "division"),
	       ctl_text_of(registration, "filing"), ctl_text_of(registration, "filing_no"), ctl_text_of(registration, "operation"));
	if (places)
		printf("  托位 places: infant %lld, toddler %lld, older %lld, mixed %lld; insured until %s\n", whole(places, "infant"),
		       whole(places, "toddler"), whole(places, "older"), whole(places, "mixed"), ctl_text_of(registration, "insured_until"));
}

static void print_earlier(const json *list)
{
	puts("\n以往事件 Earlier incidents");
	for (size_t i = 0; list && i < json_count(list); i++)
		printf("  %s  %s  %s  %s\n", ctl_text_of(json_at(list, i), "occurred_at"), ctl_text_of(json_at(list, i), "severity"),
		       ctl_text_of(json_at(list, i), "type"), ctl_text_of(json_at(list, i), "event"));
	if (!list || json_count(list) == 0)
		puts("  无 none");
}

static void print_timeline(const json *list)
{
	puts("\n时间线 Timeline");
	for (size_t i = 0; list && i < json_count(list); i++)
		printf("  %s  %s  %s\n", ctl_text_of(json_at(list, i), "at"), ctl_text_of(json_at(list, i), "what"),
		       ctl_text_of(json_at(list, i), "detail"));
}

static void print_brief(const json *b)
{
	const json *grade = json_get(b, "grade");

	printf("%s\n\n%s\n", ctl_text_of(json_get(b, "line"), "zh"), ctl_text_of(json_get(b, "line"), "en"));
	print_short("已知 Known", json_get(b, "known"));
	print_short("未知 Unknown", json_get(b, "unknown"));
	printf("\n法定等级 Statutory grade\n  %s %s\n", ctl_text_of(grade, "zh"), ctl_text_of(grade, "now"));
	print_said("  ", json_get(grade, "changes"));
	print_clocks(json_get(b, "clocks"));
	puts("\n首报（预填） First report");
	print_said("  ", json_get(b, "first_report"));
	print_site(json_get(b, "site"));
	print_earlier(json_get(b, "earlier"));
	print_timeline(json_get(b, "timeline"));
}

static bool plain(const char *id)
{
	return strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(id);
}

int ctl_brief(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf target = { 0 };
	const char *id = ctl->args[0];
	int r;

	if (!plain(id)) {
		fprintf(stderr, "nurseryctl: %s: an alert is A-000123, a case C-2026-001\n", id);
		return EXIT_USAGE;
	}
	buf_printf(&target, "/api/v1/%s/%s/brief", id[0] == 'C' ? "cases" : "alerts", id);
	r = ctl_get(ctl, target.p, &a);
	if (r != EXIT_FINE)
		return r;
	if (ctl->json)
		puts(a.text.p);
	else
		print_brief(a.value);
	return EXIT_FINE;
}
