// SPDX-License-Identifier: Apache-2.0
/* `walk` and `read`: what is in a tree that someone else may have written. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../base/io.h"
#include "attributes.h"
#include "files.h"
#include "frame.h"
#include "tree.h"
#include "xattrs.h"

struct walk {
	struct err *e;
	const struct walk_options *options;
	int dir;
	size_t length;	     /* of path */
	char path[PATH_MAX]; /* of what is being looked at, below the root */
	char link[PATH_MAX];
	struct xattrs xattrs;
};

static uint8_t type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return FRAME_DIRECTORY;
	case S_IFLNK:
		return FRAME_SYMLINK;
	case S_IFCHR:
		return FRAME_CHAR;
	case S_IFBLK:
		return FRAME_BLOCK;
	case S_IFIFO:
		return FRAME_FIFO;
	case S_IFSOCK:
		return FRAME_SOCKET;
	default:
		return FRAME_FILE;
	}
}

/* An entry without anything but its path. */
static int write_mark(struct walk *w, uint8_t type)
{
	struct frame f = {.type = type, .path = w->path, .path_length = (uint32_t)w->length};

	return frame_write(w->e, stdout, &f);
}

static int write_entry(struct walk *w, int fd, const struct stat *st)
{
	struct frame f = {
		.type = type_of(st->st_mode),
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.seconds = st->st_mtim.tv_sec,
		.nanoseconds = (uint32_t)st->st_mtim.tv_nsec,
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.inode = !S_ISDIR(st->st_mode) && st->st_nlink > 1 ? st->st_ino : 0,
		.path = w->path,
		.path_length = (uint32_t)w->length,
		.link = w->link,
		.xattrs = w->xattrs.data,
	};

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(fd, "", w->link, sizeof(w->link));

		if (n < 0)
			return err_set(w->e, errno, "readlinkat \"%s\"", w->path);
		f.link_length = (uint32_t)n;
	} else {
		int r = xattrs_read(w->e, &w->xattrs, fd, w->path);

		if (r < 0)
			return r;
		f.xattrs = w->xattrs.data;
		f.xattr_length = (uint32_t)w->xattrs.length;
	}
	return w->options->layer && tree_is_whiteout(st) ? write_mark(w, FRAME_WHITEOUT)
							 : frame_write(w->e, stdout, &f);
}

static int visit(void *context, const char *name);

/* Closes *fd before it goes down: a level costs one descriptor. */
static int visit_fd(struct walk *w, int *fd)
{
	struct stat st;
	int r, outer = w->dir;
	_fd_close_ int dir = -1;

	if (fstat(*fd, &st) < 0)
		return err_set(w->e, errno, "fstat \"%s\"", w->path);
	r = write_entry(w, *fd, &st);
	if (r == 0 && w->options->layer && S_ISDIR(st.st_mode) &&
	    attributes_is_opaque(&(struct attributes_options){0}, *fd))
		r = write_mark(w, FRAME_OPAQUE);
	if (r < 0 || w->options->only || !S_ISDIR(st.st_mode))
		return r;
	dir = openat(*fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(w->e, errno, "openat \"%s\"", w->path);
	fd_cleanup(fd);
	*fd = -1;
	w->dir = dir;
	r = tree_list(w->e, dir, w->path, visit, w);
	w->dir = outer;
	return r;
}

static int is_skipped(const struct walk *w)
{
	for (int i = 0; i < w->options->skip_count; i++)
		if (strcmp(w->options->skip[i], w->path) == 0)
			return 1;
	return 0;
}

static int visit(void *context, const char *name)
{
	struct walk *w = context;
	_fd_close_ int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	size_t before = w->length, length = strlen(name);
	int r;

	/* Removed since the directory was read. */
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_set(w->e, errno, "openat \"%s/%s\"", w->path, name);
	if (before + length + 2 > sizeof(w->path))
		return err_set(w->e, ENAMETOOLONG, "openat \"%.100s.../%s\"", w->path, name);
	if (before)
		w->path[w->length++] = '/';
	memcpy(w->path + w->length, name, length + 1);
	w->length += length;
	r = is_skipped(w) ? 0 : visit_fd(w, &fd);
	w->length = before;
	w->path[before] = '\0';
	return r;
}

int files_walk(struct err *e, const struct walk_options *options, const char *directory,
	       const char *path)
{
	_fd_close_ int root = tree_open_root(e, directory);
	_fd_close_ int fd = root < 0	      ? -1
			    : options->follow ? tree_follow(e, root, path)
					      : tree_open(e, root, path);
	struct frame end = {.type = FRAME_END};
	struct walk *w;
	int r;

	if (root < 0 || fd < 0)
		return root < 0 ? root : fd;
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ENOMEM, "malloc");
	w->e = e;
	w->options = options;
	w->dir = -1;
	r = visit_fd(w, &fd);
	free(w->xattrs.data);
	free(w);
	if (r == 0)
		r = frame_write(e, stdout, &end);
	if (r == 0 && fflush(stdout) != 0)
		r = err_set(e, errno, "write of the stream of files");
	return r;
}

