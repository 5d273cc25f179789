/* SPDX-License-Identifier: MIT
 *
 * Simulator: what the command line asked for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIM_EXIT_DONE 0
#define SIM_EXIT_NO 1          /* --until-receipted, and something was not */
#define SIM_EXIT_USAGE 2
#define SIM_EXIT_UNREACHABLE 3 /* the broker could not be reached, or sent us away */

struct sim_options {
	const char *url, *username, *password_file, *protocol, *province, *data, *city, *scenario, *start;
	int64_t sites, seed, rate, window, outstanding, count, seconds, days, fire_after, step, epoch, first_seq,
		resend, settle;
	bool until_receipted, no_receipts, sandbox, print, json, list_scenarios, help, version;

	/* derived by sim_options_parse */
	int64_t start_ms;   /* of --start, or of now */
	bool simulated;     /* the clock is ours: --start was given, or --print */
	uint64_t scenarios; /* bits of the scenario table */
	char host[64];
	int port;
};

/* One line on stderr: `nursery-sim: …`. Every text says what to do next. */
void sim_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fills *o from argv, which must outlive it. 0, or 1: wrong usage, and the user was told what to do. */
int sim_options_parse(int argc, char **argv, struct sim_options *o);
void sim_options_help(void);
