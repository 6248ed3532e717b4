// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "../base/sys.h"
#include "container.h"
#include "front.h"
#include "notify.h"

#define GRACE_MS 2000

static int check_status(struct err *e, const struct container *c)
{
	switch (container_status(c)) {
	case STATUS_CREATED:
		return 0;
	case STATUS_STOPPED:
		return err_set(e, 0, "cannot start a container that has stopped");
	case STATUS_RUNNING:
		/* Left behind by a start that was killed. */
		unlinkat(c->dir.fd, "start.sock", 0);
		return err_set(e, 0, "cannot start an already running container");
	case STATUS_PAUSED:
		break;
	}
	return err_set(e, 0, "cannot start a container in the paused state (resume it first)");
}

static int run_poststart(struct err *e, const struct front *f, const struct container *c)
{
	struct host h;
	struct err later;
	int r, fd;

	front_host(f, &h, &c->plan, NULL);
	h.pid = c->pid;
	h.start_time = c->start_time;
	h.status = "running";
	r = host_run(e, &h, SECTION_POSTSTART);
	if (r == 0)
		return 0;
	fd = container_pidfd(&later, c);
	if (fd >= 0) {
		sys_pidfd_send_signal(fd, SIGKILL);
		close(fd);
	}
	return r;
}

/* An init that has said why it failed ends at once; who asks for the state next shall see it so. */
static void await_end(const struct container *c)
{
	struct err e;
	_fd_close_ int fd = container_pidfd(&e, c);
	struct pollfd gone = {.fd = fd, .events = POLLIN};

	if (fd >= 0)
		poll(&gone, 1, GRACE_MS);
}

/* The service manager is told of a container that is ready; that is waited for, as the caller's end would end the service. */
static void serve_notify(struct notify *n, const struct container *c)
{
	struct err e;
	_fd_close_ int init = n->socket < 0 ? -1 : container_pidfd(&e, c);

	if (n->socket < 0)
		return;
	n->main_pid = c->pid;
	/* One that has ended already may have said it before. */
	if (init >= 0)
		notify_wait(n, init);
	else
		notify_take(n);
}

static int start(struct err *e, const struct container *c)
{
	int r = start_over_socket(e, c->dir.fd, "start.sock");

	/* Another start was faster, or init is gone. */
	if (r == -ECONNREFUSED || r == -ENOENT) {
		if (container_status(c) == STATUS_STOPPED)
			return err_set(e, 0, "cannot start a container that has stopped");
		return err_set(e, 0, "cannot start an already running container");
	}
	unlinkat(c->dir.fd, "start.sock", 0);
	if (r == 0 && proc_has_not_execed(c->pid, c->start_time))
		r = err_set(e, 0,
			    "container init was killed before it ran the program: out of memory? "
			    "linux.resources.memory.limit may be too small");
	if (r < 0)
		await_end(c);
	return r;
}

int verb_start(struct front *f)
{
	struct container c = CONTAINER_INIT;
	struct notify notify = NOTIFY_INIT;
	struct err e = {0};
	int r = container_open(&e, &c, f->root, f->args.positionals[0]);

	if (r == 0)
		r = check_status(&e, &c);
	if (r == 0)
		r = notify_open(&e, &notify, &c.dir);
	if (r == 0)
		r = start(&e, &c);
	if (r == 0)
		r = run_poststart(&e, f, &c);
	if (r == 0)
		serve_notify(&notify, &c);
	notify_close(&notify);
	container_close(&c);
	return r < 0 ? front_fail(f, &e) : 0;
}
