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

/* Memory for names: a layer that needs more was made to use it up. */
#define MAX_BYTES ((size_t)256 << 20)

int late_times_add(struct err *e, struct late_times *late, const struct frame *f)
{
	struct late_time *one;

	late->bytes += f->path_length + sizeof(*one);
	if (late->bytes > MAX_BYTES)
		return err_set(e, E2BIG, "\"%.100s...\": too many directories", f->path);

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
	struct stat st;

	/* A later entry took its place. */
	if (fd == -ENOENT || fd == -ENOTDIR ||
	    (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)))
		return 0;
	if (fd < 0)
		return fd;
	return utimensat(AT_FDCWD, fd_link(fd).path, times, 0) < 0
		       ? err_set(e, errno, "utimensat \"%s\"", one->path)
		       : 0;
}

int late_times_set(struct err *e, struct late_times *late, int root, int wanted)
{
	int r = 0;

	/* What was said last of a directory holds. */
	for (size_t i = 0; i < late->count; i++) {
		if (wanted && r == 0)
			r = set_one(e, root, &late->list[i]);
		free(late->list[i].path);
	}
	free(late->list);
	return r;
}
