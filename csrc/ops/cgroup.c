// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../base/subdirs.h"
#include "cgroup.h"
#include "ops.h"

#define MAKE_CPUSET 1u
#define REMOVE_KILL 1u
#define REMOVE_TIMEOUT_MS 10000
#define MADE_MARK "trusted.tsrun.made"

/* The value of a cpuset file in the directory above. Return: its length, or < 0. */
static ssize_t read_above(const char *path, const char *file, char *value, size_t size)
{
	char above[PATH_MAX + 32];

	snprintf(above, sizeof(above), "%s/../%s", path, file);
	return read_small(AT_FDCWD, above, value, size);
}

/*
 * A new v1 cpuset has no CPUs and no memory nodes, and no process may enter it before it has both. One that somebody made for
 * the container and left empty gets them, too. Recurses upwards; at the latest the root of the hierarchy has some.
 */
static int inherit_cpuset(struct err *e, char *path)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	char own[PATH_MAX + 32], value[4096], have[4096];

	for (unsigned int i = 0; i < 2; i++) {
		ssize_t n;
		int r;

		snprintf(own, sizeof(own), "%s/%s", path, files[i]);
		if (read_small(AT_FDCWD, own, have, sizeof(have)) != 0)
			continue;
		n = read_above(path, files[i], value, sizeof(value));
		if (n == 0) {
			char *slash = strrchr(path, '/');

			if (!slash || slash == path)
				return err_set(e, ENODATA, "read \"%s/../%s\"", path, files[i]);
			*slash = '\0';
			r = inherit_cpuset(e, path);
			*slash = '/';
			if (r < 0)
				return r;
			n = read_above(path, files[i], value, sizeof(value));
		}
		if (n < 0)
			return err_set(e, (int)-n, "read \"%s/../%s\"", path, files[i]);
		r = write_once(AT_FDCWD, own, value, (size_t)n);
		if (r < 0)
			return err_set(e, -r, "write \"%s\" to \"%s\"", value, own);
	}
	return 0;
}

/* Says that a parent was made by us. Where it cannot be said it stays. */
static void mark_made(const char *path)
{
	setxattr(path, MADE_MARK, "1", 1, 0);
}

/*
 * A create that failed leaves no directory behind. Otherwise those above the container's own are the caller's, who named
 * them: engines keep them for the next container.
 */
static void remove_made_parents(char *path)
{
	char mark[2];

	for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (getxattr(path, MADE_MARK, mark, sizeof(mark)) != 1 || rmdir(path) < 0)
			return;
	}
}

static int make(struct err *e, char *path, uint32_t flags, int is_parent)
{
	for (int attempt = 0;; attempt++) {
		char *slash;
		int r;

		if (mkdir(path, 0755) == 0) {
			if (is_parent)
				mark_made(path);
			return flags & MAKE_CPUSET ? inherit_cpuset(e, path) : 0;
		}
		if (errno == EEXIST)
			return flags & MAKE_CPUSET ? inherit_cpuset(e, path) : 0;
		slash = strrchr(path, '/');
		/* A parent may go away meanwhile, with the last container of somebody else. */
		if (errno != ENOENT || !slash || slash == path || attempt == 16)
			return err_set(e, errno, "mkdir \"%s\"", path);
		*slash = '\0';
		r = make(e, path, flags, 1);
		*slash = '/';
		if (r < 0)
			return r;
	}
}

void cgroup_mark_owner(const char *path, const char *owner)
{
	size_t length = strlen(owner);

	if (setxattr(path, CGROUP_OWNER, owner, length, 0) < 0 && errno == EPERM)
		setxattr(path, CGROUP_USER_OWNER, owner, length, 0);
}

int op_CGROUP_MAKE(struct err *e, struct context *c, const struct op *op)
{
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s", op_string(c, op, 0)) >= (int)sizeof(path))
		return err_set(e, ENAMETOOLONG, "mkdir \"%.100s...\"", op_string(c, op, 0));
	r = make(e, path, op->args[1], 0);
	if (r == 0 && c->owner)
		cgroup_mark_owner(path, c->owner);
	return r;
}

