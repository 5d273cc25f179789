/* SPDX-License-Identifier: MIT
 *
 * nurseryctl report: the daemon makes it (or the same code over a database file); here it is asked for and put where it is
 * wanted.
 */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>

/* What each kind is asked for with, behind its path. */
static const struct kind {
	const char *name;
	bool id; /* an argument behind the name */
	size_t option; /* --year or --cycle; 0: none, and no province either */
	const char *key, *wanted;
} kinds[] = {
	{ "case", true, 0, NULL, "case ID, as in report case C-2026-001" },
	{ "annual", false, offsetof(struct ctl, year), "year", "annual --year 2026 --province 33" },
	{ "recommend", false, offsetof(struct ctl, cycle), "cycle", "recommend --cycle 2027-2028 --province 33" },
};

static int wrong(const char *text, const char *wanted)
{
	fprintf(stderr, "nurseryctl: report %s: wanted is %s\n", text, wanted);
	return EXIT_USAGE;
}

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* false: something that is needed is not there. */
static bool address(const struct ctl *ctl, const struct kind *k, struct buf *target)
{
	const char *format = ctl->json ? "json" : ctl->csv ? "csv" : "html";
	const char *value = k->option ? *(const char *const *)((const char *)ctl + k->option) : NULL;

	if (ctl->arg_count != (k->id ? 2 : 1) || (k->id && !ctl_id_plain(ctl->args[1])))
		return false;
	if (k->option && (!value || !ctl_id_plain(value) || !ctl->province || !ctl_id_plain(ctl->province)))
		return false;
	buf_printf(target, "/api/v1/reports/%s%s%s?format=%s", k->name, k->id ? "/" : "", k->id ? ctl->args[1] : "", format);
	if (k->option)
		buf_printf(target, "&%s=%s&province=%s", k->key, value, ctl->province);
	return true;
}

/* A file is whole or not there under its name. */
static int put_file(const char *path, const struct buf *text)
{
	_cleanup_(buf_done) struct buf temporary = { 0 };
	FILE *f;
	bool good;

	buf_printf(&temporary, "%s.part", path);
	f = fopen(temporary.p, "wb");
	good = f && fwrite(text->p, 1, text->len, f) == text->len;
	if (f && fclose(f) != 0)
		good = false;
	if (good && rename(temporary.p, path) == 0)
		return EXIT_FINE;
	fprintf(stderr, "nurseryctl: %s: %s\n", path, strerror(errno));
	if (f)
		unlink(temporary.p);
	return EXIT_NO;
}

static int put(const struct ctl *ctl, const struct buf *text)
{
	if (ctl->out)
		return put_file(ctl->out, text);
	if (fwrite(text->p, 1, text->len, stdout) == text->len && fflush(stdout) == 0)
		return EXIT_FINE;
	fprintf(stderr, "nurseryctl: stdout: %s\n", strerror(errno));
	return EXIT_NO;
}

int ctl_report(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf target = { 0 };
	const struct kind *k = kind_of(ctl->args[0]);
	int r;

	if (!k)
		return wrong(ctl->args[0], "case, annual or recommend");
	if (!address(ctl, k, &target))
		return wrong(k->name, k->wanted);
	r = ctl_ask(ctl, "GET", target.p, NULL, NULL, &a);
	if (r != EXIT_FINE)
		return r;
	if (a.status < 200 || a.status >= 300) {
		ctl_tell_problem(ctl, &a);
		return EXIT_NO;
	}
	if (ctl->json)
		buf_char(&a.text, '\n'); /* the others end their last line themselves */
	return put(ctl, &a.text);
}
