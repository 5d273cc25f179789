/* SPDX-License-Identifier: MIT */
#include "people.h"

#include "config.h"
#include "err.h"

#include <errno.h>
#include <stdio.h>

/* ---- the directory ---- */

struct identity {
	struct who who;
	int64_t uid;
	bool has_token;
	uint8_t token_sha256[HASH_SIZE];
};

void people_init(struct people *p)
{
	*p = (struct people){ .own_uid = geteuid() };
	pthread_mutex_init(&p->lock, NULL);
}

void people_done(struct people *p)
{
	pthread_mutex_destroy(&p->lock);
	free(p->items);
	p->items = NULL;
}

static int read_token(const struct person *from, struct identity *to)
{
	char *token = NULL;
	int r;

	if (*from->token_sha256) {
		to->has_token = true;
		return hash_from_hex(from->token_sha256, to->token_sha256);
	}
	if (!*from->token_file)
		return 0;
	r = config_read_secret(from->token_file, &token);
	if (r < 0)
		return r;
	if (strlen(token) < 16) /* an empty file must not let everybody in */
		r = -EINVAL;
	hash_sha256(token, strlen(token), to->token_sha256);
	to->has_token = true;
	explicit_bzero(token, strlen(token));
	free(token);
	return r;
}

static int identity_of(const struct person *from, struct identity *to)
{
	*to = (struct identity){ .uid = from->uid };
	snprintf(to->who.name, sizeof to->who.name, "%s", from->name);
	for (size_t i = 0; from->roles[i]; i++)
		to->who.roles |= roles_of(from->roles[i]);
	to->who.roles |= ROLE(VIEWER);
	for (; from->scope[to->who.scope_count]; to->who.scope_count++)
		snprintf(to->who.scope[to->who.scope_count], sizeof to->who.scope[0], "%.6s", from->scope[to->who.scope_count]);
	return read_token(from, to);
}

int people_read(const struct person *persons, size_t count, struct identity **ret, char *why, size_t why_size)
{
	_cleanup_(freep) struct identity *fresh = xcalloc(MAX(count, (size_t)1), sizeof *fresh);

	for (size_t i = 0; i < count; i++) {
		int r = identity_of(&persons[i], &fresh[i]);

		if (r < 0) {
			snprintf(why, why_size, "people: %s: token_file %s: %s", persons[i].name, persons[i].token_file,
				 r == -EINVAL ? "a token has 16 characters or more" : strerror(-r));
			return r;
		}
	}
	*ret = fresh;
	fresh = NULL; /* ownership moved to the caller */
	return 0;
}

void people_put(struct people *p, struct identity *items, size_t count)
{
	struct identity *old;

	pthread_mutex_lock(&p->lock);
	old = p->items;
	p->items = items;
	p->count = count;
	pthread_mutex_unlock(&p->lock);
	free(old);
}

void people_of_uid(struct people *p, uid_t uid, struct who *ret)
{
	*ret = (struct who){ .roles = ROLE(VIEWER) };
	snprintf(ret->name, sizeof ret->name, "uid:%u", (unsigned)uid);
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].uid == (int64_t)uid) {
			*ret = p->items[i].who;
			break;
		}
	pthread_mutex_unlock(&p->lock);
	if (uid == 0 || uid == p->own_uid)
		ret->roles |= ROLE(OPERATOR);
}

static bool same_hash(const uint8_t *a, const uint8_t *b)
{
	volatile uint8_t differs = 0;

	for (size_t i = 0; i < HASH_SIZE; i++)
		differs = (uint8_t)(differs | (a[i] ^ b[i]));
	return differs == 0;
}

bool people_of_token(struct people *p, const char *token, struct who *ret)
{
	uint8_t sha[HASH_SIZE];
	bool found = false;

	*ret = (struct who){ 0 };
	hash_sha256(token, strlen(token), sha);
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i].has_token && same_hash(p->items[i].token_sha256, sha)) {
			*ret = p->items[i].who;
			found = true;
		}
	pthread_mutex_unlock(&p->lock);
	return found;
}

bool who_may(const struct who *w, unsigned roles)
{
	return (w->roles & roles) != 0;
}

bool who_covers(const struct who *w, const char *unit)
{
	for (size_t i = 0; i < w->scope_count; i++)
		if (strncmp(unit, w->scope[i], strlen(w->scope[i])) == 0)
			return true;
	return w->scope_count == 0;
}
