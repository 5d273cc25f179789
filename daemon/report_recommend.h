/* SPDX-License-Identifier: MIT
 *
 * Between report_recommend.c, report_recommend_obstacles.c and report_recommend_order.c: a candidate's row and its figures. A
 * candidate's row has object (object_unit), obstacles, recommender, status and cycle.
 */
#pragma once

#include "report.h"

/* Of a unit's object; NULL when it has none. */
const json *recommend_indicator(const json *unit, const char *id);
bool recommend_no_value(const json *indicator); /* of NULL, too */

#define SATISFACTION_CELLS 4
extern const struct recommend_cell {
	const char *indicator, *taken; /* taken: for report_take */
} recommend_cells[SATISFACTION_CELLS];

/* What stands in r->unit's way; row: its status and cycle. */
int recommend_obstacles(struct report *r, const json *unit, const json *row, json *list);
/* The columns of the key indicators and of satisfaction. */
void recommend_set_figures(json *row, const json *unit);
/* Rows of the candidates of one recommender, in order: each recommender's by themselves. */
void recommend_rank(struct report *r, const char *recommender, json *rows);
