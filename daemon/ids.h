/* SPDX-License-Identifier: MIT
 *
 * Ground: identifiers (DOMAIN §7, CONTRACT §1). Pure.
 */
#pragma once

#include <stdbool.h>

#define UNIT_SIZE 7

/* 18 characters of the USCC alphabet with a right check character (GB 32100-2015). */
bool ids_uscc_valid(const char *text);
char ids_uscc_check(const char *first17); /* '\0' when a character is not in the alphabet */
/* USCC, or USCC-NN with NN = 01…99. */
bool ids_site_valid(const char *text);
/* Six digits, the first pair a province code of GB/T 2260, the last pair not 00 (county level), but for the four
 * prefecture-level cities without districts, whose one county-level row has the city's own code (DOMAIN §1). */
bool ids_division_valid(const char *text);
bool ids_province_valid(const char *two_digits);
/* The unit (可参评单位) a valid division counts for: Beijing, Tianjin, Shanghai, Chongqing (11, 12, 31, 50): the
 * district itself; middle pair 90 (province-direct county): the division itself; else first four digits + 00. */
void ids_unit_of(const char *division, char unit[static UNIT_SIZE]);
