/* SPDX-License-Identifier: MIT
 *
 * The JSON wrapper: whatever it takes, it writes so that it takes it again as the same value, and its canonical form is
 * a fixed point (the ledger hashes it).
 */
#include "fuzz.h"

#define DEPTH 6

static json *again(const struct buf *text)
{
	size_t offset;
	json *value;

	PROMISE(json_parse(text->p, text->len, DEPTH, &value, &offset) == 0);
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf first = { 0 }, second = { 0 }, compact = { 0 };
	json *value, *copy, *other;
	size_t offset = 0;

	if (json_parse((const char *)bytes, len, DEPTH, &value, &offset) < 0) {
		PROMISE(!value && offset <= len);
		return 0;
	}
	json_canonical(value, &first);
	copy = again(&first);
	json_canonical(copy, &second);
	json_compact(value, &compact);
	other = again(&compact);
	PROMISE(json_equal(value, copy) && json_equal(value, other));
	PROMISE(first.len == second.len && memcmp(first.p, second.p, first.len) == 0);
	json_free(value);
	json_free(copy);
	json_free(other);
	buf_done(&first);
	buf_done(&second);
	buf_done(&compact);
	return 0;
}
