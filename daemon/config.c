/* SPDX-License-Identifier: MIT
 *
 * The options, what they must be to one another, and the file. config_scan.c and config_tree.c turn text into values.
 */
#include "config.h"

#include "config_check.h"
#include "config_tree.h"
#include "err.h"
#include "person.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FILE_BYTES_MAX (1024 * 1024)
#define SECRET_BYTES_MAX 4096

static_assert(sizeof(enum log_level) == sizeof(int), "log_level is an OPTION_WORD");

#define AT(member) offsetof(struct config, member)
#define DAYS_MS(n) (INT64_C(86400000) * (n))

static const struct option options[] = {
	{ .path = "instance", .type = OPTION_TEXT, .offset = AT(instance), .initial = "main", .check = config_check_instance,
	  .wants = "1 to 64 of A-Z a-z 0-9 . _ -",
	  .help = "The name of this daemon in logs, metrics and the retained status." },
	{ .path = "policy", .type = OPTION_PATH, .offset = AT(policy_path), .initial = "policy.conf",
	  .help = "Dated policy data (thresholds, deadlines, eligibility), each with its source. Must exist." },
	{ .path = "store.path", .type = OPTION_PATH, .offset = AT(store.path), .initial = "nurseryd.db",
	  .help = "The SQLite database: ledger and state. A lock file and the WAL stand beside it." },
	{ .path = "store.reserve", .type = OPTION_SIZE, .offset = AT(store.reserve_bytes), .initial = "256MiB",
	  .max = INT64_C(1) << 40,
	  .help = "With less free where the database lies everything but the ledger is held (indicators, points, backups)\n"
		  "until there is room again, so that reports of incidents still find a place. \"0MiB\": off." },
	{ .path = "mqtt.url", .type = OPTION_TEXT, .offset = AT(mqtt.url), .initial = "mqtt://127.0.0.1:1883",
	  .check = config_check_mqtt_url, .wants = "mqtt://host:port, or mqtts://host:port for TLS, the port from 1 to 65535",
	  .help = "The broker. mqtts:// for TLS." },
	{ .path = "mqtt.client_id", .type = OPTION_TEXT, .offset = AT(mqtt.client_id), .initial = "", .check = config_check_word,
	  .wants = "at most 64 of A-Z a-z 0-9 . _ -",
	  .help = "\"\": nurseryd-<random, kept in the database>. Two daemons with one id steal each other's messages." },
	{ .path = "mqtt.protocol", .type = OPTION_WORD, .offset = AT(mqtt.protocol), .initial = "5", .words = "3.1.1|5",
	  .help = "\"5\", or \"3.1.1\" for a broker without MQTT 5 (slower: 20 messages in flight)." },
	{ .path = "mqtt.subscribe", .type = OPTION_TEXTS, .offset = AT(mqtt.subscribe), .initial = "nursery/v1/+/+/+/up/+",
	  .min = 1, .max = CONFIG_SUBSCRIBE_MAX, .check = config_check_filter, .wants = "a topic filter, not $share",
	  .help = "Topic filters, at most 16; a province's daemon takes \"nursery/v1/33/+/+/up/+\"." },
	{ .path = "mqtt.sandbox", .type = OPTION_BOOL, .offset = AT(mqtt.sandbox), .initial = "true",
	  .help = "Also answer nursery-test/v1/…: judged and receipted, nothing stored, nobody called." },
	{ .path = "mqtt.gap_grace", .type = OPTION_DURATION, .offset = AT(mqtt.gap_grace_ms), .initial = "10m", .min = 100,
	  .max = DAYS_MS(30),
	  .help = "Ask a sender for missing messages after so long; 3 times in all, 10 times as long apart." },
	{ .path = "mqtt.username", .type = OPTION_TEXT, .offset = AT(mqtt.username), .initial = "", .check = config_check_database,
	  .wants = "at most 128 bytes without blanks", .help = "\"\": anonymous." },
	{ .path = "mqtt.password_file", .type = OPTION_SECRET, .offset = AT(mqtt.password_file), .initial = "",
	  .help = "Holds the password. A relative name that is not beside this file is a systemd credential\n"
		  "(LoadCredential=)." },
	{ .path = "mqtt.ca_file", .type = OPTION_PATH, .offset = AT(mqtt.ca_file), .initial = "",
	  .help = "PEM of the authority that signed the broker's certificate; \"\": the system's authorities." },
	{ .path = "mqtt.cert_file", .type = OPTION_PATH, .offset = AT(mqtt.cert_file), .initial = "",
	  .help = "Our own certificate and its key, PEM, where the broker asks for one." },
	{ .path = "mqtt.key_file", .type = OPTION_SECRET, .offset = AT(mqtt.key_file), .initial = "",
	  .help = "The key of cert_file." },
	{ .path = "http.listen", .type = OPTION_TEXT, .offset = AT(http.listen), .initial = "127.0.0.1:8640",
	  .check = config_check_listen, .wants = "host:port, the port from 0 to 65535 (0: any free one), or \"\" for no TCP",
	  .help = "API, page and metrics. Keep it on loopback and put a TLS proxy in front. Port 0: any free one, logged\n"
		  "with http.ready. \"\": no TCP." },
	{ .path = "http.socket", .type = OPTION_PATH, .offset = AT(http.socket), .initial = "nurseryd.sock",
	  .help = "Unix socket of nurseryctl, mode 0660: who may open it is known by uid. \"\": none." },
	{ .path = "influx.url", .type = OPTION_TEXT, .offset = AT(influx.url), .initial = "", .check = config_check_http_url,
	  .wants = "http://host:port or https://host:port without user:password (token_file), or \"\" for off",
	  .help = "InfluxDB or VictoriaMetrics, such as \"http://127.0.0.1:8086\". \"\": off." },
	{ .path = "influx.api", .type = OPTION_WORD, .offset = AT(influx.api), .initial = "v1", .words = "v1|v2",
	  .help = "\"v1\": /write with database; \"v2\": /api/v2/write with org and bucket." },
	{ .path = "influx.database", .type = OPTION_TEXT, .offset = AT(influx.database), .initial = "nursery",
	  .check = config_check_database, .wants = "at most 128 bytes without blanks", .help = "Where \"v1\" writes." },
	{ .path = "influx.org", .type = OPTION_TEXT, .offset = AT(influx.org), .initial = "", .check = config_check_database,
	  .wants = "at most 128 bytes without blanks", .help = "Where \"v2\" writes: org and bucket." },
	{ .path = "influx.bucket", .type = OPTION_TEXT, .offset = AT(influx.bucket), .initial = "", .check = config_check_database,
	  .wants = "at most 128 bytes without blanks", .help = "See org." },
	{ .path = "influx.token_file", .type = OPTION_SECRET, .offset = AT(influx.token_file), .initial = "",
	  .help = "Holds the token (v2), or user:password (v1). Relative names as in mqtt.password_file." },
	{ .path = "influx.sites", .type = OPTION_BOOL, .offset = AT(influx.sites), .initial = "true",
	  .help = "Also write the measurement site_enrolment: one series a nursery." },
	{ .path = "indicators.every", .type = OPTION_DURATION, .offset = AT(indicators.every_ms), .initial = "10s",
	  .min = 50, .max = DAYS_MS(1), .help = "How often changed units are computed again." },
	{ .path = "limits.per_site", .type = OPTION_RATE, .offset = AT(limits.per_site), .initial = "120/min", .min = 1,
	  .max = 1000000,
	  .help = "Messages of one nursery. Above: receipt E_RATE, a count and no row; never for the first sight of an\n"
		  "incident. \"\": no limit." },
	{ .path = "log.level", .type = OPTION_WORD, .offset = AT(log_level), .initial = "info",
	  .min = LOG_LEVEL_ERROR, .words = "error|warning|info|debug",
	  .help = "\"error\", \"warning\", \"info\" or \"debug\"; SIGHUP takes a new one over." },
	{ .path = "notify.drill", .type = OPTION_BOOL, .offset = AT(notify.drill), .initial = "false",
	  .help = "A drill: every text is marked 演练 and only routes with drill = true are used." },
	{ .path = "notify.quiet_from", .type = OPTION_TIME, .offset = AT(notify.quiet_from_ms), .initial = "00:00",
	  .help = "From here to quiet_until (Shanghai) nobody is called of what is not S1; equal: never quiet." },
	{ .path = "notify.quiet_until", .type = OPTION_TIME, .offset = AT(notify.quiet_until_ms), .initial = "00:00",
	  .help = "See quiet_from." }, /* the group notify is the last: its lists are printed behind */
};

