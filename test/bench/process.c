// SPDX-License-Identifier: Apache-2.0
/*
 * Calls of runtimes as whole processes: from before posix_spawn (which shares our memory until execve, so a large bench
 * would not cost anything) until wait4 has returned. We are the subreaper, so what a call leaves behind comes to us.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_ARGS 16
#define PATIENCE_S 20

extern char **environ;

volatile sig_atomic_t interrupted;
static int stdio_fds[3] = {-1, -1, -1};

static void on_signal(int number)
{
	if (number != SIGALRM)
		interrupted = 1;
}

static void handle(int number)
{
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: waits must end */

	sigaction(number, &action, NULL);
}

void process_setup(void)
{
	handle(SIGINT);
	handle(SIGTERM);
	handle(SIGHUP);
	handle(SIGALRM);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	stdio_fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	stdio_fds[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	stderr_discard();
}

void stderr_capture(const char *path)
{
	stderr_discard();
	stdio_fds[2] = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

void stderr_discard(void)
{
	if (stdio_fds[2] >= 0 && stdio_fds[2] != stdio_fds[1])
		close(stdio_fds[2]);
	stdio_fds[2] = stdio_fds[1];
}

double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* wait4 that gives up after PATIENCE_S or on a signal. Return: pid, 0 when it gave up, -1 when there is no such child. */
static pid_t wait_patiently(pid_t pid, int *status, struct rusage *usage)
{
	pid_t got;

	alarm(PATIENCE_S);
	got = wait4(pid, status, 0, usage);
	alarm(0);
	if (got < 0)
		return errno == EINTR ? 0 : -1;
	return got;
}

bool call_runtime(const struct runtime *r, const char *const *args, struct call *call)
{
	const char *argv[MAX_ARGS] = {r->path, "--root", r->root};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	struct rusage usage = {0};
	sigset_t defaults;
	double begin;
	pid_t pid;
	int n = 3, e;

	while (*args && n < MAX_ARGS - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_adddup2(&actions, stdio_fds[fd], fd);
	posix_spawnattr_init(&attributes);
	sigfillset(&defaults);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	*call = (struct call){.status = -1};

	begin = now_ms();
	e = posix_spawn(&pid, r->path, &actions, &attributes, (char *const *)(void *)argv, environ);
	if (e == 0 && wait_patiently(pid, &call->status, &usage) == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		call->status = -1;
	}
	call->ms = now_ms() - begin;
	call->peak_kb = usage.ru_maxrss;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return e == 0 && call->status == 0;
}

static void note(struct container *c, pid_t pid, int status, const struct rusage *usage)
{
	if (pid == c->init) {
		c->reaped = true;
		c->init_status = status;
	} else if (usage->ru_maxrss > c->orphan_peak_kb) {
		c->orphan_peak_kb = usage->ru_maxrss;
	}
}

bool init_wait(struct container *c)
{
	struct rusage usage;
	int status = 0;

	if (c->init <= 0 || c->reaped)
		return true;
	if (wait_patiently(c->init, &status, &usage) != c->init)
		return false;
	note(c, c->init, status, &usage);
	return true;
}

bool orphans_wait(struct container *c)
{
	struct rusage usage;
	pid_t pid;
	int status;

	while ((pid = wait_patiently(-1, &status, &usage)) > 0)
		note(c, pid, status, &usage);
	return pid < 0;
}
