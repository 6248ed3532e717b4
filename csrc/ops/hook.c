// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/appendix.h"
#include "child.h"
#include "ops.h"
#include "process.h"

#define HOOK_WARNS 1u
#define HOOK_HOME 2u
#define INTERVAL_MS 10

/* The end of what a hook printed. */
#define TAIL_SIZE ((size_t)64 << 10)
/* What is longer does not stand in the text of the error itself. */
#define SHORT_SIZE 1024u
struct tail {
	char *text; /* TAIL_SIZE + 1 bytes, once there is any */
	size_t length;
	int cut;
};

struct said {
	const char *between;
	char text[SHORT_SIZE + 1];
};

static void tail_free(struct tail *t)
{
	free(t->text);
}

static void tail_add(struct tail *t, const char *data, size_t length)
{
	size_t surplus;

	if (!t->text)
		t->text = malloc(TAIL_SIZE + 1);
	if (!t->text)
		return;
	if (t->length + length > TAIL_SIZE) {
		surplus = t->length + length - TAIL_SIZE;
		memmove(t->text, t->text + surplus, t->length - surplus);
		t->length -= surplus;
		t->cut = 1;
	}
	memcpy(t->text + t->length, data, length);
	t->length += length;
}

/* As text: NUL bytes and a character that was cut in two are left out. */
static const char *tail_text(struct tail *t)
{
	char *start = t->text;

	if (!start)
		return "";
	for (size_t i = 0; i < t->length; i++)
		if (!t->text[i])
			t->text[i] = ' ';
	t->text[t->length] = '\0';
	while (t->cut && ((unsigned char)*start & 0xc0) == 0x80)
		start++;
	one_line(start);
	return start;
}

/* The same as it stands in the text of an error. */
static struct said tail_said(struct tail *t)
{
	const char *text = tail_text(t);
	struct said said = {.between = *text ? ", stderr: " : ""};
	char *copy = strlen(text) > SHORT_SIZE ? strdup(text) : NULL;

	snprintf(said.text, sizeof(said.text), "%s", copy ? appendix_add(copy).text : text);
	return said;
}

/* Return: 1 when there may be more, 0 at the end. */
static int tail_read(struct tail *t, int fd)
{
	char chunk[1024];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n > 0)
		tail_add(t, chunk, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static int has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

/*
 * Until the hook itself ends: a process that it left behind may keep its output open. Without a pidfd its end is looked
 * for at intervals. Return: 1 when it has ended, 0 when its time is over, or < 0.
 */
static int watch(struct err *e, pid_t pid, int pidfd, int output, uint32_t timeout_ms,
		 struct tail *t)
{
	struct pollfd fds[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = output, .events = POLLIN}};
	int64_t until = now_ms() + timeout_ms;

	for (;;) {
		int64_t left = timeout_ms ? until - now_ms() : -1;
		int n;

		if (timeout_ms && left <= 0)
			return 0;
		if (pidfd < 0 && has_ended(pid))
			return 1;
		if (pidfd < 0 && (left < 0 || left > INTERVAL_MS))
			left = INTERVAL_MS;
		n = poll(fds, 2, left > INT_MAX ? INT_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return err_set(e, errno, "poll");
		if (n <= 0)
			continue;
		/* The end is looked at first: what was printed before it is read by the caller. */
		if (fds[0].revents)
			return 1;
		if (fds[1].revents && !tail_read(t, output))
			fds[1].fd = -1;
	}
}

static const char *signal_text(int number, char *other, size_t size)
{
	static const struct {
		int number;
		const char *text;
	} texts[] = {
		{SIGHUP, "hangup"},
		{SIGINT, "interrupt"},
		{SIGQUIT, "quit"},
		{SIGILL, "illegal instruction"},
		{SIGTRAP, "trace/breakpoint trap"},
		{SIGABRT, "aborted"},
		{SIGBUS, "bus error"},
		{SIGFPE, "floating point exception"},
		{SIGKILL, "killed"},
		{SIGUSR1, "user defined signal 1"},
		{SIGSEGV, "segmentation fault"},
		{SIGUSR2, "user defined signal 2"},
		{SIGPIPE, "broken pipe"},
		{SIGALRM, "alarm clock"},
		{SIGTERM, "terminated"},
		{SIGSYS, "bad system call"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].number == number)
			return texts[i].text;
	snprintf(other, size, "signal %d", number);
	return other;
}

static int judge(struct err *e, int status, struct tail *t)
{
	struct said said;
	char other[16];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	said = tail_said(t);
	if (WIFEXITED(status))
		return err_set(e, 0, "exit status %d%s%s", WEXITSTATUS(status), said.between,
			       said.text);
	return err_set(e, 0, "signal: %s%s%s%s",
		       signal_text(WTERMSIG(status), other, sizeof(other)),
		       WCOREDUMP(status) ? " (core dumped)" : "", said.between, said.text);
}

static int await_hook(struct err *e, pid_t pid, int output, uint32_t timeout_ms)
{
	_fd_close_ int pidfd = sys_pidfd_open(pid, 0);
	__attribute__((cleanup(tail_free))) struct tail tail = {.length = 0};
	int status = 0, r;

	r = watch(e, pid, pidfd, output, timeout_ms, &tail);
	if (r <= 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL); /* in case it has left the group */
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "waitpid");
	if (r < 0)
		return r;
	/* One that prints without end is not listened to for ever. */
	for (int i = 0; i < 1024 && tail_read(&tail, output); i++)
		;
	if (r == 0) {
		struct said said = tail_said(&tail);

		return err_set(e, 0, "hook ran past specified timeout of %u.%us%s%s",
			       timeout_ms / 1000, timeout_ms % 1000 / 100, said.between, said.text);
	}
	return judge(e, status, &tail);
}

