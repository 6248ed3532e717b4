// SPDX-License-Identifier: Apache-2.0
#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "container.h"

#define GRACE_MS 10000

struct notice {
	enum { NOTICE_MADE, NOTICE_INIT, NOTICE_DONE } kind;
	pid_t pid;
	uint64_t start_time;
};

static void ignore_warning(const char *text)
{
	(void)text; /* whoever could have read it is gone */
}

static void kill_init(const struct container *c)
{
	struct err e;
	_fd_close_ int fd = container_pidfd(&e, c);
	struct pollfd gone = {.fd = fd, .events = POLLIN};

	if (fd < 0 || sys_pidfd_send_signal(fd, SIGKILL) < 0)
		return;
	poll(&gone, 1, GRACE_MS);
}

static void undo(const struct front *f, const char *id, const struct notice *init)
{
	struct container c = CONTAINER_INIT;
	struct host h;
	struct err e;
	int r = container_open(&e, &c, f->root, id);

	if (r == -ENODATA || r == -ENOENT) {
		if (c.dir.fd >= 0)
			statedir_remove(&e, &c.dir);
		return;
	}
	if (r < 0)
		return;
	if (init->pid > 0) {
		c.pid = init->pid;
		c.start_time = init->start_time;
	}
	kill_init(&c);
	front_host(f, &h, &c.plan, NULL);
	h.warn = ignore_warning;
	h.failed = 1;
	container_destroy(&e, &h, &c.dir);
}

static void __attribute__((noreturn)) guard(int pipe, const struct front *f, const char *id)
{
	struct notice init = {0}, notice;
	int made = 0;

	setsid();
	prctl(PR_SET_NAME, "tsrun:guardian");
	/* Nobody may wait for the end of a pipe that this process happens to hold. */
	if (dup2(pipe, 0) < 0)
		_exit(1);
	sys_close_range(1, ~0u, 0);
	while (read_full(0, &notice, sizeof(notice)) == 0) {
		if (notice.kind == NOTICE_DONE)
			_exit(0);
		if (notice.kind == NOTICE_MADE)
			made = 1;
		else
			init = notice;
	}
	/* Hooks and helpers get a stdio that exists. */
	close(0);
	if (made && open("/dev/null", O_RDWR) == 0 && dup(0) == 1 && dup(0) == 2)
		undo(f, id, &init);
	_exit(0);
}

int guardian_start(struct err *e, struct guardian *g, const struct front *f, const char *id)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe");
	pid = fork();
	if (pid == 0)
		guard(ends[0], f, id);
	close(ends[0]);
	if (pid < 0) {
		close(ends[1]);
		return err_set(e, errno, "fork");
	}
	g->pipe = ends[1];
	g->pid = pid;
	return 0;
}

static void tell(const struct guardian *g, const struct notice *notice)
{
	if (g->pipe >= 0)
		write_full(g->pipe, notice, sizeof(*notice));
}

void guardian_tell_made(const struct guardian *g)
{
	tell(g, &(struct notice){.kind = NOTICE_MADE});
}

void guardian_tell_init(const struct guardian *g, pid_t pid, uint64_t start_time)
{
	tell(g, &(struct notice){.kind = NOTICE_INIT, .pid = pid, .start_time = start_time});
}

void guardian_dismiss(struct guardian *g)
{
	tell(g, &(struct notice){.kind = NOTICE_DONE});
	if (g->pipe >= 0)
		close(g->pipe);
	g->pipe = -1;
}

void guardian_reap(struct guardian *g)
{
	while (g->pid > 0 && waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g->pid = 0;
}