static_assert(ARRAY_SIZE(options) <= OPTION_COUNT_MAX, "enlarge OPTION_COUNT_MAX");

static const struct config_list people_list = {
	.path = "people", .rows = person_options, .row_count = PERSON_OPTION_COUNT, .size = sizeof(struct person), .offset = AT(people),
};

/* What the rest of the program wants to know in parts. The texts were checked, so nothing fails. */
static void derive(struct config *c)
{
	const char *host = "";
	size_t len = 0;

	config_split_mqtt(c->mqtt.url, &host, &len, &c->mqtt.port, &c->mqtt.tls);
	c->mqtt.host = config_part_of(host, len);
	len = 0;
	if (*c->http.listen)
		config_split_listen(c->http.listen, &host, &len, &c->http.listen_port);
	c->http.listen_host = config_part_of(host, len);
	c->mqtt.protocol_v5 = c->mqtt.protocol == 1;
	c->mqtt.protocol = c->mqtt.protocol_v5 ? 5 : 3;
	while (c->mqtt.subscribe[c->mqtt.subscribe_count])
		c->mqtt.subscribe_count++;
	c->limits.per_site_count = c->limits.per_site.count;
	c->limits.per_site_ms = c->limits.per_site.every_ms;
}

static bool tls_file_without_tls(const struct config *c)
{
	return !c->mqtt.tls && (*c->mqtt.ca_file || *c->mqtt.cert_file || *c->mqtt.key_file);
}

