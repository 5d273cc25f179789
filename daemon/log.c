/* SPDX-License-Identifier: MIT
 *
 * The journal's native protocol is a datagram of fields (systemd.io/JOURNAL_NATIVE_PROTOCOL): written here, because the
 * ground layer needs no library for it, and because sd_journal_send() may wait, which a log line never may.
 */
#include "log.h"

#include "err.h"
#include "log_ids.h"

#include <endian.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define LINE_MAX_BYTES 2048
#define FIELDS_MAX_BYTES (LINE_MAX_BYTES + 512)

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};
static const char syslog_priority[] = { '3', '4', '6', '7' };

static _Atomic(enum log_level) threshold = LOG_LEVEL_INFO;

/* Where lines go; set once, before there is a second thread. */
static struct {
	bool stream; /* stderr leads to the journal */
	int fd;      /* of datagrams to `at`; -1: plain lines on stderr */
	struct sockaddr_un at;
} journal = { .fd = -1 };

void log_set_level(enum log_level level)
{
	threshold = level;
}

int log_level_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_words); i++)
		if (strcmp(word, level_words[i]) == 0)
			return (int)i;
	return -1;
}

/* JOURNAL_STREAM is inherited: only when it names our stderr does that lead to the journal (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char ours[64];

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_open(const char *journal_socket)
{
	closep(&journal.fd);
	journal.fd = -1;
	journal.stream = stderr_is_journal();
	journal.at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (journal.stream && strlen(journal_socket) < sizeof journal.at.sun_path) {
		memcpy(journal.at.sun_path, journal_socket, strlen(journal_socket));
		journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}
}

/* MESSAGE may hold newlines (all the mistakes of a file), so it goes with its length. Unconnected, so that it survives
 * a restart of journald. False: nobody took it. */
static bool send_to_journal(enum log_level level, const char *event, const char *line, size_t len)
{
	const char *id = log_id_of(event);
	uint64_t size = htole64(len);
	char fields[FIELDS_MAX_BYTES];
	size_t n = (size_t)snprintf(fields, sizeof fields,
				    "PRIORITY=%c\nSYSLOG_IDENTIFIER=nurseryd\nNURSERYD_EVENT=%.64s\n%s%s%sMESSAGE\n",
				    syslog_priority[level], event, id ? "MESSAGE_ID=" : "", id ? id : "", id ? "\n" : "");

	memcpy(fields + n, &size, sizeof size);
	n += sizeof size;
	memcpy(fields + n, line, len);
	n += len;
	fields[n++] = '\n';
	return sendto(journal.fd, fields, n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&journal.at,
		      sizeof journal.at) >= 0;
}

static int prefix(char *line, size_t size, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	if (journal.stream)
		return snprintf(line, size, "<%c>", syslog_priority[level]);
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(line, size, "%s.%03ldZ %s ", when, ts.tv_nsec / 1000000, level_words[level]);
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	int begin, len;
	va_list ap;

	if (level > threshold)
		return;
	begin = len = prefix(line, sizeof line, level);
	len += snprintf(line + len, sizeof line - (size_t)len, "%.64s ", event);
	va_start(ap, format);
	len += vsnprintf(line + len, sizeof line - (size_t)len, format, ap);
	va_end(ap);
	len = MIN(len, (int)sizeof line - 2);
	if (journal.fd >= 0 && send_to_journal(level, event, line + begin, (size_t)(len - begin)))
		return;
	line[len++] = '\n';
	/* One write a line: lines of the two threads never mix. */
	(void)!write(STDERR_FILENO, line, (size_t)len);
}
