/* SPDX-License-Identifier: MIT
 *
 * Ground: one line a fact on stderr: `event key=value …`, saying what the daemon does next. Never a
 * payload: payloads speak of children. Under systemd each is an entry of the journal with PRIORITY, NURSERYD_EVENT and,
 * where an operator must act, MESSAGE_ID (log_ids.h); on a terminal a line carries the time.
 */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Looks where stderr leads; before it is called, and when the journal does not answer, lines go to stderr. Not while
 * another thread logs. */
void log_open(const char *journal_socket);
void log_set_level(enum log_level level);
/* "error", "warning", "info", "debug"; -1 for another word. */
int log_level_of(const char *word);

/* event is a dotted word (`store.failed`); the format gives `key=value` pairs. Quote text with LOG_Q. */
void log_line(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(event, ...) log_line(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_line(LOG_LEVEL_WARNING, event, __VA_ARGS__)
#define log_info(event, ...) log_line(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_line(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
