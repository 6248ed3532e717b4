// SPDX-License-Identifier: Apache-2.0
/* The front's side of the rendezvous that csrc/README.md draws. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "../base/sys.h"
#include "../ops/messages.h"
#include "../ops/mount.h"
#include "../ops/source.h"
#include "init.h"

/* Return: the pid, or -1 when it is no child of this process. */
static pid_t reap(pid_t pid, int *status)
{
	pid_t r;

	do
		r = waitpid(pid, status, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

void session_abort(struct session *s)
{
	if (s->pid > 0) {
		if (s->pidfd < 0 || sys_pidfd_send_signal(s->pidfd, SIGKILL) < 0)
			kill(s->pid, SIGKILL);
		reap(s->pid, NULL);
	}
	fd_cleanup(&s->pidfd);
	fd_cleanup(&s->socket);
	fd_cleanup(&s->master);
	*s = (struct session){.pidfd = -1, .socket = -1, .master = -1};
}

/* The socket was closed without a word, or with a message unread: init has ended. */
static int describe_death(struct err *e, struct session *s, const char *when)
{
	int status = 0;
	pid_t pid = reap(s->pid, &status);

	s->pid = 0;
	if (pid < 0)
		return err_set(e, 0, "container init ended %s", when);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return err_set(e, 0,
			       "container init was killed %s (signal 9): out of memory? "
			       "linux.resources.memory.limit may be too small",
			       when);
	if (WIFSIGNALED(status))
		return err_set(e, 0, "container init ended %s (signal %d)", when, WTERMSIG(status));
	return err_set(e, 0, "container init ended %s (status %d)", when, WEXITSTATUS(status));
}

/* What init has said of its failure. Return: < 0. */
static int retell(struct err *e, const struct message *m)
{
	e->number = m->number;
	e->from_init = 1;
	memcpy(e->text, m->text, sizeof(e->text));
	return -1;
}

/* Says why the kernel takes no new process into the cgroup, where it is that. Return: < 0. */
static int explain_clone(struct err *e, int number, const struct clone_args *args)
{
	const char *cgroup = args->flags & CLONE_INTO_CGROUP ? " into the container's cgroup" : "";

	if (*cgroup && number == EOPNOTSUPP)
		return err_set(e, number,
			       "clone3%s (a cgroup above it has processes of its own; "
			       "choose another linux.cgroupsPath)",
			       cgroup);
	if (*cgroup && number == EBUSY)
		return err_set(e, number,
			       "clone3%s (it hands controllers down, and so takes no process)",
			       cgroup);
	return err_set(e, number, "clone3%s (namespaces %#llx)", cgroup,
		       (unsigned long long)(args->flags & ~(CLONE_PIDFD | CLONE_INTO_CGROUP)));
}

/* Clones a process that runs entry; it is born in the container's cgroup. Return: 0 or < 0. */
static int clone_process(struct err *e, struct session *s, struct birth *b, uint64_t flags,
			 void (*entry)(const struct birth *))
{
	uint32_t slot = b->plan->spawn.cgroup_slot;
	int pidfd = -1, pair[2];
	struct clone_args args = {.flags = flags | CLONE_PIDFD,
				  .pidfd = (uint64_t)(uintptr_t)&pidfd,
				  .exit_signal = SIGCHLD};
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, errno, "socketpair");
	if (slot != NO_SLOT && b->slots[slot] >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)b->slots[slot];
	}
	pid = sys_clone3(&args);
	if (pid == 0) {
		close(pair[0]);
		b->socket = pair[1];
		entry(b);
	}
	s->socket = pair[0];
	close(pair[1]);
	if (pid < 0)
		return explain_clone(e, errno, &args);
	s->pid = pid;
	s->pidfd = pidfd;
	return 0;
}

/* The process that stood in between has ended, this is the one that it cloned. Return: 0 or < 0. */
static int adopt_child(struct err *e, struct session *s, pid_t pid)
{
	reap(s->pid, NULL);
	fd_cleanup(&s->pidfd);
	s->pid = pid;
	s->pidfd = sys_pidfd_open(pid, 0);
	return s->pidfd < 0 ? err_set(e, errno, "pidfd_open") : 0;
}

/* Waits for the pid that a stage tells. Return: 0 or < 0. */
static int leave_stage(struct err *e, struct session *s)
{
	struct message m;
	int kind = message_hear(s->socket, &m, NULL);

	if (kind == MESSAGE_SPAWNED)
		return adopt_child(e, s, m.number);
	if (kind == MESSAGE_FAIL)
		return retell(e, &m);
	return describe_death(e, s, "while it joined namespaces");
}

static int give_birth(struct err *e, struct session *s, struct host *h,
		      const struct session_options *options)
{
	const struct spawn *spawn = &h->plan->spawn;
	struct birth b = {
		.plan = h->plan, .slots = h->slots, .options = options, .socket = -1, .gate = -1};
	int r;

	if (spawn->flags & SPAWN_EXEC)
		return clone_process(e, s, &b, 0, enter_main);
	if (!(spawn->flags & SPAWN_STAGE))
		return clone_process(e, s, &b, spawn->clone_flags, init_main);
	r = clone_process(e, s, &b, 0, stage_main);
	return r < 0 ? r : leave_stage(e, s);
}

