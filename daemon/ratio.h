/* SPDX-License-Identifier: MIT
 *
 * Ground: exact fractions (DOMAIN §2 "exact integers and fractions throughout"): compared by cross products in 128 bits,
 * decimal strings as integers over a power of ten.
 */
#pragma once

/* numerator / denominator, denominator > 0. */
struct ratio {
	__int128 numerator, denominator;
};

/* "-4.50" → -450 / 100. At most 24 digits, else -EINVAL; a product that does not fit 128 bits is found when comparing. */
int ratio_of_text(const char *text, struct ratio *ret);

/* r × numerator / denominator, both > 0 or the numerator 0. -ERANGE: it does not fit, and *r is what it was. */
int ratio_multiply(struct ratio *r, __int128 numerator, __int128 denominator);

/* a ? b as -1, 0, 1; 2 when a product does not fit, which no real figure reaches. */
#define RATIO_TOO_LARGE 2
int ratio_compare(struct ratio a, struct ratio b);
