/* SPDX-License-Identifier: MIT
 *
 * The loop is our own: poll() over the two listeners' epoll descriptors and one eventfd, in one thread. So
 * everything of libmicrohttpd happens in this thread, resuming included, and the deadlines need no second one:
 * each connection carries the time by which its request must be over; an overdue socket gets shutdown(2),
 * which the library sees as the end of the stream, whatever state the request is in.
 */
#include <microhttpd.h>

#include "http.h"

#include "clock.h"
#include "http_acts.h"
#include "http_events.h"
#include "http_listen.h"
#include "http_reply.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <utlist.h>

#define DEADLINE_MS (10 * SECOND_MS) /* of one request, and of the silence before the next */
#define IDLE_SECONDS 10u
#define DRAIN_MS SECOND_MS
#define HEADER_MEMORY ((size_t)32 * 1024) /* a connection's buffer: longer headers get 431 */
/* Bytes of bodies and answers in memory at once: the readers who do not read could have a thousand long lists otherwise. */
#define HELD_MAX ((size_t)256 * 1024 * 1024)
#define NEVER INT64_MAX

struct conn {
	int fd; /* the library's */
	int64_t deadline; /* monotonic ms */
	size_t held;      /* of http.held */
	bool busy, kept_alive; /* kept_alive: this is not its first request */
	struct conn *prev, *next;
};

struct listener {
	struct http *http;
	struct MHD_Daemon *daemon; /* NULL: this one is off */
	int fd;
	bool tcp;
};

struct http {
	struct api api;
	struct store *store;
	char *listen, *socket, *db_path;
	struct people *people; /* borrowed */
	struct stat socket_id;
	struct listener tcp, unix_socket;
	struct conn *conns;
	struct acts acts;
	struct events *events;
	int64_t deadline_ms;
	size_t held, held_max;
	pthread_t thread;
	bool running;
	atomic_bool stop;
};

/* --- connections and their deadlines --- */

static void let_go(struct http *h, struct conn *c)
{
	h->held -= c->held;
	c->held = 0;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = context;
	struct conn *c = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = xcalloc(1, sizeof *c);
		c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->deadline = clock_monotonic_ms() + l->http->deadline_ms;
		DL_APPEND(l->http->conns, c);
		*socket_context = c;
	} else if (c) {
		let_go(l->http, c);
		DL_DELETE(l->http->conns, c);
		free(c);
		*socket_context = NULL;
	}
}

static struct conn *conn_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Shuts overdue sockets down; ms until the next deadline, NEVER without one. */
static int64_t cut_overdue(struct http *h)
{
	int64_t now = clock_monotonic_ms(), next = NEVER;
	struct conn *c;

	DL_FOREACH(h->conns, c) {
		/* cppcheck does not see that the macro sets c */
		if (c->deadline <= now) { /* cppcheck-suppress uninitvar */
			shutdown(c->fd, SHUT_RDWR);
			c->deadline = NEVER;
		}
		next = MIN(next, c->deadline);
	}
	return next == NEVER ? NEVER : next - now;
}

static bool any_busy(const struct http *h)
{
	const struct conn *c;

	DL_FOREACH(h->conns, c)
		if (c->busy)
			return true;
	return false;
}

/* --- requests --- */

static void *on_target(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct listener *l = context;
	struct conn *c = conn_of(connection);
	struct request *r = xcalloc(1, sizeof *r);

	if (c->kept_alive && c->deadline != NEVER)
		c->deadline = clock_monotonic_ms() + l->http->deadline_ms; /* its silence is not the request's time */
	r->connection = connection;
	r->target = xstrdup(uri);
	r->act.path = r->target;
	r->act.method = "POST";
	r->act.content_type = "";
	return r;
}

static void request_free(struct request *r)
{
	buf_done(&r->act.body);
	buf_done(&r->answer);
	free(r->target);
	free(r);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **con_cls,
			 enum MHD_RequestTerminationCode code)
{
	struct listener *l = context;
	struct conn *c = conn_of(connection);

	(void)code;
	if (c) {
		let_go(l->http, c);
		c->busy = false;
		c->kept_alive = true;
		c->deadline = c->deadline == NEVER ? NEVER : clock_monotonic_ms() + l->http->deadline_ms;
	}
	if (*con_cls)
		request_free(*con_cls);
	*con_cls = NULL;
}

/* Bytes of strangers' bodies and of answers on their way: false when there are too many already. */
static bool hold(struct http *h, struct MHD_Connection *connection, size_t bytes)
{
	if (h->held + bytes > h->held_max)
		return false;
	h->held += bytes;
	conn_of(connection)->held += bytes;
	return true;
}

