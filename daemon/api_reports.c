/* SPDX-License-Identifier: MIT
 *
 * Reports (docs/reports.md), as HTML, CSV or the JSON that both are made of.
 */
#include "api_route.h"
#include "report.h"

/* Its own style element and nothing else: what a nursery wrote can load and run nothing even if it got through. */
#define POLICY "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static int send_report(struct api_call *c, const struct report_kind *kind, json *report, json **ret)
{
	const char *format = c->params[PARAM_FORMAT] ? c->params[PARAM_FORMAT] : "html";

	if (strcmp(format, "json") == 0) {
		*ret = report;
		return 0;
	}
	if (strcmp(format, "csv") == 0)
		report_csv(kind, report, &c->rs->body);
	else
		report_html(kind, report, &c->rs->body);
	json_free(report);
	c->rs->content_security_policy = POLICY;
	api_send(c, strcmp(format, "csv") == 0 ? "text/csv; charset=utf-8" : "text/html; charset=utf-8");
	return 0;
}

static int answer(struct api_call *c, const struct report_kind *kind, const char *subject, json **ret)
{
	_cleanup_(report_done) struct report r = {
		.store = c->api->store, .kind = kind, .subject = subject, .cycle = c->params[PARAM_CYCLE],
		.year = c->params[PARAM_YEAR] ? atoi(c->params[PARAM_YEAR]) : 0, .now = c->now, .today = c->today,
		.inside = c->rq->trusted,
	};
	json *report = NULL;
	int error = report_build(&r, &report);

	if (error != 0)
		return error == REPORT_NONE ? API_NOT_FOUND : error;
	return send_report(c, kind, report, ret);
}

/* Both parameters are needed; `param` is the one beside the province. */
static int province_report(struct api_call *c, const struct report_kind *kind, enum api_param param, json **ret)
{
	int r;

	if (!c->params[PARAM_PROVINCE])
		return api_refuse(c, PARAM_PROVINCE, NULL);
	if (!c->params[param])
		return api_refuse(c, param, NULL);
	r = answer(c, kind, c->params[PARAM_PROVINCE], ret);
	return r == REPORT_WRONG ? api_refuse(c, param, kind == &report_annual ? "a year that has begun" : "a cycle of the policy's length") : r;
}

static int annual_report(struct api_call *c, json **ret)
{
	return province_report(c, &report_annual, PARAM_YEAR, ret);
}

static int recommend_report(struct api_call *c, json **ret)
{
	return province_report(c, &report_recommend, PARAM_CYCLE, ret);
}

static int case_report(struct api_call *c, json **ret)
{
	return answer(c, &report_case, c->holes[0], ret);
}

const struct api_route api_report_routes[] = {
	{ .method = "GET", .pattern = "/reports/case/{id}", .handler = case_report, .role = true, .slices = true, .params = P(FORMAT) },
	{ .method = "GET", .pattern = "/reports/annual", .handler = annual_report, .slices = true, .params = P(FORMAT) | P(YEAR) | P(PROVINCE) },
	{ .method = "GET", .pattern = "/reports/recommend", .handler = recommend_report, .slices = true,
	  .params = P(FORMAT) | P(CYCLE) | P(PROVINCE) },
	{ 0 },
};
