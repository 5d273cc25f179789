/* SPDX-License-Identifier: MIT */
#include "indicators.h"

#include "err.h"
#include "satisfaction.h"

#define COUNTED "FROM temp.counted_site WHERE operating AND usable"
/* Population: per column the latest non-empty row of the unit's own code with reference_date ≤ t (same date: the last
 * import). */
#define POPULATION(column) \
	"(SELECT " column " FROM population WHERE division = ?1 AND reference_date <= ?2 AND " column " IS NOT NULL" \
	" ORDER BY reference_date DESC, n DESC LIMIT 1)"

#define SATISFACTION(name, name_zh, name_en, which)                                                        \
	{ .id = "satisfaction_" name, .zh = name_zh, .en = name_en, .scale = 100, .measure = satisfaction_measure, \
	  .cell = which, .survey = true }

const struct indicator indicators[] = {
	{ .id = "places_total",
	  .zh = "托位总数",
	  .en = "childcare places",
	  .scale = 1,
	  .count = true,
	  .headline = true,
	  .sql = "SELECT CASE WHEN count(*) > 0 THEN ifnull(sum(counted) FILTER (WHERE filed), 0) END, NULL, 'enrolment' " COUNTED },
	{ .id = "places_per_1000",
	  .zh = "千人口托位数",
	  .en = "places per 1000 residents",
	  .scale = 1000,
	  .headline = true,
	  .population = "resident",
	  .sql = "SELECT CASE WHEN count(*) > 0 THEN ifnull(sum(counted) FILTER (WHERE filed), 0) END, " POPULATION("resident")
		 ", iif(count(*) = 0, 'enrolment', 'population') " COUNTED },
	{ .id = "enrolment_rate",
	  .zh = "入托率",
	  .en = "enrolment rate (%)",
	  .scale = 100,
	  .headline = true,
	  .population = "under3",
	  .sql = "SELECT CASE WHEN count(*) > 0 THEN sum(min(attending, under36)) END, " POPULATION("under3")
		 ", iif(count(*) = 0, 'enrolment', 'population under 3') " COUNTED },
	{ .id = "utilisation",
	  .zh = "托位使用率",
	  .en = "use of places (%)",
	  .scale = 100,
	  .headline = true,
	  .sql = "SELECT CASE WHEN count(*) > 0 THEN sum(under36) END, sum(counted), iif(count(*) = 0, 'enrolment', 'places') "
		 COUNTED " AND filed AND own_places" },
	{ .id = "completeness",
	  .zh = "上报完整率",
	  .en = "reports received of those expected (%)",
	  .scale = 100,
	  .headline = true,
	  .flow = true,
	  .sql = "SELECT ifnull(sum(reported), 0), count(*), 'expected reports' FROM temp.counted_site WHERE expected" },
	SATISFACTION("family_policy", "家庭满意度（政策）", "families satisfied with the policy (%)", SATISFACTION_FAMILY_POLICY),
	SATISFACTION("family_service", "家庭满意度（服务）", "families satisfied with the service (%)", SATISFACTION_FAMILY_SERVICE),
	SATISFACTION("institution_policy", "机构满意度（政策）", "institutions satisfied with the policy (%)", SATISFACTION_INSTITUTION_POLICY),
	SATISFACTION("institution_service", "机构满意度（服务）", "institutions satisfied with the service (%)", SATISFACTION_INSTITUTION_SERVICE),
};
const size_t indicator_count = ARRAY_SIZE(indicators);

const struct indicator *indicator_of(const char *id)
{
	for (size_t i = 0; i < indicator_count; i++)
		if (strcmp(indicators[i].id, id) == 0)
			return &indicators[i];
	return NULL;
}
