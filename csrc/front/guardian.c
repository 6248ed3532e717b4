// SPDX-License-Identifier: Apache-2.0
#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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
	uint64_t inode;
};

/* What is to be undone. */
struct ward {
	const struct front *front;
	const char *id;
	const char *draft;
	struct notice made;
	struct notice init;
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

static void undo(const struct ward *w)
{
	const struct notice *init = &w->init;
	struct container c = CONTAINER_INIT;
	struct host h;
	struct err e;
	int r = container_open(&e, &c, w->front->root, w->id);

	/* One that another front has made since. */
	if (c.dir.fd < 0 || statedir_inode(&c.dir) != w->made.inode)
		return;
	if (r == -ENODATA || r == -ENOENT) {
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
	front_host(w->front, &h, &c.plan, NULL);
	h.warn = ignore_warning;
	h.failed = 1;
	container_destroy(&e, &h, &c.dir);
}

static void __attribute__((noreturn)) guard(int socket, struct ward *w)
{
	struct notice notice;

	setsid();
	prctl(PR_SET_NAME, "tsrun:guardian");
	/* Nobody may wait for the end of a pipe that this process happens to hold. */
	if (dup2(socket, 0) < 0)
		_exit(1);
	sys_close_range(1, ~0u, 0);
	while (read_full(0, &notice, sizeof(notice)) == 0) {
		if (notice.kind == NOTICE_DONE)
			_exit(0);
		if (notice.kind == NOTICE_MADE)
			w->made = notice;
		else
			w->init = notice;
	}
	/* Hooks and helpers get a stdio that exists. */
	close(0);
	if (open("/dev/null", O_RDWR) != 0 || dup(0) != 1 || dup(0) != 2)
		_exit(1);
	statedir_remove_draft(w->front->root, w->draft);
	if (w->made.inode)
		undo(w);
	_exit(0);
}

int guardian_start(struct err *e, struct guardian *g, const struct front *f, const char *id,
		   const char *draft)
{
	struct ward w = {.front = f, .id = id, .draft = draft};
	int ends[2];
	pid_t pid;

	/* No pipe: when the guardian is killed, that is no reason to end. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(e, errno, "socketpair");
	pid = fork();
	if (pid == 0)
		guard(ends[0], &w);
	close(ends[0]);
	if (pid < 0) {
		close(ends[1]);
		return err_set(e, errno, "fork");
	}
	g->socket = ends[1];
	g->pid = pid;
	return 0;
}

static void tell(const struct guardian *g, const struct notice *notice)
{
	if (g->socket >= 0)
		send(g->socket, notice, sizeof(*notice), MSG_NOSIGNAL);
}

void guardian_tell_made(const struct guardian *g, uint64_t inode)
{
	tell(g, &(struct notice){.kind = NOTICE_MADE, .inode = inode});
}

void guardian_tell_init(const struct guardian *g, pid_t pid, uint64_t start_time)
{
	tell(g, &(struct notice){.kind = NOTICE_INIT, .pid = pid, .start_time = start_time});
}

void guardian_dismiss(struct guardian *g)
{
	tell(g, &(struct notice){.kind = NOTICE_DONE});
	if (g->socket >= 0)
		close(g->socket);
	g->socket = -1;
}

void guardian_reap(struct guardian *g)
{
	while (g->pid > 0 && waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	g->pid = 0;
}
