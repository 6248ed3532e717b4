// SPDX-License-Identifier: Apache-2.0
/* The way into a user's namespaces. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "rootless.h"

struct pair {
	int user, mounts;
};

static void close_pair(struct pair *p)
{
	fd_cleanup(&p->user);
	fd_cleanup(&p->mounts);
	p->user = p->mounts = -1;
}

static int open_one(pid_t pid, const char *kind, unsigned long long inode)
{
	char path[64];
	struct stat st;
	_fd_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fstat(fd, &st) == 0 && st.st_ino == inode ? take_fd(&fd) : -ESRCH;
}

/* The namespaces of a process, if they are those that are meant. */
static int open_pair(struct pair *p, pid_t pid, const struct holder *h)
{
	p->mounts = open_one(pid, "mnt", h->mount_ns);
	p->user = p->mounts < 0 ? -1 : open_one(pid, "user", h->user_ns);
	if (p->user >= 0)
		return 0;
	close_pair(p);
	return -ESRCH;
}

/* A process that is in the namespaces of a holder that is no more: a monitor, mostly. */
static int find_survivor(struct pair *p, const struct holder *h)
{
	DIR *all = opendir("/proc");
	int r = -ESRCH;

	for (struct dirent *one; r < 0 && all && (one = readdir(all));) {
		pid_t pid = (pid_t)strtol(one->d_name, NULL, 10);

		if (pid > 1)
			r = open_pair(p, pid, h);
	}
	if (all)
		(void)closedir(all);
	return r;
}

static int join(struct err *e, struct pair *p)
{
	char directory[PATH_MAX];
	int r = 0;

	if (!getcwd(directory, sizeof(directory)))
		return err_set(e, errno, "getcwd");
	if (setns(p->user, CLONE_NEWUSER) < 0)
		r = err_set(e, errno, "setns to the user's user namespace");
	else if (setns(p->mounts, CLONE_NEWNS) < 0)
		r = err_set(e, errno, "setns to the user's mount namespace");
	else if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		r = err_set(e, errno, "setresuid 0 in the user's namespace");
	else if (chdir(directory) < 0)
		r = err_set(e, errno, "chdir \"%.1000s\"", directory);
	close_pair(p);
	return r;
}

/* What others could write to would let them choose whose namespaces these are. */
static int open_directory(struct err *e, const char *path)
{
	_fd_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open \"%s\"", path);
	if (st.st_uid != geteuid() || st.st_mode & 077)
		return err_set(e, 0, "\"%s\" is not a directory of this user alone (mode 700)",
			       path);
	return take_fd(&fd);
}

static int lock(struct err *e, int directory)
{
	_fd_close_ int fd =
		openat(directory, HOLDER_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, errno, "open \"" HOLDER_LOCK "\"");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "flock \"" HOLDER_LOCK "\"");
	return take_fd(&fd);
}

/* Return: 0, or -errno when there is no holder that lives. */
static int open_holder(struct pair *p, int directory, struct holder *h)
{
	int r = holder_read(directory, h);

	if (r == 0)
		r = open_pair(p, h->pid, h);
	if (r == 0 && !proc_is_alive(h->pid, h->start)) {
		close_pair(p);
		r = -ESRCH;
	}
	return r;
}

int rootless_enter(struct err *e, const struct namespaces *n)
{
	struct holder h = {0};
	struct pair p = {.user = -1, .mounts = -1};
	_fd_close_ int directory = open_directory(e, n->directory);
	_fd_close_ int held = -1;
	int r;

	if (directory < 0)
		return directory;
	if (open_holder(&p, directory, &h) == 0)
		return join(e, &p);
	held = lock(e, directory);
	if (held < 0)
		return held;
	/* Somebody else may have been faster. */
	r = open_holder(&p, directory, &h);
	if (r == 0)
		return join(e, &p);
	if (r == -ESRCH && find_survivor(&p, &h) == 0) {
		r = join(e, &p);
		return r < 0 ? r : holder_replace(e, directory, n);
	}
	r = holder_make(e, directory, n);
	if (r < 0)
		return r;
	r = open_holder(&p, directory, &h);
	return r < 0 ? err_set(e, -r, "the process that holds the user's namespaces") : join(e, &p);
}
