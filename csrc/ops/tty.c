// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "ops.h"
#include "path.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

#define CONSOLE_BIND 1u
#define DEVPTS_ROOT_INODE 1
#define CONSOLE_PATH "/dev/console"

/* Opens a new terminal of the devpts at /dev/pts, and of nothing that only looks like one. Return: fd or -errno. */
static int open_master(struct err *e, const struct context *c)
{
	_fd_close_ int pts = path_open(e, c, "/dev/pts", O_DIRECTORY);
	_fd_close_ int fd = -1;
	struct statfs fs;
	struct stat st;

	if (pts < 0)
		return pts;
	if (fstatfs(pts, &fs) < 0 || fstat(pts, &st) < 0)
		return err_set(e, errno, "fstatfs \"/dev/pts\"");
	if (fs.f_type != DEVPTS_SUPER_MAGIC || st.st_ino != DEVPTS_ROOT_INODE)
		return err_set(e, ENODEV, "\"/dev/pts\" is no devpts file system");
	/* The names in a devpts are the kernel's own, unless something is mounted over them. */
	fd = sys_openat2(pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
			 RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return err_set(e, errno, "openat2 \"/dev/pts/ptmx\"");
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "fstat \"/dev/pts/ptmx\"");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(5, 2))
		return err_set(e, ENODEV, "\"/dev/pts/ptmx\" is not device 5:2");
	return take_fd(&fd);
}

/* The file that the terminal is mounted over. A link is refused: what it names could be anything. Return: fd or -errno. */
static int open_console(struct err *e, const struct context *c)
{
	char name[NAME_MAX + 1];
	_fd_close_ int dir = path_parent(e, c, CONSOLE_PATH, name);
	_fd_close_ int fd = -1;
	struct stat st;

	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		fd = openat(dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		return fd < 0 ? err_set(e, errno, "openat \"" CONSOLE_PATH "\"") : take_fd(&fd);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "openat \"" CONSOLE_PATH "\"");
	if (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
		return err_set(e, S_ISDIR(st.st_mode) ? EISDIR : ELOOP,
			       "openat \"" CONSOLE_PATH "\"");
	return take_fd(&fd);
}

static int bind_console(struct err *e, const struct context *c, int slave)
{
	_fd_close_ int target = open_console(e, c);
	_fd_close_ int tree = -1;

	if (target < 0)
		return target;
	tree = sys_open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_set(e, errno, "open_tree of the terminal");
	if (sys_move_mount(tree, "", target, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount \"" CONSOLE_PATH "\"");
	return 0;
}

int op_CONSOLE(struct err *e, struct context *c, const struct op *op)
{
	struct winsize size = {.ws_row = (unsigned short)op->args[0],
			       .ws_col = (unsigned short)op->args[1]};
	_fd_close_ int master = open_master(e, c);
	_fd_close_ int slave = -1;
	int unlock = 0, r;

	if (master < 0)
		return master;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_set(e, errno, "ioctl TIOCSPTLCK");
	/* By descriptor: the name /dev/pts/N may have changed hands (CVE-2025-52565). */
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(e, errno, "ioctl TIOCGPTPEER");
	if (op->args[0] > 0 && ioctl(master, TIOCSWINSZ, &size) < 0)
		return err_set(e, errno, "ioctl TIOCSWINSZ");
	if (op->args[2] & CONSOLE_BIND) {
		r = bind_console(e, c, slave);
		if (r < 0)
			return r;
	}
	c->master = fd_above_stdio(take_fd(&master));
	c->slave = fd_above_stdio(take_fd(&slave));
	return 0;
}
