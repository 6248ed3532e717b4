// SPDX-License-Identifier: Apache-2.0
#include "below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/io.h"
#include "tree.h"

int below_open(struct err *e, struct below *b, char *const *paths, int count)
{
	b->count = 0;
	b->roots = calloc((size_t)count + 1, sizeof(*b->roots));
	if (!b->roots)
		return err_set(e, ENOMEM, "malloc");
	for (; b->count < count; b->count++) {
		int fd = open(paths[b->count], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_set(e, errno, "open \"%s\"", paths[b->count]);
		b->roots[b->count] = fd;
	}
	return 0;
}

void below_close(struct below *b)
{
	for (int i = 0; i < b->count; i++)
		close(b->roots[i]);
	free(b->roots);
}

/*
 * Looks for a directory in one layer. Return: its O_PATH fd; -ENOENT: the layers below may have it; another -errno: what
 * they have there is hidden. own: the layer that is being made, where the directory itself is no answer.
 */
static int find(const struct below *b, int root, const char *path, int own)
{
	_fd_close_ int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
	const char *next;
	int hides = 0;

	for (const char *name = path; at >= 0 && *name; name = next) {
		char part[NAME_MAX + 1];
		size_t length = strcspn(name, "/");
		int fd;

		next = name + length + strspn(name + length, "/");
		hides |= attributes_is_opaque(&b->attributes, at);
		if (own && !*next)
			return hides ? -ENOTDIR : -ENOENT;
		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(part, name, length);
		part[length] = '\0';
		fd = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return errno == ENOENT && hides ? -ENOTDIR : -errno;
		fd_cleanup(&at);
		at = fd;
	}
	return at < 0 ? -errno : take_fd(&at);
}

int below_inherit(struct err *e, const struct below *b, int fd, struct frame *f)
{
	for (int i = 0; i < b->count; i++) {
		_fd_close_ int from = find(b, b->roots[i], f->path, 0);
		int r;

		if (from == -ENOENT)
			continue;
		/* The layer itself may hide what is there. */
		if (from < 0 || find(b, b->root, f->path, 1) != -ENOENT)
			return 0;
		r = attributes_copy(e, &b->attributes, fd, from, f);
		return r < 0 ? r : 1;
	}
	return 0;
}
