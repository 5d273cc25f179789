/* SPDX-License-Identifier: MIT */
#include "config_notify.h"

#include "clock.h"
#include "config_check.h"
#include "config_scan.h"
#include "err.h"


const char *const notify_rules[] = {
	"art5-1", "art5-2-falsification", "art5-2-ineffective", "art5-2-other", "art5-2-regress", "art5-3", "below-province", "calendar-missing",
	"candidate-accident", "carer-ratio", "incident-unreadable", "late-report", "over-capacity", "severe-incident",
	"silent-site", "suspected-concealment", "target-missed", NULL,
};

static bool among(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool check_name(const char *text)
{
	return *text && config_check_word(text);
}

static bool check_rule(const char *text)
{
	return !*text || among(text, notify_rules);
}

static bool check_unit(const char *text)
{
	return strlen(text) <= 6 && strspn(text, "0123456789") == strlen(text);
}

static bool check_severity(const char *text)
{
	return text[0] == 'S' && text[1] >= '1' && text[1] <= '4' && !text[2];
}

static bool is_smtp(const char *url)
{
	return strncmp(url, "smtp://", 7) == 0 || strncmp(url, "smtps://", 8) == 0;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= 0x20 || *text == 0x7f)
			return false;
	return true;
}

static bool check_url(const char *text)
{
	const char *slashes = strstr(text, "//");

	if (is_smtp(text))
		return !config_url_has_credentials(text) && slashes && slashes[2] != '\0' && slashes[2] != '/' && printable(text);
	return *text && config_check_http_url(text);
}

/* What a mail server is told between < and >, or a robot's mention: nothing that could end a line or an address. */
static bool check_address(const char *text)
{
	return strlen(text) <= 254 && printable(text) && !strpbrk(text, "<>\",;:\\()[]");
}

static bool check_mail(const char *text)
{
	const char *at = strchr(text, '@');

	return check_address(text) && at && at != text && at[1] && !strchr(at + 1, '@');
}

static bool check_from(const char *text)
{
	return !*text || check_mail(text);
}

#define AT(member) offsetof(struct notify_sink, member)
static const struct option sink_rows[] = {
	{ .path = "name", .type = OPTION_TEXT, .offset = AT(name), .check = check_name, .wants = "1 to 64 of A-Z a-z 0-9 . _ -" },
	{ .path = "kind", .type = OPTION_WORD, .offset = AT(kind), .initial = NULL,
	  .words = "alertmanager|webhook|wecom|dingtalk|feishu|mail" },
	{ .path = "trust", .type = OPTION_WORD, .offset = AT(trust), .initial = "outside", .words = "inside|outside" },
	{ .path = "language", .type = OPTION_WORD, .offset = AT(language), .initial = "zh", .words = "zh|en" },
	{ .path = "urls", .type = OPTION_TEXTS, .offset = AT(urls), .min = 1, .max = NOTIFY_TEXTS_MAX, .check = check_url,
	  .wants = "http://…, https://…, or smtp://… and smtps://… of kind \"mail\", without user:password (secret_file, token_file)" },
	{ .path = "secret_file", .type = OPTION_SECRET, .offset = AT(secret_file), .initial = "" },
	{ .path = "token_file", .type = OPTION_SECRET, .offset = AT(token_file), .initial = "" },
	{ .path = "ca_file", .type = OPTION_PATH, .offset = AT(ca_file), .initial = "" },
	{ .path = "tls", .type = OPTION_WORD, .offset = AT(tls), .initial = "required", .words = "required|off" },
	{ .path = "from", .type = OPTION_TEXT, .offset = AT(from), .initial = "", .check = check_from, .wants = "a mail address" },
	{ .path = "to", .type = OPTION_TEXTS, .offset = AT(to), .initial = "", .max = NOTIFY_TEXTS_MAX, .check = check_mail,
	  .wants = "a mail address" },
	{ .path = "resolve_timeout", .type = OPTION_DURATION, .offset = AT(resolve_timeout_ms), .initial = "5m",
	  .min = 2 * SECOND_MS, .max = DAY_MS },
};
#undef AT
#define AT(member) offsetof(struct notify_contact, member)
static const struct option contact_rows[] = {
	{ .path = "name", .type = OPTION_TEXT, .offset = AT(name), .check = check_name, .wants = "1 to 64 of A-Z a-z 0-9 . _ -" },
	{ .path = "sink", .type = OPTION_TEXT, .offset = AT(sink), .check = check_name, .wants = "the name of a sink" },
	{ .path = "address", .type = OPTION_TEXT, .offset = AT(address), .initial = "", .check = check_address,
	  .wants = "a mail address, or what a robot mentions" },
};
#undef AT
#define AT(member) offsetof(struct notify_route, member)
static const struct option route_rows[] = {
	{ .path = "rule", .type = OPTION_TEXT, .offset = AT(rule), .initial = "", .check = check_rule,
	  .wants = "a rule of the alerts, or \"\" for all" },
	{ .path = "severity", .type = OPTION_TEXTS, .offset = AT(severity), .initial = "", .max = NOTIFY_TEXTS_MAX,
	  .check = check_severity, .wants = "\"S1\" to \"S4\"" },
	{ .path = "unit", .type = OPTION_TEXT, .offset = AT(unit), .initial = "", .check = check_unit,
	  .wants = "the first digits of a unit, or \"\" for all" },
	{ .path = "drill", .type = OPTION_BOOL, .offset = AT(drill), .initial = "false" },
	{ .path = "sinks", .type = OPTION_TEXTS, .offset = AT(sinks), .initial = "", .max = NOTIFY_TEXTS_MAX, .check = check_name,
	  .wants = "the name of a sink" },
	{ .path = "contacts", .type = OPTION_TEXTS, .offset = AT(contacts), .initial = "", .max = NOTIFY_TEXTS_MAX,
	  .check = check_name, .wants = "the name of a contact" },
	{ .path = "province", .type = OPTION_TEXTS, .offset = AT(province), .initial = "", .max = NOTIFY_TEXTS_MAX,
	  .check = check_name, .wants = "the name of a contact" },
};
#undef AT

