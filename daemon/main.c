/* SPDX-License-Identifier: MIT
 *
 * nurseryd: the command line (CONTRACT §3).
 */
#include "buf.h"
#include "config.h"
#include "daemon.h"
#include "err.h"
#include "log.h"
#include "policy.h"

#include <stdio.h>

enum { EXIT_USAGE = 2 };

struct options {
	const char *config_file, *fold_file;
	bool check, print;
};

static void usage(FILE *to)
{
	fputs("nurseryd: supervises childcare for children under three from what nurseries publish over MQTT\n"
	      "usage: nurseryd [-c FILE] [--check-config | --print-config | --fold FILE.jsonl | --version]\n"
	      "  -c, --config FILE   configuration (default: all defaults, paths relative to the working directory)\n"
	      "      --check-config  say what is wrong with it and exit\n"
	      "      --print-config  print it complete, commented, and exit\n"
	      "      --fold FILE     take lines {\"received_at\",\"topic\",\"payload\"} offline with their clock (- is stdin)\n"
	      "      --version       print the version\n",
	      to);
}

/* What follows a word that wants a value: "--fold FILE", "--fold=FILE", "-cFILE". NULL when the word is another. */
static const char *value_of(const char *name, char **argv, int *i)
{
	size_t len = strlen(name);
	bool is_long = name[1] == '-';

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '\0')
		return argv[*i + 1] ? argv[++*i] : "";
	if (is_long)
		return argv[*i][len] == '=' ? argv[*i] + len + 1 : NULL;
	return argv[*i] + len;
}

static bool take_value(char **argv, int *i, struct options *ret)
{
	const struct {
		const char *name;
		const char **into;
	} values[] = {
		{ "--config", &ret->config_file },
		{ "--fold", &ret->fold_file },
		{ "-c", &ret->config_file },
	};

	for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
		const char *value = value_of(values[v].name, argv, i);

		if (value) {
			*values[v].into = value;
			return true;
		}
	}
	return false;
}

/* 1: go on; 0: all said; < 0 wrong usage. getopt_long is not used: its struct option is also our option table's. */
static int parse(char **argv, struct options *ret)
{
	for (int i = 1; argv[i]; i++) {
		if (strcmp(argv[i], "--check-config") == 0) {
			ret->check = true;
		} else if (strcmp(argv[i], "--print-config") == 0) {
			ret->print = true;
		} else if (strcmp(argv[i], "--version") == 0) {
			puts("nurseryd " NURSERYD_VERSION);
			return 0;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			usage(stdout);
			return 0;
		} else if (!take_value(argv, &i, ret)) {
			fprintf(stderr, "nurseryd: unknown word \"%s\"\n", argv[i]);
			return -1;
		}
	}
	if ((ret->config_file && !ret->config_file[0]) || (ret->fold_file && !ret->fold_file[0])) {
		fputs("nurseryd: a file name is missing\n", stderr);
		return -1;
	}
	return 1;
}

static int print_config(struct config *config)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	config_print(config, &text);
	fputs(text.p, stdout);
	return EXIT_SUCCESS;
}

static int check(const struct config *config)
{
	_cleanup_(buf_done) struct buf errors = { 0 }, careless = { 0 };
	struct policy *policy = NULL;
	int r = policy_load(config->policy_path, &policy, NULL, &errors);

	policy_free(policy);
	if (r < 0) {
		fputs(errors.p ? errors.p : "nurseryd: the policy cannot be read\n", stderr);
		return EXIT_FAILURE;
	}
	config_careless(config, &careless);
	if (careless.p)
		fprintf(stderr, "nurseryd: warning: it is valid, but\n%s", careless.p);
	return puts("configuration and policy ok") < 0;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct config *config = NULL;
	_cleanup_(buf_done) struct buf errors = { 0 };
	int r = parse(argv, &options);

	(void)argc;
	log_open(LOG_JOURNAL_SOCKET);
	if (r <= 0) {
		if (r < 0)
			usage(stderr);
		return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	}
	if (config_load(options.config_file, &config, &errors) < 0) {
		fputs(errors.p ? errors.p : "nurseryd: the configuration cannot be read\n", stderr);
		return EXIT_FAILURE;
	}
	if (!options.check && !options.print && !options.fold_file)
		return daemon_run(config); /* takes it over */
	if (options.print)
		r = print_config(config);
	else if (options.fold_file)
		r = daemon_fold(config, options.fold_file);
	else
		r = check(config);
	config_free(config);
	return r;
}
