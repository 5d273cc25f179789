/* SPDX-License-Identifier: MIT
 *
 * Every accepted message walks through here, so the cheap refusal comes first: a key whose first letter begins no
 * forbidden key, a string with fewer than 18 bytes. Nothing is allocated unless something is found.
 */
#include "privacy.h"

#include "clock.h"
#include "err.h"
#include "ids.h"

#include <stdio.h>

#define IDENTITY_LEN 18
#define USCC_LEN 18
#define MOBILE_LEN 11
#define KEY_LEN_MIN 5 /* of the shortest forbidden key; 姓名 has 6 bytes */
#define KEY_LEN_MAX 16

#define KEY(text) { sizeof text - 1, text }

/* CONTRACT §1, "No personal data", first rule: lower case, without "_", "-" and spaces. */
static const struct {
	size_t len;
	const char *text;
} forbidden_keys[] = {
	KEY("childname"), KEY("childrenname"), KEY("guardian"), KEY("parent"), KEY("parentname"), KEY("idcard"),
	KEY("idnumber"), KEY("passport"), KEY("phone"), KEY("mobile"), KEY("telephone"), KEY("birthday"),
	KEY("birthdate"), KEY("homeaddress"), KEY("photo"), KEY("diagnosis"), KEY("姓名"), KEY("家长"),
	KEY("监护人"), KEY("身份证"), KEY("身份证号"), KEY("护照"), KEY("电话"), KEY("联系电话"), KEY("手机"),
	KEY("手机号"), KEY("住址"), KEY("家庭住址"), KEY("生日"), KEY("出生日期"), KEY("照片"), KEY("诊断"),
};

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool alphanumeric(char c)
{
	return digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* "-", "_" and " " as people type them: a Chinese keyboard gives the wide ones, a text program the unbreakable ones. */
static const struct {
	size_t len;
	const char *text;
} dropped[] = {
	KEY(" "),	     KEY("-"),		  KEY("\t"),		KEY("\xc2\xa0"),     KEY("\xe3\x80\x80"),
	KEY("\xe2\x80\x90"), KEY("\xe2\x80\x91"), KEY("\xe2\x80\x92"), KEY("\xe2\x80\x93"), KEY("\xe2\x80\x94"),
	KEY("\xe2\x88\x92"), KEY("\xef\xbc\x8d"),
};

/* What one of them can begin with; most bytes are letters and digits. */
static bool may_be_dropped(char c)
{
	switch ((unsigned char)c) {
	case ' ':
	case '-':
	case '\t':
	case 0xc2:
	case 0xe2:
	case 0xe3:
	case 0xef:
		return true;
	default:
		return false;
	}
}

/* The bytes of a space or hyphen at text, 0 when there is none. */
static size_t dropped_at(const char *text, const char *end)
{
	if (!may_be_dropped(*text))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		if (dropped[i].text[0] == *text && (size_t)(end - text) >= dropped[i].len &&
		    memcmp(dropped[i].text, text, dropped[i].len) == 0)
			return dropped[i].len;
	return 0;
}

/* The letters that the forbidden keys begin with. */
#define FIRST_LETTERS "bcdghimpt"

/* Of a key that begins with another letter: nothing can be dropped before it. */
static bool begins_harmlessly(char first)
{
	return lower(first) >= 'a' && lower(first) <= 'z' && !strchr(FIRST_LETTERS, lower(first));
}

bool privacy_key_forbidden(const char *key)
{
	const char *end;
	char plain[KEY_LEN_MAX];
	size_t len = 0;

	if (begins_harmlessly(*key))
		return false;
	end = key + strlen(key);
	while (key < end) {
		size_t skip = *key == '_' ? 1 : dropped_at(key, end);

		if (skip > 0) {
			key += skip;
			continue;
		}
		if (len == sizeof plain)
			return false;
		plain[len++] = lower(*key++);
	}
	if (len < KEY_LEN_MIN)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_keys); i++)
		if (forbidden_keys[i].len == len && forbidden_keys[i].text[0] == plain[0] &&
		    memcmp(forbidden_keys[i].text, plain, len) == 0)
			return true;
	return false;
}

static bool birth_date_valid(const char *yyyymmdd, int64_t today)
{
	char text[11];
	int64_t day;

	snprintf(text, sizeof text, "%.4s-%.2s-%.2s", yyyymmdd, yyyymmdd + 4, yyyymmdd + 6);
	return clock_parse_day(text, &day) == 0 && day <= today; /* clock_parse_day begins at 1900 */
}