static int check_vacant(struct err *e, const char *dir)
{
	char path[PATH_MAX + 32], text[4096];
	unsigned int processes = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	n = read_small(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return err_set(e, (int)-n, "read \"%s\"", path);
	for (char *at = text; n > 0 && at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
		processes++;
	if (processes)
		return err_set(e, 0,
			       "container's cgroup is not empty: %u process(es) found in \"%s\"",
			       processes, dir);
	snprintf(path, sizeof(path), "%s/cgroup.events", dir);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) > 0 && strstr(text, "populated 1"))
		return err_set(e, 0,
			       "container's cgroup is not empty: process(es) found below \"%s\"",
			       dir);
	snprintf(path, sizeof(path), "%s/freezer.state", dir);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) > 0 && strcmp(text, "THAWED") != 0)
		return err_set(e, 0, "container's cgroup unexpectedly frozen: \"%s\"", dir);
	snprintf(path, sizeof(path), "%s/cgroup.freeze", dir);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) > 0 && strcmp(text, "1") == 0)
		return err_set(e, 0, "container's cgroup unexpectedly frozen: \"%s\"", dir);
	return 0;
}

int op_CGROUP_VACANT(struct err *e, struct context *c, const struct op *op)
{
	return c->vacancy_checked ? 0 : check_vacant(e, op_string(c, op, 0));
}

/* Signals every process listed in a cgroup file below dirfd. Return: how many there were. */
static unsigned int kill_listed(int dirfd)
{
	_free_ char *text = NULL;
	unsigned int count = 0;

	if (read_file(dirfd, "cgroup.procs", &text, 16u << 20) <= 0)
		return 0;
	for (char *at = text; *at;) {
		char *end;
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		if (pid > 1 && pid != getpid()) {
			kill((pid_t)pid, SIGKILL);
			count++;
		}
		at = *end ? end + 1 : end;
	}
	return count;
}

/* Removes the children of a cgroup, deepest first, killing what is in them when asked to. fd is consumed. */
static void empty_tree(int fd, int kill_them)
{
	_subdirs_ children = SUBDIRS_OF(fd);
	_fd_close_ int own = fd;

	if (kill_them && write_once(own, "cgroup.kill", "1", 1) < 0)
		kill_listed(own);
	for (const char *name; (name = subdirs_next(&children));) {
		int child = openat(own, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (child < 0)
			continue;
		empty_tree(child, kill_them);
		unlinkat(own, name, AT_REMOVEDIR);
	}
}

void cgroup_kill(const char *path)
{
	_fd_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && write_once(fd, "cgroup.kill", "1", 1) < 0)
		kill_listed(fd);
}

void cgroup_thaw(const char *path)
{
	char file[PATH_MAX + 32];

	snprintf(file, sizeof(file), "%s/freezer.state", path);
	write_once(AT_FDCWD, file, "THAWED", 6);
}

int cgroup_remove(struct err *e, const char *path, int kill_them)
{
	int64_t until = 0;
	unsigned int pause_ms = 1;

	for (;;) {
		int fd, number;

		/* Nearly always the processes are gone and this is all. */
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		number = errno;
		/* A read-only mount says so before it looks whether there is anything to remove. */
		if (number == EROFS && access(path, F_OK) < 0 && errno == ENOENT)
			return 0;
		if (number != EBUSY && number != ENOTEMPTY)
			return err_set(e, number, "rmdir \"%s\"", path);
		if (until == 0)
			until = now_ms() + REMOVE_TIMEOUT_MS;
		else if (now_ms() > until)
			return err_set(e, number,
				       "rmdir \"%s\" (it still holds processes or cgroups)", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			empty_tree(fd, kill_them);
		if (kill_them)
			cgroup_thaw(path);
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		sleep_ms(pause_ms);
		if (pause_ms < 16)
			pause_ms *= 2;
	}
}

int op_CGROUP_REMOVE(struct err *e, struct context *c, const struct op *op)
{
	char path[PATH_MAX];
	int r;

	if (c->unit_taken)
		return 0;
	if (snprintf(path, sizeof(path), "%s", op_string(c, op, 0)) >= (int)sizeof(path))
		return err_set(e, ENAMETOOLONG, "rmdir \"%.100s...\"", op_string(c, op, 0));
	r = cgroup_remove(e, path, (op->args[1] & REMOVE_KILL) != 0);
	if (r == 0 && c->failed)
		remove_made_parents(path);
	return r;
}
