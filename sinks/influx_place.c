/* SPDX-License-Identifier: MIT */
#include "influx_place.h"

#include "../daemon/err.h"

#include <errno.h>

static void add_query(struct buf *url, const char *key, const char *value)
{
	buf_printf(url, "%c%s=", strchr(url->p, '?') ? '&' : '?', key);
	for (; *value; value++)
		if (strchr("-._~", *value) || (*value >= '0' && *value <= '9') ||
		    ((*value | 0x20) >= 'a' && (*value | 0x20) <= 'z'))
			buf_char(url, *value);
		else
			buf_printf(url, "%%%02X", (unsigned char)*value);
}

static void basic(const char *secret, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(secret);

	buf_str(out, "Basic ");
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)secret[i] << 16;

		v |= i + 1 < len ? (uint32_t)(unsigned char)secret[i + 1] << 8 : 0;
		v |= i + 2 < len ? (uint32_t)(unsigned char)secret[i + 2] : 0;
		buf_char(out, digits[v >> 18 & 63]);
		buf_char(out, digits[v >> 12 & 63]);
		buf_char(out, i + 1 < len ? digits[v >> 6 & 63] : '=');
		buf_char(out, i + 2 < len ? digits[v & 63] : '=');
	}
}

static void token(const char *secret, struct buf *out)
{
	buf_printf(out, "Token %s", secret);
}

static void place_v1(const struct config *c, struct buf *url)
{
	buf_str(url, "/write");
	add_query(url, "db", c->influx.database);
}

static void place_v2(const struct config *c, struct buf *url)
{
	buf_str(url, "/api/v2/write");
	add_query(url, "org", c->influx.org);
	add_query(url, "bucket", c->influx.bucket);
}

static const struct {
	void (*place)(const struct config *c, struct buf *url);
	void (*credential)(const char *secret, struct buf *out);
} apis[] = {
	[CONFIG_INFLUX_V1] = { place_v1, basic },
	[CONFIG_INFLUX_V2] = { place_v2, token },
};

void influx_place_url(const struct config *c, struct buf *url)
{
	buf_reset(url);
	buf_str(url, c->influx.url);
	while (url->len > 0 && url->p[url->len - 1] == '/')
		url->p[--url->len] = '\0';
	apis[c->influx.api].place(c, url);
	add_query(url, "precision", "ms");
}

void influx_place_forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* A line end in it would be a second header. */
int influx_place_credential(const struct config *c, char **authorization)
{
	_cleanup_(buf_done) struct buf header = { 0 };
	char *secret = NULL;
	int r;

	influx_place_forget(*authorization);
	*authorization = NULL;
	if (!*c->influx.token_file)
		return 0;
	r = config_read_secret(c->influx.token_file, &secret);
	if (r >= 0 && (!*secret || strpbrk(secret, "\r\n")))
		r = -EINVAL;
	if (r >= 0) {
		buf_str(&header, "Authorization: ");
		apis[c->influx.api].credential(secret, &header);
		*authorization = buf_take(&header);
	}
	influx_place_forget(secret);
	return r;
}
