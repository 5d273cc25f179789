/* SPDX-License-Identifier: MIT
 *
 * Ground: hysteresis (DOMAIN §4): what a run of months says of an alert. Pure. A month without a usable value says
 * nothing and ends every run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum says { SAYS_NOTHING, SAYS_BAD, SAYS_BETWEEN, SAYS_GOOD };

struct said {
	int64_t last_day; /* of the month */
	enum says says;
};

struct run_rule {
	int64_t raise_months; /* so many bad ones running */
	int64_t clear_months; /* so many good ones running, */
	int64_t clear_days;   /* and from the first one's last day to the last one's so many days, both counted */
};

enum run_verdict { RUN_STAYS, RUN_RAISE, RUN_CLEAR };

/* newest_first: months of the calendar without a hole. */
enum run_verdict run_judge(const struct said *newest_first, size_t count, const struct run_rule *rule);
/* So many months decide. */
size_t run_months(const struct run_rule *rule);
