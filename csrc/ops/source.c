// SPDX-License-Identifier: Apache-2.0
/* Descriptors that are opened on the host, where they are visible, and used inside. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "ops.h"
#include "source.h"

int op_OPEN_TREE(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	uint32_t flags = op->args[1];
	unsigned int how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	struct stat st;
	int fd;

	if (flags & TREE_RECURSIVE)
		how |= AT_RECURSIVE;
	if (flags & TREE_NOFOLLOW)
		how |= AT_SYMLINK_NOFOLLOW;
	fd = flags & TREE_LOOK_UP ? clone_looked_up(c, op->args[2], how)
				  : sys_open_tree(AT_FDCWD, path, how);
	if (fd < 0 && errno == EINVAL && flags & TREE_LOOK_UP && !(flags & TREE_RECURSIVE))
		return err_set(
			e, EINVAL,
			"open_tree \"%s\" (a user namespace cannot bind a directory without what "
			"is mounted below it: use rbind)",
			path);
	if (fd < 0)
		return err_set(e, errno, "open_tree \"%s\"", path);
	slot_put(c, op->args[2], fd);
	if (!(flags & TREE_DIRECTORY))
		return 0;
	if (fstat(c->slots[op->args[2]], &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", path);
	if (S_ISLNK(st.st_mode))
		return err_set(e, ELOOP, "open_tree \"%s\" (it must not be a symbolic link)", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "open_tree \"%s\"", path);
	return 0;
}

int op_OPEN(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	int fd = open(path, (int)op->args[1] | O_CLOEXEC);

	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", path);
	return slot_put(c, op->args[2], fd);
}

/*
 * The path comes with the config, but what lies there may be anybody's: a link would have root write elsewhere, a disk would be
 * damaged, and a FIFO that nobody reads would wait for ever.
 */
int op_OPEN_APPEND(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	_fd_close_ int fd =
		open(path,
		     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
		     0600);
	struct stat st;

	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", path);
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", path);
	if (S_ISBLK(st.st_mode))
		return err_set(e, ENODEV, "open \"%s\" (a block device)", path);
	if (fcntl(fd, F_SETFL, O_APPEND) < 0)
		return err_set(e, errno, "fcntl F_SETFL \"%s\"", path);
	return slot_put(c, op->args[1], take_fd(&fd));
}

int op_OPEN_NS(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int type;

	if (fd < 0)
		return err_set(e, errno, "open \"%s\"", path);
	slot_put(c, op->args[2], fd);
	type = ioctl(c->slots[op->args[2]], NS_GET_NSTYPE);
	if (type < 0)
		return err_set(e, errno, "ioctl NS_GET_NSTYPE \"%s\" (it is not a namespace file)",
			       path);
	if ((uint32_t)type != op->args[1])
		return err_set(e, EINVAL, "\"%s\" is a namespace of another type", path);
	return 0;
}

int op_CONNECT(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_fd_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ENAMETOOLONG, "connect \"%s\" (%zu bytes at most)", path,
			       sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, (int)op->args[1] | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, errno, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(e, errno, "connect \"%s\"", path);
	return slot_put(c, op->args[2], take_fd(&fd));
}

int op_OPEN_CHAR(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_set(e, errno, "open_tree \"%s\"", path);
	slot_put(c, op->args[3], fd);
	if (fstat(c->slots[op->args[3]], &st) < 0)
		return err_set(e, errno, "fstat \"%s\"", path);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, ENODEV, "\"%s\" is not a device", path);
	if (major(st.st_rdev) != op->args[1] || minor(st.st_rdev) != op->args[2])
		return err_set(e, ENODEV, "\"%s\" is device %u:%u, not %u:%u", path,
			       major(st.st_rdev), minor(st.st_rdev), op->args[1], op->args[2]);
	return 0;
}

/* The namespace lives on in the fd; the process that made it is gone at once. */
int op_IDMAP_USERNS(struct err *e, struct context *c, const struct op *op)
{
	static const char *const names[] = {"uid_map", "gid_map"};
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	char path[64];
	int r = 0, fd = -1;
	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return err_set(e, errno, "clone3 (CLONE_NEWUSER)");
	if (pid == 0)
		for (;;)
			pause();
	for (unsigned int i = 0; i < 2 && r == 0; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, names[i]);
		r = write_once(AT_FDCWD, path, op_string(c, op, 2 * i), op->args[2 * i + 1]);
		if (r < 0)
			err_set(e, -r, "write %s of the mapping", names[i]);
	}
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			r = err_set(e, errno, "open \"%s\"", path);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r < 0 ? r : slot_put(c, op->args[4], fd);
}

int op_SEND_PIDFD(struct err *e, struct context *c, const struct op *op)
{
	static const char name[] = "pidfd";
	_fd_close_ int fd = sys_pidfd_open(c->pid, 0);
	int r;

	if (fd < 0)
		return err_set(e, errno, "pidfd_open %d", (int)c->pid);
	r = message_send(op_slot(c, op, 0), name, sizeof(name) - 1, fd);
	return r < 0 ? err_set(e, -r, "sendmsg") : 0;
}
