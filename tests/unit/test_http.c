/* SPDX-License-Identifier: MIT
 *
 * Real sockets against a running HTTP thread. The total deadline is shortened; what is tested is that it is total.
 */
#include "api_fixture.h"

#include "../../daemon/http.h"
#include "../../daemon/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DEADLINE_MS 600

struct world {
	char dir[64], db[96], socket[96];
	struct api_live live;
	struct http *http;
	size_t held_max;
};
static struct world w;

static struct http_options options_of(const struct world *x)
{
	return (struct http_options){
		.listen = "127.0.0.1:0",
		.socket = x->socket,
		.db_path = x->db,
		.live = (struct api_live *)&x->live,
		.deadline_ms = DEADLINE_MS,
		.held_max = x->held_max,
	};
}

static int start_with(size_t held_max)
{
	struct http_options options;
	char why[HTTP_WHY_SIZE];
	struct store *s;

	w = (struct world){ .dir = "/tmp/nurseryd-test-XXXXXX", .held_max = held_max };
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.db, sizeof w.db, "%s/n.db", w.dir);
	snprintf(w.socket, sizeof w.socket, "%s/n.sock", w.dir);
	s = fixture_open(w.db);
	store_begin(s); /* one fsync, not two thousand */
	add_divisions(s);
	add_ledger(s, 2000);
	store_commit(s);
	store_free(s);
	api_live_init(&w.live);
	options = options_of(&w);
	if (http_new(&options, why, &w.http) < 0)
		fail_msg("%s", why);
	return 0;
}

static int start(void **state)
{
	(void)state;
	return start_with(0);
}

static int start_with_little_memory(void **state)
{
	(void)state;
	return start_with(20000);
}

static int stop(void **state)
{
	char command[128];

	(void)state;
	http_free(w.http);
	api_live_done(&w.live);
	snprintf(command, sizeof command, "rm -r %s", w.dir);
	return system(command) == 0 ? 0 : -1;
}

static int connect_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(w.http)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static int connect_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s", w.socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Up to the end of the stream, at most five seconds of silence; closes. */
static char *hear(int fd)
{
	struct timeval patience = { .tv_sec = 5 };
	struct buf b = { 0 };
	char chunk[4096];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
		buf_add(&b, chunk, (size_t)n);
	close(fd);
	return buf_take(&b);
}

static void expect_answer(int fd, const char *question, const char *status)
{
	_cleanup_(freep) char *text = NULL;

	say(fd, question);
	text = hear(fd);
	if (strncmp(text + 9, status, 3) != 0)
		fail_msg("%s\n-> %s", question, text);
}

#define GET(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\nConnection: close\r\n\r\n"

static void both_listeners_answer(void **state)
{
	(void)state;
	expect_answer(connect_tcp(), GET("/healthz", "localhost"), "200");
	expect_answer(connect_unix(), GET("/healthz", "whatever"), "200");
	expect_answer(connect_tcp(), GET("/api/v1/messages?limit=1000", "127.0.0.1:8640"), "200");
	expect_answer(connect_tcp(), GET("/api/v1/incidents", "localhost"), "401");
	expect_answer(connect_unix(), GET("/api/v1/incidents", "localhost"), "200");
}

static void a_foreign_host_is_refused(void **state)
{
	(void)state;
	expect_answer(connect_tcp(), GET("/healthz", "evil.example"), "421");
	expect_answer(connect_tcp(), GET("/healthz", "localhost.evil.example"), "421");
	expect_answer(connect_tcp(), GET("/healthz", "localhost:x"), "421");
	expect_answer(connect_tcp(), GET("/healthz", "[::1]:8640"), "200");
	expect_answer(connect_tcp(), GET("/healthz", "LOCALHOST"), "200");
	expect_answer(connect_tcp(), "GET /healthz HTTP/1.0\r\n\r\n", "421");
	assert_false(listen_host_allowed("", "")); /* sockets from the service manager, no configured address */
	assert_false(listen_host_allowed("", ":8640"));
	assert_true(listen_host_allowed("10.0.0.1:8640", "10.0.0.1:80"));
}

/* One byte every 50 ms is never idle. Returns ms until the other side ended it. */
static int64_t drip(int fd, const char *text)
{
	int64_t from = clock_monotonic_ms();

	for (size_t i = 0;; i = text[i + 1] ? i + 1 : i) {
		struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };

		if (send(fd, text + i, 1, MSG_NOSIGNAL) < 0 || poll(&p, 1, 50) > 0)
			break;
		if (clock_monotonic_ms() - from > 10 * DEADLINE_MS)
			break;
	}
	close(fd);
	return clock_monotonic_ms() - from;
}

