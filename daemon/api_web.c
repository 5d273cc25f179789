/* SPDX-License-Identifier: MIT
 *
 * The page at "/" and what it loads: a fixed list, so no path of a stranger's ever reaches the file system. Our own
 * files (web/) are part of the program: page and API are always of one version, and a sandboxed daemon needs no
 * directory. Chart.js stays Debian's: its file is read when asked for, and the page shows a table without it.
 */
#include "api_route.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((off_t)4 * 1024 * 1024)
#define CHART "/usr/share/javascript/chart.js/chart.min.js" /* libjs-chart.js */

/* Nothing from elsewhere, nothing inline, no frame around us, no form to anywhere. */
#define POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';" \
	" form-action 'none'; frame-ancestors 'none'"

/* The bytes of web/FILE between name and name_end; the path is relative to where make runs. */
#define INCLUDE(name, file) \
	__asm__(".section .rodata\n.balign 16\nweb_" #name ":\n.incbin \"web/" file "\"\nweb_" #name \
		"_end:\n.byte 0\n.previous\n"); \
	extern const char web_##name[], web_##name##_end[]

INCLUDE(index, "index.html");
INCLUDE(style, "style.css");
INCLUDE(icon, "icon.svg");
INCLUDE(app, "app.js");
INCLUDE(page, "page.js");
INCLUDE(site, "site.js");
INCLUDE(source, "source.js");
INCLUDE(texts, "texts.js");
INCLUDE(units, "units.js");
INCLUDE(unit, "unit.js");
INCLUDE(watch, "watch.js");
INCLUDE(worklist, "worklist.js");

#define HTML "text/html; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

static const struct web_file {
	const char *name; /* behind /web/; "" is the page */
	const char *content_type;
	const char *start, *end; /* of our own */
	const char *path;        /* of the system's */
} files[] = {
	{ "", HTML, web_index, web_index_end, NULL },
	{ "style.css", "text/css; charset=utf-8", web_style, web_style_end, NULL },
	{ "icon.svg", "image/svg+xml", web_icon, web_icon_end, NULL },
	{ "app.js", SCRIPT, web_app, web_app_end, NULL },
	{ "page.js", SCRIPT, web_page, web_page_end, NULL },
	{ "site.js", SCRIPT, web_site, web_site_end, NULL },
	{ "source.js", SCRIPT, web_source, web_source_end, NULL },
	{ "texts.js", SCRIPT, web_texts, web_texts_end, NULL },
	{ "units.js", SCRIPT, web_units, web_units_end, NULL },
	{ "unit.js", SCRIPT, web_unit, web_unit_end, NULL },
	{ "watch.js", SCRIPT, web_watch, web_watch_end, NULL },
	{ "worklist.js", SCRIPT, web_worklist, web_worklist_end, NULL },
	{ "chart.js", SCRIPT, NULL, NULL, CHART },
};

static int read_all(int fd, size_t len, struct buf *out)
{
	char chunk[16384];

	while (out->len < len) {
		ssize_t n = read(fd, chunk, sizeof chunk);

		if (n <= 0)
			return n < 0 ? -errno : -EIO; /* shrunk under us */
		buf_add(out, chunk, (size_t)n);
	}
	return 0;
}

static int read_file(const char *path, struct buf *out)
{
	struct stat st = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX))
		r = -EINVAL;
	if (r == 0)
		r = read_all(fd, (size_t)st.st_size, out);
	if (fd >= 0)
		close(fd);
	return r;
}

static int send_file(struct api_call *c, const struct web_file *f)
{
	if (f->start)
		buf_add(&c->rs->body, f->start, (size_t)(f->end - f->start));
	else if (read_file(f->path, &c->rs->body) < 0) {
		buf_reset(&c->rs->body);
		return API_NOT_FOUND;
	}
	c->rs->content_security_policy = POLICY;
	api_send(c, f->content_type);
	return 0;
}

static int web(struct api_call *c, json **ret)
{
	const char *name = c->holes[0] ? c->holes[0] : "";

	(void)ret;
	if (c->holes[0] && !*name) /* "/web/": not a second address of the page */
		return API_NOT_FOUND;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].name, name) == 0)
			return send_file(c, &files[i]);
	return API_NOT_FOUND;
}

const struct api_route api_web_routes[] = {
	{ .method = "GET", .pattern = "/", .handler = web, .root = true },
	{ .method = "GET", .pattern = "/web/{file}", .handler = web, .root = true },
	{ 0 },
};
