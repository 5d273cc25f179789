/* SPDX-License-Identifier: MIT
 *
 * Ground: cleanup attributes and the error convention of the whole program.
 *
 *   0    done
 *   < 0  -errno, passed up unchanged and logged once, where it is handled
 *   > 0  an outcome of that function, named in its header
 *
 * Running out of memory for a small buffer ends the process (die_oom): nothing is acknowledged before
 * it is committed, so a restart by systemd resumes from the last commit and loses nothing, while a
 * thousand untested unwinding paths would. Sizes that a stranger controls are bounded before allocating.
 */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

_Noreturn void die_oom(void);

/* malloc & co. that never return NULL; see the head of this file. The caller owns the result. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
/* Room for one more item of an array that holds *cap of them and doubles. */
void *xgrow(void *items, size_t count, size_t *cap, size_t size);
/* The same of an array that only grows, so that its count says how many it holds. */
void *xgrow_only(void *items, size_t count, size_t size);
char *xstrdup(const char *s);

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
