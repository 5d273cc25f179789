/* SPDX-License-Identifier: MIT */
#include "ids.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define USCC_LEN 18

/* GB 32100-2015: 31 characters, without I, O, S, V and Z (they look like 1, 0, 5, U and 2). */
static const char uscc_alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/* The place of a character in the alphabet plus one; 0 = not in it. */
static const int8_t uscc_place[128] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,	['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	['G'] = 17, ['H'] = 18, ['J'] = 19, ['K'] = 20, ['L'] = 21, ['M'] = 22, ['N'] = 23, ['P'] = 24,
	['Q'] = 25, ['R'] = 26, ['T'] = 27, ['U'] = 28, ['W'] = 29, ['X'] = 30, ['Y'] = 31,
};

/* GB 32100-2015: the weight of a place is 3^(place − 1) mod 31. */
static const int uscc_weights[USCC_LEN - 1] = { 1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28 };

char ids_uscc_check(const char *first17)
{
	int sum = 0;

	for (int i = 0; i < USCC_LEN - 1; i++) {
		unsigned char c = (unsigned char)first17[i];
		int place = c < sizeof uscc_place ? uscc_place[c] : 0;

		if (place == 0) /* the terminating NUL of a shorter text, too */
			return '\0';
		sum += (place - 1) * uscc_weights[i];
	}
	return uscc_alphabet[(31 - sum % 31) % 31];
}

/* The first 18 characters; what follows is the caller's. */
static bool starts_with_uscc(const char *text)
{
	char check = ids_uscc_check(text);

	return check != '\0' && text[USCC_LEN - 1] == check;
}

bool ids_uscc_valid(const char *text)
{
	return starts_with_uscc(text) && text[USCC_LEN] == '\0';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

bool ids_site_valid(const char *text)
{
	const char *suffix = text + USCC_LEN;

	if (!starts_with_uscc(text))
		return false;
	if (*suffix == '\0')
		return true;
	return suffix[0] == '-' && digit(suffix[1]) && digit(suffix[2]) && suffix[3] == '\0' &&
	       (suffix[1] != '0' || suffix[2] != '0');
}

/* GB/T 2260: the provinces in use, each decade's units as a bit set. */
static bool province_known(char tens, char units)
{
	static const uint16_t used[10] = {
		[1] = 0x03e, /* 11-15 */
		[2] = 0x00e, /* 21-23 */
		[3] = 0x0fe, /* 31-37 */
		[4] = 0x07e, /* 41-46 */
		[5] = 0x01f, /* 50-54 */
		[6] = 0x03e, /* 61-65 */
		[7] = 0x002, /* 71 */
		[8] = 0x006, /* 81, 82 */
	};

	return digit(tens) && digit(units) && (used[tens - '0'] >> (units - '0') & 1);
}

bool ids_province_valid(const char *two_digits)
{
	return two_digits[0] && two_digits[1] && !two_digits[2] && province_known(two_digits[0], two_digits[1]);
}

static bool among(const char *code, const char *const *codes)
{
	for (; *codes; codes++)
		if (strncmp(code, *codes, strlen(*codes)) == 0)
			return true;
	return false;
}

/* 东莞, 中山, 嘉峪关, 儋州: cities without districts (DOMAIN §1; divisions.csv has them as county, too). */
static const char *const undivided_cities[] = { "441900", "442000", "620200", "460400", NULL };

bool ids_division_valid(const char *text)
{
	for (int i = 0; i < 6; i++)
		if (!digit(text[i]))
			return false;
	if (text[6] != '\0' || !province_known(text[0], text[1]))
		return false;
	return text[4] != '0' || text[5] != '0' || among(text, undivided_cities);
}

static const char *const municipalities[] = { "11", "12", "31", "50", NULL };

void ids_unit_of(const char *division, char unit[static UNIT_SIZE])
{
	memcpy(unit, division, UNIT_SIZE - 1);
	unit[UNIT_SIZE - 1] = '\0';
	if (!among(division, municipalities) && memcmp(division + 2, "90", 2) != 0)
		memcpy(unit + 4, "00", 2);
}
