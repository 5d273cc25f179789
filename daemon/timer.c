/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include "err.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct timer {
	sd_event_time_handler_t fire;
	void *context;
};

static int on_expiry(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct timer *t = userdata;
	uint64_t times;

	(void)revents;
	if (read(fd, &times, sizeof times) < 0)
		return errno == EAGAIN ? 0 : -errno; /* set anew, or stopped, meanwhile */
	return t->fire(source, 0, t->context);
}

int timer_new(sd_event *event, sd_event_source **ret, sd_event_time_handler_t fire, void *context)
{
	sd_event_source *source = NULL;
	struct timer *t;
	int r, fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	t = xcalloc(1, sizeof *t);
	*t = (struct timer){ fire, context };
	r = sd_event_add_io(event, &source, fd, EPOLLIN, on_expiry, t);
	if (r < 0) {
		close(fd);
		free(t);
		return r;
	}
	sd_event_source_set_io_fd_own(source, true);
	sd_event_source_set_destroy_callback(source, free);
	*ret = source;
	return 0;
}

static int arm(sd_event_source *timer, uint64_t us)
{
	const struct itimerspec in = { .it_value = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000 * 1000) } };
	int fd = sd_event_source_get_io_fd(timer);

	return fd < 0 ? fd : timerfd_settime(fd, 0, &in, NULL) < 0 ? -errno : 0;
}

int timer_set(sd_event_source *timer, uint64_t us)
{
	return arm(timer, MAX(us, UINT64_C(1))); /* zero would stop it */
}

int timer_stop(sd_event_source *timer)
{
	return arm(timer, 0);
}