static enum MHD_Result refuse_for_now(struct MHD_Connection *connection)
{
	return http_refuse(connection, 503, "too much is on its way", "others' bodies and answers fill the memory for them: ask again in a moment");
}

/* Takes the body's bytes over. */
static enum MHD_Result answer(struct http *h, struct MHD_Connection *connection, struct api_response *rs)
{
	if (hold(h, connection, rs->body.len))
		return http_reply(connection, rs);
	api_response_done(rs);
	return refuse_for_now(connection);
}

/* Without a directory (tests of this file) who sits at the socket is the operator. */
static void who_at_socket(struct http *h, struct MHD_Connection *connection, struct who *ret)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

	*ret = (struct who){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	if (h->people) {
		people_of_uid(h->people, peer.uid, ret);
		return;
	}
	ret->roles = ROLES_ANY;
	snprintf(ret->name, sizeof ret->name, "uid:%u", (unsigned)peer.uid);
}

/* false: a token came, and nobody has it. */
static bool identify(struct listener *l, struct MHD_Connection *connection, struct who *ret)
{
	const char *authorization = http_header(connection, "Authorization");

	*ret = (struct who){ 0 };
	if (!l->tcp)
		who_at_socket(l->http, connection, ret);
	if (!l->tcp || !*authorization)
		return true;
	return l->http->people && strncasecmp(authorization, "Bearer ", 7) == 0 &&
	       people_of_token(l->http->people, authorization + 7 + strspn(authorization + 7, " "), ret);
}

/* The headers are here: refuse, or read on. */
static enum MHD_Result begin(struct listener *l, struct MHD_Connection *connection, const char *method, struct request *r)
{
	bool act = api_is_act(method, r->target);
	const char *length = http_header(connection, "Content-Length");

	r->begun = true;
	conn_of(connection)->busy = true;
	if (l->tcp && !listen_host_allowed(l->http->listen, http_header(connection, "Host")))
		return http_refuse(connection, 421, "this is not your host",
				   "Host must be localhost, 127.0.0.1, [::1] or the configured address");
	if (!identify(l, connection, &r->act.who))
		return http_refuse(connection, 401, "nobody has this token", "Authorization: Bearer TOKEN, of a row of `people`");
	if (act && !api_act_is_open(method, r->target) && !r->act.who.name[0])
		return http_refuse(connection, 401, "acts need a credential",
				   "send a bearer token, or use the Unix socket, as nurseryctl does");
	if (act && !api_act_is_open(method, r->target) && !who_may(&r->act.who, api_act_roles(method, r->target)))
		return http_refuse(connection, 403, "your role does not allow this", "who may do what: docs/operator.md, People");
	if (act && (strlen(http_header(connection, "Idempotency-Key")) >= sizeof r->act.idempotency_key ||
		    strlen(http_header(connection, "If-Match")) >= sizeof r->act.if_match))
		return http_refuse(connection, 400, "a header is too long", "Idempotency-Key has at most 128 characters, If-Match 1024");
	if (strlen(length) > 15 || (size_t)atoll(length) > api_body_max(method, r->target))
		return http_refuse(connection, 413, "the body is too large",
				   "a body has at most 64 KiB, an import 16 MiB");
	return MHD_YES;
}

/* What is refused is read on to the end: an answer cannot overtake the body. */
static void collect(struct listener *l, struct request *r, const char *method, const char *bytes, size_t len)
{
	if (r->act.body.len + len > api_body_max(method, r->target))
		r->too_large = true;
	else if (r->too_many || !hold(l->http, r->connection, len))
		r->too_many = true;
	else
		buf_add(&r->act.body, bytes, len);
}

static enum MHD_Result hand_over(struct listener *l, struct MHD_Connection *connection, struct request *r)
{
	struct http *h = l->http;

	r->act.content_type = http_header(connection, "Content-Type");
	snprintf(r->act.idempotency_key, sizeof r->act.idempotency_key, "%s", http_header(connection, "Idempotency-Key"));
	snprintf(r->act.if_match, sizeof r->act.if_match, "%s", http_header(connection, "If-Match"));
	snprintf(r->act.actor, sizeof r->act.actor, "%s", r->act.who.name);
	if (!acts_put(&h->acts, r))
		return http_refuse(connection, 503, "the daemon is stopping", "nothing was changed: send it again");
	/* However fast the main thread is: only this thread resumes, and later than this. */
	MHD_suspend_connection(connection);
	conn_of(connection)->deadline = NEVER; /* the sender has done its part; the answer gets its own time */
	return MHD_YES;
}

