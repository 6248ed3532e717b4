// SPDX-License-Identifier: Apache-2.0
/*
 * exec: from the front into a running container, whose processes are hostile. They see a process once it is in their pid
 * namespace, and with CAP_SYS_PTRACE may take it over (CVE-2016-9962): so that comes last.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "../ops/messages.h"
#include "../ops/procfs.h"
#include "init.h"

static int enter_target(struct err *e, const struct session_options *o)
{
	if (o->target_namespaces == 0)
		return 0;
	if (setns(o->target_pidfd, (int)o->target_namespaces) < 0)
		return err_set(e, errno, "setns (namespaces of the container's init)");
	if (o->target_root >= 0 && (fchdir(o->target_root) < 0 || chroot(".") < 0))
		return err_set(e, errno, "chroot to the root of the container's init");
	return o->target_namespaces & CLONE_NEWUSER ? become_namespace_root(e) : 0;
}

/* Labels go through a procfs; that of the container is not to be trusted, so one is opened before it is entered. */
static int open_procfs(struct err *e, struct context *c)
{
	const struct ops *ops = &c->plan->sections[SECTION_DROP];
	const uint32_t *cursor = ops->words;

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(c->plan, &cursor, &op);
		if (op.code == OP_LSM_LABEL)
			return procfs_open(e, c);
	}
	return 0;
}

static int open_root(struct err *e, struct context *c)
{
	c->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c->root < 0 ? err_set(e, errno, "open the root of the container") : 0;
}

static void close_fds(struct context *c, const struct birth *b)
{
	/* Not even for a moment do those inside see a directory of ours. */
	if (c->root >= 0)
		close(take_fd(&c->root));
	if (c->proc >= 0)
		close(take_fd(&c->proc));
	if (b->options->target_pidfd >= 0)
		close(b->options->target_pidfd);
	if (b->options->target_root >= 0)
		close(b->options->target_root);
}

/* The process that becomes the user's. */
static void __attribute__((noreturn))
become_child(struct context *c, const struct birth *b, int gate[2])
{
	struct birth own = *b;

	if (c->master >= 0)
		close(take_fd(&c->master));
	own.gate = gate[0];
	if (gate[1] >= 0)
		close(gate[1]);
	init_finish(c, &own);
}

void enter_main(const struct birth *b)
{
	struct clone_args args = {.flags = CLONE_PARENT};
	int gate[2] = {-1, -1};
	struct context c;
	struct err e;
	pid_t pid;
	int r;

	init_context(&c, b);
	r = init_await_go(&e, &c, b);
	if (r == 0)
		r = open_procfs(&e, &c);
	if (r == 0)
		r = enter_target(&e, b->options);
	if (r == 0)
		r = open_root(&e, &c);
	if (r == 0)
		r = ops_run(&e, &c, SECTION_SETUP, 0, NULL);
	if (r == 0)
		r = ops_run(&e, &c, SECTION_DROP, 0, NULL);
	if (r < 0)
		birth_fail(c.socket, &e);
	close_fds(&c, b);
	if (b->options->start_at_once && pipe2(gate, O_CLOEXEC) < 0) {
		err_set(&e, errno, "pipe");
		birth_fail(c.socket, &e);
	}
	pid = sys_clone3(&args);
	if (pid == 0)
		become_child(&c, b, gate);
	if (pid < 0) {
		err_set(&e, errno, "clone3");
		birth_fail(c.socket, &e);
	}
	r = message_tell(c.socket, MESSAGE_READY, pid, c.notice, c.master);
	/* Only now, so that the front always knows of a process that runs. */
	if (r == 0 && gate[1] >= 0)
		r = write_full(gate[1], "", 1);
	_exit(r == 0 ? 0 : 1);
}
