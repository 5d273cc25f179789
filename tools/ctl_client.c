/* SPDX-License-Identifier: MIT
 *
 * Asking: HTTP/1.1 over the Unix socket, one connection a question ("Connection: close", so the end of the stream
 * is the end of the answer), or api_answer over a database file.
 */
#include "ctl.h"

#include "../daemon/api.h"
#include "../daemon/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ANSWER_SECONDS 60
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

static const char *const usual_sockets[] = { "nurseryd.sock", "/run/nurseryd/nurseryd.sock" };

void ctl_answer_done(struct ctl_answer *a)
{
	json_free(a->value);
	buf_done(&a->text);
	*a = (struct ctl_answer){ 0 };
}

const char *ctl_text_of(const json *object, const char *key)
{
	const json *value = object ? json_get(object, key) : NULL;

	return value && json_kind(value) == JSON_KIND_TEXT ? json_text(value) : "";
}

static int connect_to(const char *path, int patience_s)
{
	const struct timeval patience = { .tv_sec = patience_s > 0 ? patience_s : ANSWER_SECONDS };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof a.sun_path)
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
		return "no such socket: is nurseryd running? name its socket with --socket PATH, or a database with --db FILE";
	case ECONNREFUSED:
		return "nobody answers there: start nurseryd, or read its database with --db FILE";
	case EACCES:
		return "not allowed: become a member of the group that owns the socket";
	default:
		return strerror(error);
	}
}

static int connect_any(const struct ctl *ctl)
{
	const char *path = ctl->socket ? ctl->socket : usual_sockets[0];
	int fd = connect_to(path, ctl->patience_s);

	if (fd < 0 && !ctl->socket) {
		path = usual_sockets[1];
		fd = connect_to(path, ctl->patience_s);
	}
	if (fd < 0)
		fprintf(stderr, "nurseryctl: %s%s%s: %s\n", ctl->socket ? "" : usual_sockets[0], ctl->socket ? "" : " and ",
			path, advice(-fd));
	return fd;
}

static int send_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, struct buf *ret)
{
	char chunk[16384];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0) {
		if (ret->len + (size_t)n > ANSWER_MAX)
			return -EFBIG;
		buf_add(ret, chunk, (size_t)n);
	}
	return n < 0 ? -errno : 0;
}

/* "HTTP/1.1 200 OK\r\n…\r\n\r\nbody": 100 Continue is never asked for. */
static int split_answer(const struct buf *all, struct ctl_answer *ret)
{
	const char *body = all->len > 12 && memcmp(all->p, "HTTP/1.", 7) == 0 ? strstr(all->p, "\r\n\r\n") : NULL;

	if (!body)
		return -EPROTO;
	ret->status = atoi(all->p + 9);
	buf_add(&ret->text, body + 4, all->len - (size_t)(body + 4 - all->p));
	return 0;
}

static int talk(int fd, const struct buf *question, const struct buf *body, struct ctl_answer *ret)
{
	_cleanup_(buf_done) struct buf all = { 0 };
	int r = send_all(fd, question->p, question->len);

	/* A refusal may come, and the connection end, before the whole body is sent: then the answer is what counts. */
	if (r >= 0 && body)
		(void)send_all(fd, body->p, body->len);
	if (r >= 0)
		r = receive_all(fd, &all);
	return all.len > 0 ? split_answer(&all, ret) : r < 0 ? r : -ECONNRESET;
}

static int ask_daemon(const struct ctl *ctl, const char *method, const char *target, const char *content_type,
		      const struct buf *body, struct ctl_answer *ret)
{
	_cleanup_(buf_done) struct buf question = { 0 };
	_cleanup_(closep) int fd = connect_any(ctl);
	int r;

	if (fd < 0)
		return EXIT_UNREACHABLE;
	buf_printf(&question, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method, target);
	if (body)
		buf_printf(&question, "Content-Type: %s\r\nContent-Length: %zu\r\n", content_type, body->len);
	buf_str(&question, "\r\n");
	r = talk(fd, &question, body, ret);
	if (r < 0) {
		fprintf(stderr, "nurseryctl: the daemon gave no answer (%s): see its log\n", strerror(-r));
		return EXIT_UNREACHABLE;
	}
	return EXIT_FINE;
}

static int ask_file(const struct ctl *ctl, const char *method, const char *target, struct ctl_answer *ret)
{
	_cleanup_(store_freep) struct store *s = NULL;
	char path[PATH_MAX];
	struct api api;
	struct api_response rs = { 0 };
	const struct api_request rq = {
		.method = method, .target = target, .trusted = true, .local = true, .now_ms = clock_now_ms(),
	};
	int r = realpath(ctl->db, path) ? store_open(path, STORE_READ, &s) : -errno;

	if (r < 0) {
		fprintf(stderr, "nurseryctl: %s: %s\n", ctl->db, strerror(-r));
		return EXIT_USAGE;
	}
	api = (struct api){ .store = s, .db_path = path };
	api_answer(&api, &rq, &rs);
	api_done(&api);
	ret->status = rs.status;
	ret->text = rs.body;
	return EXIT_FINE;
}

