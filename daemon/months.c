/* SPDX-License-Identifier: MIT */
#include "months.h"

#include "clock.h"

int64_t months_first_day(int64_t day)
{
	int year, month, day_of_month;

	clock_date_of(day, &year, &month, &day_of_month);
	return day - day_of_month + 1;
}

int64_t months_next(int64_t day)
{
	int year, month, day_of_month;

	clock_date_of(day, &year, &month, &day_of_month);
	return clock_day_of(year + month / 12, month % 12 + 1, 1);
}
