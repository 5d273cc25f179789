/* SPDX-License-Identifier: MIT
 *
 * nurseryctl: the officer's and the operator's command. Exit 0 fine, 1 the answer is no, 2 wrong usage, 3 the daemon
 * could not be reached (CONTRACT §3).
 */
#include "ctl.h"

#include <stdio.h>

struct option {
	const char *name;
	size_t offset; /* of a const char * in struct ctl; or of the bool json */
	bool flag;
};

static const struct option options[] = {
	{ "--socket", offsetof(struct ctl, socket), false },
	{ "--db", offsetof(struct ctl, db), false },
	{ "--json", offsetof(struct ctl, json), true },
	{ "--outcome", offsetof(struct ctl, outcome), false },
	{ "--site", offsetof(struct ctl, site), false },
	{ "--feed", offsetof(struct ctl, feed), false },
	{ "--province", offsetof(struct ctl, province), false },
	{ "--state", offsetof(struct ctl, state), false },
	{ "--unit", offsetof(struct ctl, unit), false },
	{ "--kind", offsetof(struct ctl, kind), false },
	{ "--limit", offsetof(struct ctl, limit), false },
	{ "--after", offsetof(struct ctl, after), false },
	{ "--head", offsetof(struct ctl, head), false },
	{ "--reason", offsetof(struct ctl, reason), false },
	{ "--document", offsetof(struct ctl, document), false },
	{ "--from", offsetof(struct ctl, from), false },
	{ "--source", offsetof(struct ctl, source), false },
	{ "--event", offsetof(struct ctl, event), false },
	{ "--rejudge", offsetof(struct ctl, rejudge), true },
	{ "--at", offsetof(struct ctl, at), false },
	{ "--year", offsetof(struct ctl, year), false },
	{ "--cycle", offsetof(struct ctl, cycle), false },
	{ "--csv", offsetof(struct ctl, csv), true },
	{ "-o", offsetof(struct ctl, out), false },
};

static void print_usage(FILE *out)
{
	fputs("usage: nurseryctl [--socket PATH | --db FILE] [--json] VERB …\n\n", out);
	for (size_t i = 0; i < verb_count; i++)
		fprintf(out, "  %s%s%s\n      %s\n", verbs[i].name, *verbs[i].usage ? " " : "", verbs[i].usage,
			verbs[i].what);
	fputs("\nexit: 0 fine, 1 the answer is no, 2 wrong usage, 3 the daemon could not be reached\n", out);
}

static int wrong(const char *text, const char *what)
{
	fprintf(stderr, "nurseryctl: %s: %s\n\n", text, what);
	print_usage(stderr);
	return EXIT_USAGE;
}

static const struct verb *verb_of(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* "--name value", "--name=value" or a flag. false: not known, or its value is missing. */
static bool take_option(struct ctl *ctl, char **argv, int *i)
{
	size_t len = strcspn(argv[*i], "=");

	for (size_t k = 0; k < ARRAY_SIZE(options); k++) {
		const struct option *o = &options[k];
		char *at = (char *)ctl + o->offset;
		const char *value = argv[*i][len] == '=' ? argv[*i] + len + 1 : NULL;

		if (strlen(o->name) != len || strncmp(argv[*i], o->name, len) != 0)
			continue;
		if (o->flag) {
			*(bool *)at = true;
			return !value;
		}
		if (!value && argv[*i + 1])
			value = argv[++*i];
		*(const char **)(void *)at = value;
		return value != NULL;
	}
	return false;
}

static bool is_count(const char *text)
{
	return !text || (*text && *text != '0' && strlen(text) <= 7 && strspn(text, "0123456789") == strlen(text));
}

static int run(struct ctl *ctl, const char *name)
{
	const struct verb *verb = name ? verb_of(name) : NULL;

	if (!name)
		return wrong("which verb?", "none was given");
	if (!verb)
		return wrong(name, "there is no such verb");
	if (ctl->arg_count < verb->arg_min || ctl->arg_count > verb->arg_max)
		return wrong(name, *verb->usage ? verb->usage : "takes no argument");
	if (!is_count(ctl->limit))
		return wrong(ctl->limit, "--limit is a whole number from 1");
	if (ctl->db && ctl->socket)
		return wrong("--db", "either a database file or a socket");
	return verb->run(ctl);
}

/* -1: go on; else the exit code. */
static int take_word(struct ctl *ctl, char **argv, int *i, const char **name)
{
	const char *text = argv[*i];

	if (text[0] == '-' && text[1])
		return take_option(ctl, argv, i) ? -1 :
						   wrong(text, "there is no such option, or its value is missing");
	if (!*name)
		*name = text;
	else if (ctl->arg_count < ARRAY_SIZE(ctl->args))
		ctl->args[ctl->arg_count++] = text;
	else
		return wrong(text, "too many arguments");
	return -1;
}

int main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	const char *name = NULL;
	int code = -1;

	for (int i = 1; i < argc && code < 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_usage(stdout);
			return EXIT_FINE;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("nurseryctl " NURSERYD_VERSION);
			return EXIT_FINE;
		}
		code = take_word(&ctl, argv, &i, &name);
	}
	return code >= 0 ? code : run(&ctl, name);
}
