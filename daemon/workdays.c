/* SPDX-License-Identifier: MIT */
#include "workdays.h"

#include "clock.h"
#include "err.h"

#define DAYS_MAX 1000 /* no period is so long */

static int year_of(int64_t day)
{
	int year, month, day_of_month;

	clock_date_of(day, &year, &month, &day_of_month);
	return year;
}

static int year_known(struct store *s, int year)
{
	int64_t found = 0;

	return store_get_int(s, &found, "SELECT 1 FROM workday WHERE date BETWEEN ? AND ? LIMIT 1", "ii", clock_day_of(year, 1, 1),
			     clock_day_of(year, 12, 31));
}

int workdays_is(struct store *s, int64_t day, bool *ret)
{
	int weekday = clock_weekday(day);
	int64_t work = weekday != 0 && weekday != 6;
	int r = year_known(s, year_of(day));

	if (r <= 0)
		return r < 0 ? r : WORKDAYS_UNKNOWN;
	r = store_get_int(s, &work, "SELECT day = 'work' FROM workday WHERE date = ?", "i", day);
	*ret = work != 0;
	return r < 0 ? r : 0;
}

int workdays_expected(struct store *s, int64_t day, bool *ret)
{
	int64_t work = STORE_NULL;
	int weekday = clock_weekday(day);
	int r = store_get_int(s, &work, "SELECT day = 'work' FROM workday WHERE date = ?", "i", day);

	*ret = work == STORE_NULL ? weekday >= 1 && weekday <= 5 : work == 1;
	return MIN(r, 0);
}

int workdays_end(struct store *s, int64_t first, int64_t count, bool first_counts, int64_t *ret, int *ret_year)
{
	int64_t day = first_counts ? first : first + 1, last = day;

	for (int64_t end = day + DAYS_MAX; count > 0 && day < end; day++) {
		bool work;
		int r = workdays_is(s, day, &work);

		if (r == WORKDAYS_UNKNOWN && ret_year)
			*ret_year = year_of(day);
		if (r != 0)
			return r;
		count -= work;
		last = day;
	}
	*ret = last;
	return 0;
}
