// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "../base/io.h"
#include "files.h"

int files_lock(struct err *e, const char *path, int shared)
{
	_fd_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;
	char c;

	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", path);
	while (flock(fd, shared ? LOCK_SH : LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "flock \"%s\"", path);
	if (write_full(1, "held\n", 5) < 0)
		return 0;
	do
		n = read(0, &c, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
	return 0;
}
