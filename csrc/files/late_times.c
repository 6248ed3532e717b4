// SPDX-License-Identifier: Apache-2.0
#include "late_times.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/io.h"
#include "tree.h"

struct late_time {
	char *path;
	struct timespec time;
};

int late_times_add(struct err *e, struct late_times *late, const struct frame *f)
{
	struct late_time *one;

	if (late->count == late->room) {
		size_t room = late->room ? 2 * late->room : 256;
		struct late_time *list = reallocarray(late->list, room, sizeof(*list));

		if (!list)
			return err_set(e, ENOMEM, "malloc for \"%s\"", f->path);
		late->list = list;
		late->room = room;
	}
	one = &late->list[late->count];
	one->path = strdup(f->path);
	if (!one->path)
		return err_set(e, ENOMEM, "malloc for \"%s\"", f->path);
	one->time = (struct timespec){.tv_sec = f->seconds, .tv_nsec = f->nanoseconds};
	late->count++;
	return 0;
}

static int set_one(struct err *e, int root, const struct late_time *one)
{
	const struct timespec times[2] = {one->time, one->time};
	_fd_close_ int fd = tree_open(e, root, one->path);
	char link[64];

	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return utimensat(AT_FDCWD, link, times, 0) < 0
		       ? err_set(e, errno, "utimensat \"%s\"", one->path)
		       : 0;
}

int late_times_set(struct err *e, struct late_times *late, int root, int wanted)
{
	int r = 0;

	for (size_t i = late->count; i-- > 0;) {
		if (wanted && r == 0)
			r = set_one(e, root, &late->list[i]);
		free(late->list[i].path);
	}
	free(late->list);
	return r;
}