static void a_client_that_drips_is_cut_at_the_deadline(void **state)
{
	static const char *const drips[] = {
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"G",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(drips); i++) {
		int64_t ms = drip(connect_tcp(), drips[i]);

		if (ms < DEADLINE_MS / 2 || ms > 2 * DEADLINE_MS)
			fail_msg("cut after %lld ms", (long long)ms);
	}
}

static void a_body_that_drips_is_cut_at_the_deadline(void **state)
{
	int fd = connect_unix();
	int64_t ms;

	(void)state;
	say(fd, "POST /api/v1/backup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n");
	ms = drip(fd, "x");
	assert_in_range(ms, DEADLINE_MS / 2, 2 * DEADLINE_MS);
	assert_null(http_next_act(w.http));
}

static void a_client_that_does_not_read_is_cut_too(void **state)
{
	static const char ask[] = "GET /api/v1/messages?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct pollfd p = { .events = POLLERR };
	int fd = connect_tcp(), small = 4096, error = 0;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	for (int i = 0; i < 40; i++)
		(void)send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	usleep(3 * DEADLINE_MS * 1000);
	p.fd = fd;
	poll(&p, 1, 0);
	for (int i = 0; i < 200 && !error; i++) { /* the first send after the end is answered with a reset */
		error = send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN;
		usleep(20000);
	}
	assert_true(error || p.revents & (POLLERR | POLLHUP));
	close(fd);
}

