// SPDX-License-Identifier: Apache-2.0
/* Masked and read-only paths: opened once, checked, and covered through that very descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "ops.h"
#include "path.h"

#define EMPTY_PATHS (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)

/* A link would name something else by the time it is used (CVE-2023-28642). Return: fd or -errno. */
static int open_no_link(struct err *e, const struct context *c, const char *path, struct stat *st)
{
	_fd_close_ int fd = path_open(e, c, path, O_NOFOLLOW);

	if (fd < 0)
		return fd;
	if (fstat(fd, st) < 0)
		return err_set(e, errno, "fstat \"%s\"", path);
	if (S_ISLNK(st->st_mode))
		return err_set(e, ELOOP, "openat2 \"%s\"", path);
	return take_fd(&fd);
}

/* Return: fd of a detached read-only tmpfs with nothing in it, or -errno. */
static int make_empty(struct err *e)
{
	_fd_close_ int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return err_set(e, errno, "fsopen \"tmpfs\"");
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_set(e, errno, "fsconfig \"tmpfs\"");
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC,
			 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				 MOUNT_ATTR_NOEXEC);
	return fd < 0 ? err_set(e, errno, "fsmount \"tmpfs\"") : fd;
}

static int attach(struct err *e, int tree, int target, const char *path)
{
	if (sys_move_mount(tree, "", target, "", EMPTY_PATHS) < 0)
		return err_set(e, errno, "move_mount \"%s\"", path);
	return 0;
}

static int attach_clone(struct err *e, int mount, int target, const char *path)
{
	_fd_close_ int tree =
		sys_open_tree(mount, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return err_set(e, errno, "open_tree of what hides \"%s\"", path);
	return attach(e, tree, target, path);
}

static int hide_directory(struct err *e, struct context *c, int target, const char *path)
{
	_fd_close_ int tree = -1;
	int r;

	if (c->empty >= 0)
		return attach_clone(e, c->empty, target, path);
	tree = make_empty(e);
	if (tree < 0)
		return tree;
	r = attach(e, tree, target, path);
	if (r < 0)
		return r;
	c->empty = fd_above_stdio(take_fd(&tree));
	return 0;
}

int op_MASK_PATH(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	struct stat st;
	_fd_close_ int target = open_no_link(e, c, path, &st);
	int null = op_slot(c, op, 1), r;

	if (target < 0)
		return target;
	if (S_ISDIR(st.st_mode))
		return hide_directory(e, c, target, path);
	if (c->null_attached)
		return attach_clone(e, null, target, path);
	r = attach(e, null, target, path);
	if (r == 0)
		c->null_attached = 1;
	return r;
}

int op_READONLY_PATH(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	struct stat st;
	_fd_close_ int target = open_no_link(e, c, path, &st);
	_fd_close_ int tree = -1;

	if (target < 0)
		return target;
	tree = sys_open_tree(target, "",
			     AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return err_set(e, errno, "open_tree \"%s\"", path);
	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return err_set(e, errno, "mount_setattr \"%s\"", path);
	return attach(e, tree, target, path);
}
