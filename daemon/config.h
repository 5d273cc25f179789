/* SPDX-License-Identifier: MIT
 *
 * Ports: the configuration file (CONTRACT §5), and the reading of any libconfig text against option tables.
 * config_tree.c is the only file that includes <libconfig.h>, because libconfig 1.5 must be watched: it turns
 * 99999999999 into 1215752191, and whoever looks values up by name never hears of a misspelt key.
 */
#pragma once

#include "config_notify.h"
#include "log.h"
#include "options.h"

#define CONFIG_SUBSCRIBE_MAX 16

enum config_influx_api { CONFIG_INFLUX_V1, CONFIG_INFLUX_V2 };

/* All texts are non-NULL; "" means not set. All paths are absolute or "". Immutable once loaded. */
struct config {
	char *file; /* "" when all is default */
	char *instance;
	char *policy_path;
	struct {
		char *path;
		int64_t reserve_bytes; /* 0: none is kept */
	} store;
	struct {
		char *url;
		char *host; /* of url, without brackets */
		int port;
		bool tls;
		char *client_id; /* "": nurseryd-<random, kept in the database> */
		int protocol;    /* as written: 3 or 5 */
		bool protocol_v5;
		char *subscribe[CONFIG_SUBSCRIBE_MAX + 1]; /* ends with NULL */
		size_t subscribe_count;
		bool sandbox;
		int64_t gap_grace_ms;
		char *username, *password_file, *ca_file, *cert_file, *key_file;
	} mqtt;
	struct {
		char *listen;
		char *listen_host; /* "": no TCP */
		int listen_port; /* 0: any free one */
		char *socket; /* "": no Unix socket */
	} http;
	struct {
		char *url; /* "": off */
		int api;   /* enum config_influx_api */
		char *database, *org, *bucket, *token_file;
		bool sites;
	} influx;
	struct {
		int64_t every_ms;
	} indicators;
	struct {
		struct option_rate per_site; /* as written; the same as the two below */
		int64_t per_site_count, per_site_ms;
	} limits;
	enum log_level log_level;
	struct config_notify notify;
	struct config_items people; /* of struct person */
};

/* NULL: all defaults, relative to the working directory. Returns 0; or -errno (-EINVAL for what the file says) with
 * one line an error in errors: `file:line: key: what was found, what is wanted`. All errors of a file are reported. */
int config_load(const char *path, struct config **ret, struct buf *errors);
void config_free(struct config *c);
void config_freep(struct config **c);
/* A complete, commented file that loads to the same. Holds names of secret files, never a secret. */
void config_print(const struct config *c, struct buf *out);
/* A line each for what works and is no good idea: secrets that everybody may read, tokens in the clear. */
void config_careless(const struct config *c, struct buf *out);

/* The content of a file such as mqtt.password_file without one newline at its end; the caller frees it. -errno;
 * -EINVAL for more than 4096 bytes or a NUL. Read when it is used, so a new password needs no restart. */
int config_read_secret(const char *path, char **ret);
/* A whole regular file, at most max bytes (-EFBIG), appended to ret. */
int config_read_bytes(const char *path, size_t max, struct buf *ret);

/* --- for tables of dated data (policy.c); in config_tree.c --- */

/* Every version begins with this: it is in force from effective_on until the next one's. */
struct config_version {
	int64_t effective_on;
	char *source;
};

/* Versions in ascending effective_on, at least one; we own them. */
struct config_versions {
	void *first;
	size_t count;
	size_t size; /* of one */
};

/* name = ( { effective_on = …; source = …; … }, … ); */
struct config_section {
	const char *name;
	const struct option *rows; /* offsets into one version */
	size_t row_count;
	size_t size;   /* of one version */
	size_t offset; /* of struct config_versions in the target */
	const char *since; /* `name = ( { … } );` with one key a line: the section as it was introduced; NULL none */
};

struct config_dated {
	const struct config_section *sections;
	size_t count;
	void *target; /* zeroed by the caller, and on errors too it must be given to config_release_versions */
	bool fill;    /* a missing section or key is taken from `since`; else it is an error that shows its lines */
};

#define CONFIG_VERSION_ROWS \
	{ .path = "effective_on", .type = OPTION_DAY, .offset = offsetof(struct config_version, effective_on) }, \
	{ .path = "source", .type = OPTION_TEXT, .offset = offsetof(struct config_version, source), \
	  .check = config_check_source, .wants = "the document it is taken from, or \"local rule\"" }

bool config_check_source(const char *text);
/* As config_load, from bytes; name stands in errors. */
int config_read_versions(const char *bytes, size_t len, const char *name, const struct config_dated *what, struct buf *errors);
void config_release_versions(const struct config_section *sections, size_t count, void *target);
/* The version in force on a day; the first one for earlier days. NULL when there is none. */
const void *config_version_on(const struct config_versions *versions, int64_t day);