static int lookup(struct walk *w, int root, const char *path)
{
	_fd_close_ int fd = -1;
	struct stat st;

	w->length = strlen(path);
	if (w->length >= sizeof(w->path))
		return err_set(w->e, ENAMETOOLONG, "openat2 \"%.100s...\"", path);
	memcpy(w->path, path, w->length + 1);
	fd = tree_open(w->e, root, path);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return write_mark(w, FRAME_WHITEOUT);
	if (fd < 0)
		return fd;
	return fstat(fd, &st) < 0 ? err_set(w->e, errno, "fstat \"%s\"", path)
				  : write_entry(w, fd, &st);
}

#define MAX_PATHS (1u << 30)

int files_lookup(struct err *e, const char *directory)
{
	const struct walk_options options = {.only = 1};
	_fd_close_ int root = tree_open_root(e, directory);
	struct frame end = {.type = FRAME_END};
	_free_ char *paths = NULL;
	ssize_t length = root < 0 ? 0 : read_all(0, &paths, MAX_PATHS);
	struct walk *w;
	int r = 0;

	if (root < 0 || length < 0)
		return root < 0 ? root : err_set(e, (int)-length, "read of the paths");
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ENOMEM, "malloc");
	w->e = e;
	w->options = &options;
	for (const char *path = paths; r == 0 && path < paths + length; path += strlen(path) + 1)
		r = lookup(w, root, path);
	free(w->xattrs.data);
	free(w);
	if (r == 0)
		r = frame_write(e, stdout, &end);
	return r == 0 && fflush(stdout) != 0 ? err_set(e, errno, "write of the stream of files")
					     : r;
}

int files_read(struct err *e, const char *directory, const char *path, long long limit)
{
	_fd_close_ int root = tree_open_root(e, directory);
	_fd_close_ int fd = root < 0 ? -1 : tree_follow(e, root, path);
	_fd_close_ int file = -1;
	char buffer[65536];
	struct stat st;

	if (root < 0 || fd < 0)
		return root < 0 ? root : fd;
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "open \"%s\"", path);
	if (st.st_size > limit)
		return err_set(e, EFBIG, "read \"%s\" (%lld bytes, at most %lld)", path,
			       (long long)st.st_size, limit);
	file = tree_reopen(fd, O_RDONLY);
	if (file < 0)
		return err_set(e, -file, "open \"%s\"", path);
	for (long long done = 0; done < limit;) {
		ssize_t n = read(file, buffer, sizeof(buffer));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_set(e, errno, "read \"%s\"", path) : 0;
		r = write_full(1, buffer, (size_t)n);
		if (r < 0)
			return err_set(e, -r, "write of \"%s\"", path);
		done += n;
	}
	return 0;
}