static enum MHD_Result answer_get(struct listener *l, struct MHD_Connection *connection, const char *method,
				  const struct request *r)
{
	struct api_response rs = { 0 };
	const char *known = http_header(connection, "If-None-Match");
	const struct api_request rq = {
		.method = method,
		.target = r->target,
		.if_none_match = *known ? known : NULL,
		.trusted = who_may(&r->act.who, ROLES_ANY),
		.known = r->act.who.name[0] != '\0',
		.local = !l->tcp,
		.now_ms = clock_now_ms(),
	};

	api_answer(&l->http->api, &rq, &rs);
	rs.for_one = l->tcp && rq.known;
	return answer(l->http, connection, &rs);
}

static enum MHD_Result answer_stream(struct listener *l, struct MHD_Connection *connection, const struct request *r)
{
	struct events *events = l->http->events;

	bool inside = who_may(&r->act.who, ROLES_ANY);

	if (events_full(events, inside))
		return http_refuse(connection, 503, "too many listen already", "500 event streams are open: poll, or come back");
	return (enum MHD_Result)events_start(events, connection, inside, http_header(connection, "Last-Event-ID"),
					     &conn_of(connection)->deadline);
}

/* An act is done: its answer is never held back. */
static enum MHD_Result answer_act(struct listener *l, struct MHD_Connection *connection, struct request *r)
{
	struct api_response rs = { .status = r->status, .content_type = r->answer_type, .body = r->answer,
				   .for_one = l->tcp && r->act.who.name[0] };

	r->answer = (struct buf){ 0 };
	return http_reply(connection, &rs);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *bytes, size_t *len,
				  void **con_cls)
{
	struct listener *l = context;
	struct request *r = *con_cls;

	(void)url;
	(void)version;
	if (!r->begun)
		return begin(l, connection, method, r);
	if (*len > 0) {
		collect(l, r, method, bytes, *len);
		*len = 0;
		return MHD_YES;
	}
	if (r->state == ACT_FINISHED)
		return answer_act(l, connection, r);
	if (r->too_large)
		return http_refuse(connection, 413, "the body is too large", "a body has at most 64 KiB, an import 16 MiB");
	if (r->too_many)
		return refuse_for_now(connection);
	if (api_is_act(method, r->target))
		return hand_over(l, connection, r);
	if (api_is_stream(method, r->target))
		return answer_stream(l, connection, r);
	return answer_get(l, connection, method, r);
}

/* --- the thread --- */

static void resume_finished(struct http *h)
{
	struct request *r;

	while ((r = acts_finished(&h->acts))) {
		conn_of(r->connection)->deadline = clock_monotonic_ms() + h->deadline_ms;
		MHD_resume_connection(r->connection);
	}
}

static int64_t library_timeout(struct MHD_Daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return daemon && MHD_get_timeout(daemon, &ms) == MHD_YES ? (int64_t)MIN(ms, 60000ull) : NEVER;
}

static int epoll_fd(const struct listener *l)
{
	return l->daemon ? MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd : -1;
}

static void turn(struct http *h, int64_t at_most_ms)
{
	struct pollfd fds[] = {
		{ .fd = h->acts.http_fd, .events = POLLIN },
		{ .fd = epoll_fd(&h->tcp), .events = POLLIN },
		{ .fd = epoll_fd(&h->unix_socket), .events = POLLIN },
	};
	int64_t timeout = MIN(at_most_ms, cut_overdue(h));

	timeout = MIN(timeout, events_turn(h->events));
	timeout = MIN(timeout, library_timeout(h->tcp.daemon)); /* 0 when a stream was resumed just now */
	timeout = MIN(timeout, library_timeout(h->unix_socket.daemon));
	poll(fds, ARRAY_SIZE(fds), timeout == NEVER ? -1 : (int)MAX(timeout, 0));
	acts_clear(h->acts.http_fd);
	resume_finished(h);
	if (h->tcp.daemon)
		MHD_run(h->tcp.daemon);
	if (h->unix_socket.daemon)
		MHD_run(h->unix_socket.daemon);
}

static void quiesce(struct listener *l)
{
	if (l->daemon)
		MHD_quiesce_daemon(l->daemon);
}

static void *run(void *context)
{
	struct http *h = context;
	int64_t end;

	while (!atomic_load(&h->stop))
		turn(h, NEVER);
	acts_refuse_all(&h->acts);
	events_stop(h->events);
	quiesce(&h->tcp);
	quiesce(&h->unix_socket);
	end = clock_monotonic_ms() + DRAIN_MS;
	do
		turn(h, 50);
	while (any_busy(h) && clock_monotonic_ms() < end);
	return NULL;
}

