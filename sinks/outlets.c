/* SPDX-License-Identifier: MIT */
#include "outlets.h"

#include "../daemon/clock.h"
#include "../daemon/err.h"

#include <errno.h>
#include <stdio.h>

#define TEXT_MAX 2000 /* bytes of a robot's text: WeCom takes 2048 */

void outlet_request_done(struct outlet_request *r)
{
	buf_done(&r->url);
	buf_done(&r->body);
	for (size_t i = 0; i < r->header_count; i++)
		buf_done(&r->headers[i]);
	r->header_count = 0;
}

static struct buf *add_header(struct outlet_request *r)
{
	return &r->headers[r->header_count++];
}

/* ---- escapers ---- */

void outlet_escape_robot(const char *text, struct buf *out)
{
	for (; *text; text++)
		if (*text == '<' || *text == '>')
			buf_str(out, *text == '<' ? "＜" : "＞");
		else
			buf_char(out, *text);
}

/* 45 bytes are 60 characters of base64, 72 with what stands around them. */
void outlet_escape_header(const char *text, struct buf *out)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = MIN(left, (size_t)45);

		while (n < left && n > 40 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--; /* not through a character */
		buf_str(out, "=?UTF-8?B?");
		buf_base64(out, text, n);
		buf_str(out, "?=");
		text += n;
		left -= n;
		if (left > 0)
			buf_str(out, "\r\n ");
	}
}

void outlet_escape_mail(const char *text, struct buf *out)
{
	for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
		n = MIN(left, (size_t)57);
		buf_base64(out, text, n);
		buf_str(out, "\r\n");
	}
}

