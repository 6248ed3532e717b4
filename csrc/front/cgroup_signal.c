// SPDX-License-Identifier: Apache-2.0
/* Signals to all processes of a container, found through its cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/subdirs.h"
#include "container.h"

#define PROCS_MAX (16u << 20)
#define KILL_ROUNDS 100

/* Signals what one cgroup.procs lists. Return: number of processes, or -errno. */
static int signal_listed(int dirfd, int signal)
{
	_free_ char *text = NULL;
	ssize_t n = read_file(dirfd, "cgroup.procs", &text, PROCS_MAX);
	int count = 0;

	if (n < 0)
		return (int)n;
	for (char *at = text, *end; *at; at = end) {
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		if (pid > 0 && kill((pid_t)pid, signal) == 0)
			count++;
	}
	return count;
}

/* The same for a cgroup and all below it; dirfd is consumed. */
static int signal_tree(int dirfd, int signal)
{
	_subdirs_ children = SUBDIRS_OF(dirfd);
	_fd_close_ int own = dirfd;
	int count = signal_listed(own, signal);

	if (count < 0)
		return count;
	for (const char *name; (name = subdirs_next(&children));) {
		int child = openat(own, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int n = child < 0 ? 0 : signal_tree(child, signal);

		count += n > 0 ? n : 0;
	}
	return count;
}

/* Kills all of a v2 cgroup at once. Return: 0, or < 0 where that cannot be done; *killed: there was a process. */
static int kill_cgroup(int fd, int *killed)
{
	char text[128];
	ssize_t n = read_small(fd, "cgroup.events", text, sizeof(text));
	int r = write_once(fd, "cgroup.kill", "1", 1);

	if (r == 0)
		*killed = n > 0 && strstr(text, "populated 1") != NULL;
	return r;
}

int container_signal_all(struct err *e, const struct container *c, int signal, int *signalled)
{
	const char *path = c->plan.fields[FIELD_CGROUP];
	int rounds = signal == SIGKILL ? KILL_ROUNDS : 1;

	if (!*path)
		return -ENOENT;
	/* What forks faster than it is listed is caught by the next round. */
	for (int n = 1; rounds-- > 0 && n > 0;) {
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && errno == ENOENT)
			return 0;
		if (fd < 0)
			return err_set(e, errno, "open cgroup \"%s\"", path);
		if (signal == SIGKILL && kill_cgroup(fd, signalled) == 0) {
			close(fd);
			return 0;
		}
		n = signal_tree(fd, signal);
		if (n < 0 && n != -ENODEV && n != -ENOENT)
			return err_set(e, -n, "read \"%s/cgroup.procs\"", path);
		if (n > 0)
			*signalled = 1;
		if (n > 0 && rounds > 0)
			sleep_ms(1);
	}
	return 0;
}
