/* SPDX-License-Identifier: MIT
 *
 * nurseryctl import: reference data from a CSV file, all or nothing.
 */
#include "ctl.h"

#include "../daemon/imports.h"

#include <stdio.h>

int ctl_import(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf csv = { 0 }, target = { 0 };
	char rows[48], n[48];
	int r;

	if (!import_kind_known(ctl->args[0])) {
		_cleanup_(buf_done) struct buf kinds = { 0 };

		import_kinds(&kinds);
		fprintf(stderr, "nurseryctl: import %s: the kinds are %s\n", ctl->args[0], kinds.p);
		return EXIT_USAGE;
	}
	r = ctl_read_file(ctl->args[1], IMPORT_BYTES_MAX, &csv);
	if (r < 0)
		return ctl_wrong(ctl->args[1], strerror(-r));
	buf_str(&target, "/api/v1/imports/");
	ctl_add_segment(&target, ctl->args[0]);
	r = ctl_post(ctl, ctl->args[1], target.p, "text/csv", &csv, &a);
	if (r != EXIT_FINE || ctl->json)
		return r;
	printf("%s: %s rows imported as ledger row %s\n", ctl->args[0], ctl_number(a.value, "rows", rows), ctl_number(a.value, "n", n));
	ctl_tell_lines(json_get(a.value, "notes"));
	return r;
}
