// SPDX-License-Identifier: Apache-2.0
/* The container's root: attached, looked at, made the root of init. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "ops.h"
#include "path.h"
#include "rootfs.h"

#define OPEN_NOFOLLOW 1u
#define OPEN_DIRECTORY 2u
#define PIVOT_CHROOT 1u
#define TREE_RECURSIVE 1u

static int set_propagation(struct err *e, int fd, const char *what, uint32_t propagation,
			   int recursive)
{
	struct mount_attr attr = {.propagation = propagation};
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	if (sys_mount_setattr(fd, "", flags, &attr) < 0)
		return err_set(e, errno, "mount_setattr %s (propagation 0x%x)", what, propagation);
	return 0;
}

/*
 * Where the tree is attached: at its own path, where hooks that enter the mount namespace look for it. A user namespace may
 * not be let in there; then it goes over "/". Return: fd or -1.
 */
static int find_place(struct context *c, const char *path, int top)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	c->root_path = fd < 0 ? "" : path;
	return fd < 0 ? fcntl(top, F_DUPFD_CLOEXEC, 3) : fd;
}

int op_ATTACH_ROOT(struct err *e, struct context *c, const struct op *op)
{
	uint32_t propagation = op->args[1] & ~TS_MS_REC;
	int *tree = &c->slots[op->args[0]];
	_fd_close_ int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_fd_close_ int place = -1;
	int r;

	if (top < 0)
		return err_set(e, errno, "open \"/\"");
	/* Unbindable is for the finished root: until then its parts are cloned to make them read-only. */
	if (propagation == TS_MS_UNBINDABLE)
		propagation = TS_MS_PRIVATE;
	r = set_propagation(e, top, "\"/\"", propagation, 1);
	/* So is shared: what is mounted in a tree that is a peer of the host's appears there too. */
	if (r == 0)
		r = set_propagation(e, *tree, "the root file system",
				    propagation == TS_MS_SHARED ? TS_MS_SLAVE : propagation, 1);
	if (r == 0 && propagation != TS_MS_PRIVATE)
		r = set_propagation(e, top, "\"/\"", TS_MS_PRIVATE, 0);
	if (r < 0)
		return r;
	place = find_place(c, op_string(c, op, 2), top);
	if (place < 0)
		return err_set(e, errno, "fcntl F_DUPFD_CLOEXEC");
	if (sys_move_mount(*tree, "", place, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount of the root file system to \"%s\"",
			       *c->root_path ? c->root_path : "/");
	if (c->root >= 0)
		close(c->root);
	c->root = fd_above_stdio(take_fd(tree));
	/* Where hooks of createContainer expect to be. */
	return fchdir(c->root) < 0 ? err_set(e, errno, "fchdir to the root file system") : 0;
}

/* The new root goes over the old one, so that nobody who enters the namespace sees that first. */
static int change_root(struct err *e, struct context *c, int old)
{
	int r = hide_host_filesystems(e, c, c->root_path);

	if (r < 0)
		return r;
	if (*c->root_path && sys_move_mount(c->root, "", old, "",
					    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount of the root file system to \"/\"");
	return chroot(".") < 0 ? err_set(e, errno, "chroot") : 0;
}

int op_PLACE_ROOT(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 1);
	int *tree = &c->slots[op->args[0]];
	_fd_close_ int target = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (target < 0)
		return err_set(e, errno, "open \"%s\"", path);
	/* What is mounted in it later is for nobody else. */
	r = set_propagation(e, *tree, "the root file system", TS_MS_PRIVATE, 1);
	if (r < 0)
		return r;
	if (sys_move_mount(*tree, "", target, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount of the root file system to \"%s\"", path);
	if (c->root >= 0)
		close(c->root);
	c->root = fd_above_stdio(take_fd(tree));
	return 0;
}

int op_CRIU_ROOT(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 1);
	int *tree = &c->slots[op->args[0]];
	_fd_close_ int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_fd_close_ int place = -1;
	int r;

	if (top < 0)
		return err_set(e, errno, "open \"/\"");
	r = set_propagation(e, top, "\"/\"", TS_MS_SLAVE, 1);
	if (r == 0)
		r = set_propagation(e, *tree, "the root file system", TS_MS_SLAVE, 1);
	if (r < 0)
		return r;
	if (c->root >= 0) {
		close(take_fd(&c->root));
		if (syscall(SYS_umount2, path, TS_MNT_DETACH) < 0)
			return err_set(e, errno, "umount2 \"%s\"", path);
	}
	place = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place < 0)
		return err_set(e, errno, "open \"%s\"", path);
	if (sys_move_mount(*tree, "", place, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount of the root file system to \"%s\"", path);
	c->root = fd_above_stdio(take_fd(tree));
	return 0;
}

int op_PIVOT(struct err *e, struct context *c, const struct op *op)
{
	_fd_close_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (old < 0)
		return err_set(e, errno, "open \"/\"");
	if (fchdir(c->root) < 0)
		return err_set(e, errno, "fchdir to the root file system");
	if (op->args[0] & PIVOT_CHROOT) {
		r = change_root(e, c, old);
		if (r < 0)
			return r;
	} else {
		/* The old root ends up on top of the new one. */
		if (sys_pivot_root(".", ".") < 0)
			return err_set(e, errno, "pivot_root");
		/* What is shared with the host must not be unmounted there as well. */
		r = set_propagation(e, old, "the old root", TS_MS_SLAVE, 1);
		if (r < 0)
			return r;
		if (syscall(SYS_umount2, ".", TS_MNT_DETACH) < 0)
			return err_set(e, errno, "umount2 of the old root");
	}
	if (chdir("/") < 0)
		return err_set(e, errno, "chdir \"/\"");
	return 0;
}

int op_ROOT_ATTR(struct err *e, struct context *c, const struct op *op)
{
	struct mount_attr attr = {.attr_set = plan_u64(op->args),
				  .attr_clr = plan_u64(op->args + 2)};
	uint32_t propagation = op->args[4];

	if ((attr.attr_set || attr.attr_clr) &&
	    sys_mount_setattr(c->root, "", AT_EMPTY_PATH, &attr) < 0)
		return err_set(e, errno, "mount_setattr \"/\" (set 0x%llx, clear 0x%llx)",
			       (unsigned long long)attr.attr_set,
			       (unsigned long long)attr.attr_clr);
	if (propagation & ~TS_MS_REC)
		return set_propagation(e, c->root, "\"/\"", propagation & ~TS_MS_REC,
				       (propagation & TS_MS_REC) != 0);
	return 0;
}

int op_REFUSE_SYMLINK(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	_fd_close_ int fd = path_open(e, c, path, O_NOFOLLOW);
	struct stat st;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR,
			       "openat2 \"%s\" (%s must be mounted on ordinary directory)", path,
			       path);
	return 0;
}

int op_OPEN_ROOTED(struct err *e, struct context *c, const struct op *op)
{
	uint32_t wanted = op->args[1];
	int flags = (wanted & OPEN_NOFOLLOW ? O_NOFOLLOW : 0) |
		    (wanted & OPEN_DIRECTORY ? O_DIRECTORY : 0);
	int fd = path_open(e, c, op_string(c, op, 0), flags);

	return fd < 0 ? fd : slot_put(c, op->args[2], fd);
}

int op_OPEN_TREE_ROOTED(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	unsigned int how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
	_fd_close_ int fd = path_open(e, c, path, 0);
	int tree;

	if (fd < 0)
		return fd;
	if (op->args[1] & TREE_RECURSIVE)
		how |= AT_RECURSIVE;
	tree = sys_open_tree(fd, "", how);
	if (tree < 0)
		return err_set(e, errno, "open_tree \"%s\" of the container", path);
	return slot_put(c, op->args[2], tree);
}
