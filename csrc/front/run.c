// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "../base/console.h"
#include "../base/io.h"
#include "launch.h"
#include "log.h"
#include "monitor.h"

/* START, then the hooks of the running container. A failure of either ends the container. */
static int start(struct err *e, struct launch *l)
{
	int r = session_start(e, &l->session);

	if (r == 0)
		r = session_check_execed(e, &l->session);
	l->host.status = "running";
	return r < 0 ? r : host_run(e, &l->host, SECTION_POSTSTART);
}

static int run_detached(struct err *e, struct launch *l)
{
	int r = launch_plan(e, l, 1);

	if (r == 0)
		r = launch_begin(e, l, NULL, 0);
	if (r == 0)
		r = launch_commit(e, l);
	if (r == 0)
		r = start(e, l);
	l->notify.main_pid = l->session.pid;
	if (r == 0)
		notify_wait(&l->notify, l->session.pidfd);
	return r;
}

static int begin_foreground(struct err *e, struct launch *l, struct monitor *m)
{
	int r = launch_plan(e, l, 0);

	if (r == 0 && !args_bool(&l->front->args, "no-subreaper"))
		r = monitor_adopt_orphans(e);
	if (r == 0 && !(l->plan.spawn.flags & SPAWN_TERMINAL))
		r = monitor_make_pipes(e, m);
	if (r == 0)
		r = launch_begin(e, l, m->theirs, 0);
	monitor_close_theirs(m);
	if (r == 0)
		r = launch_commit(e, l);
	if (r == 0)
		r = monitor_hold_signals(e, m);
	if (r == 0 && l->session.master >= 0)
		console_prepare_master(l->session.master);
	return r < 0 ? r : start(e, l);
}

/* Return: exit code of the process, or < 0. */
static int run_foreground(struct err *e, struct launch *l)
{
	struct monitor m;
	int r, code;

	monitor_init(&m);
	r = begin_foreground(e, l, &m);
	if (r < 0) {
		monitor_end(&m);
		return r;
	}
	/* From here on the only child is the container. */
	guardian_dismiss(&l->guardian);
	guardian_reap(&l->guardian);
	front_keep_template(l->front, &l->request, &l->query);
	planner_reap(&l->front->planner);
	launch_unlock(l);
	/* A service is what its manager has started, and that stays. */
	l->notify.main_pid = getpid();
	m.notify = &l->notify;
	code = monitor_serve(&m, &l->session);
	monitor_end(&m);
	l->session.pid = 0;
	if (!args_bool(&l->front->args, "keep"))
		launch_remove(l);
	return code;
}

int verb_run(struct front *f)
{
	struct launch l;
	struct err e = {0};
	int r;

	launch_init(&l, f);
	r = args_bool(&f->args, "detach") ? run_detached(&e, &l) : run_foreground(&e, &l);
	if (r < 0)
		launch_undo(&l);
	launch_end(&l);
	return r < 0 ? front_fail(f, &e) : r;
}
