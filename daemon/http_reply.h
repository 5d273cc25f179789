/* SPDX-License-Identifier: MIT
 *
 * Edges: an answer of api.c as the library's: its headers, and smaller where the reader can unpack it. For http*.c only.
 */
#pragma once

#include "api.h"

/* Of the request; "" when it was not sent. */
const char *http_header(struct MHD_Connection *connection, const char *name);
/* Takes the body's bytes over. */
enum MHD_Result http_reply(struct MHD_Connection *connection, struct api_response *rs);
enum MHD_Result http_refuse(struct MHD_Connection *connection, int status, const char *title, const char *detail);