static void url_encode(const char *text, struct buf *out)
{
	for (; *text; text++)
		if (strchr("-._~", *text) || (*text >= '0' && *text <= '9') || ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z'))
			buf_char(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
}

/* ---- texts ---- */

static const struct {
	const char *zh, *en;
} marks[PAGE_KIND_COUNT] = {
	[PAGE_RAISE] = { "", "" },
	[PAGE_ESCALATE] = { "【无人应答，升级】", "[NOT ACKNOWLEDGED] " },
	[PAGE_RESOLVE] = { "【已关闭】", "[CLOSED] " },
};

static enum brief_language language(const struct outlet_page *p)
{
	return p->sink->language == NOTIFY_EN ? BRIEF_EN : BRIEF_ZH;
}

static bool inside(const struct outlet_page *p)
{
	return p->sink->trust == NOTIFY_INSIDE;
}

/* The one line that this outlet may see. */
static void line(const struct outlet_page *p, struct buf *out)
{
	enum brief_language l = language(p);

	buf_str(out, l == BRIEF_ZH ? marks[p->page->kind].zh : marks[p->page->kind].en);
	if (inside(p))
		brief_line(p->brief, l, p->moment, out);
	else
		brief_line_outside(p->brief, l, p->moment->drill, out);
}

/* ---- webhook ---- */

static json *case_of(const struct outlet_page *p)
{
	return json_new_text(p->brief->case_id[0] ? p->brief->case_id : NULL);
}

static json *webhook_body(const struct outlet_page *p)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	json *o = json_new_object();

	json_set(o, "v", json_new_int(1));
	json_set(o, "kind", json_new_text(page_kind_words[p->page->kind]));
	json_set(o, "drill", json_new_bool(p->moment->drill));
	json_set(o, "severity", json_new_text(p->brief->severity));
	json_set(o, "unit", json_new_text(p->brief->unit));
	json_set(o, "case", case_of(p));
	line(p, &text);
	json_set(o, "line", json_new_text(text.p));
	if (!inside(p))
		return o;
	json_set(o, "level", json_new_int(p->page->level));
	json_set(o, "contact", json_new_text(p->page->contact[0] ? p->page->contact : NULL));
	json_set(o, "address", json_new_text(p->address[0] ? p->address : NULL));
	json_set(o, "alert", p->alert ? json_keep((json *)(uintptr_t)p->alert) : NULL);
	return o;
}

static void sign_webhook(const struct outlet_page *p, struct outlet_request *r)
{
	_cleanup_(buf_done) struct buf signed_text = { 0 };
	uint8_t mac[HASH_SIZE];
	char hex[HASH_HEX_SIZE];
	long long seconds = (long long)(p->moment->now / SECOND_MS);

	buf_printf(&signed_text, "%lld.", seconds);
	buf_add(&signed_text, r->body.p, r->body.len);
	hash_hmac_with(p->secret, strlen(p->secret), signed_text.p, signed_text.len, mac);
	buf_printf(add_header(r), "Idempotency-Key: %s", p->page->key);
	buf_printf(add_header(r), "X-Nurseryd-Timestamp: %lld", seconds);
	buf_printf(add_header(r), "X-Nurseryd-Signature: sha256=%s", hash_hex(mac, hex));
}

static void write_body(struct outlet_request *r, json *o)
{
	json_compact(o, &r->body);
	json_free(o);
}

static void encode_webhook(const struct outlet_page *p, struct outlet_request *r)
{
	write_body(r, webhook_body(p));
	sign_webhook(p, r);
}

/* ---- robots ---- */

static json *robot_text(const struct outlet_page *p)
{
	_cleanup_(buf_done) struct buf plain = { 0 }, text = { 0 };

	line(p, &plain);
	outlet_escape_robot(plain.p, &text);
	while (text.len > TEXT_MAX || (text.len > 0 && text.len == TEXT_MAX && ((unsigned char)text.p[text.len - 1] & 0xc0) == 0x80))
		text.p[--text.len] = '\0';
	return json_new_text(text.p);
}

static json *mentions(const struct outlet_page *p)
{
	json *list = json_new_list();

	if (p->address[0])
		json_push(list, json_new_text(p->address));
	return list;
}

static json *object_of(const char *key, json *value)
{
	json *o = json_new_object();

	json_set(o, key, value);
	return o;
}

static void encode_wecom(const struct outlet_page *p, struct outlet_request *r)
{
	json *o = object_of("msgtype", json_new_text("text")), *text = object_of("content", robot_text(p));

	json_set(text, "mentioned_list", mentions(p));
	json_set(o, "text", text);
	write_body(r, o);
}

static void robot_mac(const char *key, size_t key_len, const char *text, struct buf *base64)
{
	uint8_t mac[HASH_SIZE];

	hash_hmac_with(key, key_len, text, strlen(text), mac);
	buf_base64(base64, mac, sizeof mac);
}

/* Signs "timestamp\nsecret" with the secret; both go into the url. */
static void encode_dingtalk(const struct outlet_page *p, struct outlet_request *r)
{
	_cleanup_(buf_done) struct buf text = { 0 }, mac = { 0 };
	json *o = object_of("msgtype", json_new_text("text"));

	json_set(o, "text", object_of("content", robot_text(p)));
	json_set(o, "at", object_of("atUserIds", mentions(p)));
	write_body(r, o);
	if (!*p->secret)
		return;
	buf_printf(&text, "%lld\n%s", (long long)p->moment->now, p->secret);
	robot_mac(p->secret, strlen(p->secret), text.p, &mac);
	buf_printf(&r->url, "%ctimestamp=%lld&sign=", strchr(r->url.p, '?') ? '&' : '?', (long long)p->moment->now);
	url_encode(mac.p, &r->url);
	explicit_bzero(text.p, text.len);
}

/* The key is "timestamp\nsecret", the text is empty. */
static void encode_feishu(const struct outlet_page *p, struct outlet_request *r)
{
	_cleanup_(buf_done) struct buf key = { 0 }, mac = { 0 }, stamp = { 0 };
	json *o = object_of("msg_type", json_new_text("text"));

	if (*p->secret) {
		buf_printf(&stamp, "%lld", (long long)(p->moment->now / SECOND_MS));
		buf_printf(&key, "%s\n%s", stamp.p, p->secret);
		robot_mac(key.p, key.len, "", &mac);
		json_set(o, "timestamp", json_new_text(stamp.p));
		json_set(o, "sign", json_new_text(mac.p));
		explicit_bzero(key.p, key.len);
	}
	json_set(o, "content", object_of("text", robot_text(p)));
	write_body(r, o);
}

/* ---- mail ---- */

static void mail_date(int64_t now, struct buf *out)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t day = clock_local_day(now), at = (now - clock_day_start_ms(day)) / SECOND_MS;
	int year, month, day_of_month;

	clock_date_of(day, &year, &month, &day_of_month);
	buf_printf(out, "%s, %d %s %d %02d:%02d:%02d +0800", days[clock_weekday(day)], day_of_month, months[month - 1], year,
		   (int)(at / 3600), (int)(at / 60 % 60), (int)(at % 60));
}

static void mail_to(const struct outlet_page *p, struct buf *out)
{
	if (p->address[0]) {
		buf_printf(out, "<%s>", p->address);
		return;
	}
	for (size_t i = 0; p->sink->to[i]; i++)
		buf_printf(out, "%s<%s>", i > 0 ? ", " : "", p->sink->to[i]);
}

static void mail_text(const struct outlet_page *p, const char *subject, struct buf *out)
{
	buf_printf(out, "%s\r\n", subject);
	if (inside(p))
		buf_printf(out, "\r\nnurseryctl brief %s\r\nnurseryctl ack %s\r\n", p->brief->id, p->brief->id);
}

static void encode_mail(const struct outlet_page *p, struct outlet_request *r)
{
	_cleanup_(buf_done) struct buf subject = { 0 }, text = { 0 };

	line(p, &subject);
	mail_text(p, subject.p, &text);
	buf_printf(&r->body, "From: <%s>\r\nTo: ", p->sink->from);
	mail_to(p, &r->body);
	buf_str(&r->body, "\r\nSubject: ");
	outlet_escape_header(subject.p, &r->body);
	buf_str(&r->body, "\r\nDate: ");
	mail_date(p->page->created_at, &r->body);
	buf_printf(&r->body, "\r\nMessage-ID: <%s@nurseryd>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			     "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		   p->page->key);
	outlet_escape_mail(text.p, &r->body);
}

