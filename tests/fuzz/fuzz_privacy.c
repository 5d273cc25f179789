/* SPDX-License-Identifier: MIT
 *
 * The door against personal data, on JSON and on bytes that are none. Beside it stands a slow and simple reading of
 * CONTRACT "No personal data", written from the text: both must say the same of every text.
 */
#include "fuzz.h"

#include "../../daemon/envelope.h"

#define DIGITS_MAX 18

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool slow_date(const char *p, int64_t today)
{
	char text[11] = { p[0], p[1], p[2], p[3], '-', p[4], p[5], '-', p[6], p[7], '\0' };
	int64_t day;

	return clock_parse_day(text, &day) == 0 && day <= today;
}

/* ISO 7064 MOD 11-2 as it is defined: the recursive sum, not the weights. */
static bool slow_check(const char *p)
{
	int sum = 0;

	for (int i = 0; i < DIGITS_MAX - 1; i++)
		sum = (sum + (p[i] - '0')) * 2 % 11;
	sum += is_digit(p[17]) ? p[17] - '0' : 10;
	return sum % 11 == 1;
}

static bool slow_identity_at(const char *text, size_t len, size_t at, int64_t today)
{
	if (at + DIGITS_MAX > len || (at > 0 && is_alphanumeric(text[at - 1])) ||
	    (at + DIGITS_MAX < len && is_alphanumeric(text[at + DIGITS_MAX])))
		return false;
	for (size_t i = 0; i < DIGITS_MAX - 1; i++)
		if (!is_digit(text[at + i]))
			return false;
	if (!is_digit(text[at + 17]) && text[at + 17] != 'X' && text[at + 17] != 'x')
		return false;
	return slow_date(text + at + 6, today) && slow_check(text + at);
}

static bool slow_identity(const char *text, size_t len, int64_t today)
{
	for (size_t at = 0; at < len; at++)
		if (slow_identity_at(text, len, at, today))
			return true;
	return false;
}

/* Word by word: spaces and hyphens dropped, +86, 0086 or 86 before, not part of a longer run. */
static bool slow_mobile_run(const char *text, size_t len)
{
	char digits[16];
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		if (is_digit(text[i]) && count++ < 15)
			digits[count - 1] = text[i];
	if (count < 11 || count > 15)
		return false;
	digits[count] = '\0';
	if (count > 11 && strncmp(digits, "86", count - 11) != 0 && strncmp(digits, "0086", count - 11) != 0)
		return false;
	return (count == 11 || count == 13 || count == 15) && (count != 13 || digits[0] == '8') &&
	       digits[count - 11] == '1' && digits[count - 10] >= '3';
}

/* What CONTRACT asks for; more may be found (wide spaces, numbers side by side). */
static bool slow_mobile(const char *text, size_t len)
{
	for (size_t at = 0, run = 0; at < len; at += run + 1) {
		for (run = 0; at + run < len && memchr("0123456789 -", text[at + run], 12);)
			run++;
		if (slow_mobile_run(text + at, run))
			return true;
	}
	return false;
}

static void check_tree(const char *text, size_t len, int64_t today)
{
	struct findings f = { 0 };
	size_t offset;
	json *root;

	if (json_parse(text, len, DEPTH_MAX, &root, &offset) < 0)
		return;
	privacy_check(root, FUZZ_SITE, today, &f);
	privacy_check_unknown(root, NULL, today, &f);
	fuzz_check_findings(&f, FUZZ_SITE);
	if (json_kind(root) == JSON_KIND_TEXT)
		PROMISE(!slow_mobile(json_text(root), json_text_len(root)) || findings_has(&f, E_PII));
	findings_done(&f);
	json_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	int64_t today = clock_local_day(FUZZ_RECEIVED_AT);
	char *text = malloc(len + 1), *key;

	if (!text)
		abort();
	memcpy(text, bytes, len);
	text[len] = '\0';
	PROMISE(privacy_has_identity_number(text, len, today) == slow_identity(text, len, today));
	PROMISE(!slow_mobile(text, len) || privacy_has_mobile(text, len));
	privacy_bytes_suspicious(text, len, FUZZ_SITE, today);
	key = strndup(text, len);
	privacy_key_forbidden(key);
	check_tree(text, len, today);
	free(key);
	free(text);
	return 0;
}
