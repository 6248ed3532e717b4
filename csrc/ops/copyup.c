// SPDX-License-Identifier: Apache-2.0
/* tmpcopyup: what the image has at a place, copied into the tmpfs that is going to cover it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "ops.h"
#include "path.h"

#define MAX_DEPTH 256u /* each level holds three descriptors */
#define CHUNK 65536u
#define TMPFS_DEFAULT_MODE 01777u

struct copy {
	struct err *e;
	char *chunk;	    /* CHUNK bytes */
	unsigned int depth; /* of the directory being copied */
};

static int failed(const struct copy *copy, int number, const char *call, const char *name)
{
	return err_set(copy->e, number, "%s \"%s\"", call, name);
}

/*
 * The source is looked at through a private clone of its mount: nothing can be changed there, not even a time of access, and a
 * device node that turns up in the place of a file cannot be opened. Return: fd or -errno.
 */
static int clone_source(struct err *e, const struct context *c, const char *path)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV |
					      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
	_fd_close_ int at = path_open(e, c, path, O_DIRECTORY);
	_fd_close_ int tree = -1;
	int fd;

	if (at < 0)
		return at;
	tree = sys_open_tree(at, "",
			     AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_set(e, errno, "open_tree \"%s\"", path);
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return err_set(e, errno, "mount_setattr \"%s\"", path);
	fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_set(e, errno, "openat \"%s\"", path) : fd;
}

/* Attributes that the tmpfs does not take, or that the container may not set, are left out. */
static void copy_xattrs(int from, int to)
{
	char names[4096], value[4096];
	ssize_t n = flistxattr(from, names, sizeof(names));

	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		ssize_t size = fgetxattr(from, name, value, sizeof(value));

		if (size >= 0)
			(void)fsetxattr(to, name, value, (size_t)size, 0);
	}
}

/*
 * Owner, then mode, then times. An owner that has no id in the container's user namespace stays as it is; a set-id bit would then
 * speak for someone else, so it goes.
 */
static int copy_metadata(const struct copy *copy, int from, int to, const struct stat *st,
			 const char *name)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	mode_t mode = st->st_mode & 07777;

	if (fchown(to, st->st_uid, st->st_gid) < 0) {
		if (errno != EINVAL && errno != EPERM)
			return failed(copy, errno, "fchown", name);
		mode &= S_ISDIR(st->st_mode) ? 01777 : 0777;
	}
	if (fchmod(to, mode) < 0)
		return failed(copy, errno, "fchmod", name);
	copy_xattrs(from, to);
	if (futimens(to, times) < 0)
		return failed(copy, errno, "futimens", name);
	return 0;
}

static int copy_bytes(const struct copy *copy, int from, int to, const char *name)
{
	for (;;) {
		ssize_t n = read(from, copy->chunk, CHUNK);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(copy, errno, "read", name);
		if (n == 0)
			return 0;
		r = write_full(to, copy->chunk, (size_t)n);
		if (r < 0)
			return failed(copy, -r, "write", name);
	}
}

static int copy_file(const struct copy *copy, int from_dir, int to_dir, const char *name)
{
	_fd_close_ int from =
		openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_fd_close_ int to = -1;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return failed(copy, errno, "openat", name);
	if (!S_ISREG(st.st_mode))
		return failed(copy, ESTALE, "openat", name);
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return failed(copy, errno, "openat of the copy of", name);
	r = copy_bytes(copy, from, to, name);
	return r < 0 ? r : copy_metadata(copy, from, to, &st, name);
}

/* What has no contents. */
static int copy_special(const struct copy *copy, int from_dir, int to_dir, const char *name,
			const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	char target[PATH_MAX];

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

		if (n < 0)
			return failed(copy, errno, "readlinkat", name);
		target[n] = '\0';
		if (symlinkat(target, to_dir, name) < 0)
			return failed(copy, errno, "symlinkat", name);
	} else if (mknodat(to_dir, name, st->st_mode & (S_IFMT | 0777), st->st_rdev) < 0) {
		return failed(copy, errno, "mknodat", name);
	}
	/* Nobody but this process sees the new tree, so a name there is as good as a descriptor. */
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return failed(copy, errno, "fchownat", name);
	if (utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(copy, errno, "utimensat", name);
	return 0;
}

static int copy_directory(struct copy *copy, int from, int to);

static int copy_subdirectory(struct copy *copy, int from_dir, int to_dir, const char *name)
{
	_fd_close_ int from =
		openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_fd_close_ int to = -1;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return failed(copy, errno, "openat", name);
	if (copy->depth >= MAX_DEPTH)
		return failed(copy, ELOOP, "openat", name);
	if (mkdirat(to_dir, name, 0700) < 0)
		return failed(copy, errno, "mkdirat", name);
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return failed(copy, errno, "openat of the copy of", name);
	copy->depth++;
	r = copy_directory(copy, from, to);
	copy->depth--;
	return r < 0 ? r : copy_metadata(copy, from, to, &st, name);
}

static int copy_entry(struct copy *copy, int from, int to, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(copy, errno, "fstatat", name);
	if (S_ISDIR(st.st_mode))
		return copy_subdirectory(copy, from, to, name);
	if (S_ISREG(st.st_mode))
		return copy_file(copy, from, to, name);
	return copy_special(copy, from, to, name, &st);
}

static int copy_directory(struct copy *copy, int from, int to)
{
	int own = fcntl(from, F_DUPFD_CLOEXEC, 3), r = 0;
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (!dir) {
		r = failed(copy, errno, "fdopendir", ".");
		if (own >= 0)
			close(own);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			r = copy_entry(copy, from, to, name);
	}
	if (r == 0 && errno)
		r = failed(copy, errno, "readdir", ".");
	closedir(dir);
	return r;
}

/* A tmpfs whose options say nothing about its own directory takes on that of the one it covers. */
static int copy_top(const struct copy *copy, int from, int to, const char *path)
{
	struct stat st, now;

	if (fstat(from, &st) < 0 || fstat(to, &now) < 0)
		return failed(copy, errno, "fstat", path);
	if ((now.st_mode & 07777) != TMPFS_DEFAULT_MODE || now.st_uid || now.st_gid)
		return 0;
	return copy_metadata(copy, from, to, &st, path);
}

int op_COPY_UP(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 1);
	_fd_close_ int from = clone_source(e, c, path);
	_fd_close_ int to = -1;
	_free_ char *chunk = malloc(CHUNK);
	struct copy copy = {.e = e, .chunk = chunk};
	int r;

	if (from < 0)
		return from;
	if (!chunk)
		return err_set(e, ENOMEM, "malloc");
	to = openat(op_slot(c, op, 0), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return err_set(e, errno, "openat of the new tmpfs");
	r = copy_directory(&copy, from, to);
	if (r == 0)
		r = copy_top(&copy, from, to, path);
	return r < 0 ? err_prefix(e, r, "copy of \"%s\"", path) : 0;
}
