/* SPDX-License-Identifier: MIT
 *
 * Ports, for config.c only: the forms that texts of the configuration must have. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* "host", "host:port", "[::1]:port". port stands where none is written; the least one that may be written is
 * port_min. 0, or -EINVAL; *ret_host points into text. */
int config_split_address(const char *text, int port, int port_min, const char **ret_host, size_t *ret_len, int *ret_port);
int config_split_mqtt(const char *url, const char **ret_host, size_t *ret_len, int *ret_port, bool *ret_tls);
/* Port 0: the system chooses. */
int config_split_listen(const char *text, const char **ret_host, size_t *ret_len, int *ret_port);

bool config_check_mqtt_url(const char *text);
bool config_check_listen(const char *text);
bool config_check_http_url(const char *text); /* without user:password: a configuration is printed and mailed around */
bool config_url_has_credentials(const char *url);
bool config_check_word(const char *text);
bool config_check_instance(const char *text);
bool config_check_filter(const char *text);
bool config_check_database(const char *text);
