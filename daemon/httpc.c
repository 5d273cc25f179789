/* SPDX-License-Identifier: MIT
 *
 * curl_multi_socket_action in an sd-event loop: curl says which sockets to watch and when to wake it; both become event
 * sources. Finished calls are taken from curl's list after each of its turns, so `done` runs outside curl and may start
 * the next call.
 */
#include "httpc.h"

#include "err.h"
#include "timer.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#define CONNECT_TIMEOUT_MS 5000L
#define ANSWER_MAX ((size_t)1024 * 1024) /* whoever sends more is cut off */

struct httpc {
	sd_event *event; /* borrowed */
	CURLM *multi;
	sd_event_source *timer;
	struct httpc_call *calls;
};

struct httpc_call {
	struct httpc *h;
	CURL *easy;
	struct curl_slist *headers, *recipients;
	const char *mail; /* what is left of it to upload; NULL: HTTP */
	size_t mail_left;
	void (*done)(void *context, const struct httpc_answer *answer);
	void *context;
	struct httpc_answer answer;
	size_t kept, received;
	struct httpc_call *prev, *next;
};

static void call_free(struct httpc_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->h->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	curl_slist_free_all(c->recipients);
	free(c);
}

void httpc_cancel(struct httpc_call *c)
{
	if (!c)
		return;
	curl_multi_remove_handle(c->h->multi, c->easy);
	call_free(c);
}

static void finish(struct httpc_call *c, CURLcode code)
{
	struct httpc_answer *a = &c->answer;
	long status = 0;
	curl_off_t after = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &after);
	a->status = code == CURLE_OK ? (int)(c->mail ? 250 : status) : c->mail && status >= 400 ? (int)status : 0;
	a->why = code == CURLE_OK ? "" : curl_easy_strerror(code);
	a->retry_after_s = after > 0 ? (int64_t)after : 0;
	curl_multi_remove_handle(c->h->multi, c->easy);
	c->done(c->context, a);
	call_free(c);
}

static void take_finished(struct httpc *h)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(h->multi, &left))) {
		CURLcode code = message->data.result;
		char *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		finish((struct httpc_call *)(void *)call, code);
	}
}

static int on_socket_event(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct httpc *h = context;
	int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;

	(void)source;
	curl_multi_socket_action(h->multi, fd, what, &running);
	take_finished(h);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct httpc *h = context;
	int running;

	(void)source;
	(void)usec;
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_finished(h);
	return 0;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
	static const uint32_t wanted[] = { [CURL_POLL_IN] = EPOLLIN, [CURL_POLL_OUT] = EPOLLOUT,
					   [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT };
	struct httpc *h = context;
	sd_event_source *source = socket_context;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (what < CURL_POLL_IN || what > CURL_POLL_INOUT)
		return 0;
	if (source)
		return sd_event_source_set_io_events(source, wanted[what]) < 0 ? -1 : 0;
	if (sd_event_add_io(h->event, &source, fd, wanted[what], on_socket_event, h) < 0)
		return -1;
	curl_multi_assign(h->multi, fd, source);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct httpc *h = context;

	(void)multi;
	if (timeout_ms < 0)
		return timer_stop(h->timer) < 0 ? -1 : 0;
	return timer_set(h->timer, (uint64_t)timeout_ms * 1000) < 0 ? -1 : 0;
}

static size_t on_body(char *p, size_t size, size_t count, void *context)
{
	struct httpc_call *c = context;
	size_t len = size * count, room = HTTPC_BODY_KEPT - c->kept;

	memcpy(c->answer.body + c->kept, p, MIN(len, room));
	c->kept += MIN(len, room);
	c->received += len;
	return c->received > ANSWER_MAX ? 0 : len;
}

int httpc_new(sd_event *event, struct httpc **ret)
{
	struct httpc *h = xcalloc(1, sizeof *h);
	int r;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->event = event;
	h->multi = curl_multi_init();
	r = h->multi ? timer_new(event, &h->timer, on_timer, h) : -ENOMEM;
	if (r < 0) {
		httpc_free(h);
		return r;
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	*ret = h;
	return 0;
}

void httpc_free(struct httpc *h)
{
	if (!h)
		return;
	while (h->calls)
		httpc_cancel(h->calls);
	if (h->multi)
		curl_multi_cleanup(h->multi);
	sd_event_source_disable_unref(h->timer);
	free(h);
}

static void set_body(struct httpc_call *c, const struct httpc_request *request)
{
	curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, request->method);
	if (!request->body)
		return;
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->len);
}

static void set_headers(struct httpc_call *c, const struct httpc_request *request)
{
	c->headers = curl_slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
	for (size_t i = 0; request->headers && request->headers[i]; i++)
		c->headers = curl_slist_append(c->headers, request->headers[i]);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "nurseryd/" NURSERYD_VERSION);
}

static size_t on_upload(char *p, size_t size, size_t count, void *context)
{
	struct httpc_call *c = context;
	size_t n = MIN(size * count, c->mail_left);

	memcpy(p, c->mail, n);
	c->mail += n;
	c->mail_left -= n;
	return n;
}

static void set_mail(struct httpc_call *c, const struct httpc_request *request)
{
	c->mail = request->body;
	c->mail_left = request->len;
	for (size_t i = 0; request->mail_to[i]; i++)
		c->recipients = curl_slist_append(c->recipients, request->mail_to[i]);
	curl_easy_setopt(c->easy, CURLOPT_MAIL_FROM, request->mail_from);
	curl_easy_setopt(c->easy, CURLOPT_MAIL_RCPT, c->recipients);
	curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, on_upload);
	curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->len);
	curl_easy_setopt(c->easy, CURLOPT_USE_SSL, (long)(request->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	if (request->credential && *request->credential)
		curl_easy_setopt(c->easy, CURLOPT_USERPWD, request->credential);
}

static void set_caution(struct httpc_call *c, int64_t timeout_ms)
{
	curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
}

static void enlist(struct httpc *h, struct httpc_call *c)
{
	c->next = h->calls;
	if (h->calls)
		h->calls->prev = c;
	h->calls = c;
}

int httpc_start(struct httpc *h, const struct httpc_request *request, struct httpc_call **ret)
{
	struct httpc_call *c = xcalloc(1, sizeof *c);

	*c = (struct httpc_call){ .h = h, .done = request->done, .context = request->context };
	enlist(h, c);
	c->easy = curl_easy_init();
	if (!c->easy) {
		call_free(c);
		return -ENOMEM;
	}
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	set_caution(c, request->timeout_ms);
	if (request->ca_file && *request->ca_file)
		curl_easy_setopt(c->easy, CURLOPT_CAINFO, request->ca_file);
	if (request->mail_from) {
		set_mail(c, request);
	} else {
		set_body(c, request);
		set_headers(c, request);
	}
	if (curl_easy_setopt(c->easy, CURLOPT_URL, request->url) != CURLE_OK ||
	    curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		call_free(c);
		return -EINVAL;
	}
	*ret = c;
	return 0;
}
