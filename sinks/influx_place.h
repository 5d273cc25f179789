/* SPDX-License-Identifier: MIT
 *
 * Edges: where InfluxDB's two write APIs want the lines, and how each wants the credential.
 */
#pragma once

#include "../daemon/buf.h"
#include "../daemon/config.h"

void influx_place_url(const struct config *c, struct buf *url);
/* The header line, read anew from influx.token_file; NULL without one. < 0: the file cannot be read, or holds a line end. */
int influx_place_credential(const struct config *c, char **authorization);
/* Overwrites, then frees; NULL is fine. */
void influx_place_forget(char *secret);
