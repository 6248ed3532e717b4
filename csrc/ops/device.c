// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "../base/io.h"
#include "ops.h"
#include "path.h"
#include "procfs.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* the same on all machines; Linux 6.6 */
#endif

/* chmod of an O_PATH descriptor. */
static int set_mode(struct err *e, struct context *c, int fd, mode_t mode)
{
	char link[32];
	int r;

	if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOSYS)
		return err_set(e, errno, "fchmodat2");
	/* That way the name of the descriptor leads to it, and nowhere else. */
	r = procfs_open(e, c);
	if (r < 0)
		return r;
	snprintf(link, sizeof(link), "self/fd/%d", fd);
	if (fchmodat(c->proc, link, mode, 0) < 0)
		return err_set(e, errno, "fchmodat \"/proc/%s\"", link);
	return 0;
}

/* Return: 0, EEXIST for anything but the node that is wanted, or -errno; e is filled. */
static int check_node(struct err *e, const char *path, const struct stat *st, mode_t mode,
		      dev_t device)
{
	if ((st->st_mode & S_IFMT) != (mode & S_IFMT))
		return err_set(e, EEXIST, "mknodat \"%s\" (of another type)", path);
	if (!S_ISFIFO(mode) && st->st_rdev != device)
		return err_set(e, EEXIST, "mknodat \"%s\" (it is device %u:%u)", path,
			       major(st->st_rdev), minor(st->st_rdev));
	return 0;
}

int op_MKNOD(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	mode_t mode = op->args[1];
	dev_t device = S_ISFIFO(mode) ? 0 : makedev(op->args[2], op->args[3]);
	uid_t uid = op->args[4];
	gid_t gid = op->args[5];
	char name[NAME_MAX + 1];
	_fd_close_ int dir = path_parent(e, c, path, name);
	_fd_close_ int fd = -1;
	struct stat st;
	int r;

	if (dir < 0)
		return dir;
	if (mknodat(dir, name, mode, device) < 0 && errno != EEXIST)
		return err_set(e, errno, "mknodat \"%s\"", path);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "openat \"%s\"", path);
	r = check_node(e, path, &st, mode, device);
	if (r < 0)
		return r;
	if ((st.st_uid != uid || st.st_gid != gid) && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return err_set(e, errno, "fchownat \"%s\"", path);
	if ((st.st_mode & 07777) == (mode & 07777))
		return 0;
	r = set_mode(e, c, fd, mode & 07777);
	return r < 0 ? err_prefix(e, r, "\"%s\"", path) : 0;
}

int op_SYMLINK(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 1);
	char name[NAME_MAX + 1];
	_fd_close_ int dir = path_parent(e, c, path, name);

	if (dir < 0)
		return dir;
	if (symlinkat(op_string(c, op, 0), dir, name) < 0 && errno != EEXIST)
		return err_set(e, errno, "symlinkat \"%s\"", path);
	return 0;
}

static int is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* The container's /dev/null, if it is that; anything else is not even opened. Return: fd or -1. */
static int open_null(const struct context *c)
{
	struct err unused;
	_fd_close_ int dev = path_open(&unused, c, "/dev", O_DIRECTORY);
	_fd_close_ int fd = -1;
	struct stat st;

	if (dev < 0 || fstatat(dev, "null", &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_null(&st))
		return -1;
	fd = sys_openat2(dev, "null", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
			 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (fd < 0 || fstat(fd, &st) < 0 || !is_null(&st) || fcntl(fd, F_SETFL, 0) < 0)
		return -1;
	return take_fd(&fd);
}

int op_NULL_STDIO(struct err *e, struct context *c, const struct op *op)
{
	_fd_close_ int null = -1;

	(void)op;
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0 || !is_null(&st))
			continue;
		if (null < 0)
			null = fd_above_stdio(open_null(c));
		if (null < 0)
			return 0; /* the one of the host will do */
		if (dup2(null, fd) < 0)
			return err_set(e, errno, "dup2");
	}
	return 0;
}
