/* SPDX-License-Identifier: MIT */
#include "sim_geography.h"

#include "../daemon/buf.h"
#include "../daemon/clock.h"
#include "../daemon/err.h"
#include "../daemon/ids.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>

#define COLUMNS_MAX 8
#define CALENDAR_FIRST_YEAR 2021
#define CALENDAR_YEARS 20

/* The shipped tables hold no quotes and no commas in cells; a cell is borrowed from the line. */
typedef void (*row_fn)(struct sim_world *w, char *cells[static COLUMNS_MAX]);

static void split(char *line, char *cells[static COLUMNS_MAX])
{
	static char empty[] = "";

	line[strcspn(line, "\r\n")] = '\0';
	for (size_t i = 0; i < COLUMNS_MAX; i++) {
		char *cell = strsep(&line, ",");

		cells[i] = cell ? cell : empty;
	}
}

static int read_table(struct sim_world *w, const char *path, row_fn row)
{
	char line[1024], *cells[COLUMNS_MAX];
	FILE *f = fopen(path, "re");

	if (!f) {
		sim_complain("%s: %s; point --data at the directory with the shipped tables", path, strerror(errno));
		return 1;
	}
	if (fgets(line, sizeof line, f)) /* the heading */
		while (fgets(line, sizeof line, f)) {
			split(line, cells);
			row(w, cells);
		}
	fclose(f);
	return 0;
}

/* code,level,name,parent */
static void division_row(struct sim_world *w, char *cells[static COLUMNS_MAX])
{
	struct sim_division *d;

	if (strcmp(cells[1], "county") != 0 || strncmp(cells[0], w->province, 2) != 0 ||
	    !ids_division_valid(cells[0]))
		return;
	w->divisions = xrealloc(w->divisions, (w->division_count + 1) * sizeof *w->divisions);
	d = &w->divisions[w->division_count++];
	*d = (struct sim_division){ .name = xstrdup(cells[2]) };
	snprintf(d->code, sizeof d->code, "%s", cells[0]);
	ids_unit_of(d->code, d->unit);
}

static uint64_t divisions_of(const struct sim_world *w, const char *unit)
{
	uint64_t count = 0;

	for (size_t i = 0; i < w->division_count; i++)
		count += strcmp(w->divisions[i].unit, unit) == 0;
	return count;
}

/* division,reference_date,resident,under3,source: a unit's people, shared equally by its divisions. */
static void population_row(struct sim_world *w, char *cells[static COLUMNS_MAX])
{
	uint64_t people = strtoull(cells[2], NULL, 10);
	uint64_t share = divisions_of(w, cells[0]);

	for (size_t i = 0; i < w->division_count && people > 0 && share > 0; i++)
		if (strcmp(w->divisions[i].unit, cells[0]) == 0)
			w->divisions[i].weight = people / share;
}

/* date,day,reason */
static void calendar_row(struct sim_world *w, char *cells[static COLUMNS_MAX])
{
	int64_t day;

	if (clock_parse_day(cells[0], &day) < 0)
		return;
	day -= w->calendar_first;
	if (day >= 0 && day < w->calendar_days)
		w->calendar[day] = strcmp(cells[1], "work") == 0 ? 1 : -1;
}

/* Without figures for the whole province everybody weighs the same: half a census would empty the rest. */
static void finish_weights(struct sim_world *w)
{
	bool complete = true;

	for (size_t i = 0; i < w->division_count; i++)
		complete = complete && w->divisions[i].weight > 0;
	for (size_t i = 0; i < w->division_count && !complete; i++)
		w->divisions[i].weight = 1;
}

static int read_populations(struct sim_world *w, const char *dir)
{
	_cleanup_(buf_done) struct buf pattern = { 0 };
	glob_t found;
	int r = 0;

	buf_printf(&pattern, "%s/population-*.csv", dir);
	if (glob(pattern.p, 0, NULL, &found) != 0)
		return 0; /* none: equally */
	for (size_t i = 0; i < found.gl_pathc && r == 0; i++)
		r = read_table(w, found.gl_pathv[i], population_row);
	globfree(&found);
	return r;
}

static int read_named(struct sim_world *w, const char *dir, const char *name, row_fn row)
{
	_cleanup_(buf_done) struct buf path = { 0 };

	buf_printf(&path, "%s/%s", dir, name);
	return read_table(w, path.p, row);
}

int sim_geography_load(struct sim_world *w, const char *dir)
{
	w->calendar_first = clock_day_of(CALENDAR_FIRST_YEAR, 1, 1);
	w->calendar_days = clock_day_of(CALENDAR_FIRST_YEAR + CALENDAR_YEARS, 1, 1) - w->calendar_first;
	w->calendar = xcalloc((size_t)w->calendar_days, 1);
	if (read_named(w, dir, "divisions.csv", division_row) > 0 || read_populations(w, dir) > 0 ||
	    read_named(w, dir, "workdays.csv", calendar_row) > 0)
		return 1;
	if (w->division_count == 0) {
		sim_complain("%s/divisions.csv has no county-level division of province %s; choose another "
			     "--province", dir, w->province);
		return 1;
	}
	finish_weights(w);
	return 0;
}

static bool has_divisions(const char *dir)
{
	_cleanup_(buf_done) struct buf path = { 0 };

	buf_printf(&path, "%s/divisions.csv", dir);
	return access(path.p, R_OK) == 0;
}

static void beside_binary(const char *relative, struct buf *out)
{
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);

	exe[len > 0 ? len : 0] = '\0';
	if (strrchr(exe, '/'))
		*strrchr(exe, '/') = '\0';
	buf_printf(out, "%s/%s", exe, relative);
}

int sim_geography_find(const char *wish, char **ret)
{
	_cleanup_(buf_done) struct buf near = { 0 }, nearer = { 0 };
	const char *environment = getenv("NURSERYD_DATADIR");

	beside_binary("../config/data", &nearer);  /* build/nursery-sim */
	beside_binary("../../config/data", &near); /* build/san/nursery-sim */
	const char *places[] = { environment, nearer.p, near.p, NURSERYD_DATADIR };

	for (size_t i = 0; i < (wish ? 1 : ARRAY_SIZE(places)); i++) {
		const char *place = wish ? wish : places[i];

		if (place && has_divisions(place)) {
			*ret = xstrdup(place);
			return 0;
		}
	}
	sim_complain("no readable divisions.csv in %s; give its directory with --data DIR",
		     wish ? wish : "config/data beside the program or " NURSERYD_DATADIR);
	return 1;
}
