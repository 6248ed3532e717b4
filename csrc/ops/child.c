// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"

#define FEW_FDS 1024

/* Shares the memory of the parent, so it only makes system calls; the errno goes through a pipe. */
static void __attribute__((noreturn, noinline)) become(const struct child *c, int report)
{
	struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t none;
	int number;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &by_default, NULL);
	if (c->group)
		setpgid(0, 0);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(c->stdio[fd], fd) < 0)
			goto failed;
	/* The container's system call filter may not know of it. */
	if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		for (int fd = 3; fd < FEW_FDS; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(c->path, c->argv, c->envp);
failed:
	number = errno;
	write_full(report, &number, sizeof(number));
	_exit(127);
}

pid_t child_start(struct err *e, const struct child *c)
{
	int ends[2], number = 0, r;
	sigset_t all, before;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe2");
	ends[1] = fd_above_stdio(ends[1]);
	/* No handler of the parent may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0)
		become(c, ends[1]);
	r = pid < 0 ? errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (r == 0 && read_full(ends[0], &number, sizeof(number)) < 0)
		number = 0; /* end of file: execve has closed it */
	close(ends[0]);
	if (r)
		return err_set(e, r, "vfork");
	if (number) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return err_set(e, number, "execve \"%s\"", c->path);
	}
	return pid;
}

void one_line(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		char byte = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;

		if (byte == ' ' && (to == text || to[-1] == ' '))
			continue;
		*to++ = byte;
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static int await(struct err *e, pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "waitpid");
	return 0;
}

int helper_run(struct err *e, const char *directory, const char *name, char *const envp[],
	       const int stdio[2], int *status)
{
	char path[PATH_MAX], text[1024];
	char *const argv[] = {(char *)(uintptr_t)name, NULL};
	_fd_close_ int said = memory_file(e, "stderr", "", 0);
	int wait_status = 0, r;
	ssize_t n;
	pid_t pid;

	*status = -1;
	if (said < 0)
		return said;
	if (snprintf(path, sizeof(path), "%s/%s", directory ? directory : "", name) >=
	    (int)sizeof(path))
		return err_set(e, ENAMETOOLONG, "execve \"%.200s\"", path);
	pid = child_start(
		e, &(struct child){.path = path,
				   .argv = argv,
				   .envp = envp,
				   .stdio = {stdio[0], stdio[1] < 0 ? said : stdio[1], said}});
	if (pid < 0)
		return pid;
	r = await(e, pid, &wait_status);
	if (r < 0)
		return r;
	if (WIFSIGNALED(wait_status))
		return err_set(e, 0, "%s was killed by signal %d", name, WTERMSIG(wait_status));
	*status = WEXITSTATUS(wait_status);
	if (*status == 0)
		return 0;
	n = pread(said, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	one_line(text);
	if (!*text)
		return err_set(e, 0, "%s: exit status %d", name, *status);
	return err_set(e, 0, "%s", text);
}