static void many_connections_leave_room_for_the_socket(void **state)
{
	int fds[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = connect_tcp();
	expect_answer(connect_unix(), GET("/healthz", "localhost"), "200");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	usleep(100000);
	expect_answer(connect_tcp(), GET("/healthz", "localhost"), "200");
}

static void long_headers_and_bodies_are_refused(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	buf_str(&b, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
	for (int i = 0; i < 50000; i++)
		buf_char(&b, 'a');
	buf_str(&b, "\r\n\r\n");
	expect_answer(connect_tcp(), b.p, "431");
	expect_answer(connect_unix(),
		      "POST /api/v1/backup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		      "Content-Length: 65537\r\n\r\n",
		      "413");
	expect_answer(connect_unix(),
		      "POST /api/v1/backup HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		      "Content-Length: 99999999999999999999\r\n\r\n",
		      "413");
}

/* A thousand readers who do not read could have a thousand long lists in memory; so could a thousand who only write. */
static void what_is_too_much_for_the_memory_is_refused_for_now(void **state)
{
	_cleanup_(buf_done) struct buf lint = { 0 };

	(void)state;
	buf_str(&lint, "POST /api/v1/lint/enrolment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 30000\r\n\r\n");
	for (int i = 0; i < 30000; i++)
		buf_char(&lint, ' ');
	expect_answer(connect_tcp(), lint.p, "503");
	expect_answer(connect_tcp(), GET("/api/v1/messages?limit=1000", "localhost"), "503");
	for (int i = 0; i < 20; i++) /* what was answered is held no longer */
		expect_answer(connect_tcp(), GET("/api/v1/messages?limit=10", "localhost"), "200");
}

#define POST "POST /api/v1/imports/targets HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 7\r\n" \
	     "Content-Type: text/csv\r\nIdempotency-Key: k1\r\nIf-Match: \"3\"\r\n\r\na,b\n1,2"

static struct http_act *next_act(void)
{
	struct pollfd p = { .fd = http_act_fd(w.http), .events = POLLIN };
	struct http_act *act = NULL;

	for (int i = 0; i < 50 && !act; i++) {
		poll(&p, 1, 100);
		act = http_next_act(w.http);
	}
	assert_non_null(act);
	return act;
}

static void an_act_waits_for_the_main_thread(void **state)
{
	struct buf answer = { 0 };
	_cleanup_(freep) char *text = NULL;
	char actor[32];
	struct http_act *act;
	int fd = connect_unix();

	(void)state;
	say(fd, POST);
	act = next_act();
	snprintf(actor, sizeof actor, "uid:%u", (unsigned)getuid());
	assert_string_equal(act->actor, actor);
	assert_string_equal(act->method, "POST");
	assert_string_equal(act->path, "/api/v1/imports/targets");
	assert_string_equal(act->content_type, "text/csv");
	assert_string_equal(act->idempotency_key, "k1");
	assert_string_equal(act->if_match, "\"3\"");
	assert_string_equal(act->body.p, "a,b\n1,2");
	usleep(2 * DEADLINE_MS * 1000); /* a commit may take longer than a client may */
	expect_answer(connect_tcp(), GET("/healthz", "localhost"), "200");
	buf_str(&answer, "{\"n\":7}");
	http_finish_act(w.http, act, 201, NULL, &answer);
	text = hear(fd);
	assert_int_equal(strncmp(text + 9, "201", 3), 0);
	assert_non_null(strstr(text, "{\"n\":7}"));
}

static void an_act_over_tcp_needs_a_credential(void **state)
{
	(void)state;
	expect_answer(connect_tcp(), POST, "401");
	assert_null(http_next_act(w.http));
}

static void a_stop_answers_what_waits(void **state)
{
	_cleanup_(freep) char *waiting = NULL, *taken = NULL;
	int a = connect_unix(), b;

	(void)state;
	say(a, POST);
	next_act(); /* taken, never finished */
	b = connect_unix();
	say(b, POST);
	usleep(100000);
	http_free(w.http);
	w.http = NULL;
	taken = hear(a);
	waiting = hear(b);
	assert_int_equal(strncmp(taken + 9, "503", 3), 0);
	assert_int_equal(strncmp(waiting + 9, "503", 3), 0);
	assert_int_equal(access(w.socket, F_OK), -1);
}

static void acts_stop_before_questions_do(void **state)
{
	(void)state;
	http_stop_acts(w.http);
	expect_answer(connect_unix(), POST, "503");
	expect_answer(connect_unix(), GET("/healthz", "localhost"), "200");
}

static void an_abandoned_act_is_finished_without_harm(void **state)
{
	struct http_act *act;
	int fd = connect_unix();

	(void)state;
	say(fd, POST);
	act = next_act();
	close(fd);
	usleep(50000);
	http_finish_act(w.http, act, 200, NULL, NULL);
	expect_answer(connect_unix(), GET("/healthz", "localhost"), "200");
}

static void the_socket_is_for_owner_and_group(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(w.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void expect_no_start(const char *listen, const char *socket, const char *because)
{
	struct http_options options = options_of(&w);
	char why[HTTP_WHY_SIZE];
	struct http *h = NULL;

	options.listen = listen;
	options.socket = socket;
	assert_true(http_new(&options, why, &h) < 0);
	assert_null(h);
	if (!strstr(why, because))
		fail_msg("%s", why);
}

static void what_is_in_the_way_is_said(void **state)
{
	char file[128];

	(void)state;
	expect_no_start("", w.socket, "another daemon answers there");
	expect_no_start("", "/nonexistent/n.sock", "directory does not exist");
	expect_no_start("", w.db, "not a socket");
	expect_no_start("127.0.0.1", "", "not an address with a port");
	snprintf(file, sizeof file, "127.0.0.1:%d", http_port(w.http));
	expect_no_start(file, "", "cannot listen on");
	expect_answer(connect_unix(), GET("/healthz", "localhost"), "200"); /* and the first one is unharmed */
}

static void a_socket_left_by_a_crash_is_replaced(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct http_options options = options_of(&w);
	char why[HTTP_WHY_SIZE];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	http_free(w.http);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", w.socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	assert_int_equal(http_new(&options, why, &w.http), 0);
	expect_answer(connect_unix(), GET("/healthz", "localhost"), "200");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(both_listeners_answer),
		TEST(a_foreign_host_is_refused),
		TEST(a_client_that_drips_is_cut_at_the_deadline),
		TEST(a_body_that_drips_is_cut_at_the_deadline),
		TEST(a_client_that_does_not_read_is_cut_too),
		TEST(many_connections_leave_room_for_the_socket),
		TEST(long_headers_and_bodies_are_refused),
		cmocka_unit_test_setup_teardown(what_is_too_much_for_the_memory_is_refused_for_now, start_with_little_memory, stop),
		TEST(an_act_waits_for_the_main_thread),
		TEST(an_act_over_tcp_needs_a_credential),
		TEST(a_stop_answers_what_waits),
		TEST(acts_stop_before_questions_do),
		TEST(an_abandoned_act_is_finished_without_harm),
		TEST(the_socket_is_for_owner_and_group),
		TEST(what_is_in_the_way_is_said),
		TEST(a_socket_left_by_a_crash_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