static bool half_certificate(const struct config *c)
{
	return !*c->mqtt.cert_file != !*c->mqtt.key_file;
}

static bool password_without_user(const struct config *c)
{
	return *c->mqtt.password_file && !*c->mqtt.username;
}

static bool influx_without_place(const struct config *c)
{
	if (!*c->influx.url)
		return false;
	return c->influx.api == CONFIG_INFLUX_V1 ? !*c->influx.database : !*c->influx.org || !*c->influx.bucket;
}

static bool socket_too_long(const struct config *c)
{
	return strlen(c->http.socket) >= sizeof ((struct sockaddr_un *)NULL)->sun_path;
}

static bool nobody_can_ask(const struct config *c)
{
	return !*c->http.listen && !*c->http.socket;
}

static bool policy_unreadable(const struct config *c)
{
	struct stat st;

	return stat(c->policy_path, &st) < 0 || !S_ISREG(st.st_mode) || access(c->policy_path, R_OK) < 0;
}

static const struct rule {
	const char *path; /* the line of this key is named */
	bool (*broken)(const struct config *c);
	const char *text;
} rules[] = {
	{ "policy", policy_unreadable,
	  "the policy file does not exist or cannot be read; copy the shipped config/policy.conf there, or name the right one" },
	{ "mqtt.url", tls_file_without_tls, "ca_file, cert_file and key_file need mqtts://; change the url or empty them" },
	{ "mqtt.cert_file", half_certificate, "cert_file and key_file go together; set both or none" },
	{ "mqtt.password_file", password_without_user, "a password needs mqtt.username" },
	{ "http.socket", socket_too_long, "the absolute path of a Unix socket has at most 107 bytes; choose a shorter one" },
	{ "http.listen", nobody_can_ask, "with listen and socket both empty nobody can ask; set one" },
	{ "influx.api", influx_without_place, "api \"v1\" needs influx.database, \"v2\" needs influx.org and influx.bucket" },
};

static void apply_rules(struct config_reading *r, const unsigned int *lines, const struct config *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct option *o = option_find(options, ARRAY_SIZE(options), rules[i].path);
		_cleanup_(freep) char *said = NULL;
		struct buf text = { 0 };

		if (!rules[i].broken(c))
			continue;
		if (o->type == OPTION_PATH)
			option_value(o, c, &text);
		said = buf_take(&text);
		config_complain(r, MAX(lines[o - options], 1U), o->path, "%s%s%s", said, *said ? ": " : "",
			rules[i].text);
	}
}

static struct person *person_at(const struct config *c, size_t i)
{
	return (struct person *)c->people.first + i;
}

static const char *person_mistake(const struct config *c, size_t i)
{
	const struct person *p = person_at(c, i);

	if (*p->token_sha256 && *p->token_file)
		return "token_sha256 and token_file: set one of them";
	for (size_t k = 0; k < i; k++) {
		const struct person *other = person_at(c, k);

		if (strcmp(other->name, p->name) == 0)
			return "this name stands twice: two people must not sign as one";
		if (p->uid >= 0 && other->uid == p->uid)
			return "this uid is another person's, too: who acts must be known";
		if (*p->token_sha256 && strcasecmp(other->token_sha256, p->token_sha256) == 0)
			return "this token is another person's, too: who acts must be known";
	}
	return NULL;
}

static void check_people(struct config_reading *r, const struct config *c)
{
	if (c->people.count > PEOPLE_MAX)
		config_complain(r, person_at(c, PEOPLE_MAX)->line, "people", "at most %d", PEOPLE_MAX);
	for (size_t i = 0; i < c->people.count; i++) {
		const char *mistake = person_mistake(c, i);

		if (mistake)
			config_complain(r, person_at(c, i)->line, "people", "%s: %s", person_at(c, i)->name, mistake);
	}
}

