/* SPDX-License-Identifier: MIT */
#include "http_acts.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <utlist.h>

int acts_init(struct acts *a)
{
	*a = (struct acts){ .main_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .http_fd = -1 };
	if (a->main_fd < 0)
		return -errno;
	a->http_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->http_fd < 0) {
		close(a->main_fd);
		return -errno;
	}
	pthread_mutex_init(&a->lock, NULL);
	return 0;
}

void acts_done(struct acts *a)
{
	pthread_mutex_destroy(&a->lock);
	close(a->http_fd);
	close(a->main_fd);
}

static void wake(int fd)
{
	static const uint64_t one = 1;

	(void)!write(fd, &one, sizeof one); /* a full counter is awake already */
}

void acts_clear(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof count);
}

void acts_wake_http(struct acts *a)
{
	wake(a->http_fd);
}

void acts_wake_main(struct acts *a)
{
	wake(a->main_fd);
}

bool acts_put(struct acts *a, struct request *r)
{
	bool taken_over;

	pthread_mutex_lock(&a->lock);
	taken_over = !a->stopping;
	if (taken_over) {
		r->state = ACT_WAITING;
		DL_APPEND(a->waiting, r);
	}
	pthread_mutex_unlock(&a->lock);
	if (taken_over)
		wake(a->main_fd);
	return taken_over;
}

struct http_act *acts_take(struct acts *a)
{
	struct request *r;

	acts_clear(a->main_fd); /* before looking: what is put afterwards wakes again */
	pthread_mutex_lock(&a->lock);
	r = a->waiting;
	if (r) {
		DL_DELETE(a->waiting, r);
		DL_APPEND(a->taken, r);
		r->state = ACT_TAKEN;
	}
	pthread_mutex_unlock(&a->lock);
	return r ? &r->act : NULL;
}

void acts_finish(struct acts *a, struct http_act *act, int status, const char *content_type, struct buf *body)
{
	struct request *r = (struct request *)act;

	r->status = status;
	r->answer_type = content_type ? content_type : "application/json";
	if (body) {
		r->answer = *body;
		*body = (struct buf){ 0 }; /* ownership moved to the request */
	}
	pthread_mutex_lock(&a->lock);
	DL_DELETE(a->taken, r);
	DL_APPEND(a->finished, r);
	r->state = ACT_FINISHED;
	pthread_mutex_unlock(&a->lock);
	acts_wake_http(a);
}

struct request *acts_finished(struct acts *a)
{
	struct request *r;

	pthread_mutex_lock(&a->lock);
	r = a->finished;
	if (r)
		DL_DELETE(a->finished, r);
	pthread_mutex_unlock(&a->lock);
	return r;
}

static void refuse(struct acts *a, struct request **list)
{
	struct request *r, *next;

	DL_FOREACH_SAFE(*list, r, next) {
		struct api_response rs = { 0 };

		api_problem(&rs, 503, "the daemon is stopping", "nothing was changed: send it again", NULL, NULL, NULL);
		DL_DELETE(*list, r);
		DL_APPEND(a->finished, r);
		r->state = ACT_FINISHED;
		r->status = rs.status;
		r->answer_type = rs.content_type;
		r->answer = rs.body;
	}
}

void acts_refuse_all(struct acts *a)
{
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	refuse(a, &a->waiting);
	refuse(a, &a->taken);
	pthread_mutex_unlock(&a->lock);
}

void acts_stop(struct acts *a)
{
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	pthread_mutex_unlock(&a->lock);
}
