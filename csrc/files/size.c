// SPDX-License-Identifier: Apache-2.0
/* `size`: what a tree takes, in bytes of contents. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "files.h"
#include "tree.h"

struct file {
	dev_t device;
	ino_t inode;
};

struct size {
	struct err *e;
	int dir;
	void *seen; /* files that have several names */
	unsigned long long bytes;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct file));
}

/* Return: 1 when it is seen for the first time. */
static int is_new(struct size *s, const struct stat *st)
{
	struct file *file = calloc(1, sizeof(*file)), **known;

	if (!file)
		return err_set(s->e, ENOMEM, "malloc");
	file->device = st->st_dev;
	file->inode = st->st_ino;
	known = tsearch(file, &s->seen, compare);
	if (known && *known == file)
		return 1;
	free(file);
	return known ? 0 : err_set(s->e, ENOMEM, "malloc");
}

static int add(void *context, const char *name)
{
	struct size *s = context;
	int outer = s->dir, r = 1;
	_fd_close_ int dir = -1;
	struct stat st;

	/* Removed since the directory was read. */
	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_set(s->e, errno, "fstatat \"%s\"", name);
	if (!S_ISDIR(st.st_mode)) {
		if (st.st_nlink > 1)
			r = is_new(s, &st);
		if (r > 0)
			s->bytes += (unsigned long long)st.st_size;
		return r < 0 ? r : 0;
	}
	dir = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_set(s->e, errno, "openat \"%s\"", name);
	s->dir = dir;
	r = tree_list(s->e, dir, name, add, s);
	s->dir = outer;
	return r;
}

int files_size(struct err *e, const char *directory)
{
	_fd_close_ int root = tree_open_root(e, directory);
	struct size s = {.e = e, .dir = root};
	int r;

	if (root < 0)
		return root;
	r = tree_list(e, root, directory, add, &s);
	/* What has been seen goes with the process. */
	if (r == 0 && (printf("%llu\n", s.bytes) < 0 || fflush(stdout) != 0))
		r = err_set(e, errno, "write");
	return r;
}
