/* SPDX-License-Identifier: MIT
 *
 * Ports: the types of options: how a value is read, written, and asked for in words. A new type is a name in options.h and a row of
 * `forms`; what each form is good for is declared there, here is what the table as a whole (options.c) needs besides.
 */
#pragma once

#include "options.h"

static inline void *option_member(const struct option *o, void *base)
{
	return (char *)base + o->offset;
}

/* A text member, whose old value is freed. */
void option_put_text(char **m, const char *text);
/* All of OPTION_TEXTS: the list is empty then. */
void option_free_texts(char **texts);
