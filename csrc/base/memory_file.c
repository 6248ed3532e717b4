// SPDX-License-Identifier: Apache-2.0
#include "memory_file.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

int memory_file(struct err *e, const char *name, const void *data, size_t length)
{
	_fd_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	int r;

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "memfd_create");
	fd = fd_above_stdio(fd);
	r = write_full(fd, data, length);
	if (r < 0)
		return err_set(e, -r, "write to memory");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, errno, "lseek");
	return take_fd(&fd);
}
