/* SPDX-License-Identifier: MIT
 *
 * What is asked for: paths and parameters, out of what somebody typed.
 */
#include "ctl.h"

bool ctl_id_plain(const char *id)
{
	return *id && strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == strlen(id);
}

/* key=value behind what the target has, percent-encoded. */
void ctl_add_param(struct buf *target, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(target, "%c%s=", strchr(target->p, '?') ? '&' : '?', key);
	for (; *value; value++)
		if (strchr("-._:", *value) || (*value >= '0' && *value <= '9') ||
		    ((*value | 0x20) >= 'a' && (*value | 0x20) <= 'z'))
			buf_char(target, *value);
		else
			buf_printf(target, "%%%02X", (unsigned char)*value);
}

void ctl_add_segment(struct buf *target, const char *text)
{
	for (; *text; text++)
		if (strchr("/?#% ", *text) || (unsigned char)*text < 0x20)
			buf_printf(target, "%%%02X", (unsigned char)*text);
		else
			buf_char(target, *text);
}
