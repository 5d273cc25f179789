/* SPDX-License-Identifier: MIT */
#include "import_values.h"

#include "clock.h"
#include "ids.h"
#include "indicators.h"

#include <stdio.h>

static bool only_digits(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789") == len;
}

static bool is_count(const char *text, int64_t *ret)
{
	size_t len = strlen(text);

	if (len == 0 || len > 15 || strspn(text, "0123456789") != len)
		return false;
	*ret = strtoll(text, NULL, 10);
	return true;
}

static bool is_decimal(const char *text)
{
	size_t whole = strspn(text, "0123456789");

	if (whole == 0 || strlen(text) > 24)
		return false;
	text += whole;
	return *text == '\0' || (*text == '.' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1));
}

bool import_is_word(const char *text, const char *words)
{
	size_t len = strlen(text);

	if (len == 0 || strchr(text, ' ')) /* the spaces are those between the words */
		return false;
	for (const char *at = words; (at = strstr(at, text)); at++)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

#define ITEM_BYTES_MAX 192 /* 64 Chinese characters */

static bool is_item(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p; p++)
		if (!((unsigned char)*p >= 0x80 || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		      (*p >= 'A' && *p <= 'Z') || strchr("._-", *p)))
			return false;
	return len > 0 && len <= ITEM_BYTES_MAX && !indicator_of(text);
}

/* "2026", "2026H1", "2026Q3": filed under the last month of it. */
static bool read_long_period(const char *text, int64_t *as_of)
{
	size_t len = strlen(text);
	int part = len == 6 ? text[5] - '0' : 1, parts = 1, year;

	if ((len != 4 && len != 6) || strspn(text, "0123456789") != 4)
		return false;
	if (len == 6)
		parts = text[4] == 'H' ? 2 : text[4] == 'Q' ? 4 : 0;
	if (part < 1 || part > parts)
		return false;
	year = (int)strtol(text, NULL, 10);
	*as_of = clock_day_of(year, part * 12 / parts, 1);
	return year >= 1900;
}

bool import_read_period(const char *text, const char **period, int64_t *as_of)
{
	char day[16];

	*period = "day";
	if (clock_parse_day(text, as_of) == 0)
		return true;
	*period = "month";
	snprintf(day, sizeof day, "%.7s-01", text);
	return (strlen(text) == 7 && clock_parse_day(day, as_of) == 0) || read_long_period(text, as_of);
}

const struct import_rule import_rules[] = {
	[COLUMN_TEXT] = { "不得为空，不得含控制字符", "must not be empty and must hold no control characters" },
	[COLUMN_CODE] = { "应为六位行政区划代码", "must be a six-digit division code" },
	[COLUMN_PROVINCE] = { "应为两位省级代码", "must be a two-digit province code" },
	[COLUMN_DAY] = { "应为存在的日期 YYYY-MM-DD", "must be a date that exists, YYYY-MM-DD" },
	[COLUMN_COUNT] = { "应为非负整数", "must be a whole number, 0 or more" },
	[COLUMN_DECIMAL] = { "应为十进制数，如 4.5", "must be a decimal number such as 4.5" },
	[COLUMN_WORD] = { "不是允许的取值", "is not one of the allowed words" },
	[COLUMN_SITE] = { "应为统一社会信用代码，或其后加 -01…-99", "must be a site id: a USCC, or a USCC and -01 to -99" },
	[COLUMN_INDICATOR] = { "不得为空，不得含控制字符", "must not be empty and must hold no control characters" },
	[COLUMN_ITEM] = { "应为 1–64 个字母、数字、汉字或 . _ -，且不得与计算指标同名",
			  "must be 1 to 64 letters, digits, Chinese characters or . _ -, and not an indicator that is computed" },
	[COLUMN_PERIOD] = { "应为 YYYY-MM-DD、YYYY-MM、YYYYQ1–Q4、YYYYH1–H2 或 YYYY",
			    "must be YYYY-MM-DD, YYYY-MM, YYYYQ1 to Q4, YYYYH1, YYYYH2 or YYYY" },
};

bool import_is_number(enum import_type type)
{
	return type == COLUMN_DAY || type == COLUMN_COUNT;
}

bool import_read_value(const struct import_column *c, const char *text, union store_value *ret)
{
	bool number = import_is_number(c->type);
	const char *period;
	int64_t as_of;

	if (text[0] == '\0') {
		if (number)
			ret->number = STORE_NULL;
		else
			ret->text = c->type == COLUMN_TEXT ? "" : NULL;
		return c->optional;
	}
	if (!number)
		ret->text = text;
	switch (c->type) {
	case COLUMN_CODE:
		return only_digits(text, 6);
	case COLUMN_PROVINCE:
		return only_digits(text, 2) && ids_province_valid(text);
	case COLUMN_DAY:
		return clock_parse_day(text, &ret->number) == 0;
	case COLUMN_COUNT:
		return is_count(text, &ret->number);
	case COLUMN_DECIMAL:
		return is_decimal(text);
	case COLUMN_WORD:
		return import_is_word(text, c->words);
	case COLUMN_SITE:
		return ids_site_valid(text);
	case COLUMN_ITEM:
		return is_item(text);
	case COLUMN_PERIOD:
		return import_read_period(text, &period, &as_of);
	default:
		return !has_control(text);
	}
}