#define LIST(path_, rows_, type, member, help_) \
	{ .path = path_, .rows = rows_, .row_count = ARRAY_SIZE(rows_), .size = sizeof(type), \
	  .offset = offsetof(struct config_notify, member), .help = help_ }
const struct config_list config_notify_lists[] = {
	LIST("notify.sinks", sink_rows, struct notify_sink, sinks,
	     "How people are called. { name = \"duty\"; kind = \"webhook\"; urls = [ \"https://…\" ]; secret_file = \"duty.key\"; }\n"
	     "kind: alertmanager (a url a peer), webhook, wecom, dingtalk, feishu, mail (smtp:// with STARTTLS, smtps://).\n"
	     "trust = \"inside\" (the commission's own network) gets all, \"outside\" severity, unit and case alone.\n"
	     "language \"zh\" or \"en\". secret_file: signs (webhook, dingtalk, feishu), user:password (mail). token_file: put\n"
	     "behind the url, as a robot's key. ca_file. mail: from, to; tls = \"off\" only on loopback. alertmanager:\n"
	     "resolve_timeout."),
	LIST("notify.contacts", contact_rows, struct notify_contact, contacts,
	     "People. { name = \"duty.officer\"; sink = \"mail\"; address = \"duty@example.org\"; }"),
	LIST("notify.routes", route_rows, struct notify_route, routes,
	     "Who is called of what; every route that fits counts, and what fits none goes to all sinks.\n"
	     "{ rule = \"\"; severity = [ \"S1\", \"S2\" ]; unit = \"33\"; sinks = [ \"duty\" ]; contacts = [ \"duty.officer\", \"deputy\" ];\n"
	     "province = [ \"province.duty\" ]; } The first contact at once, the next after 5 min without an\n"
	     "acknowledgement, the province after 15 (policy `escalation`). drill = true: while notify.drill, and only then."),
};
const size_t config_notify_list_count = ARRAY_SIZE(config_notify_lists);

const struct notify_sink *notify_sink_of(const struct config_notify *n, const char *name)
{
	for (size_t i = 0; i < n->sinks.count; i++)
		if (strcmp(notify_sinks(n)[i].name, name) == 0)
			return &notify_sinks(n)[i];
	return NULL;
}

const struct notify_contact *notify_contact_of(const struct config_notify *n, const char *name)
{
	for (size_t i = 0; i < n->contacts.count; i++)
		if (strcmp(notify_contacts(n)[i].name, name) == 0)
			return &notify_contacts(n)[i];
	return NULL;
}

/* ---- a sink by itself ---- */

static bool wrong_transport(const struct notify_sink *s)
{
	for (size_t i = 0; s->urls[i]; i++)
		if (is_smtp(s->urls[i]) != (s->kind == NOTIFY_MAIL))
			return true;
	return false;
}

