/* SPDX-License-Identifier: MIT
 *
 * The configuration file: refused with a reason, or loaded; what it loaded to is printed and loads to the same.
 */
#include "fuzz.h"

#include "../../daemon/config.h"

#include <sys/mman.h>

static int load(int fd, const void *bytes, size_t len, struct config **ret, struct buf *errors)
{
	char path[32];

	if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return config_load(path, ret, errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static int fd = -1;
	struct buf errors = { 0 }, printed = { 0 }, printed_again = { 0 };
	struct config *config = NULL, *again = NULL;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (load(fd, bytes, len, &config, &errors) < 0) {
		PROMISE(!config && errors.len > 0);
	} else {
		PROMISE(errors.len == 0);
		config_print(config, &printed);
		PROMISE(load(fd, printed.p, printed.len, &again, &errors) == 0);
		config_print(again, &printed_again);
		PROMISE(printed.len == printed_again.len && memcmp(printed.p, printed_again.p, printed.len) == 0);
	}
	config_free(config);
	config_free(again);
	buf_done(&errors);
	buf_done(&printed);
	buf_done(&printed_again);
	return 0;
}