/* ---- Alertmanager ---- */

static void set_text(json *o, const char *key, const char *text)
{
	if (*text)
		json_set(o, key, json_new_text(text));
}

static json *labels(const struct outlet_page *p)
{
	const struct brief *b = p->brief;
	char province[3] = { b->unit[0], b->unit[0] ? b->unit[1] : '\0', '\0' };
	json *o = json_new_object();

	set_text(o, "alertname", inside(p) ? b->rule : "nurseryd");
	set_text(o, "severity", b->severity);
	set_text(o, "unit", b->unit);
	set_text(o, "case", b->case_id);
	if (p->moment->drill)
		set_text(o, "drill", "true");
	if (!inside(p))
		return o;
	set_text(o, "province", province);
	set_text(o, "alert", b->id);
	set_text(o, "site", b->site);
	return o;
}

static json *time_text(int64_t at)
{
	char text[CLOCK_TEXT_SIZE];

	return json_new_text(clock_format_time(at, text));
}

static void encode_alertmanager(const struct outlet_page *p, struct outlet_request *r)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	const struct brief *b = p->brief;
	json *o = object_of("labels", labels(p)), *list = json_new_list();
	bool open = b->closed_at == STORE_NULL;

	line(p, &text);
	json_set(o, "annotations", object_of("summary", json_new_text(text.p)));
	json_set(o, "startsAt", time_text(b->raised_at));
	json_set(o, "endsAt", time_text(open ? p->moment->now + p->sink->resolve_timeout_ms : MAX(b->closed_at, b->raised_at + 1)));
	json_push(list, o);
	write_body(r, list);
}

/* ---- the table ---- */

static const struct {
	void (*encode)(const struct outlet_page *p, struct outlet_request *r);
	const char *path; /* behind the url */
	const char *code; /* a robot says 200 and means what stands here; NULL: the status is all */
} outlets[] = {
	[NOTIFY_ALERTMANAGER] = { encode_alertmanager, "/api/v2/alerts", NULL },
	[NOTIFY_WEBHOOK] = { encode_webhook, "", NULL },
	[NOTIFY_WECOM] = { encode_wecom, "", "errcode" },
	[NOTIFY_DINGTALK] = { encode_dingtalk, "", "errcode" },
	[NOTIFY_FEISHU] = { encode_feishu, "", "code" },
	[NOTIFY_MAIL] = { encode_mail, "", NULL },
};

static bool several_lines(const char *text)
{
	return strpbrk(text, "\r\n") != NULL;
}

int outlet_encode(const struct outlet_page *p, int64_t peer, struct outlet_request *ret)
{
	const char *url = p->sink->urls[peer];
	size_t len = strlen(url);

	if (several_lines(p->secret) || several_lines(p->token) || several_lines(p->address))
		return -EINVAL;
	while (*outlets[p->sink->kind].path && len > 0 && url[len - 1] == '/')
		len--;
	buf_add(&ret->url, url, len);
	buf_str(&ret->url, outlets[p->sink->kind].path);
	buf_str(&ret->url, p->token);
	if (p->sink->kind != NOTIFY_MAIL)
		buf_str(add_header(ret), "Content-Type: application/json; charset=utf-8");
	outlets[p->sink->kind].encode(p, ret);
	return 0;
}

static const struct {
	bool mail;
	int first, last;
	enum outlet_verdict verdict;
} verdicts[] = {
	{ false, 200, 299, OUTLET_TAKEN }, { false, 408, 408, OUTLET_LATER }, { false, 425, 425, OUTLET_LATER },
	{ false, 429, 429, OUTLET_LATER }, { false, 500, 599, OUTLET_LATER }, { false, 0, 0, OUTLET_LATER },
	{ true, 200, 299, OUTLET_TAKEN },  { true, 400, 499, OUTLET_LATER },  { true, 0, 0, OUTLET_LATER },
};

static bool says_no(const char *body, const char *key)
{
	_cleanup_(json_freep) json *o = NULL;
	const json *code;
	size_t offset;

	if (json_parse(body, strlen(body), 8, &o, &offset) < 0)
		return true;
	code = json_get(o, key);
	return !code || json_kind(code) != JSON_KIND_INT || json_int(code) != 0;
}

enum outlet_verdict outlet_judge(int kind, const struct httpc_answer *a)
{
	enum outlet_verdict verdict = OUTLET_REFUSED;

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (verdicts[i].mail == (kind == NOTIFY_MAIL) && a->status >= verdicts[i].first && a->status <= verdicts[i].last)
			verdict = verdicts[i].verdict;
	if (verdict == OUTLET_TAKEN && outlets[kind].code && says_no(a->body, outlets[kind].code))
		return OUTLET_REFUSED;
	return verdict;
}