/* A pipe that holds all of it already. Return: its read end, or < 0. */
static int state_pipe(struct err *e, const char *state, size_t length)
{
	_fd_close_ int reader = -1, writer = -1;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(e, errno, "pipe2");
	reader = fd_above_stdio(ends[0]);
	writer = ends[1];
	fcntl(writer, F_SETPIPE_SZ, (int)length);
	r = write_full(writer, state, length);
	if (r < 0)
		return err_set(e, -r, "write the state");
	fcntl(reader, F_SETFL, 0);
	return take_fd(&reader);
}

/*
 * A file in memory as stdin: nobody needs to write while the hook reads, or to care when it does not. Hooks of
 * startContainer run under the container's system call filter, which may not know of such files.
 */
static int state_file(struct err *e, const struct context *c, const struct op *op)
{
	size_t length;
	/* Hooks in the container see the pid that it has there. */
	pid_t pid = c->socket >= 0 ? getpid() : c->pid;
	_free_ char *state = template_fill(op_string(c, op, 6), op->args[7], pid, c->status,
					   c->start_time, &length);

	int fd;

	if (!state)
		return err_set(e, ENOMEM, "state");
	fd = memory_file(e, "state", state, length);
	return fd < 0 ? state_pipe(e, state, length) : fd;
}

/* files: where its output and its errors go; -1: they are kept for the error that it may cause. */
static int run_hook(struct err *e, struct context *c, const struct op *op, const int files[2])
{
	const char *path = op_string(c, op, 0);
	_free_ char **args = plan_vector(c->plan, op->args + 1);
	_free_ char **env = plan_vector(c->plan, op->args + 3);
	char *only[] = {(char *)(uintptr_t)path, NULL};
	_fd_close_ int state = -1, reader = -1, writer = -1;
	int ends[2];
	pid_t pid;

	if (args && env && (op->args[8] & HOOK_HOME)) {
		char **whole = env_with_home(env, c->home, op->args[4]);

		if (!whole)
			return err_set(e, ENOMEM, "hook \"%s\"", path);
		env = whole;
	}
	if (!args || !env)
		return err_set(e, ENOMEM, "hook \"%s\"", path);
	state = state_file(e, c, op);
	if (state < 0)
		return state;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(e, errno, "pipe2");
	reader = ends[0];
	writer = fd_above_stdio(ends[1]);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	pid = child_start(e, &(struct child){.path = path,
					     .argv = args[0] ? args : only,
					     .envp = env,
					     .stdio = {state, files[0] < 0 ? writer : files[0],
						       files[1] < 0 ? writer : files[1]},
					     .group = 1});
	if (pid < 0)
		return pid;
	close(take_fd(&writer));
	return await_hook(e, pid, reader, op->args[5]);
}

static void warn(struct context *c, const struct op *op, const struct err *e)
{
	size_t n = strlen(c->notice);
	char text[sizeof(e->text) + 128];

	snprintf(text, sizeof(text), "%s: %s", op->label, e->text);
	if (c->warn)
		c->warn(text);
	else
		snprintf(c->notice + n, sizeof(c->notice) - n, "%s%s", n ? "; " : "", text);
}

static int hook(struct err *e, struct context *c, const struct op *op, const int files[2])
{
	int r = run_hook(e, c, op, files);

	if (r < 0 && (op->args[8] & HOOK_WARNS)) {
		warn(c, op, e);
		return 0;
	}
	return r;
}

int op_HOOK(struct err *e, struct context *c, const struct op *op)
{
	return hook(e, c, op, (const int[]){-1, -1});
}

int op_HOOK_INTO(struct err *e, struct context *c, const struct op *op)
{
	return hook(e, c, op, (const int[]){op_slot(c, op, 9), op_slot(c, op, 10)});
}
