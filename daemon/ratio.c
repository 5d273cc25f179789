/* SPDX-License-Identifier: MIT */
#include "ratio.h"

#include <errno.h>
#include <stdbool.h>

int ratio_of_text(const char *text, struct ratio *ret)
{
	bool negative = *text == '-', point = false;
	int digits = 0;

	*ret = (struct ratio){ 0, 1 };
	for (const char *p = text + negative; *p; p++) {
		if (*p == '.' && !point && digits > 0) {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9' || ++digits > 24)
			return -EINVAL;
		ret->numerator = ret->numerator * 10 + (*p - '0');
		if (point)
			ret->denominator *= 10;
	}
	if (negative)
		ret->numerator = -ret->numerator;
	return digits > 0 ? 0 : -EINVAL;
}

int ratio_multiply(struct ratio *r, __int128 numerator, __int128 denominator)
{
	struct ratio product;

	if (__builtin_mul_overflow(r->numerator, numerator, &product.numerator) ||
	    __builtin_mul_overflow(r->denominator, denominator, &product.denominator))
		return -ERANGE;
	*r = product;
	return 0;
}

int ratio_compare(struct ratio a, struct ratio b)
{
	__int128 left, right;

	if (__builtin_mul_overflow(a.numerator, b.denominator, &left) ||
	    __builtin_mul_overflow(b.numerator, a.denominator, &right))
		return RATIO_TOO_LARGE;
	return (left > right) - (left < right);
}