int config_read_bytes(const char *path, size_t max, struct buf *ret)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	do {
		buf_reserve(ret, 4096);
		n = read(fd, ret->p + ret->len, 4096);
		if (n < 0)
			return -errno;
		ret->len += (size_t)n;
		ret->p[ret->len] = '\0';
		if (ret->len > max)
			return -EFBIG;
	} while (n > 0);
	return 0;
}

int config_read_secret(const char *path, char **ret)
{
	struct buf b = { 0 };
	int r = config_read_bytes(path, SECRET_BYTES_MAX, &b);

	if (r == -EFBIG || (r == 0 && memchr(b.p, '\0', b.len)))
		r = -EINVAL;
	if (r == 0) {
		if (b.len > 0 && b.p[b.len - 1] == '\n')
			b.p[--b.len] = '\0';
		*ret = xstrdup(b.p);
	}
	if (b.p)
		explicit_bzero(b.p, b.cap);
	buf_done(&b);
	return r;
}

/* The directory that relative paths count from, absolute. */
static int directory_of(const char *path, char **ret)
{
	struct buf b = { 0 };
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *dir;

	if (slash)
		buf_add(&b, path, MAX((size_t)(slash - path), (size_t)1));
	else
		buf_str(&b, ".");
	dir = realpath(b.p, NULL);
	buf_done(&b);
	*ret = dir;
	return dir ? 0 : -errno;
}

/* The options, and whose values they are. */
static struct config_target target_of(struct config *c, unsigned int *lines)
{
	return (struct config_target){ .rows = options, .count = ARRAY_SIZE(options), .base = c, .lines = lines,
				       .lists = { { config_notify_lists, config_notify_list_count, &c->notify }, { &people_list, 1, c } } };
}

static void resolve_list(const struct config_list *l, void *base, const char *dir)
{
	struct config_items *items = (void *)((char *)base + l->offset);

	for (size_t k = 0; k < items->count; k++)
		option_resolve(l->rows, l->row_count, (char *)items->first + k * l->size, dir, getenv("CREDENTIALS_DIRECTORY"));
}

static void resolve_lists(const struct config_target *t, const char *dir)
{
	for (size_t k = 0; k < ARRAY_SIZE(t->lists); k++)
		for (size_t i = 0; i < t->lists[k].count; i++)
			resolve_list(&t->lists[k].rows[i], t->lists[k].base, dir);
}

static int load(struct config *c, const char *path, const char *dir, struct buf *errors)
{
	struct config_reading r = { .name = path ? path : "(defaults)", .errors = errors };
	unsigned int lines[ARRAY_SIZE(options)] = { 0 };
	const struct config_target target = target_of(c, lines);
	struct buf text = { 0 };
	int error = path ? config_read_bytes(path, FILE_BYTES_MAX, &text) : 0;

	if (error < 0) {
		buf_printf(errors, "%s: the configuration cannot be read: %s\n", path, strerror(-error));
	} else {
		config_read_options(&r, text.p ? text.p : "", text.len, &target);
		option_resolve(options, ARRAY_SIZE(options), c, dir, getenv("CREDENTIALS_DIRECTORY"));
		resolve_lists(&target, dir);
		derive(c);
		if (!r.broken) {
			apply_rules(&r, lines, c);
			check_people(&r, c);
		}
		if (!r.failed)
			config_notify_check(&r, &c->notify);
		error = r.failed ? -EINVAL : 0;
		config_reading_done(&r);
	}
	buf_done(&text);
	return error;
}

int config_load(const char *path, struct config **ret, struct buf *errors)
{
	_cleanup_(config_freep) struct config *c = xcalloc(1, sizeof *c);
	_cleanup_(freep) char *dir = NULL;
	int r;

	option_initialise(options, ARRAY_SIZE(options), c);
	c->file = xstrdup(path ? path : "");
	r = directory_of(path, &dir);
	if (r < 0)
		buf_printf(errors, "%s: the configuration cannot be read: %s\n", path ? path : ".", strerror(-r));
	else
		r = load(c, path, dir, errors);
	if (r < 0)
		return r;
	*ret = c;
	c = NULL; /* ownership moved to the caller */
	return 0;
}

void config_free(struct config *c)
{
	struct config_target target;

	if (!c)
		return;
	target = target_of(c, NULL);
	config_release_lists(&target);
	option_release(options, ARRAY_SIZE(options), c);
	free(c->mqtt.host);
	free(c->http.listen_host);
	free(c->file);
	free(c);
}

