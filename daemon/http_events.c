/* SPDX-License-Identifier: MIT */
#include <microhttpd.h>

#include "http_events.h"

#include "clock.h"
#include "log.h"

#include <errno.h>
#include <sys/socket.h>
#include <utlist.h>

#define READERS_MAX 500
#define READERS_MORE 100 /* for those with a role, whom nobody else must be able to shut out */
#define LOOK_EVERY_MS 200
#define HEARTBEAT_MS (15 * SECOND_MS)
#define TURN_BUDGET_MS 100 /* readers far behind cost a page each; the others' requests must not wait for them */
#define SEND_BUFFER (64 * 1024) /* or the kernel would take megabytes for a reader that never reads */
#define NEVER INT64_MAX

/* Shared by all readers that stood at the same place. */
struct shared_page {
	unsigned references;
	struct event_cursor from, to;
	bool inside;
	struct buf text;
};

struct reader {
	struct events *events;
	struct MHD_Connection *connection;
	int fd;
	int64_t *deadline;
	bool inside, suspended, ended;
	struct event_cursor at;
	struct shared_page *page; /* being sent */
	size_t sent;
	int64_t heard_at; /* when it was last given something */
	struct reader *prev, *next;
};

struct events {
	struct api *api;
	struct reader *readers;
	size_t count;
	struct shared_page *last[2]; /* by inside: what the next reader at that place gets, too */
	int64_t deadline_ms, looked_at;
	bool stopping;
};

/* --- pages --- */

static void page_drop(struct shared_page **page)
{
	struct shared_page *p = *page;

	*page = NULL;
	if (!p || --p->references > 0)
		return;
	buf_done(&p->text);
	free(p);
}

static struct shared_page *page_new(const struct event_cursor *from, bool inside)
{
	struct shared_page *p = xcalloc(1, sizeof *p);

	p->references = 1;
	p->from = p->to = *from;
	p->inside = inside;
	return p;
}

/* Borrowed; NULL when the store cannot be read now: the next turn tries again. */
static struct shared_page *page_at(struct events *e, const struct event_cursor *from, bool inside)
{
	struct shared_page **last = &e->last[inside], *made;

	if (*last && event_cursor_equal(&(*last)->from, from))
		return *last;
	made = page_new(from, inside);
	if (api_events(e->api, inside, &made->to, &made->text) < 0) {
		page_drop(&made);
		return NULL;
	}
	page_drop(last);
	*last = made;
	return made;
}

/* --- readers --- */

static void resume(struct reader *r)
{
	*r->deadline = clock_monotonic_ms() + r->events->deadline_ms;
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->connection);
}

/* Takes over the reference. */
static void give(struct reader *r, struct shared_page *page)
{
	r->page = page;
	r->sent = 0;
	r->heard_at = clock_monotonic_ms();
	resume(r);
}

static void give_text(struct reader *r, const char *text)
{
	struct shared_page *page = page_new(&r->at, r->inside);

	buf_str(&page->text, text);
	give(r, page);
}

static ssize_t on_read(void *context, uint64_t position, char *bytes, size_t max)
{
	struct reader *r = context;
	size_t n;

	(void)position;
	if (r->ended || r->events->stopping)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = r->page ? MIN(max, r->page->text.len - r->sent) : 0;
	if (n > 0) {
		memcpy(bytes, r->page->text.p + r->sent, n);
		r->sent += n;
		return (ssize_t)n;
	}
	page_drop(&r->page);
	r->suspended = true;
	*r->deadline = NEVER; /* it waits for us */
	MHD_suspend_connection(r->connection);
	return 0;
}

static void on_gone(void *context)
{
	struct reader *r = context;

	DL_DELETE(r->events->readers, r);
	r->events->count--;
	page_drop(&r->page);
	free(r);
}

bool events_full(const struct events *e, bool inside)
{
	return e->count >= (inside ? READERS_MAX + READERS_MORE : READERS_MAX);
}

/* What it gets at once: how long to wait before coming back, and whether its id is worth anything. */
static int begin(struct reader *r, const char *last_event_id)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	int error;

	buf_str(&text, "retry: 2000\n\n");
	if (*last_event_id)
		error = api_events_resume(r->events->api, last_event_id, &r->at, &text);
	else
		error = api_events_head(r->events->api, &r->at);
	r->page = page_new(&r->at, r->inside);
	buf_add(&r->page->text, text.p, text.len);
	r->heard_at = clock_monotonic_ms();
	return error;
}

static void add_headers(struct MHD_Response *response)
{
	MHD_add_response_header(response, "Content-Type", "text/event-stream");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* a proxy before us is to pass each event on */
}

int events_start(struct events *e, struct MHD_Connection *connection, bool inside, const char *last_event_id,
		 int64_t *deadline)
{
	static const int size = SEND_BUFFER;
	struct reader *r = xcalloc(1, sizeof *r);
	struct MHD_Response *response;
	enum MHD_Result queued;

	*r = (struct reader){ .events = e, .connection = connection, .inside = inside, .deadline = deadline };
	r->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	setsockopt(r->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	DL_APPEND(e->readers, r);
	e->count++;
	if (begin(r, last_event_id) < 0) {
		on_gone(r);
		return MHD_NO;
	}
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 * 1024, on_read, r, on_gone);
	if (!response)
		die_oom();
	add_headers(response);
	queued = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return queued;
}

/* --- turns --- */

static bool peer_left(const struct reader *r)
{
	char byte;

	return recv(r->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void serve(struct events *e, struct reader *r, int64_t now)
{
	struct shared_page *page = page_at(e, &r->at, r->inside);

	if (page)
		r->at = page->to;
	if (page && page->text.len > 0) {
		page->references++;
		give(r, page);
	} else if (peer_left(r)) {
		r->ended = true; /* a suspended connection is not watched */
		resume(r);
	} else if (now - r->heard_at >= HEARTBEAT_MS)
		give_text(r, ": heartbeat\n\n");
}

int64_t events_turn(struct events *e)
{
	int64_t now = clock_monotonic_ms(), end = now + TURN_BUDGET_MS;
	size_t left = e->count;

	if (e->stopping || left == 0)
		return NEVER;
	if (now < e->looked_at + LOOK_EVERY_MS)
		return e->looked_at + LOOK_EVERY_MS - now;
	/* What was read in an earlier turn may be out of date now. */
	page_drop(&e->last[false]);
	page_drop(&e->last[true]);
	for (; left > 0 && clock_monotonic_ms() < end; left--) {
		struct reader *r = e->readers;

		DL_DELETE(e->readers, r); /* to the end: whoever the budget leaves out is first next time */
		DL_APPEND(e->readers, r);
		if (r->suspended)
			serve(e, r, now);
	}
	e->looked_at = clock_monotonic_ms();
	return LOOK_EVERY_MS;
}

void events_stop(struct events *e)
{
	struct reader *r;

	e->stopping = true;
	DL_FOREACH(e->readers, r)
		resume(r);
}

struct events *events_new(struct api *api, int64_t deadline_ms)
{
	struct events *e = xcalloc(1, sizeof *e);

	e->api = api;
	e->deadline_ms = deadline_ms;
	return e;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	page_drop(&e->last[false]);
	page_drop(&e->last[true]);
	free(e);
}
