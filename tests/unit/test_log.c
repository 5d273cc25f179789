/* SPDX-License-Identifier: MIT
 *
 * The events, their MESSAGE_IDs, the catalog and the manual say the same; the journal gets entries with fields.
 */
#include "../../daemon/buf.h"
#include "../../daemon/config.h"
#include "../../daemon/err.h"
#include "../../daemon/log.h"
#include "../../daemon/log_ids.h"

#include <endian.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

static char *text_of(const char *path, struct buf *into)
{
	if (config_read_bytes(path, 1 << 24, into) < 0)
		fail_msg("cannot read %s", path);
	return into->p;
}

static void every_id_is_explained_in_the_catalog_and_every_explanation_has_an_event(void **state)
{
	struct buf catalog = { 0 };
	size_t explained = 0;

	(void)state;
	text_of("systemd/nurseryd.catalog", &catalog);
	for (size_t i = 0; i < log_id_count; i++) {
		char entry[64];

		assert_int_equal(strlen(log_ids[i].message_id), 32);
		assert_int_equal(strspn(log_ids[i].message_id, "0123456789abcdef"), 32);
		snprintf(entry, sizeof entry, "\n-- %s\nSubject: ", log_ids[i].message_id);
		if (!strstr(catalog.p, entry))
			fail_msg("%s is not in the catalog", log_ids[i].event);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(log_ids[i].message_id, log_ids[k].message_id);
	}
	for (const char *p = catalog.p; (p = strstr(p, "\n-- ")); p += 4)
		explained++;
	assert_int_equal(explained, log_id_count);
	buf_done(&catalog);
}

static void the_manual_lists_every_event_with_its_id(void **state)
{
	struct buf manual = { 0 };

	(void)state;
	text_of("docs/operator.md", &manual);
	for (size_t i = 0; i < log_id_count; i++) {
		char row[128];

		snprintf(row, sizeof row, "\n| `%s` | `%s` | ", log_ids[i].event, log_ids[i].message_id);
		if (!strstr(manual.p, row))
			fail_msg("%s is not in docs/operator.md", log_ids[i].event);
	}
	buf_done(&manual);
}

/* A misspelt event would carry no id and nobody would ever notice. */
static void every_event_with_an_id_is_logged_somewhere(void **state)
{
	struct buf sources = { 0 };
	glob_t files;

	(void)state;
	assert_int_equal(glob("daemon/*.c", 0, NULL, &files), 0);
	assert_int_equal(glob("sinks/*.c", GLOB_APPEND, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		if (strcmp(files.gl_pathv[i], "daemon/log_ids.c") != 0)
			text_of(files.gl_pathv[i], &sources);
	globfree(&files);
	for (size_t i = 0; i < log_id_count; i++) {
		char quoted[80];

		snprintf(quoted, sizeof quoted, "\"%s\"", log_ids[i].event);
		if (!strstr(sources.p, quoted))
			fail_msg("nothing logs %s", log_ids[i].event);
	}
	buf_done(&sources);
}

/* --- a journal of our own --- */

static char place[] = "/tmp/nurseryd-log-XXXXXX";
static char path[sizeof place + 16];
static int journal_fd;

static int open_journal(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)state;
	if (!mkdtemp(place))
		return -1;
	snprintf(path, sizeof path, "%s/socket", place);
	memcpy(at.sun_path, path, strlen(path));
	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return bind(journal_fd, (struct sockaddr *)&at, sizeof at);
}

static int close_journal(void **state)
{
	(void)state;
	close(journal_fd);
	unlink(path);
	return rmdir(place);
}

static void stderr_leads_to(uintmax_t inode_off_by)
{
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + inode_off_by);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(path);
	unsetenv("JOURNAL_STREAM");
}

static ssize_t entry(char *ret, size_t size)
{
	ssize_t n = recv(journal_fd, ret, size - 1, 0);

	ret[MAX(n, 0)] = '\0';
	return n;
}

static void an_entry_has_its_fields_and_a_message_of_several_lines(void **state)
{
	static const char message[] = "store.failed why=\"one\ntwo\"";
	char got[4096], wanted[512];
	uint64_t len;
	ssize_t n;

	(void)state;
	stderr_leads_to(0);
	log_error("store.failed", "why=\"%s\"", "one\ntwo");
	n = entry(got, sizeof got);
	snprintf(wanted, sizeof wanted, "PRIORITY=3\nSYSLOG_IDENTIFIER=nurseryd\nNURSERYD_EVENT=store.failed\nMESSAGE_ID=%s\nMESSAGE\n",
		 log_id_of("store.failed"));
	assert_int_equal(n, strlen(wanted) + 8 + strlen(message) + 1);
	assert_memory_equal(got, wanted, strlen(wanted));
	memcpy(&len, got + strlen(wanted), 8);
	assert_int_equal(le64toh(len), strlen(message));
	assert_memory_equal(got + strlen(wanted) + 8, message, strlen(message));
	assert_int_equal(got[n - 1], '\n');
}

static void what_asks_nothing_of_anybody_has_no_id(void **state)
{
	char got[4096];

	(void)state;
	stderr_leads_to(0);
	log_info("mqtt.ready", "next=\"%s\"", "take messages");
	assert_true(entry(got, sizeof got) > 0);
	assert_non_null(strstr(got, "PRIORITY=6\n"));
	assert_null(strstr(got, "MESSAGE_ID"));
}

static void a_line_that_is_too_long_is_cut_and_still_an_entry(void **state)
{
	char got[8192], much[4096];

	(void)state;
	stderr_leads_to(0);
	memset(much, 'x', sizeof much - 1);
	much[sizeof much - 1] = '\0';
	log_error("store.failed", "why=%s", much);
	assert_in_range(entry(got, sizeof got), 2000, 2300);
}

/* Inherited from a shell that systemd started, but our stderr goes elsewhere: a plain line, no entry. */
static void a_foreign_journal_stream_is_none(void **state)
{
	char got[64];

	(void)state;
	stderr_leads_to(1);
	log_error("store.failed", "why=%s", "test");
	assert_true(entry(got, sizeof got) < 0);
}

static int to_stderr(void **state)
{
	(void)state;
	log_open("");
	return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, to_stderr)
	static const struct CMUnitTest tests[] = {
		TEST(every_id_is_explained_in_the_catalog_and_every_explanation_has_an_event),
		TEST(the_manual_lists_every_event_with_its_id),
		TEST(every_event_with_an_id_is_logged_somewhere),
		TEST(an_entry_has_its_fields_and_a_message_of_several_lines),
		TEST(what_asks_nothing_of_anybody_has_no_id),
		TEST(a_line_that_is_too_long_is_cut_and_still_an_entry),
		TEST(a_foreign_journal_stream_is_none),
	};

	return cmocka_run_group_tests_name("log", tests, open_journal, close_journal);
}
