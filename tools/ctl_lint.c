/* SPDX-License-Identifier: MIT
 *
 * lint: the daemon's own decoder and door over files, offline: an integrator needs no daemon and no broker. What only the
 * stored state can tell (a repeat, a jump of seq) is not looked at.
 */
#include "ctl.h"

#include "../daemon/clock.h"
#include "../daemon/lint.h"
#include "../daemon/schema.h"
#include "../daemon/startup.h"

#include <stdio.h>

/* The shipped divisions, so that an unknown code is told. Without the file every code counts as known. */
static void load_divisions(struct ingest *in)
{
	_cleanup_(buf_done) struct buf path = { 0 }, csv = { 0 };
	struct import_report report;

	base_data_file("divisions.csv", &path);
	if (config_read_bytes(path.p, IMPORT_BYTES_MAX, &csv) < 0 ||
	    ingest_import(in, "divisions", csv.p, csv.len, "lint", clock_now_ms(), &report, NULL) != 0)
		fputs("nurseryctl: the shipped divisions cannot be read: unknown codes are not told\n", stderr);
}

static int open_scratch(struct store **store, struct ingest *in)
{
	int r = store_open("", STORE_MEMORY, store);

	if (r >= 0)
		r = schema_migrate(*store);
	if (r >= 0)
		r = ingest_open(*store, in);
	if (r >= 0)
		load_divisions(in);
	return r;
}

static void print_finding(const json *f)
{
	_cleanup_(freep) char *path = ctl_tamed(ctl_text_of(f, "path")), *got = ctl_tamed(ctl_text_of(f, "got"));
	_cleanup_(freep) char *want = ctl_tamed(ctl_text_of(f, "want"));

	printf("  %s %s\n", ctl_text_of(f, "code"), *path ? path : "(whole message)");
	if (*got)
		printf("      got   %s\n", got);
	if (*want)
		printf("      want  %s\n", want);
	printf("      %s\n      %s\n      fix: %s\n", ctl_text_of(f, "zh"), ctl_text_of(f, "en"), ctl_text_of(f, "fix"));
}

static void print_findings(const json *receipt, const char *key)
{
	const json *list = json_get(receipt, key);

	for (size_t i = 0; i < json_count(list); i++)
		print_finding(json_at(list, i));
}

static void print_receipt(const struct ctl *ctl, const char *file, const struct buf *text)
{
	_cleanup_(json_freep) json *receipt = NULL;
	_cleanup_(buf_done) struct buf line = { 0 };
	size_t offset;

	if (json_parse(text->p, text->len, 16, &receipt, &offset) < 0)
		return;
	if (ctl->json) {
		json_set(receipt, "file", json_new_text(file));
		json_compact(receipt, &line);
		puts(line.p);
		return;
	}
	printf("%s: %s\n", file, ctl_text_of(receipt, "status"));
	print_findings(receipt, "errors");
	print_findings(receipt, "warnings");
}

static int lint_file(const struct ctl *ctl, struct ingest *in, const char *file, int64_t at)
{
	_cleanup_(buf_done) struct buf payload = { 0 }, receipt = { 0 };
	int r = ctl_read_file(file, LINT_BYTES_MAX, &payload);

	if (r < 0) {
		fprintf(stderr, "nurseryctl: %s: %s\n", file, strerror(-r));
		return EXIT_USAGE;
	}
	r = lint_payload(in, ctl->args[0], payload.p ? payload.p : "", payload.len, at, false, &receipt);
	if (r < 0) {
		fprintf(stderr, "nurseryctl: %s: %s\n", file, strerror(-r));
		return EXIT_NO;
	}
	print_receipt(ctl, file, &receipt);
	return r > 0 ? EXIT_FINE : EXIT_NO;
}

int ctl_lint(const struct ctl *ctl)
{
	_cleanup_(store_freep) struct store *store = NULL;
	struct ingest *in = xcalloc(1, sizeof *in);
	int64_t at = clock_now_ms();
	int worst = EXIT_FINE, r;

	if (!collector_of(ctl->args[0])) {
		fprintf(stderr, "nurseryctl: %s: the feeds are registration, enrolment, incident, survey\n", ctl->args[0]);
		free(in);
		return EXIT_USAGE;
	}
	if (ctl->at && clock_parse_time(ctl->at, &at) < 0) {
		fprintf(stderr, "nurseryctl: --at %s: a time with offset is wanted, such as 2026-11-24T08:00:00+08:00\n", ctl->at);
		free(in);
		return EXIT_USAGE;
	}
	r = open_scratch(&store, in);
	for (size_t i = 1; r >= 0 && i < ctl->arg_count; i++) {
		int code = lint_file(ctl, in, ctl->args[i], at); /* MAX evaluates twice */

		worst = MAX(worst, code);
	}
	if (r < 0)
		fprintf(stderr, "nurseryctl: no scratch database: %s\n", strerror(-r));
	ingest_done(in);
	free(in);
	return r < 0 ? EXIT_NO : worst;
}
