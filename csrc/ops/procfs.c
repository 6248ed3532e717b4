// SPDX-License-Identifier: Apache-2.0
/* Labels and sysctls decide what the container may do, so they never go through a /proc that others can mount over. */
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "ops.h"

#define PROC_ROOT_INODE 1
#define NO_WAY_OUT (RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS)

/* A procfs that is attached nowhere. Return: fd or -errno. */
static int make_private(void)
{
	_fd_close_ int fs = sys_fsopen("proc", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC,
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * In a nested user namespace a new procfs is refused while parts of the visible one are masked. That one does too, as long as it
 * is entered at its very root and left nowhere. Return: fd or -errno.
 */
static int open_visible(void)
{
	_fd_close_ int fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (fs.f_type != PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INODE)
		return -EXDEV;
	return take_fd(&fd);
}

int procfs_open(struct err *e, struct context *c)
{
	int fd, r;

	if (c->proc >= 0)
		return 0;
	r = make_private();
	fd = r < 0 ? open_visible() : r;
	if (fd == -EXDEV)
		return err_set(e, -r, "fsopen \"proc\" (and \"/proc\" is no procfs)");
	if (fd < 0)
		return err_set(e, -r, "fsopen \"proc\"");
	c->proc = fd_above_stdio(fd);
	return 0;
}

int procfs_write(struct err *e, struct context *c, const char *path, const void *data,
		 size_t length)
{
	_fd_close_ int dir = -1;
	_fd_close_ int fd = -1;
	const char *slash = strchr(path, '/');
	char first[32];
	ssize_t n;
	int r;

	if (!slash ||
	    snprintf(first, sizeof(first), "%.*s", (int)(slash - path), path) >= (int)sizeof(first))
		return err_set(e, EINVAL, "openat2 \"/proc/%s\"", path);
	r = procfs_open(e, c);
	if (r < 0)
		return r;
	dir = sys_openat2(c->proc, first, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, NO_WAY_OUT);
	if (dir < 0)
		return err_set(e, errno, "openat2 \"/proc/%s\"", first);
	fd = sys_openat2(dir, slash + 1, O_WRONLY | O_CLOEXEC, 0, NO_WAY_OUT | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return err_set(e, errno, "openat2 \"/proc/%s\"", path);
	do
		n = write(fd, data, length);
	while (n < 0 && errno == EINTR);
	if (n < 0 || (size_t)n != length)
		return err_set(e, n < 0 ? errno : EIO, "write \"%.*s\" to \"/proc/%s\"",
			       length > 120 ? 120 : (int)length, (const char *)data, path);
	return 0;
}

int op_SYSCTL(struct err *e, struct context *c, const struct op *op)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "sys/%s", op_string(c, op, 0)) >= (int)sizeof(path))
		return err_set(e, ENAMETOOLONG, "openat2 \"/proc/%.100s...\"", path);
	return procfs_write(e, c, path, op_string(c, op, 1), op->args[2]);
}
