// SPDX-License-Identifier: Apache-2.0
/* The container's init: from clone to the user process. REGIME: no stdio, no NSS, no locale in here. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../ops/context.h"
#include "../ops/messages.h"
#include "../ops/seccomp_early.h"

#define STACK_SWEEP ((uintptr_t)512 << 10)
#define STACK_SLACK ((uintptr_t)16 << 10)

void birth_fail(int socket, const struct err *e)
{
	message_tell(socket, MESSAGE_FAIL, e->number, e->text, -1);
	_exit(1);
}

int become_namespace_root(struct err *e)
{
	/* Where setgroups is denied there is nothing to give up. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return err_set(e, errno, "setgroups in the user namespace");
	/* A namespace that maps no 0 has no root to become. */
	if (setresgid(0, 0, 0) < 0 && errno != EINVAL)
		return err_set(e, errno, "setresgid 0 in the user namespace");
	if (setresuid(0, 0, 0) < 0 && errno != EINVAL)
		return err_set(e, errno, "setresuid 0 in the user namespace");
	return 0;
}

/* Descriptors of the caller that the plan hands to the user process. */
static unsigned int preserved_count(const struct plan *plan)
{
	const struct ops *ops = &plan->sections[SECTION_START];
	const uint32_t *cursor = ops->words;

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(plan, &cursor, &op);
		if (op.code == OP_PRESERVE_FDS)
			return op.args[0];
	}
	return 0;
}

static int is_kept(const struct birth *b, int fd)
{
	const struct session_options *o = b->options;

	if (fd == b->socket || fd == o->start_listener || fd == o->target_pidfd ||
	    fd == o->target_root)
		return 1;
	for (int i = 0; i < 3; i++)
		if (fd == o->stdio[i])
			return 1;
	for (uint32_t i = 0; i < b->plan->slot_count; i++)
		if (fd == b->slots[i])
			return 1;
	return 0;
}

static int greater(int a, int b)
{
	return a > b ? a : b;
}

/* What this process holds would be held for as long as it waits for its start: pipes of the caller, locks, the guardian. */
static void close_others(const struct birth *b)
{
	const struct session_options *o = b->options;
	int from = 3 + (int)preserved_count(b->plan);
	int highest = greater(b->socket, from - 1);

	for (uint32_t i = 0; i < b->plan->slot_count; i++)
		highest = greater(highest, b->slots[i]);
	for (int i = 0; i < 3; i++)
		highest = greater(highest, o->stdio[i]);
	highest = greater(highest, o->start_listener);
	highest = greater(highest, greater(o->target_pidfd, o->target_root));
	for (int fd = from; fd <= highest; fd++)
		if (!is_kept(b, fd))
			close(fd);
	sys_close_range((unsigned int)highest + 1, ~0u, 0);
}

/* Whatever the caller ignores or handles is not for the user process. */
static void default_signals(void)
{
	struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &by_default, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int take_stdio(struct err *e, const struct session_options *o)
{
	for (int fd = 0; fd < 3; fd++)
		if (o->stdio[fd] >= 0 && dup2(o->stdio[fd], fd) < 0)
			return err_set(e, errno, "dup2");
	return 0;
}

void init_context(struct context *c, const struct birth *b)
{
	*c = (struct context){.plan = b->plan,
			      .slots = b->slots,
			      .status = "creating",
			      .criu = -1,
			      .socket = b->socket,
			      .root = -1,
			      .root_path = "",
			      .made_slot = NO_SLOT,
			      .proc = -1,
			      .empty = -1,
			      .master = -1,
			      .slave = -1};
	if (b->options->die_with_front)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_others(b);
	umask(0);
	default_signals();
}

int init_await_go(struct err *e, struct context *c, const struct birth *b)
{
	struct message m;
	int kind, r = take_stdio(e, b->options);

	if (r < 0)
		return r;
	kind = message_hear(c->socket, &m, NULL);
	if (kind == 0)
		_exit(1); /* the front is gone, there is nobody to tell */
	if (kind != MESSAGE_GO)
		return err_set(e, kind < 0 ? -kind : EPROTO, "wait for the front");
	c->pid = m.number;
	/* Not before GO: an unprivileged front could not write the id maps of such a process. */
	if (!(b->plan->spawn.flags & SPAWN_DUMPABLE))
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

/*
 * The front of `create` leaves. Until it says that the container is written down, its end is the end of init, too.
 * Return: a connection on which START has come.
 */
static int await_start_connection(struct context *c, int listener)
{
	struct pollfd fds[2] = {{.fd = listener, .events = POLLIN},
				{.fd = c->socket, .events = POLLIN}};
	struct message m;

	for (;;) {
		_fd_close_ int connection = -1;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents) {
			if (message_hear(c->socket, &m, NULL) != MESSAGE_GO)
				_exit(1);
			close(c->socket);
			c->socket = fds[1].fd = -1;
			continue;
		}
		connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection >= 0 && message_hear(connection, &m, NULL) == MESSAGE_START)
			return take_fd(&connection);
	}
}