/* --- start and stop --- */

static int start_daemon(struct http *h, struct listener *l)
{
	l->http = h;
	l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, l,
				     MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_MEMORY,
				     MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_CONNECTION_LIMIT,
				     listen_connections_max(), MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_NOTIFY_COMPLETED,
				     on_completed, l, MHD_OPTION_URI_LOG_CALLBACK, on_target, l, MHD_OPTION_END);
	return l->daemon ? 0 : -EIO;
}

/* Socket activation: what the service manager opened before us takes the place of the configured addresses. */
static void take_activated(struct http *h)
{
	int count = sd_listen_fds(1);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
		bool local = sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
		struct listener *l = local ? &h->unix_socket : &h->tcp;

		if (l->fd >= 0 || sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
			log_warning("http.activated", "fd=%d why=\"not a listening stream socket, or the second of its kind\" next=\"it is closed\"",
				    fd);
			close(fd);
			continue;
		}
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		l->fd = fd;
	}
}

static int open_listeners(struct http *h, char *why)
{
	int r = 0;

	take_activated(h);
	if (h->tcp.fd < 0 && h->listen[0])
		r = listen_tcp(h->listen, why, HTTP_WHY_SIZE, &h->tcp.fd);
	if (r >= 0 && h->unix_socket.fd < 0 && h->socket[0])
		r = listen_unix(h->socket, why, HTTP_WHY_SIZE, &h->unix_socket.fd, &h->socket_id);
	if (r >= 0 && h->tcp.fd >= 0)
		r = start_daemon(h, &h->tcp);
	if (r >= 0 && h->unix_socket.fd >= 0)
		r = start_daemon(h, &h->unix_socket);
	if (r == -EIO && !why[0])
		snprintf(why, HTTP_WHY_SIZE, "libmicrohttpd did not start");
	return r;
}

static int start_thread(struct http *h)
{
	sigset_t all, before;
	int r;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&h->thread, NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	h->running = r == 0;
	return -r;
}

int http_new(const struct http_options *options, char why[static HTTP_WHY_SIZE], struct http **ret)
{
	struct http *made = xcalloc(1, sizeof *made);
	_cleanup_(http_freep) struct http *h = NULL;
	int r = acts_init(&made->acts);

	why[0] = '\0';
	if (r < 0) {
		free(made);
		return r;
	}
	h = made;
	h->tcp = (struct listener){ .fd = -1, .tcp = true };
	h->unix_socket = (struct listener){ .fd = -1 };
	h->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEADLINE_MS;
	h->held_max = options->held_max > 0 ? options->held_max : HELD_MAX;
	h->people = options->people;
	h->listen = xstrdup(options->listen);
	h->socket = xstrdup(options->socket);
	h->db_path = xstrdup(options->db_path);
	r = store_open(h->db_path, STORE_READ, &h->store);
	if (r < 0)
		snprintf(why, HTTP_WHY_SIZE, "cannot open %s for reading: %s", h->db_path, strerror(-r));
	else
		r = open_listeners(h, why);
	if (r < 0)
		return r;
	h->api = (struct api){ .store = h->store, .live = options->live, .db_path = h->db_path };
	h->events = events_new(&h->api, h->deadline_ms);
	r = start_thread(h);
	if (r < 0)
		return r;
	*ret = h;
	h = NULL; /* ownership moved to the caller */
	return 0;
}

static void close_listener(struct listener *l)
{
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
	closep(&l->fd); /* quiesced: the library has given it back */
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->running) {
		atomic_store(&h->stop, true);
		acts_wake_http(&h->acts);
		pthread_join(h->thread, NULL);
	}
	close_listener(&h->tcp);
	if (h->unix_socket.fd >= 0)
		listen_unix_remove(h->socket, &h->socket_id);
	close_listener(&h->unix_socket);
	events_free(h->events);
	acts_done(&h->acts);
	api_done(&h->api);
	store_free(h->store);
	free(h->listen);
	free(h->socket);
	free(h->db_path);
	free(h);
}

int http_port(const struct http *h)
{
	return listen_port(h->tcp.fd);
}

void http_stop_acts(struct http *h)
{
	acts_stop(&h->acts);
}

int http_act_fd(const struct http *h)
{
	return h->acts.main_fd;
}

struct http_act *http_next_act(struct http *h)
{
	return acts_take(&h->acts);
}

void http_wake_acts(struct http *h)
{
	acts_wake_main(&h->acts);
}

void http_finish_act(struct http *h, struct http_act *act, int status, const char *content_type, struct buf *body)
{
	acts_finish(&h->acts, act, status, content_type, body);
}
