/* SPDX-License-Identifier: MIT */
#include "config_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int config_split_address(const char *text, int port, int port_min, const char **ret_host, size_t *ret_len, int *ret_port)
{
	const char *end;
	long v = port;

	if (*text == '[') {
		*ret_host = text + 1;
		*ret_len = strcspn(text + 1, "]");
		end = text + 1 + *ret_len + 1;
		if (text[1 + *ret_len] != ']' || strspn(text + 1, "0123456789abcdefABCDEF:.") < *ret_len)
			return -EINVAL;
	} else {
		*ret_host = text;
		*ret_len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_");
		end = text + *ret_len;
	}
	if (*end == ':') {
		size_t n = strspn(++end, "0123456789");

		v = n > 0 && n <= 5 ? strtol(end, NULL, 10) : -1;
		end += n;
	}
	if (*ret_len == 0 || *ret_len > 253 || *end != '\0' || v < port_min || v > 65535)
		return -EINVAL;
	*ret_port = (int)v;
	return 0;
}

static bool scheme(const char **text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*text, word, n) != 0)
		return false;
	*text += n;
	return true;
}

int config_split_mqtt(const char *url, const char **ret_host, size_t *ret_len, int *ret_port, bool *ret_tls)
{
	*ret_tls = scheme(&url, "mqtts://");
	if (!*ret_tls && !scheme(&url, "mqtt://"))
		return -EINVAL;
	return config_split_address(url, *ret_tls ? 8883 : 1883, 1, ret_host, ret_len, ret_port);
}

/* The port must be written: -1 is below every port that may be. */
int config_split_listen(const char *text, const char **ret_host, size_t *ret_len, int *ret_port)
{
	return config_split_address(text, -1, 0, ret_host, ret_len, ret_port);
}

bool config_check_mqtt_url(const char *text)
{
	const char *host;
	size_t len;
	int port;
	bool tls;

	return config_split_mqtt(text, &host, &len, &port, &tls) == 0;
}

bool config_check_listen(const char *text)
{
	const char *host;
	size_t len;
	int port;

	return !*text || config_split_listen(text, &host, &len, &port) == 0;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= 0x20 || *text == 0x7f)
			return false;
	return true;
}

bool config_url_has_credentials(const char *url)
{
	const char *host = strstr(url, "://"), *at;

	at = host ? strpbrk(host + 3, "@/?#") : NULL;
	return at && *at == '@';
}

bool config_check_http_url(const char *text)
{
	if (!*text)
		return true;
	if (config_url_has_credentials(text))
		return false;
	return (scheme(&text, "http://") || scheme(&text, "https://")) && *text && *text != '/' && printable(text);
}

bool config_check_word(const char *text)
{
	size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-");

	return n <= 64 && text[n] == '\0';
}

bool config_check_instance(const char *text)
{
	return *text && config_check_word(text);
}

/* MQTT 5 §4.7: + stands alone between slashes, # alone at the end. Shared subscriptions reorder (DESIGN §7). */
bool config_check_filter(const char *text)
{
	if (!*text || strncmp(text, "$share", 6) == 0)
		return false;
	for (const char *p = text; *p; p++) {
		bool first = p == text || p[-1] == '/';

		if (*p == '#' && (!first || p[1]))
			return false;
		if (*p == '+' && (!first || (p[1] && p[1] != '/')))
			return false;
	}
	return printable(text);
}

bool config_check_database(const char *text)
{
	return strlen(text) <= 128 && printable(text);
}