int ctl_ask(const struct ctl *ctl, const char *method, const char *target, const char *content_type,
	    const struct buf *body, struct ctl_answer *ret)
{
	size_t offset;
	int r;

	*ret = (struct ctl_answer){ 0 };
	if (ctl->db)
		r = ask_file(ctl, method, target, ret);
	else
		r = ask_daemon(ctl, method, target, content_type, body, ret);
	if (r == EXIT_FINE && ret->text.len > 0)
		(void)json_parse(ret->text.p, ret->text.len, 32, &ret->value, &offset);
	return r;
}

static void tell_line(const json *error)
{
	const json *line = json_get(error, "line");

	fputs("  ", stderr);
	if (line && json_kind(line) == JSON_KIND_INT)
		fprintf(stderr, "line %lld: ", (long long)json_int(line));
	for (void *i = json_first(error); i; i = json_next(error, i))
		if (json_kind(json_value(i)) == JSON_KIND_TEXT) {
			_cleanup_(freep) char *text = ctl_tamed(json_text(json_value(i)));

			fprintf(stderr, "%s \"%s\"  ", json_key(i), text);
		}
	fputc('\n', stderr);
}

void ctl_tell_lines(const json *list)
{
	for (size_t i = 0; list && i < json_count(list); i++)
		tell_line(json_at(list, i));
}

void ctl_tell_problem(const struct ctl *ctl, const struct ctl_answer *a)
{
	const json *errors = a->value ? json_get(a->value, "errors") : NULL;
	const char *title = ctl_text_of(a->value, "title"), *detail = ctl_text_of(a->value, "detail");

	fprintf(stderr, "nurseryctl: %s%s%s (%d)\n", *title ? title : "the daemon refused", *detail ? ": " : "", detail,
		a->status);
	if (*ctl_text_of(a->value, "zh"))
		fprintf(stderr, "%s\n", ctl_text_of(a->value, "zh"));
	ctl_tell_lines(errors);
	if (ctl->json && a->value)
		puts(a->text.p);
}

int ctl_get(const struct ctl *ctl, const char *target, struct ctl_answer *ret)
{
	int r = ctl_ask(ctl, "GET", target, NULL, NULL, ret);

	if (r != EXIT_FINE)
		return r;
	if (ret->status >= 200 && ret->status < 300 && ret->value)
		return EXIT_FINE;
	ctl_tell_problem(ctl, ret);
	return EXIT_NO;
}

int ctl_get_one(const struct ctl *ctl, const char *list, const char *id, struct ctl_answer *ret)
{
	_cleanup_(buf_done) struct buf target = { 0 };

	if (!ctl_id_plain(id))
		return ctl_wrong(id, "looks like no id");
	buf_printf(&target, "/api/v1/%s/%s", list, id);
	return ctl_get(ctl, target.p, ret);
}

int ctl_post(const struct ctl *ctl, const char *on, const char *target, const char *content_type, const struct buf *body, struct ctl_answer *ret)
{
	int r;

	if (ctl->db)
		return ctl_wrong(on, "only the daemon does that: leave --db away");
	r = ctl_ask(ctl, "POST", target, content_type, body, ret);
	if (r != EXIT_FINE)
		return r;
	if (ret->status < 200 || ret->status >= 300) {
		ctl_tell_problem(ctl, ret);
		return EXIT_NO;
	}
	if (ctl->json)
		puts(ret->text.len ? ret->text.p : "null");
	return EXIT_FINE;
}

static void take_items(json *all, const json *page)
{
	const json *items = json_get(page, "items");

	for (size_t i = 0; items && i < json_count(items); i++)
		json_push(all, json_keep(json_at(items, i)));
}

int ctl_get_all(const struct ctl *ctl, const char *target, size_t limit, json **ret)
{
	_cleanup_(json_freep) json *items = json_new_list();
	_cleanup_(freep) char *next = ctl->after ? xstrdup(ctl->after) : NULL;
	bool more = true;

	while (more && json_count(items) < limit) {
		_cleanup_(ctl_answer_done) struct ctl_answer page = { 0 };
		_cleanup_(buf_done) struct buf url = { 0 };
		int r;

		buf_printf(&url, "%s%climit=%zu%s%s", target, strchr(target, '?') ? '&' : '?',
			   MIN(limit - json_count(items), (size_t)1000), next ? "&after=" : "", next ? next : "");
		r = ctl_get(ctl, url.p, &page);
		if (r != EXIT_FINE)
			return r;
		take_items(items, page.value);
		free(next);
		next = xstrdup(ctl_text_of(page.value, "next"));
		more = *next != '\0';
	}
	*ret = json_new_object();
	json_set(*ret, "items", json_keep(items));
	json_set(*ret, "next", json_new_text(more ? next : NULL));
	return EXIT_FINE;
}

int ctl_read_file(const char *path, size_t max, struct buf *ret)
{
	bool from_stdin = strcmp(path, "-") == 0;
	FILE *f = from_stdin ? stdin : fopen(path, "rb");
	char chunk[65536];
	size_t n;
	int r = 0;

	if (!f)
		return -errno;
	while (r == 0 && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
		buf_add(ret, chunk, n);
		r = ret->len > max ? -EFBIG : 0;
	}
	if (ferror(f))
		r = -EIO;
	if (!from_stdin)
		fclose(f);
	return r;
}
