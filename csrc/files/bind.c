// SPDX-License-Identifier: Apache-2.0
/* Volumes in a container's tree: mounted by descriptors, so that no link in the tree, or in a volume, leads elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "files.h"
#include "tree.h"

static int open_source(struct err *e, const struct bind *b)
{
	_fd_close_ int fd = open(b->source, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", b->source);
	return b->subpath ? tree_follow(e, fd, b->subpath) : take_fd(&fd);
}

static int no_matter(void *context, int fd, const char *path, int over_whiteout)
{
	(void)context, (void)fd, (void)path, (void)over_whiteout;
	return 0;
}

/* What is mounted on: of the kind of the source, as the kernel wants it. Return: fd or -errno with e filled. */
static int open_target(struct err *e, const struct bind *b, mode_t source)
{
	const struct tree_maker maker = {.made = no_matter};
	_fd_close_ int root = tree_open_root(e, b->root), parent = -1, file = -1;
	const char *name;
	int fd;

	if (root < 0)
		return root;
	fd = tree_follow(e, root, b->at);
	if (fd != -ENOENT && fd != -ENOTDIR)
		return fd;
	parent = tree_parent(e, root, b->at, &maker, &name);
	if (parent < 0)
		return parent;
	if (S_ISDIR(source)) {
		if (mkdirat(parent, name, 0755) < 0)
			return err_set(e, errno, "mkdirat \"%s\"", b->at);
	} else {
		file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			      0644);
		if (file < 0)
			return err_set(e, errno, "openat \"%s\"", b->at);
	}
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_set(e, errno, "openat \"%s\"", b->at) : fd;
}

static int make_readonly(struct err *e, int tree, unsigned int flags, const char *what)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | flags, &attr) < 0)
		return err_set(e, errno, "mount_setattr \"%s\"", what);
	return 0;
}

int files_bind(struct err *e, const struct bind *b)
{
	unsigned int recursive = b->alone ? 0 : AT_RECURSIVE;
	_fd_close_ int source = open_source(e, b);
	_fd_close_ int tree = -1, target = -1;
	struct stat st;
	int r;

	if (source < 0)
		return source;
	if (fstat(source, &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", b->source);
	target = open_target(e, b, st.st_mode);
	if (target < 0)
		return target;
	tree = sys_open_tree(source, "",
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);
	if (tree < 0)
		return err_set(e, errno, "open_tree \"%s\"", b->source);
	r = b->readonly ? make_readonly(e, tree, recursive, b->source) : 0;
	if (r == 0 && sys_move_mount(tree, "", target, "",
				     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = err_set(e, errno, "move_mount \"%s\" to \"%s\"", b->source, b->at);
	return r;
}

int files_seal(struct err *e, const char *target)
{
	_fd_close_ int fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_set(e, errno, "open \"%s\"", target) : make_readonly(e, fd, 0, target);
}
