// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "container.h"
#include "front.h"
#include "handler.h"
#include "signals.h"

static int signal_init(struct err *e, const struct container *c, int signal)
{
	_fd_close_ int fd = container_pidfd(e, c);

	if (fd < 0)
		return fd;
	if (sys_pidfd_send_signal(fd, signal) == 0)
		return 0;
	if (errno == ESRCH) {
		err_set(e, 0, "container not running");
		return -ESRCH;
	}
	return err_set(e, errno, "pidfd_send_signal (signal %d, pid %d)", signal, (int)c->pid);
}

static int has_v1_freezer(const struct container *c)
{
	const char *path = c->plan.fields[FIELD_FREEZER];
	const char *name = strrchr(path, '/');

	return name && strcmp(name, "/freezer.state") == 0;
}

static int signal_container(struct err *e, const struct front *f, const struct container *c,
			    int signal)
{
	int all = args_bool(&f->args, "all"), signalled = 0;
	int shared = signal == SIGKILL && strcmp(c->plan.fields[FIELD_PIDNS_SHARED], "1") == 0;
	enum status status = container_status(c);
	struct host h;
	int r = 0;

	if (status == STATUS_STOPPED && !all && !shared)
		return err_set(e, 0, "container not running");
	if (status == STATUS_RUNNING)
		handler_await(c, signal);
	if (all || shared)
		r = container_signal_all(e, c, signal, &signalled);
	/* Also those that have left their cgroup, or have none; init may be among those that were just killed. */
	if (r == -ENOENT || (r == 0 && !all)) {
		r = signal_init(e, c, signal);
		if (r == -ESRCH && (signalled > 0 || all))
			r = 0;
	}
	if (r < 0 || signal != SIGKILL || status != STATUS_PAUSED || !has_v1_freezer(c))
		return r;
	/* In a frozen v1 cgroup even SIGKILL has no effect before it is thawed. */
	front_host(f, &h, &c->plan, NULL);
	h.pid = c->pid;
	return host_run(e, &h, SECTION_RESUME);
}

int verb_kill(struct front *f)
{
	struct container c = CONTAINER_INIT;
	struct err e = {0};
	int signal = 0, r = container_open(&e, &c, f->root, f->args.positionals[0]);

	if (r == 0) {
		const char *name = f->args.positional_count > 1 ? f->args.positionals[1] : "";

		signal = *name ? signal_parse(&e, name) : SIGTERM;
		r = signal < 0 ? signal : 0;
	}
	if (r == 0)
		r = signal_container(&e, f, &c, signal);
	container_close(&c);
	return r < 0 ? front_fail(f, &e) : 0;
}
