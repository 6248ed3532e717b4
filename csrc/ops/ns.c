// SPDX-License-Identifier: Apache-2.0
/* What init does about its own namespaces, cgroups and keyring. */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"

int op_JOIN_CGROUP(struct err *e, struct context *c, const struct op *op)
{
	if (write(op_slot(c, op, 0), "0", 1) != 1)
		return err_set(e, errno, "write to the tasks of the cgroup");
	return 0;
}

int op_UNSHARE(struct err *e, struct context *c, const struct op *op)
{
	(void)c;
	if (unshare((int)op->args[0]) < 0)
		return err_set(e, errno, "unshare (flags %#x)", op->args[0]);
	return 0;
}

int op_SETHOSTNAME(struct err *e, struct context *c, const struct op *op)
{
	if (sethostname(op_string(c, op, 0), op->args[1]) < 0)
		return err_set(e, errno, "sethostname \"%.*s\"", (int)op->args[1],
			       op_string(c, op, 0));
	return 0;
}

int op_SETDOMAINNAME(struct err *e, struct context *c, const struct op *op)
{
	if (setdomainname(op_string(c, op, 0), op->args[1]) < 0)
		return err_set(e, errno, "setdomainname \"%.*s\"", (int)op->args[1],
			       op_string(c, op, 0));
	return 0;
}

static int loopback_up(struct err *e)
{
	/* These ioctls work on any socket, and unix ones are cheap and always there. */
	_fd_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	if (fd < 0)
		return err_set(e, errno, "socket");
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return err_set(e, errno, "ioctl SIOCGIFFLAGS \"lo\"");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return err_set(e, errno, "ioctl SIOCSIFFLAGS \"lo\"");
	return 0;
}

int op_LOOPBACK_UP(struct err *e, struct context *c, const struct op *op)
{
	(void)c;
	(void)op;
	return loopback_up(e);
}

/* The front has one thread: it goes there and comes back. */
int op_LOOPBACK_OF_INIT(struct err *e, struct context *c, const struct op *op)
{
	_fd_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_fd_close_ int theirs = -1;
	char path[64];
	int r;

	(void)op;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)c->pid);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || theirs < 0)
		return err_set(e, errno, "open \"%s\"", path);
	if (setns(theirs, CLONE_NEWNET) < 0)
		return err_set(e, errno, "setns \"%s\"", path);
	r = loopback_up(e);
	if (setns(own, CLONE_NEWNET) < 0)
		return err_set(e, errno, "setns \"/proc/self/ns/net\"");
	return r;
}

/* A process that has entered a mount namespace has lost its root: so it is one that ends. Return: 0 or an errno. */
static int readonly_in(int namespace)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setns(namespace, CLONE_NEWNS) == 0 &&
		    sys_mount_setattr(AT_FDCWD, "/", 0, &attr) == 0)
			_exit(0);
		_exit(errno);
	}
	if (pid < 0)
		return errno;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

int op_READONLY_ROOT_OF_INIT(struct err *e, struct context *c, const struct op *op)
{
	_fd_close_ int namespace = -1;
	char path[64];
	int r;

	(void)op;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)c->pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0)
		return err_set(e, errno, "open \"%s\"", path);
	r = readonly_in(namespace);
	return r ? err_set(e, r, "mount_setattr \"/\" in \"%s\"", path) : 0;
}

/* All for the possessor; the owner may view, read, link and search. */
#define RING_PERMISSIONS 0x3f1b0000u

int op_KEYRING(struct err *e, struct context *c, const struct op *op)
{
	const char *name = op_string(c, op, 0);
	long ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, *name ? name : NULL);

	if (ring < 0)
		return err_set(e, errno, "keyctl (new session keyring \"%s\")%s", name,
			       errno == EDQUOT ? " (see /proc/sys/kernel/keys/maxkeys)" : "");
	/* Without the right to search, exec could not join it by its name. One that belongs to another user stays as it is. */
	syscall(SYS_keyctl, KEYCTL_SETPERM, ring, RING_PERMISSIONS);
	return 0;
}