/* GB 11643: ISO 7064 MOD 11-2. */
static char identity_check(const char *first17)
{
	static const int weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(weights); i++)
		sum += weights[i] * (first17[i] - '0');
	return "10X98765432"[sum % 11];
}

static bool identity_number(const char *text, int64_t today)
{
	char last = text[IDENTITY_LEN - 1];

	for (int i = 0; i < IDENTITY_LEN - 1; i++)
		if (!digit(text[i]))
			return false;
	return birth_date_valid(text + 6, today) && identity_check(text) == (last == 'x' ? 'X' : last);
}

/* exempt: 18 characters, or NULL. */
static bool has_identity_number(const char *text, size_t len, int64_t today, const char *exempt)
{
	const char *end = text + len;

	if (len < IDENTITY_LEN)
		return false;
	while (text < end) {
		const char *run = text;

		while (text < end && alphanumeric(*text))
			text++;
		if (text - run == IDENTITY_LEN && identity_number(run, today) &&
		    !(exempt && memcmp(run, exempt, IDENTITY_LEN) == 0))
			return true;
		text++;
	}
	return false;
}

bool privacy_has_identity_number(const char *text, size_t len, int64_t today)
{
	return has_identity_number(text, len, today, NULL);
}

/* Digits of one run; more than fit are only counted: the run is too long then anyway. */
struct digits {
	size_t count;
	char text[MOBILE_LEN + 4]; /* the longest prefix is 0086 */
};

static void digits_add(struct digits *d, char c)
{
	if (d->count < sizeof d->text)
		d->text[d->count] = c;
	d->count++;
}

static bool mobile_number(const struct digits *d)
{
	const char *number;

	if (d->count < MOBILE_LEN || d->count > sizeof d->text)
		return false;
	if (d->count != MOBILE_LEN && !(d->count == MOBILE_LEN + 2 && memcmp(d->text, "86", 2) == 0) &&
	    !(d->count == MOBILE_LEN + 4 && memcmp(d->text, "0086", 4) == 0))
		return false;
	number = d->text + (d->count - MOBILE_LEN);
	return number[0] == '1' && number[1] >= '3';
}

static bool ends_with_mobile(struct digits *d)
{
	bool found = mobile_number(d);

	d->count = 0;
	return found;
}

/* One run of digits with spaces and hyphens between them; *p then stands behind it. The whole run is looked at; each
 * stretch with only the plain signs between, as who writes a wide hyphen may mean the end; and each piece between
 * spaces: two numbers side by side must not hide each other. */
static bool run_has_mobile(const char **p, const char *end)
{
	struct digits whole = { 0 }, stretch = { 0 }, piece = { 0 };
	const char *c = *p;
	bool found = false;

	for (size_t skip = 1; c < end && skip > 0; c += skip) {
		skip = digit(*c) ? 1 : dropped_at(c, end);
		if (digit(*c)) {
			digits_add(&whole, *c);
			digits_add(&stretch, *c);
			digits_add(&piece, *c);
			continue;
		}
		if (skip > 0 && *c != '-')
			found |= ends_with_mobile(&piece);
		if (skip > 0 && *c != '-' && *c != ' ')
			found |= ends_with_mobile(&stretch);
	}
	*p = c;
	return found || mobile_number(&piece) || mobile_number(&stretch) || mobile_number(&whole);
}

bool privacy_has_mobile(const char *text, size_t len)
{
	const char *end = text + len;

	if (len < MOBILE_LEN)
		return false;
	while (text < end) {
		if (!digit(*text))
			text++;
		else if (run_has_mobile(&text, end))
			return true;
	}
	return false;
}

bool privacy_bytes_suspicious(const char *bytes, size_t len, const char *site, int64_t today)
{
	return has_identity_number(bytes, len, today, site) || privacy_has_mobile(bytes, len);
}

bool privacy_may_show(const char *text, size_t len, const char *site, int64_t today)
{
	size_t characters = 0, cut = 0;

	for (; cut < len; cut++)
		if (((unsigned char)text[cut] & 0xc0) != 0x80 && characters++ == GOT_MAX)
			break;
	return !privacy_bytes_suspicious(text, len, site, today) && !privacy_bytes_suspicious(text, cut, site, today);
}

