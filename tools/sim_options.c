/* SPDX-License-Identifier: MIT */
#include "sim_options.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "../daemon/ids.h"
#include "sim_scenario.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define AT_LEAST_ONE 1
#define MILLION INT64_C(1000000)
#define UNSET (-1)

enum kind { KIND_FLAG, KIND_NUMBER, KIND_TEXT };

/* Adding an option is adding a row. */
struct option {
	const char *name, *value; /* value: how --help calls it */
	enum kind kind;
	size_t offset;
	int64_t min, max, otherwise; /* of a number; otherwise = the default */
	const char *text;            /* default of a text */
	const char *help;
};

#define FIELD(f) offsetof(struct sim_options, f)
static const struct option options[] = {
	{ "url", "URL", KIND_TEXT, FIELD(url), 0, 0, 0, "mqtt://127.0.0.1:1883",
	  "the broker; only this machine (loopback)" },
	{ "protocol", "5|3.1.1", KIND_TEXT, FIELD(protocol), 0, 0, 0, "5", "MQTT version" },
	{ "username", "NAME", KIND_TEXT, FIELD(username), 0, 0, 0, NULL, "the gateway's broker user" },
	{ "password-file", "FILE", KIND_TEXT, FIELD(password_file), 0, 0, 0, NULL,
	  "its password: the first line of FILE" },
	{ "sites", "N", KIND_NUMBER, FIELD(sites), 1, 200000, 100, NULL, "nurseries in the province" },
	{ "province", "PP", KIND_TEXT, FIELD(province), 0, 0, 0, "33", "two digits of GB/T 2260" },
	{ "city", "CODE", KIND_TEXT, FIELD(city), 0, 0, 0, NULL,
	  "unit where incidents happen; default: the province's first" },
	{ "data", "DIR", KIND_TEXT, FIELD(data), 0, 0, 0, NULL, "directory with divisions.csv" },
	{ "seed", "N", KIND_NUMBER, FIELD(seed), 0, INT64_MAX, 1, NULL, "another seed is another province" },
	{ "scenario", "NAME[,NAME]", KIND_TEXT, FIELD(scenario), 0, 0, 0, "quiet", "see --list-scenarios" },
	{ "rate", "N", KIND_NUMBER, FIELD(rate), 0, MILLION, 100, NULL,
	  "messages a second; 0 = as fast as the broker takes them" },
	{ "window", "N", KIND_NUMBER, FIELD(window), AT_LEAST_ONE, 60000, 500, NULL,
	  "messages the broker has not acknowledged yet, at most" },
	{ "outstanding", "N", KIND_NUMBER, FIELD(outstanding), 0, MILLION, 0, NULL,
	  "messages without a receipt yet, at most; 0 = no limit" },
	{ "count", "N", KIND_NUMBER, FIELD(count), 0, INT64_MAX, 0, NULL, "stop after N messages; 0 = no limit" },
	{ "seconds", "N", KIND_NUMBER, FIELD(seconds), 0, MILLION, 0, NULL, "stop after N seconds; 0 = no limit" },
	{ "days", "N", KIND_NUMBER, FIELD(days), 0, 400, 0, NULL,
	  "a registration each, then N days with their hours: from --start on, or the last N days" },
	{ "start", "TIME", KIND_TEXT, FIELD(start), 0, 0, 0, NULL,
	  "simulated clock, e.g. 2026-11-23T08:00:00+08:00; default: the real clock" },
	{ "fire-after", "S", KIND_NUMBER, FIELD(fire_after), 0, MILLION, 10, NULL,
	  "seconds before a scenario's first incident" },
	{ "step", "S", KIND_NUMBER, FIELD(step), 0, MILLION, UNSET, NULL,
	  "seconds from first to follow_up to final; default 5, with --days or --print 1800" },
	{ "reset-epoch", "N", KIND_NUMBER, FIELD(epoch), 1, MILLION, 1, NULL,
	  "epoch of every message; raise it for a second run against the same daemon" },
	{ "first-seq", "N", KIND_NUMBER, FIELD(first_seq), 1, INT64_C(1) << 52, 1, NULL,
	  "first seq of every site and feed" },
	{ "until-receipted", NULL, KIND_FLAG, FIELD(until_receipted), 0, 0, 0, NULL,
	  "keep and resend every message until its receipt; exit 1 if one never comes" },
	{ "resend", "S", KIND_NUMBER, FIELD(resend), 1, MILLION, 30, NULL,
	  "with --until-receipted: seconds before the same bytes go out again" },
	{ "settle", "S", KIND_NUMBER, FIELD(settle), 0, MILLION, UNSET, NULL,
	  "give up when no receipt came for so long; default 5, with --until-receipted 300" },
	{ "no-receipts", NULL, KIND_FLAG, FIELD(no_receipts), 0, 0, 0, NULL, "do not listen for receipts" },
	{ "sandbox", NULL, KIND_FLAG, FIELD(sandbox), 0, 0, 0, NULL, "publish under nursery-test/" },
	{ "print", NULL, KIND_FLAG, FIELD(print), 0, 0, 0, NULL,
	  "no broker: JSON lines for `nurseryd --fold` on stdout" },
	{ "json", NULL, KIND_FLAG, FIELD(json), 0, 0, 0, NULL, "final report as one JSON object" },
	{ "list-scenarios", NULL, KIND_FLAG, FIELD(list_scenarios), 0, 0, 0, NULL, "name and meaning of each" },
	{ "version", NULL, KIND_FLAG, FIELD(version), 0, 0, 0, NULL, "print the version" },
	{ "help", NULL, KIND_FLAG, FIELD(help), 0, 0, 0, NULL, "this text" },
};