void config_freep(struct config **c)
{
	config_free(*c);
}

/* ---- what is allowed, and careless ---- */

static void look_at_secrets(const struct option *rows, size_t count, const void *base, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const char *path = rows[i].type == OPTION_SECRET ? *(char *const *)((const char *)base + rows[i].offset) : "";
		struct stat st;

		if (*path && stat(path, &st) == 0 && st.st_mode & (S_IROTH | S_IWOTH))
			buf_printf(out, "%s: everybody on this machine may read or change %s: chmod o= it\n", rows[i].path, path);
	}
}

static void look_at_list(const struct config_list *l, const void *base, struct buf *out)
{
	const struct config_items *items = (const void *)((const char *)base + l->offset);

	for (size_t k = 0; k < items->count; k++)
		look_at_secrets(l->rows, l->row_count, (const char *)items->first + k * l->size, out);
}

static bool on_loopback(const char *host)
{
	return !*host || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcasecmp(host, "localhost") == 0;
}

void config_careless(const struct config *c, struct buf *out)
{
	look_at_secrets(options, ARRAY_SIZE(options), c, out);
	look_at_list(&people_list, c, out);
	for (size_t i = 0; i < config_notify_list_count; i++)
		look_at_list(&config_notify_lists[i], &c->notify, out);
	if (!on_loopback(c->http.listen_host))
		buf_printf(out, "http.listen: %s is not loopback: bearer tokens cross the network in the clear; put a TLS proxy in front\n",
			   c->http.listen);
}

static void print_item(const struct config_list *l, const void *item, struct buf *out)
{
	buf_str(out, "\t\t{");
	for (size_t i = 0; i < l->row_count; i++) {
		buf_printf(out, " %s = ", l->rows[i].path);
		option_value(&l->rows[i], item, out);
		buf_char(out, ';');
	}
	buf_str(out, " }");
}

static void print_help(const char *help, struct buf *out)
{
	for (size_t n; *help; help += n + (help[n] == '\n')) {
		n = strcspn(help, "\n");
		buf_printf(out, "\t# %.*s\n", (int)n, help);
	}
}

static void print_list(const struct config_list *l, const struct config_notify *notify, struct buf *out)
{
	const struct config_items *items = (const void *)((const char *)notify + l->offset);

	buf_char(out, '\n');
	print_help(l->help, out);
	buf_printf(out, "\t%s = (%s", strchr(l->path, '.') + 1, items->count ? "\n" : " ");
	for (size_t i = 0; i < items->count; i++) {
		print_item(l, (const char *)items->first + i * l->size, out);
		buf_str(out, i + 1 < items->count ? ",\n" : "\n\t");
	}
	buf_str(out, ");\n");
}

/* Behind the options of the same group, which is the last one and closed already. */
static void print_lists(const struct config *c, struct buf *out)
{
	static const char end[] = "};\n";

	out->len -= strlen(end);
	out->p[out->len] = '\0';
	for (size_t i = 0; i < config_notify_list_count; i++)
		print_list(&config_notify_lists[i], &c->notify, out);
	buf_str(out, end);
}

static void print_people(const struct config *c, struct buf *out)
{
	buf_str(out, "\n# Who may do what (docs/operator.md): known by the uid on the socket, or by a bearer token over TCP, of which only\n"
		     "# the SHA-256 stands here (or token_file names a file). root and the daemon's own user are operators.\n"
		     "# { name = \"li.wei\"; roles = [ \"prov_hc\" ]; uid = 1001; token_sha256 = \"…\"; scope = [ \"33\" ]; }\n"
		     "people = (");
	for (size_t i = 0; i < c->people.count; i++) {
		buf_str(out, i > 0 ? ",\n\t{" : "\n\t{");
		for (size_t k = 0; k < PERSON_OPTION_COUNT; k++) {
			buf_printf(out, " %s = ", person_options[k].path);
			option_value(&person_options[k], person_at(c, i), out);
			buf_char(out, ';');
		}
		buf_str(out, " }");
	}
	buf_str(out, c->people.count > 0 ? "\n);\n" : " );\n");
}

void config_print(const struct config *c, struct buf *out)
{
	struct config written = *c;

	written.mqtt.protocol = c->mqtt.protocol_v5; /* as OPTION_WORD has it */
	buf_str(out, "# Configuration of nurseryd (libconfig). Relative paths are relative to this file; what is left out has the\n"
		     "# value shown in the shipped file. Check with: nurseryd -c FILE --check-config\n\n");
	option_print(options, ARRAY_SIZE(options), &written, out);
	print_lists(c, out);
	print_people(c, out);
}