static int read_start_time(struct err *e, struct session *s, struct host *h)
{
	struct proc_stat stat;
	int r = proc_stat_read(s->pid, &stat);

	if (r < 0)
		return err_set(e, -r, "read /proc/%d/stat", (int)s->pid);
	h->pid = s->pid;
	h->start_time = s->start_time = stat.start_time;
	return 0;
}

/* Answers init until it is ready. Return: 0 or < 0. */
static int attend(struct err *e, struct session *s, struct host *h)
{
	struct message m;

	for (;;) {
		int fd = -1, r = 0, kind = message_hear(s->socket, &m, &fd);

		switch (kind) {
		case MESSAGE_READY:
			s->master = fd;
			if (*m.text && h->warn)
				h->warn(m.text);
			if (m.number == 0)
				return 0;
			r = adopt_child(e, s, m.number);
			return r < 0 ? r : read_start_time(e, s, h);
		case MESSAGE_HOOKS:
			r = host_run(e, h, SECTION_HOOKS);
			if (r == 0)
				r = message_tell(s->socket, MESSAGE_GO, s->pid, NULL, -1);
			if (r < 0)
				return r;
			break;
		case MESSAGE_IDMAP:
			r = idmap_sent_tree(e, h->plan, h->slots, m.number, fd);
			fd_cleanup(&fd);
			if (r == 0)
				r = message_tell(s->socket, MESSAGE_GO, s->pid, NULL, -1);
			if (r < 0)
				return r;
			break;
		case MESSAGE_LOOK_UP:
			r = look_up_for_init(e, s->socket, h->plan, m.number, fd);
			fd_cleanup(&fd);
			if (r < 0)
				return r;
			break;
		case MESSAGE_FAIL:
			return retell(e, &m);
		case 0:
		case -ECONNRESET: /* killed before it took GO from its end */
			return describe_death(e, s, "before it was ready");
		default:
			fd_cleanup(&fd);
			return err_set(e, kind < 0 ? -kind : EPROTO, "message of container init");
		}
	}
}

static int has_ended(const struct session *s)
{
	struct pollfd end = {.fd = s->pidfd, .events = POLLIN};

	return poll(&end, 1, 0) > 0;
}

static int adopt(struct err *e, struct session *s, struct host *h)
{
	int r = host_run(e, h, SECTION_ADOPT);

	/* Files of a process that has ended are root's, which a user would be told of instead. */
	return r < 0 && has_ended(s) ? describe_death(e, s, "before it was ready") : r;
}

int session_begin(struct err *e, struct session *s, struct host *h,
		  const struct session_options *options)
{
	int r;

	*s = (struct session){
		.pidfd = -1, .socket = -1, .master = -1, .started = options->start_at_once};
	r = give_birth(e, s, h, options);
	/* exec: the process that stands in between is not the one that is meant. */
	if (r == 0 && h->plan->spawn.flags & SPAWN_EXEC)
		h->pid = s->pid;
	else if (r == 0)
		r = read_start_time(e, s, h);
	if (r == 0)
		r = adopt(e, s, h);
	/* When init is gone already, what it said or how it ended says more than the failed send. */
	if (r == 0) {
		message_tell(s->socket, MESSAGE_GO, s->pid, NULL, -1);
		r = attend(e, s, h);
	}
	if (r < 0) {
		struct err why = *e;

		session_abort(s);
		h->pid = 0;
		*e = why;
	}
	return r;
}

int session_release(struct err *e, struct session *s)
{
	int r = message_tell(s->socket, MESSAGE_GO, s->pid, NULL, -1);

	return r < 0 ? err_set(e, -r, "container init is gone") : 0;
}

/* Waits until the socket closes, which execve does, or brings a failure. Return: 0 or < 0. */
static int await_execve(struct err *e, int socket)
{
	struct message m;
	int kind = message_hear(socket, &m, NULL);

	if (kind == MESSAGE_FAIL)
		return retell(e, &m);
	if (kind == 0 || kind == -ECONNRESET)
		return 0;
	return err_set(e, kind < 0 ? -kind : EPROTO, "message of container init");
}

int session_start(struct err *e, struct session *s)
{
	int r = s->started ? 0 : message_tell(s->socket, MESSAGE_START, s->pid, NULL, -1);

	/* A process that cannot be told is one that has ended: whoever waits for it learns how. */
	r = r < 0 ? 0 : await_execve(e, s->socket);
	fd_cleanup(&s->socket);
	s->socket = -1;
	return r;
}

int session_check_execed(struct err *e, struct session *s)
{
	if (!proc_has_not_execed(s->pid, s->start_time))
		return 0;
	return describe_death(e, s, "before it ran the program");
}

int start_over_socket(struct err *e, int dirfd, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_fd_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct message m;
	int kind;

	if (fd < 0)
		return err_set(e, errno, "socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(e, errno, "connect to container init");
	kind = message_tell(fd, MESSAGE_START, 0, NULL, -1);
	if (kind == 0)
		kind = message_hear(fd, &m, NULL);
	/*
	 * An init that has taken START closes the connection by execve: end of file. One that is closed with START unread was
	 * never taken up: another start was faster, or init is gone. An answer to tell the two apart would cost a wake-up.
	 */
	if (kind == 0)
		return 0;
	if (kind == MESSAGE_FAIL)
		return retell(e, &m);
	return err_set(e, ECONNREFUSED, "container init does not answer");
}