void sim_complain(const char *format, ...)
{
	va_list ap;

	fputs("nursery-sim: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void help_line(const struct option *o)
{
	char head[64], fallback[32] = "";

	snprintf(head, sizeof head, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
	if (o->kind == KIND_NUMBER && o->otherwise != UNSET)
		snprintf(fallback, sizeof fallback, " [%lld]", (long long)o->otherwise);
	else if (o->text)
		snprintf(fallback, sizeof fallback, " [%s]", o->text);
	printf("  %-24s %s%s\n", head, o->help, fallback);
}

void sim_options_help(void)
{
	puts("Usage: nursery-sim [OPTION]…\n"
	     "Publishes an invented but believable province of nurseries over MQTT, the same for the same seed,\n"
	     "and counts the receipts that come back. No message speaks of a real child, person or nursery.\n");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		help_line(&options[i]);
	puts("\nExamples:\n"
	     "  nursery-sim --sites 200 --rate 50 --seconds 60 --scenario fire\n"
	     "  nursery-sim --sites 100000 --rate 0 --scenario enrolment-load --count 1000000 --json\n"
	     "  nursery-sim --sites 50 --count 500 --until-receipted --resend 5\n"
	     "  nursery-sim --sites 50 --days 60 --start 2026-09-01T08:00:00+08:00 --print > province.jsonl\n"
	     "\nExit: 0 done; 1 --until-receipted and something was not; 2 wrong usage; 3 no broker.");
}

static const struct option *option_named(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static int set_number(const struct option *o, const char *text, int64_t *ret)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && v >= o->min && v <= o->max) {
		*ret = v;
		return 0;
	}
	sim_complain("--%s takes a whole number from %lld to %lld, not '%s'", o->name, (long long)o->min,
		     (long long)o->max, text);
	return 1;
}

static int set(struct sim_options *so, const struct option *o, const char *value)
{
	char *field = (char *)so + o->offset;

	switch (o->kind) {
	case KIND_FLAG:
		*(bool *)(void *)field = true;
		return 0;
	case KIND_TEXT:
		*(const char **)(void *)field = value;
		return 0;
	default:
		return set_number(o, value, (int64_t *)(void *)field);
	}
}

static void set_defaults(struct sim_options *so)
{
	*so = (struct sim_options){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char *field = (char *)so + options[i].offset;

		if (options[i].kind == KIND_NUMBER)
			*(int64_t *)(void *)field = options[i].otherwise;
		else if (options[i].kind == KIND_TEXT)
			*(const char **)(void *)field = options[i].text;
	}
}

/* One option at argv[*i], with its value behind `=` or in the next word. */
static int take(struct sim_options *so, char **argv, int *i)
{
	const char *word = argv[*i], *equals, *value = NULL;
	const struct option *o;

	if (strncmp(word, "--", 2) != 0) {
		sim_complain("'%s' is not an option; try nursery-sim --help", word);
		return 1;
	}
	equals = strchrnul(word, '=');
	o = option_named(word + 2, (size_t)(equals - word - 2));
	if (!o || (o->kind == KIND_FLAG && *equals)) {
		sim_complain("there is no option '%s'; try nursery-sim --help", word);
		return 1;
	}
	if (o->kind != KIND_FLAG)
		value = *equals ? equals + 1 : argv[++*i];
	if (o->kind != KIND_FLAG && !value) {
		sim_complain("--%s needs a value: --%s %s", o->name, o->name, o->value);
		return 1;
	}
	return set(so, o, value);
}

static bool loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcmp(host, "localhost") == 0;
}

/* mqtt://HOST[:PORT] or mqtt://[::1]:PORT */
static bool split_url(const char *url, struct sim_options *so)
{
	int used = 0;

	so->port = 1883;
	if (sscanf(url, "mqtt://[%63[0-9a-fA-F:]]%n", so->host, &used) != 1 || used == 0)
		if (sscanf(url, "mqtt://%63[^:/]%n", so->host, &used) != 1)
			return false;
	url += used;
	if (*url == ':') {
		if (sscanf(url, ":%5d%n", &so->port, &used) != 1)
			return false;
		url += used;
	}
	return (*url == '\0' || strcmp(url, "/") == 0) && so->port >= 1 && so->port <= 65535;
}

static int check_broker(struct sim_options *so)
{
	if (!split_url(so->url, so)) {
		sim_complain("--url '%s' is not mqtt://HOST:PORT, for example mqtt://127.0.0.1:1883", so->url);
		return 1;
	}
	if (!loopback(so->host)) {
		sim_complain("--url %s: a simulator never publishes to another machine; to reach a test broker "
			     "there, use a tunnel: ssh -L 1883:127.0.0.1:1883 %s", so->url, so->host);
		return 1;
	}
	if (strcmp(so->protocol, "5") != 0 && strcmp(so->protocol, "3.1.1") != 0) {
		sim_complain("--protocol is 5 or 3.1.1, not '%s'", so->protocol);
		return 1;
	}
	return 0;
}

static int check_clock(struct sim_options *so)
{
	so->simulated = so->start || so->print;
	so->start_ms = clock_now_ms();
	if (so->start && clock_parse_time(so->start, &so->start_ms) < 0) {
		sim_complain("--start '%s' is not a time with offset, for example 2026-11-23T08:00:00+08:00", so->start);
		return 1;
	}
	if (so->step == UNSET)
		so->step = so->days > 0 || so->print ? 1800 : 5;
	if (so->settle == UNSET)
		so->settle = so->until_receipted ? 300 : 5;
	if (so->print && so->days == 0 && so->count == 0 && so->seconds == 0)
		so->days = 1;
	return 0;
}

static int check_together(const struct sim_options *so)
{
	if (!ids_province_valid(so->province)) {
		sim_complain("--province '%s' is not a two-digit code such as 33; see divisions.csv", so->province);
		return 1;
	}
	if (so->no_receipts && (so->until_receipted || so->outstanding > 0)) {
		sim_complain("--no-receipts cannot go with --until-receipted or --outstanding; leave one away");
		return 1;
	}
	if (so->days > 0 && sim_scenario_is_load(so->scenarios)) {
		sim_complain("enrolment-load walks back through the days itself; leave --days away");
		return 1;
	}
	return 0;
}

int sim_options_parse(int argc, char **argv, struct sim_options *so)
{
	set_defaults(so);
	for (int i = 1; i < argc; i++)
		if (take(so, argv, &i) > 0)
			return 1;
	if (so->help || so->version || so->list_scenarios)
		return 0;
	if (sim_scenario_choose(so->scenario, &so->scenarios) > 0)
		return 1;
	if (check_broker(so) > 0 || check_clock(so) > 0)
		return 1;
	return check_together(so);
}
