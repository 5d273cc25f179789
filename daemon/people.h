/* SPDX-License-Identifier: MIT
 *
 * Ports: who somebody is, from the credential alone: the uid of the peer on the Unix socket, or a bearer token, of which
 * only the SHA-256 is known (CONTRACT §2). Roles are words of a table; the configuration's list `people` gives them.
 */
#pragma once

#include "hash.h"
#include "person.h"

#include <pthread.h>
#include <sys/types.h>

/* Somebody, as one request knows him. Zeroed is nobody. */
struct who {
	char name[PERSON_NAME_SIZE]; /* "" nobody; "uid:1000" on the socket without a row */
	unsigned roles;
	char scope[PERSON_SCOPE_MAX][8];
	size_t scope_count; /* 0: everywhere */
};
bool who_may(const struct who *w, unsigned roles);
bool who_covers(const struct who *w, const char *unit);

/* The one directory; the HTTP thread asks, the main thread puts another in. */
struct people {
	pthread_mutex_t lock;
	struct identity *items;
	size_t count;
	uid_t own_uid;
};
void people_init(struct people *p);
void people_done(struct people *p);
/* Reads the token files; copies what it needs. -errno when one cannot be read, and why says which. ret: people_put or free(). */
int people_read(const struct person *persons, size_t count, struct identity **ret, char *why, size_t why_size);
/* In force from now on; takes them over. */
void people_put(struct people *p, struct identity *items, size_t count);
/* root and the daemon's own uid are operators beside what a row says; whoever may open the socket is a viewer. */
void people_of_uid(struct people *p, uid_t uid, struct who *ret);
/* false: no such token. Compares SHA-256 in constant time, over all rows. */
bool people_of_token(struct people *p, const char *token, struct who *ret);