static bool several_urls(const struct notify_sink *s)
{
	return s->kind != NOTIFY_ALERTMANAGER && s->urls[0] && s->urls[1];
}

static bool unsigned_webhook(const struct notify_sink *s)
{
	return s->kind == NOTIFY_WEBHOOK && !*s->secret_file;
}

static bool mail_from_nobody(const struct notify_sink *s)
{
	return s->kind == NOTIFY_MAIL && !*s->from;
}

static bool on_loopback(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 || strncmp(host, "localhost", 9) == 0;
}

static bool plain_mail_abroad(const struct notify_sink *s)
{
	return s->kind == NOTIFY_MAIL && s->tls == NOTIFY_TLS_OFF && s->urls[0] && !on_loopback(s->urls[0]);
}

static const struct {
	bool (*broken)(const struct notify_sink *s);
	const char *text;
} sink_rules[] = {
	{ wrong_transport, "kind \"mail\" needs smtp:// or smtps://, every other kind http:// or https://" },
	{ several_urls, "only kind \"alertmanager\" has several urls; make it two sinks" },
	{ unsigned_webhook, "a webhook is signed: it needs a secret_file" },
	{ mail_from_nobody, "kind \"mail\" needs from" },
	{ plain_mail_abroad, "tls = \"off\" is for loopback only" },
};

static void check_sink(struct config_reading *r, const struct config_notify *n, const struct notify_sink *s)
{
	if (notify_sink_of(n, s->name) != s)
		config_complain(r, s->line, "notify.sinks.name", "\"%s\" stands twice; names must differ", s->name);
	for (size_t i = 0; i < ARRAY_SIZE(sink_rules); i++)
		if (sink_rules[i].broken(s))
			config_complain(r, s->line, "notify.sinks", "\"%s\": %s", s->name, sink_rules[i].text);
}

/* ---- what names what ---- */

static void check_contact(struct config_reading *r, const struct config_notify *n, const struct notify_contact *c)
{
	const struct notify_sink *s = notify_sink_of(n, c->sink);

	if (notify_contact_of(n, c->name) != c)
		config_complain(r, c->line, "notify.contacts.name", "\"%s\" stands twice; names must differ", c->name);
	if (!s)
		config_complain(r, c->line, "notify.contacts.sink", "there is no sink \"%s\"", c->sink);
	else if (s->kind == NOTIFY_ALERTMANAGER)
		config_complain(r, c->line, "notify.contacts.sink", "an alertmanager calls by its own routes, not a contact");
	else if (s->kind == NOTIFY_MAIL && !check_mail(c->address))
		config_complain(r, c->line, "notify.contacts.address", "found \"%s\", wanted a mail address", c->address);
}

static void check_contact_names(struct config_reading *r, const struct config_notify *n, const struct notify_route *t,
				const char *key, char *const *names)
{
	for (; *names; names++)
		if (!notify_contact_of(n, *names))
			config_complain(r, t->line, key, "there is no contact \"%s\"", *names);
}

static void check_route(struct config_reading *r, const struct config_notify *n, const struct notify_route *t)
{
	for (size_t i = 0; t->sinks[i]; i++) {
		const struct notify_sink *s = notify_sink_of(n, t->sinks[i]);

		if (!s)
			config_complain(r, t->line, "notify.routes.sinks", "there is no sink \"%s\"", t->sinks[i]);
		else if (s->kind == NOTIFY_MAIL && !s->to[0])
			config_complain(r, t->line, "notify.routes.sinks", "mail goes to a contact, or \"%s\" needs to = [ … ]", s->name);
	}
	check_contact_names(r, n, t, "notify.routes.contacts", t->contacts);
	check_contact_names(r, n, t, "notify.routes.province", t->province);
	if (!t->sinks[0] && !t->contacts[0])
		config_complain(r, t->line, "notify.routes", "a route needs sinks or contacts: nobody would be called");
}

void config_notify_check(struct config_reading *r, const struct config_notify *n)
{
	for (size_t i = 0; i < n->sinks.count; i++)
		check_sink(r, n, &notify_sinks(n)[i]);
	for (size_t i = 0; i < n->contacts.count; i++)
		check_contact(r, n, &notify_contacts(n)[i]);
	for (size_t i = 0; i < n->routes.count; i++)
		check_route(r, n, &notify_routes(n)[i]);
}
