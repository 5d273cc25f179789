/* SPDX-License-Identifier: MIT
 *
 * nurseryctl backup: a checked copy of the database, made while the daemon works.
 */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>

#define BACKUP_SECONDS 86400 /* a large database, beside its messages */

/* The daemon writes the file; a relative name is meant from here, not from where the daemon is. */
static int absolute(const char *path, struct buf *ret)
{
	_cleanup_(freep) char *here = NULL;

	if (*path != '/') {
		here = getcwd(NULL, 0);
		if (!here)
			return -errno;
		buf_printf(ret, "%s/", here);
	}
	buf_str(ret, path);
	return 0;
}

int ctl_backup(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	_cleanup_(buf_done) struct buf path = { 0 }, body = { 0 };
	struct ctl patient = *ctl;
	char n[48], bytes[48];
	int r = absolute(ctl->args[0], &path);

	if (r < 0)
		return ctl_wrong(ctl->args[0], strerror(-r));
	buf_str(&body, "{\"path\":");
	buf_json(&body, path.p, -1);
	buf_char(&body, '}');
	patient.patience_s = BACKUP_SECONDS;
	r = ctl_post(&patient, ctl->args[0], "/api/v1/backup", "application/json", &body, &a);
	if (r == EXIT_FINE && !ctl->json)
		printf("%s: %s bytes, checked; head %s:%s\n", ctl_text_of(a.value, "path"), ctl_number(a.value, "bytes", bytes),
		       ctl_number(a.value, "n", n), ctl_text_of(a.value, "hash"));
	return r;
}
