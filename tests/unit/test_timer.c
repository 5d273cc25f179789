/* SPDX-License-Identifier: MIT
 *
 * daemon/timer.c in a loop of its own. timerfd_settime is ours here, as a preloaded clock's would be: an absolute time is
 * an error.
 */
#include "../../daemon/timer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
/* cmocka wants what stands above */
#include <cmocka.h>

#define SOON_US 1000
#define LATER_US (60 * UINT64_C(1000000))

int timerfd_settime(int fd, int flags, const struct itimerspec *in, struct itimerspec *old)
{
	if (flags & TFD_TIMER_ABSTIME) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, in, old);
}

struct fired {
	sd_event_source *timer;
	int times, again;
	bool frees;
};

static int on_fire(sd_event_source *source, uint64_t usec, void *context)
{
	struct fired *f = context;

	(void)usec;
	f->times++;
	if (f->frees)
		f->timer = sd_event_source_disable_unref(f->timer);
	else if (f->times <= f->again)
		return timer_set(source, 0);
	return 0;
}

/* Turns the loop until nothing has happened for a moment. */
static void turn(sd_event *event)
{
	while (sd_event_run(event, 100000) > 0)
		;
}

static void check(struct fired *f, uint64_t first_us, uint64_t then_us, bool stop, int expected)
{
	sd_event *event = NULL;

	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(timer_new(event, &f->timer, on_fire, f), 0);
	turn(event);
	assert_int_equal(f->times, 0);
	assert_int_equal(timer_set(f->timer, first_us), 0);
	assert_int_equal(timer_set(f->timer, then_us), 0);
	if (stop)
		assert_int_equal(timer_stop(f->timer), 0);
	turn(event);
	assert_int_equal(f->times, expected);
	sd_event_source_disable_unref(f->timer);
	sd_event_unref(event);
}

static void a_timer_fires_once_for_each_time_it_is_set(void **state)
{
	(void)state;
	check(&(struct fired){ 0 }, LATER_US, SOON_US, false, 1);
	check(&(struct fired){ 0 }, LATER_US, 0, false, 1);
	check(&(struct fired){ .again = 3 }, LATER_US, 0, false, 4);
}

static void a_later_time_and_a_stop_replace_what_was_set(void **state)
{
	(void)state;
	check(&(struct fired){ 0 }, 0, LATER_US, false, 0);
	check(&(struct fired){ 0 }, LATER_US, 0, true, 0);
}

static void a_timer_may_be_freed_while_it_fires(void **state)
{
	(void)state;
	check(&(struct fired){ .frees = true }, LATER_US, 0, false, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_fires_once_for_each_time_it_is_set),
		cmocka_unit_test(a_later_time_and_a_stop_replace_what_was_set),
		cmocka_unit_test(a_timer_may_be_freed_while_it_fires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
