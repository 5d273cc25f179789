/* SPDX-License-Identifier: MIT
 *
 * Between report_case.c and report_events.c: r->kept holds `alerts`, the objects of the alerts behind the case, and
 * `incidents`, which the first of these fills.
 */
#pragma once

#include "report.h"

/* The ledger rows `n` of a list of objects. */
void case_remember(struct report *r, const json *list);

extern const struct report_column case_incident_columns[], case_stage_columns[], case_clock_columns[], case_finding_columns[];
int case_read_incidents(struct report *r, json *rows); /* one a slice; the others after it, of what it read */
int case_read_stages(struct report *r, json *rows);
int case_read_clocks(struct report *r, json *rows);
int case_read_findings(struct report *r, json *rows);