static bool key_showable(const char *key, int64_t today)
{
	size_t len = strlen(key);

	return len <= PATH_KEY_MAX && !privacy_bytes_suspicious(key, len, NULL, today);
}

char *privacy_path(const struct json_path *path, int64_t received_day)
{
	const struct json_path *shown = path;
	struct buf text = { 0 };

	for (; path; path = path->parent)
		if (path->key && !key_showable(path->key, received_day))
			shown = path->parent;
	json_pointer(shown, &text);
	return buf_take(&text);
}

static void add(const struct json_path *path, int64_t received_day, struct findings *f)
{
	_cleanup_(freep) char *text = privacy_path(path, received_day);

	for (size_t i = 0; i < f->count; i++) /* one value may break two rules */
		if (f->items[i].code == E_PII && strcmp(f->items[i].path, text) == 0)
			return;
	findings_add(f, E_PII, text, NULL, NULL);
}

/* What one walk needs to know. unknown: no field table describes this part, and privacy_check has looked already
 * for forbidden keys and for identity numbers in texts and keys. */
struct walk {
	const char *site; /* or NULL */
	int64_t today;
	bool unknown;
	struct findings *findings;
};

/* "A value equal to the topic's site or its USCC is exempt": all-digit codes can look like identity numbers. */
static bool is_site(const struct walk *w, const char *text, size_t len)
{
	return w->site && len >= USCC_LEN && strncmp(text, w->site, len) == 0 &&
	       (len == USCC_LEN || w->site[len] == '\0');
}

static bool text_refused(const struct walk *w, const char *text, size_t len)
{
	if (w->unknown)
		return privacy_has_mobile(text, len);
	return privacy_has_identity_number(text, len, w->today) && !is_site(w, text, len);
}

static bool number_refused(const struct walk *w, const json *value)
{
	char text[32];
	int len;

	if (!w->unknown)
		return false;
	if (json_kind(value) == JSON_KIND_INT)
		len = snprintf(text, sizeof text, "%lld", (long long)json_int(value));
	else
		len = snprintf(text, sizeof text, "%.17g", json_real(value));
	return privacy_bytes_suspicious(text, (size_t)len, NULL, w->today);
}

static bool key_refused(const struct walk *w, const char *key)
{
	size_t len = strlen(key);

	if (w->unknown)
		return privacy_has_mobile(key, len);
	return privacy_key_forbidden(key) || privacy_has_identity_number(key, len, w->today);
}

static void walk(const struct walk *w, const json *value, const struct json_path *path);

static void walk_object(const struct walk *w, const json *object, const struct json_path *path)
{
	for (void *i = json_first(object); i; i = json_next(object, i)) {
		struct json_path here = { .parent = path, .key = json_key(i) };

		if (key_refused(w, here.key))
			add(&here, w->today, w->findings);
		walk(w, json_value(i), &here);
	}
}

static void walk_list(const struct walk *w, const json *list, const struct json_path *path)
{
	struct json_path here = { .parent = path };

	for (; here.index < json_count(list); here.index++)
		walk(w, json_at(list, here.index), &here);
}

/* Recursion is bounded by DEPTH_MAX, which json_parse has checked. */
static void walk(const struct walk *w, const json *value, const struct json_path *path)
{
	switch (json_kind(value)) {
	case JSON_KIND_OBJECT:
		walk_object(w, value, path);
		break;
	case JSON_KIND_LIST:
		walk_list(w, value, path);
		break;
	case JSON_KIND_TEXT:
		if (text_refused(w, json_text(value), json_text_len(value)))
			add(path, w->today, w->findings);
		break;
	case JSON_KIND_INT:
	case JSON_KIND_REAL:
		if (number_refused(w, value))
			add(path, w->today, w->findings);
		break;
	case JSON_KIND_BOOL:
	case JSON_KIND_NULL:
		break;
	}
}

void privacy_check(const json *root, const char *site, int64_t received_day, struct findings *f)
{
	const struct walk w = { .site = site, .today = received_day, .findings = f };

	walk(&w, root, NULL);
}

void privacy_check_unknown(const json *value, const struct json_path *path, int64_t received_day,
			   struct findings *f)
{
	const struct walk w = { .today = received_day, .unknown = true, .findings = f };

	walk(&w, value, path);
}

void privacy_check_unknown_key(const struct json_path *path, int64_t received_day, struct findings *f)
{
	if (privacy_has_mobile(path->key, strlen(path->key)))
		add(path, received_day, f);
}
