/* SPDX-License-Identifier: MIT
 *
 * Meaning: months of Asia/Shanghai as days: a month is named by its first day.
 */
#pragma once

#include <stdint.h>

int64_t months_first_day(int64_t day); /* of the month that the day lies in */
int64_t months_next(int64_t day);      /* first day of the month behind the day's */
