/* SPDX-License-Identifier: MIT
 *
 * The acts of CONTRACT §2: recognised here so that 404, 405 and sizes are right, performed by the main thread.
 */
#include "api_route.h"

#define IMPORT_MAX ((size_t)16 * 1024 * 1024)

const struct api_route api_act_routes[] = {
	{ .method = "POST", .pattern = "/imports/{kind}", .roles = ROLE(OPERATOR) | ROLE(PROV_HC) | ROLE(NHC),
	  .body_max = IMPORT_MAX },
	{ .method = "POST", .pattern = "/lint/{feed}", .open = true, .body_max = (size_t)1024 * 1024 },
	{ .method = "POST", .pattern = "/backup", .roles = ROLE(OPERATOR) },
	{ .method = "POST", .pattern = "/rebuild", .roles = ROLE(OPERATOR) },
	{ .method = "POST", .pattern = "/sinks/{sink}/refill", .roles = ROLE(OPERATOR) },
	{ .method = "POST", .pattern = "/messages/{n}/replay", .roles = ROLE(OPERATOR) },
	{ .method = "POST", .pattern = "/messages/{n}/erase", .roles = ROLE(OPERATOR) },
	{ 0 },
};
