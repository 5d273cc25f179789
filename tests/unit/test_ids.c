/* SPDX-License-Identifier: MIT
 *
 * Identifiers: USCC, site, division, unit. Golden values from DOMAIN §7.
 */
#include "../../daemon/err.h"
#include "../../daemon/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>

struct verdict {
	const char *text;
	bool valid;
};

static void check(const struct verdict *cases, size_t count, bool (*valid)(const char *))
{
	for (size_t i = 0; i < count; i++)
		if (valid(cases[i].text) != cases[i].valid)
			fail_msg("\"%s\" should be %s", cases[i].text, cases[i].valid ? "valid" : "invalid");
}

static void the_check_character_is_that_of_gb_32100(void **state)
{
	(void)state;
	assert_int_equal(ids_uscc_check("91350100M000100Y4"), '3');
	assert_int_equal(ids_uscc_check("52330100MJ8700166"), '0');
	assert_int_equal(ids_uscc_check("91350100M000100I4"), '\0'); /* I is not in the alphabet */
	assert_int_equal(ids_uscc_check("91350100"), '\0');
}

static const struct verdict usccs[] = {
	{ "52330106MJ0000018E", true },	  { "91330106MA0000023E", true },   { "12330106000000035P", true },
	{ "91350100M000100Y43", true },	  { "52330100MJ87001660", true },   { "52330106MJ0000018F", false },
	{ "25330106MJ0000018E", false },  { "52330106mj0000018e", false },  { "52330106MJ0000018", false },
	{ "52330106MJ0000018EE", false }, { "52330106MJ0000018E-01", false }, { "", false },
	{ "52330106MJ000001\xC3\xA9", false }, { "52330106MJ000001SE", false },
};

static void a_uscc_has_eighteen_characters_and_a_right_check(void **state)
{
	(void)state;
	check(usccs, ARRAY_SIZE(usccs), ids_uscc_valid);
}

static const struct verdict sites[] = {
	{ "52330106MJ0000018E", true },	    { "52330106MJ0000018E-01", true },	 { "52330106MJ0000018E-99", true },
	{ "52330106MJ0000018E-10", true },  { "52330106MJ0000018E-00", false },	 { "52330106MJ0000018E-1", false },
	{ "52330106MJ0000018E-", false },   { "52330106MJ0000018E-001", false }, { "52330106MJ0000018E_01", false },
	{ "52330106MJ0000018F-01", false }, { "52330106MJ0000018E-0A", false },
};

static void a_site_is_a_uscc_with_an_optional_number(void **state)
{
	(void)state;
	check(sites, ARRAY_SIZE(sites), ids_site_valid);
}

static const struct verdict divisions[] = {
	{ "330106", true },  { "110101", true },   { "659001", true }, { "419001", true }, { "820001", true },
	{ "441900", true },  { "442000", true },   { "620200", true }, { "460400", true }, /* cities without districts */
	{ "330100", false }, { "330000", false },  { "441800", false }, { "990106", false }, { "160101", false },
	{ "470101", false }, { "3301061", false }, { "33010", false }, { "33010a", false }, { "", false },
};

static void a_division_is_a_county_of_a_province(void **state)
{
	(void)state;
	check(divisions, ARRAY_SIZE(divisions), ids_division_valid);
}

static void the_provinces_are_those_of_gb_2260(void **state)
{
	static const char known[] = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 "
				    "64 65 71 81 82";
	char code[4];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(code, sizeof code, "%02d", i);
		assert_int_equal(ids_province_valid(code), strstr(known, code) != NULL);
	}
	assert_false(ids_province_valid("330"));
	assert_false(ids_province_valid("3"));
	assert_false(ids_province_valid(""));
}

static const struct {
	const char *division, *unit;
} units[] = {
	{ "330106", "330100" }, { "110105", "110105" }, { "120101", "120101" }, { "310115", "310115" },
	{ "500101", "500101" }, { "419001", "419001" }, { "659001", "659001" }, { "469002", "469002" },
	{ "441900", "441900" }, { "532901", "532900" },
};

static void a_division_counts_for_its_unit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		char unit[UNIT_SIZE];

		ids_unit_of(units[i].division, unit);
		assert_string_equal(unit, units[i].unit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_check_character_is_that_of_gb_32100),
		cmocka_unit_test(a_uscc_has_eighteen_characters_and_a_right_check),
		cmocka_unit_test(a_site_is_a_uscc_with_an_optional_number),
		cmocka_unit_test(a_division_is_a_county_of_a_province),
		cmocka_unit_test(the_provinces_are_those_of_gb_2260),
		cmocka_unit_test(a_division_counts_for_its_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
