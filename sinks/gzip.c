/* SPDX-License-Identifier: MIT */
#include "gzip.h"

#include "../daemon/err.h"

#include <errno.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* the largest window, with gzip's head */
#define GZIP_MEMORY 8

int gzip(const void *p, size_t len, struct buf *ret)
{
	z_stream z = { 0 };
	size_t bound;

	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&z, len);
	buf_reserve(ret, bound);
	z.next_in = (unsigned char *)(uintptr_t)p;
	z.avail_in = (unsigned)len;
	z.next_out = (unsigned char *)ret->p + ret->len;
	z.avail_out = (unsigned)bound;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
		deflateEnd(&z);
		return -EIO;
	}
	ret->len += z.total_out;
	deflateEnd(&z);
	return 0;
}
