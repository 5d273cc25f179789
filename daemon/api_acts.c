/* SPDX-License-Identifier: MIT
 *
 * The acts of CONTRACT §2: recognised here so that 404, 405 and sizes are right, performed by the main thread.
 */
#include "api_route.h"

#define IMPORT_MAX ((size_t)16 * 1024 * 1024)

const struct api_route api_act_routes[] = {
	{ .method = "POST", .pattern = "/alerts/{id}/actions" },
	{ .method = "POST", .pattern = "/incidents/{site}/{event}/actions" },
	{ .method = "POST", .pattern = "/imports/{kind}", .body_max = IMPORT_MAX },
	{ .method = "POST", .pattern = "/lint/{feed}", .open = true, .body_max = (size_t)1024 * 1024 },
	{ .method = "POST", .pattern = "/backup" },
	{ .method = "POST", .pattern = "/rebuild" },
	{ .method = "POST", .pattern = "/sinks/{sink}/refill" },
	{ .method = "POST", .pattern = "/messages/{n}/replay" },
	{ .method = "POST", .pattern = "/messages/{n}/erase" },
	{ 0 },
};
