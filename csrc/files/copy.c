// SPDX-License-Identifier: Apache-2.0
#include "copy.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

/* linux/fs.h and musl's sys/mount.h clash. */
#define TS_FICLONE _IOW(0x94, 9, int)
#define MOST_AT_ONCE (1 << 30)

int copy_next_data(int fd, int64_t size, int64_t *begin, int64_t *end)
{
	off_t from = *begin < size ? lseek(fd, *begin, SEEK_DATA) : size, to;

	if (*begin >= size || (from < 0 && errno == ENXIO) || from >= size)
		return 0;
	if (from < 0) {
		/* A file system without holes. */
		*end = size;
		return errno == EINVAL || errno == EOPNOTSUPP ? 1 : -errno;
	}
	to = lseek(fd, from, SEEK_HOLE);
	if (to < 0)
		return -errno;
	*begin = from;
	*end = to < size ? to : size;
	return 1;
}

static int copy_part(int to, int from, off_t at, off_t end)
{
	if (lseek(to, at, SEEK_SET) < 0 || lseek(from, at, SEEK_SET) < 0)
		return -errno;
	while (at < end) {
		size_t length = end - at < MOST_AT_ONCE ? (size_t)(end - at) : MOST_AT_ONCE;
		/* sendfile where the two lie on different file systems. */
		ssize_t n = copy_file_range(from, NULL, to, NULL, length, 0);

		if (n < 0 &&
		    (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
			n = sendfile(to, from, NULL, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		at += n;
	}
	return 0;
}

int copy_contents(int to, int from, int64_t size)
{
	int64_t at = 0, end = 0;
	int r;

	if (ioctl(to, TS_FICLONE, from) == 0)
		return 0;
	while ((r = copy_next_data(from, size, &at, &end)) > 0) {
		r = copy_part(to, from, at, end);
		if (r < 0)
			return r;
		at = end;
	}
	if (r < 0)
		return r;
	/* What ends in a hole. */
	return lseek(to, 0, SEEK_END) < size && ftruncate(to, size) < 0 ? -errno : 0;
}
