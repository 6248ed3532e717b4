// SPDX-License-Identifier: Apache-2.0
/*
 * tsdock-init: process 1 of containers that are run with --init. It starts the program, passes signals on to it, reaps
 * whatever is left to it, and ends as the program ends. Call: tsdock-init -- PROGRAM [ARGUMENT...]
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Signals of the program's own faults are no messages. */
static const int own_faults[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};

static int fail(const char *what, const char *object)
{
	int number = errno;

	fprintf(stderr, "tsdock-init: %s %s: %s\n", what, object, strerror(number));
	return number == ENOENT ? 127 : 126;
}

static void hold_signals(sigset_t *held, sigset_t *before)
{
	sigfillset(held);
	for (size_t i = 0; i < sizeof(own_faults) / sizeof(own_faults[0]); i++)
		sigdelset(held, own_faults[i]);
	sigprocmask(SIG_SETMASK, held, before);
}

static int become(char **argv, const sigset_t *mask)
{
	/* A group of its own: what the terminal sends goes to the program, and to it alone. */
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	if (isatty(STDIN_FILENO))
		tcsetpgrp(STDIN_FILENO, getpgrp());
	signal(SIGTTOU, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	return fail("execvp", argv[0]);
}

/* Return: 1 when the program has ended, with its status. */
static int reap(pid_t program, int *code)
{
	int status, ended = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != program)
			continue;
		ended = 1;
		*code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	return ended;
}

static int serve(pid_t program, const sigset_t *held)
{
	siginfo_t info;
	int code = 0;

	for (;;) {
		if (sigwaitinfo(held, &info) < 0 && errno != EINTR)
			return fail("sigwaitinfo", "");
		if (info.si_signo == SIGCHLD) {
			if (reap(program, &code))
				return code;
		} else {
			kill(program, info.si_signo);
		}
	}
}

int main(int argc, char **argv)
{
	sigset_t held, before;
	pid_t program;

	if (argc < 3 || strcmp(argv[1], "--") != 0) {
		fputs("usage: tsdock-init -- PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	/* Where another process is number 1 (--pid host), orphans still come here. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	hold_signals(&held, &before);
	program = fork();
	if (program < 0)
		return fail("fork", "");
	if (program == 0)
		return become(argv + 2, &before);
	return serve(program, &held);
}
