/* SPDX-License-Identifier: MIT
 *
 * Edges: the two listening sockets of http.c. Non-blocking, close-on-exec, the caller's to close.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* "host:port" or "[v6]:port". why gets a sentence on failure. */
int listen_tcp(const char *address, char *why, size_t why_size, int *ret_fd);
/* Mode 0660. A stale socket is removed, one that answers is not (-EADDRINUSE). *ret_id tells it from a successor. */
int listen_unix(const char *path, char *why, size_t why_size, int *ret_fd, struct stat *ret_id);
/* Removes the socket file when it is still this one. */
void listen_unix_remove(const char *path, const struct stat *id);
int listen_port(int fd); /* 0 when it has none */
/* The host of "host:port": its length; brackets belong to it. */
size_t listen_host_len(const char *address);

/* How many connections each of two listeners may have. */
unsigned listen_connections_max(void);
/* Against DNS rebinding: a page of a stranger's may reach the loopback port under its own name, and must not. listen_address
 * is the configured one, "" none. */
bool listen_host_allowed(const char *listen_address, const char *host);
