/* SPDX-License-Identifier: MIT
 *
 * nurseryctl influx refill: an emptied database of points gets everything again.
 */
#include "ctl.h"

#include <stdio.h>

int ctl_influx(const struct ctl *ctl)
{
	_cleanup_(ctl_answer_done) struct ctl_answer a = { 0 };
	int r;

	if (strcmp(ctl->args[0], "refill") != 0)
		return ctl_wrong(ctl->args[0], "refill is all there is");
	r = ctl_post(ctl, "influx", "/api/v1/sinks/influx/refill", NULL, NULL, &a);
	if (r == EXIT_FINE && !ctl->json)
		printf("influx: %s\n", ctl_text_of(a.value, "detail"));
	return r;
}
