/* SPDX-License-Identifier: MIT
 *
 * Between http.c and http_acts.c: POSTs on their way to the main thread and back. Every field of a request is
 * touched by one thread at a time: it changes hands only through the lists here, under the lock.
 */
#pragma once

#include "http.h"

#include <pthread.h>

enum act_state { ACT_NONE, ACT_WAITING, ACT_TAKEN, ACT_FINISHED };

struct request {
	struct http_act act; /* first: the main thread knows only this part */
	enum act_state state;
	int status; /* the main thread's answer */
	const char *answer_type;
	struct buf answer;
	void *connection; /* of libmicrohttpd */
	char *target;
	bool begun, too_large, too_many; /* too_many: bytes of everybody together */
	struct request *prev, *next; /* in one of the lists */
};

struct acts {
	pthread_mutex_t lock;
	int main_fd, http_fd; /* eventfds, ours: wake the one, wake the other */
	struct request *waiting, *taken, *finished;
	bool stopping;
};

int acts_init(struct acts *a);
void acts_done(struct acts *a);
/* HTTP thread. false: stopping, the request was not taken over. */
bool acts_put(struct acts *a, struct request *r);
/* HTTP thread: the next one to answer, NULL none. */
struct request *acts_finished(struct acts *a);
/* HTTP thread, at the end: whatever waits or was taken is refused, and is among the finished now. */
void acts_refuse_all(struct acts *a);
/* Main thread. */
struct http_act *acts_take(struct acts *a);
void acts_finish(struct acts *a, struct http_act *act, int status, const char *content_type, struct buf *body);
void acts_stop(struct acts *a);
void acts_wake_http(struct acts *a);
void acts_wake_main(struct acts *a);
void acts_clear(int eventfd);
