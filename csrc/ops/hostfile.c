// SPDX-License-Identifier: Apache-2.0
/* Files and directories of the host, and files of /proc/PID of init. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"

/* A file of the kernel is missing where its siblings are: the kernel has no such setting. */
static int is_unknown(const char *path)
{
	_free_ char *directory = strdup(path);
	char *slash = directory ? strrchr(directory, '/') : NULL;

	if (!slash)
		return 0;
	*slash = '\0';
	return access(directory, F_OK) == 0;
}

int op_WRITE_FILE(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	const char *data = op_string(c, op, 1);
	int r = write_once(AT_FDCWD, path, data, op->args[2]);

	if (r < 0)
		return err_set(e, -r, "write \"%.*s\" to \"%s\"%s",
			       op->args[2] > 120 ? 120 : (int)op->args[2], data, path,
			       r == -ENOENT && is_unknown(path)
				       ? ", a setting that this kernel does not have"
				       : "");
	return 0;
}

static int has_line(const char *text, const char *line, size_t length)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');

		if ((size_t)(end - text) == length && memcmp(text, line, length) == 0)
			return 1;
		text = *end ? end + 1 : end;
	}
	return 0;
}

int op_WAIT_FILE(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	const char *expected = op_string(c, op, 1);
	int64_t until = now_ms() + op->args[3];
	char text[1024];

	for (;;) {
		ssize_t n = read_small(AT_FDCWD, path, text, sizeof(text));

		if (n < 0)
			return err_set(e, (int)-n, "read \"%s\"", path);
		if (has_line(text, expected, op->args[2]))
			return 0;
		if (now_ms() >= until)
			return err_set(e, ETIMEDOUT, "\"%s\" did not become \"%s\" within %u ms",
				       path, expected, op->args[3]);
		sleep_ms(1);
	}
}

int op_CHOWN(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);

	if (fchownat(AT_FDCWD, path, op->args[1], op->args[2], AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, errno, "chown \"%s\"", path);
	return 0;
}

int op_MAKE_DIR(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);

	if (mkdir(path, op->args[1]) < 0)
		return err_set(e, errno, "mkdir \"%s\"", path);
	return 0;
}

int op_REMOVE_DIR(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);

	if (rmdir(path) < 0 && errno != ENOENT)
		return err_set(e, errno, "rmdir \"%s\"", path);
	return 0;
}

int op_UNMOUNT(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);

	if (syscall(SYS_umount2, path, TS_MNT_DETACH | TS_UMOUNT_NOFOLLOW) < 0)
		return err_set(e, errno, "umount2 \"%s\"", path);
	return 0;
}

int op_JOIN_PID(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)c->pid);
	int r = write_once(AT_FDCWD, path, text, (size_t)n);

	return r < 0 ? err_set(e, -r, "write the pid of init to \"%s\"", path) : 0;
}

int op_WRITE_PID_FILE(struct err *e, struct context *c, const struct op *op)
{
	char path[128];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)c->pid, op_string(c, op, 0));
	r = write_once(AT_FDCWD, path, op_string(c, op, 1), op->args[2]);
	return r < 0 ? err_set(e, -r, "write \"%s\" to \"%s\"", op_string(c, op, 1), path) : 0;
}

int op_PRLIMIT(struct err *e, struct context *c, const struct op *op)
{
	struct rlimit limit = {.rlim_cur = plan_u64(op->args + 1),
			       .rlim_max = plan_u64(op->args + 3)};
	/* 0 is the caller: init sets its own limits, the front those of init. */
	pid_t pid = c->socket >= 0 ? 0 : c->pid;

	if (prlimit(pid, (int)op->args[0], &limit, NULL) < 0)
		return err_set(e, errno, "prlimit (soft %llu, hard %llu)",
			       (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	return 0;
}

#define MAP_DENY_SETGROUPS 1u
#define MAP_HELPER 2u

/* newuidmap PID inside outside count ... : set-uid programs that know /etc/subuid. */
static int map_with_helper(struct err *e, const char *program, pid_t pid, const char *map)
{
	char *copy = strdup(map), *save = NULL, number[16];
	char *argv[3 + 340 * 3];
	int argc = 0, status;
	pid_t child;

	snprintf(number, sizeof(number), "%d", (int)pid);
	argv[argc++] = (char *)(uintptr_t)program;
	argv[argc++] = number;
	for (char *word = strtok_r(copy, " \n", &save); word && argc < 1000;
	     word = strtok_r(NULL, " \n", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	child = fork();
	if (child == 0) {
		execvp(program, argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	free(copy);
	if (child < 0)
		return err_set(e, errno, "fork");
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e, ENOENT, "%s (install the package uidmap)", program);
	if (status)
		return err_set(e, EPERM,
			       "%s failed for the map \"%s\" (see /etc/subuid and /etc/subgid)",
			       program, map);
	return 0;
}

int op_ID_MAP(struct err *e, struct context *c, const struct op *op)
{
	const char *name = op->args[0] ? "gid_map" : "uid_map";
	const char *map = op_string(c, op, 1);
	char path[64];
	int r;

	if (op->args[3] & MAP_DENY_SETGROUPS) {
		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)c->pid);
		r = write_once(AT_FDCWD, path, "deny", 4);
		if (r < 0)
			return err_set(e, -r, "write deny to \"%s\"", path);
	}
	if (op->args[3] & MAP_HELPER)
		return map_with_helper(e, op->args[0] ? "newgidmap" : "newuidmap", c->pid, map);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)c->pid, name);
	r = write_once(AT_FDCWD, path, map, op->args[2]);
	return r < 0 ? err_set(e, -r, "write to \"%s\"", path) : 0;
}
