/* SPDX-License-Identifier: MIT */
#include "http_listen.h"

#include "err.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A herd that comes at once waits in the kernel: whom the queue turns away asks again after a second, or three. */
#define BACKLOG 1024
/* Behind a proxy, and on loopback, everybody has one address: a limit a head would punish the readers for those who
 * drip. What protects is the deadline; the limits keep descriptors back for the store, broker and sinks. */
#define CONNECTIONS_MAX 1536u /* of each listener; event streams (500) are among them */
#define FILES_WANTED 4096u
#define FILES_KEPT_BACK 128u
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)

size_t listen_host_len(const char *address)
{
	const char *end = *address == '[' ? strchr(address, ']') : NULL;

	return end ? (size_t)(end + 1 - address) : strcspn(address, ":");
}

static int resolve(const char *address, struct addrinfo **ret)
{
	static const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	char host[128];
	size_t len = listen_host_len(address), skip = *address == '[';

	if (len == 0 || len >= sizeof host || address[len] != ':')
		return -EINVAL;
	snprintf(host, sizeof host, "%.*s", (int)(len - 2 * skip), address + skip);
	return getaddrinfo(host, address + len + 1, &hints, ret) == 0 ? 0 : -EINVAL;
}

static int bound_tcp(const struct addrinfo *a, int *ret_fd)
{
	static const int on = 1;
	_cleanup_(closep) int fd = socket(a->ai_family, SOCKET_FLAGS, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1; /* ownership moved to the caller */
	return 0;
}

int listen_tcp(const char *address, char *why, size_t why_size, int *ret_fd)
{
	struct addrinfo *a;
	int r = resolve(address, &a);

	if (r < 0) {
		snprintf(why, why_size, "http.listen \"%s\" is not an address with a port, such as 127.0.0.1:8640", address);
		return r;
	}
	r = bound_tcp(a, ret_fd);
	freeaddrinfo(a);
	if (r < 0)
		snprintf(why, why_size, "cannot listen on %s: %s", address, strerror(-r));
	return r;
}

int listen_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { 0 };
	socklen_t len = sizeof a;

	if (fd < 0 || getsockname(fd, &a.any, &len) < 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.any.sa_family == AF_INET ? a.v4.sin_port : 0);
}

/* 0 the place is free now; a socket that nobody answers on was left behind by a crash. */
static int clear_place(const struct sockaddr_un *a)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;

	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(a->sun_path) < 0 ? -errno : 0;
}

/* The mode is narrowed before bind makes the file, and widened to 0660 whatever the umask says. */
static int bound_unix(const struct sockaddr_un *a, int *ret_fd, struct stat *ret_id)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)a, sizeof *a) < 0)
		return -errno;
	if (chmod(a->sun_path, 0660) < 0 || stat(a->sun_path, ret_id) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1; /* ownership moved to the caller */
	return 0;
}

static const char *unix_reason(int error)
{
	switch (error) {
	case ENOENT:
		return "its directory does not exist: create it, or set http.socket";
	case EADDRINUSE:
		return "another daemon answers there";
	case EEXIST:
		return "there is a file of that name that is not a socket";
	case ENAMETOOLONG:
		return "the path is longer than the 107 bytes a socket may have";
	default:
		return strerror(error);
	}
}

int listen_unix(const char *path, char *why, size_t why_size, int *ret_fd, struct stat *ret_id)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int r = strlen(path) < sizeof a.sun_path ? 0 : -ENAMETOOLONG;

	if (r == 0) {
		memcpy(a.sun_path, path, strlen(path));
		r = clear_place(&a);
	}
	if (r == 0)
		r = bound_unix(&a, ret_fd, ret_id);
	if (r < 0)
		snprintf(why, why_size, "cannot listen on the socket %s: %s", path, unix_reason(-r));
	return r;
}

void listen_unix_remove(const char *path, const struct stat *id)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == id->st_dev && st.st_ino == id->st_ino)
		unlink(path);
}

/* As many as the process may have, less what everything else needs, shared by two listeners. */
unsigned listen_connections_max(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return CONNECTIONS_MAX / 4;
	if (files.rlim_cur < FILES_WANTED && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = MIN((rlim_t)FILES_WANTED, files.rlim_max);
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur <= 2 * FILES_KEPT_BACK)
		return FILES_KEPT_BACK / 4;
	return (unsigned)MIN((rlim_t)CONNECTIONS_MAX, (files.rlim_cur - FILES_KEPT_BACK) / 2);
}

static bool host_is(const char *host, size_t len, const char *name, size_t name_len)
{
	return len > 0 && len == name_len && strncasecmp(host, name, len) == 0;
}

bool listen_host_allowed(const char *listen_address, const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
	size_t len = listen_host_len(host);

	if (host[len] != '\0' && (host[len] != ':' || strspn(host + len + 1, "0123456789") != strlen(host + len + 1)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (host_is(host, len, names[i], strlen(names[i])))
			return true;
	return host_is(host, len, listen_address, listen_host_len(listen_address));
}
