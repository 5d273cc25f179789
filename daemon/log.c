/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};
static const char syslog_priority[] = { '3', '4', '6', '7' };

static _Atomic(enum log_level) threshold = LOG_LEVEL_INFO;

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

static int prefix(char *line, size_t size, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	if (getenv("JOURNAL_STREAM"))
		return snprintf(line, size, "<%c>", syslog_priority[level]);
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(line, size, "%s.%03ldZ %s ", when, ts.tv_nsec / 1000000, level_words[level]);
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
	char line[2048];
	int len;
	va_list ap;

	if (level > threshold)
		return;
	len = prefix(line, sizeof line, level);
	len += snprintf(line + len, sizeof line - (size_t)len, "%s ", event);
	va_start(ap, format);
	len += vsnprintf(line + len, sizeof line - (size_t)len, format, ap);
	va_end(ap);
	len = MIN(len, (int)sizeof line - 2);
	line[len++] = '\n';
	/* One write a line: lines of the two threads never mix. */
	(void)!write(STDERR_FILENO, line, (size_t)len);
}
