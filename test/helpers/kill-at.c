// SPDX-License-Identifier: Apache-2.0
/*
 * kill-at WHICH NUMBER PROGRAM [ARG...]: runs a program and kills one process of it, -9, where it enters its system call of
 * this number. WHICH: 0 the program itself, 1 the first process that it or its descendants make, 2 the next one ...
 *
 * Ends when the program has ended. Status: 0 the process was killed; 10 it ended before, or waits for something outside;
 * 11 the program did not end within the time (20 s; TSRUN_TEST_SLOW times as long).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#define NOT_REACHED 10
#define LATE 11
#define OPTIONS                                                                                   \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC)

static pid_t program, victim;
static int made, which, killed;
static long number, count;
static pid_t seen[256];

/* Of a new process its own first stop may be told before its parent's fork. */
static void note(pid_t pid)
{
	for (int i = 0; i < made; i++)
		if (seen[i] == pid)
			return;
	if (made == (int)(sizeof(seen) / sizeof(seen[0])))
		return;
	seen[made++] = pid;
	if (made == which)
		victim = pid;
}

static void go_on(pid_t pid, int signal)
{
	int request = pid == victim && !killed ? PTRACE_SYSCALL : PTRACE_CONT;

	ptrace(request, pid, 0, signal);
}

static void at_syscall(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (pid == victim && !killed &&
	    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_ENTRY && ++count == number) {
		kill(pid, SIGKILL);
		killed = 1;
		return;
	}
	go_on(pid, 0);
}

static void at_stop(pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	unsigned long child;

	if (signal == (SIGTRAP | 0x80)) {
		at_syscall(pid);
	} else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		   event == PTRACE_EVENT_CLONE) {
		if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) == 0)
			note((pid_t)child);
		go_on(pid, 0);
	} else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
		ptrace(PTRACE_LISTEN, pid, 0, 0);
	} else {
		if (event == PTRACE_EVENT_STOP && pid != program)
			note(pid);
		go_on(pid, event ? 0 : signal);
	}
}

static void on_alarm(int unused)
{
	static const char text[] = "kill-at: the program does not end\n";

	(void)unused;
	(void)!write(2, text, sizeof(text) - 1);
	kill(program, SIGKILL);
	_exit(LATE);
}

static void start(char **argv)
{
	int gate[2];
	char byte;

	if (pipe(gate) < 0)
		exit(2);
	program = fork();
	if (program == 0) {
		close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		close(gate[0]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(gate[0]);
	if (program < 0 || ptrace(PTRACE_SEIZE, program, 0, OPTIONS) < 0) {
		perror("kill-at: ptrace");
		exit(2);
	}
	close(gate[1]);
}

int main(int argc, char **argv)
{
	const char *slow = getenv("TSRUN_TEST_SLOW");
	int status, seen_exec = 0;
	pid_t pid;

	if (argc < 4)
		return 2;
	which = atoi(argv[1]);
	number = atol(argv[2]);
	signal(SIGALRM, on_alarm);
	alarm(20 * (slow && atoi(slow) > 0 ? (unsigned int)atoi(slow) : 1));
	start(argv + 3);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			/* Its calls count from its own first one. */
			if (pid == program && !seen_exec && status >> 16 == PTRACE_EVENT_EXEC) {
				seen_exec = 1;
				victim = which == 0 ? program : victim;
			}
			at_stop(pid, status);
		} else if (pid == program) {
			/* Whoever is traced still goes on when this process is gone. */
			return killed ? 0 : NOT_REACHED;
		}
	}
	return 2;
}