static void note_slots(const struct op *op, unsigned char *used)
{
	uint32_t word = 0;

	for (const char *s = op_signature(op->code); *s; s++) {
		if (strchr("TFO", *s) && op->args[word] < MAX_SLOTS)
			used[op->args[word]] = 1;
		word += *s == 'q' || *s == 'b' || *s == 'v' ? 2 : 1;
	}
}

/*
 * What section start does not need goes now, while nobody waits: to close a detached mount takes the kernel up to some
 * milliseconds, and execve would do it.
 */
static void close_unneeded(struct context *c)
{
	const struct ops *ops = &c->plan->sections[SECTION_START];
	const uint32_t *cursor = ops->words;
	unsigned char used[MAX_SLOTS] = {0};
	int *const fds[] = {&c->root, &c->proc, &c->empty};

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(c->plan, &cursor, &op);
		note_slots(&op, used);
	}
	for (uint32_t i = 0; i < c->plan->slot_count; i++)
		if (!used[i] && c->slots[i] >= 0)
			close(take_fd(&c->slots[i]));
	for (unsigned int i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(take_fd(fds[i]));
}

/*
 * Deep calls of setup have left pages of the stack behind, which count for the container as long as init waits. What lies
 * below the frame of this function is dead.
 */
static void release_stack(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)4095;

	/* The kernel takes what is mapped of a range; that not all is does not matter. */
	madvise((void *)(here - STACK_SWEEP), STACK_SWEEP - STACK_SLACK, MADV_DONTNEED);
}

static void end_on_signal(int number)
{
	_exit(128 + number);
}

/*
 * To the init of a pid namespace signals without a handler mean nothing, and a container that waits for its start would
 * not end when it is told to. execve takes the handlers away.
 */
static void obey_signals(void)
{
	static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	struct sigaction ends = {.sa_handler = end_on_signal};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &ends, NULL);
}

/* Nobody is told that the front has gone, which then ends this process, too. */
static void await_start(struct context *c, const struct birth *b)
{
	struct message m;
	char byte;

	if (b->gate >= 0) {
		if (read(b->gate, &byte, 1) != 1)
			_exit(1);
		close(b->gate);
		return;
	}
	if (message_hear(c->socket, &m, NULL) != MESSAGE_START)
		_exit(1);
	c->pid = m.number;
}

void init_finish(struct context *c, const struct birth *b)
{
	struct err e;

	close_unneeded(c);
	if (b->options->start_listener >= 0)
		seccomp_load_early(c);
	if (b->options->start_listener >= 0)
		release_stack();
	if (b->options->start_listener >= 0) {
		int connection = await_start_connection(c, b->options->start_listener);

		if (c->socket >= 0)
			close(c->socket);
		c->socket = connection;
	} else {
		await_start(c, b);
	}
	c->status = "created";
	ops_run(&e, c, SECTION_START, 0, NULL);
	/* The last op does not come back when it succeeds. */
	birth_fail(c->socket, &e);
}

/* The memory of this process has the variables of the caller, and is found as /proc/PID/environ. */
static void forget_environment(void)
{
	for (char **entry = environ; entry && *entry; entry++)
		explicit_bzero(*entry, strlen(*entry));
}

/* From READY on there may be others in the container, who find what the caller may find. */
static void prepare_for_others(struct context *c)
{
	close_unneeded(c);
	forget_environment();
	/* A change of ids has undone it. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

void init_main(const struct birth *b)
{
	const struct spawn *spawn = &b->plan->spawn;
	struct context c;
	struct err e;
	int r;

	init_context(&c, b);
	r = init_await_go(&e, &c, b);
	if (r == 0 && (spawn->clone_flags & CLONE_NEWUSER))
		r = become_namespace_root(&e);
	if (r == 0 && spawn->flags & SPAWN_DUMPABLE)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (r == 0)
		r = ops_run(&e, &c, SECTION_SETUP, 0, NULL);
	if (r == 0)
		r = ops_run(&e, &c, SECTION_DROP, 0, NULL);
	if (r < 0)
		birth_fail(c.socket, &e);
	if (spawn->flags & SPAWN_DUMPABLE)
		prepare_for_others(&c);
	/* Before anybody knows that there is somebody to send one to. */
	if (b->options->start_listener >= 0)
		obey_signals();
	/* From here on the end of the front is no reason to end: see await_start_connection for the one exception. */
	prctl(PR_SET_PDEATHSIG, 0);
	if (message_tell(c.socket, MESSAGE_READY, 0, c.notice, c.master) < 0)
		_exit(1);
	if (c.master >= 0)
		close(take_fd(&c.master));
	init_finish(&c, b);
}
