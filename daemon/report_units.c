/* SPDX-License-Identifier: MIT
 *
 * What the reports of a province share.
 */
#include "report.h"

#include "ids.h"
#include "policy_row.h"

#include <stdio.h>

int report_open_province(struct report *r)
{
	int error = policy_row_newest(r->store, &r->policy);

	json_set(r->kept, "names", json_new_object());
	if (error >= 0)
		error = object_units_of(r->store, r->subject, &r->units, &r->unit_count);
	if (error >= 0)
		error = object_province(r->store, &r->sums, r->subject, false, &r->about);
	return error < 0 ? error : r->unit_count == 0 ? REPORT_NONE : 0;
}

int report_unit_object(struct report *r, int64_t day, bool alone, json **ret)
{
	int error = object_unit(r->store, &r->sums, r->unit, day, alone, ret);

	if (*ret)
		json_set(json_get(r->kept, "names"), r->unit, json_new_text(report_text(*ret, "name")));
	return MIN(error, 0);
}

json *report_unit_row(const struct report *r)
{
	json *row = json_new_object();

	json_set(row, "unit", json_new_text(r->unit));
	json_set(row, "name", json_new_text(report_text(json_get(r->kept, "names"), r->unit)));
	return row;
}

const char *report_eligible(const struct report *r, const char *unit)
{
	static const char *const words[] = { [POLICY_NO] = "no", [POLICY_YES] = "yes", [POLICY_ASK] = "ask" };

	return r->policy ? words[policy_eligible(r->policy, r->today, unit)] : NULL;
}

json *report_recommender(const struct report *r, const char *unit)
{
	char province[3];
	const char *recommender = r->policy ? policy_recommender(r->policy, r->today, unit, province) : NULL;

	if (!recommender)
		return NULL;
	if (recommender == province || strlen(recommender) == 2)
		return json_keep(json_get(r->about, "name"));
	return json_new_text(recommender);
}
