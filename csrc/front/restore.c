// SPDX-License-Identifier: Apache-2.0
/* `restore`: a new container, whose processes criu makes from an image. */
#include <string.h>

#include "../base/console.h"
#include "../base/io.h"
#include "handout.h"
#include "launch.h"
#include "monitor.h"

/* Until the container runs; then it is a child of this process. stdio may be NULL: inherited. Return: 0 or < 0. */
static int begin(struct err *e, struct launch *l, const int *stdio)
{
	struct session_options options = {.start_listener = -1,
					  .target_pidfd = -1,
					  .target_root = -1,
					  .stdio = {-1, -1, -1},
					  .die_with_front = 1};
	_fd_close_ int console = -1;
	_fd_close_ int unused = -1;
	int r = handout_connect(e, l->front, &console, &unused);

	if (r == 0)
		r = host_run(e, &l->host, SECTION_PREPARE);
	if (r < 0)
		return r;
	if (stdio)
		memcpy(options.stdio, stdio, sizeof(options.stdio));
	r = session_begin(e, &l->session, &l->host, &options);
	if (r < 0) {
		l->session.pid = 0;
		return r;
	}
	guardian_tell_init(&l->guardian, l->session.pid, l->session.start_time);
	r = session_run_criu(e, &l->session, &l->host);
	if (r < 0)
		return front_explain_criu(r, e, l->front, &l->request);
	guardian_tell_init(&l->guardian, l->session.pid, l->session.start_time);
	if (console >= 0 && l->session.master >= 0)
		r = handout_send(e, console, l->session.master, "/dev/ptmx");
	return r < 0 ? r : launch_record(e, l);
}

static int restore_detached(struct err *e, struct launch *l)
{
	int r = launch_plan(e, l, 1);

	return r < 0 ? r : begin(e, l, NULL);
}

static int begin_foreground(struct err *e, struct launch *l, struct monitor *m)
{
	int r = launch_plan(e, l, 0);

	if (r == 0 && !args_bool(&l->front->args, "no-subreaper"))
		r = monitor_adopt_orphans(e);
	if (r == 0 && !(l->plan.spawn.flags & SPAWN_TERMINAL))
		r = monitor_make_pipes(e, m);
	if (r == 0)
		r = begin(e, l, m->theirs);
	monitor_close_theirs(m);
	if (r == 0)
		r = monitor_hold_signals(e, m);
	if (r == 0 && l->session.master >= 0)
		console_prepare_master(l->session.master);
	return r;
}

/* Return: exit code of the process, or < 0. */
static int restore_foreground(struct err *e, struct launch *l)
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
	request_free(&l->request);
	planner_reap(&l->front->planner);
	launch_unlock(l);
	code = monitor_serve(&m, &l->session);
	monitor_end(&m);
	l->session.pid = 0;
	launch_remove(l);
	return code;
}

int verb_restore(struct front *f)
{
	struct launch l;
	struct err e = {0};
	int r;

	launch_init(&l, f);
	r = args_bool(&f->args, "detach") ? restore_detached(&e, &l) : restore_foreground(&e, &l);
	if (r < 0)
		launch_undo(&l);
	launch_end(&l);
	return r < 0 ? front_fail(f, &e) : r;
}
