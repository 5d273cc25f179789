/* SPDX-License-Identifier: MIT
 *
 * Edges: a timer of the loop that fires once, so many microseconds from now. sd-event's own timers arm a timerfd with an
 * absolute time, and a clock that is preloaded for a drill (libfaketime) moves such a time by as much as it moves the
 * clock: no timer would ever fire. A time from now is the same by every clock.
 */
#pragma once

#include <systemd/sd-event.h>

/* Not set yet. fire's usec is 0. The source is the caller's to free; also fire may free it. 0 or -errno. */
int timer_new(sd_event *event, sd_event_source **ret, sd_event_time_handler_t fire, void *context);
int timer_set(sd_event_source *timer, uint64_t us); /* in place of what was set before; 0: as soon as the loop turns */
int timer_stop(sd_event_source *timer);
