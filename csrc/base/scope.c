// SPDX-License-Identifier: Apache-2.0
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "memory_file.h"

#define NO_MANAGER 4 /* csrc/systemd/systemd.h */
#define PATIENCE_S 60

static int write_word(int fd, const char *word)
{
	return write_full(fd, word, strlen(word) + 1);
}

/* Return: fd or < 0. */
static int write_job(struct err *e, const struct scope *s, const pid_t *pids, int count)
{
	_fd_close_ int fd = memory_file(e, "job", "", 0);
	int r;

	if (fd < 0)
		return fd;
	r = write_word(fd, "join");
	if (r == 0)
		r = write_word(fd, s->bus);
	if (r == 0)
		r = write_word(fd, s->unit);
	for (int i = 0; r == 0 && i < count; i++) {
		char text[16];
		int n = snprintf(text, sizeof(text), "%d", (int)pids[i]);

		text[n] = i + 1 < count ? ' ' : '\0';
		r = write_full(fd, text, (size_t)n + 1);
	}
	for (char *const *at = s->properties; r == 0 && at && *at; at++)
		r = write_word(fd, *at);
	if (r < 0)
		return err_set(e, -r, "write to memory");
	return lseek(fd, 0, SEEK_SET) < 0 ? err_set(e, errno, "lseek") : take_fd(&fd);
}

static _Noreturn void become(const char *program, int job, int said)
{
	char *const argv[] = {(char *)(uintptr_t)program, NULL};
	sigset_t none;

	if (dup2(job, 0) < 0 || dup2(said, 1) < 0 || dup2(said, 2) < 0)
		_exit(127);
	(void)signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* It outlasts execve: nobody is to wait for a bus that is stuck. */
	alarm(PATIENCE_S);
	execv(program, argv);
	fprintf(stderr, "execv \"%s\": %s\n", program, err_text(errno));
	_exit(127);
}

int scope_begin(struct err *e, const struct scope *s, const pid_t *pids, int count,
		struct scope_request *r)
{
	_fd_close_ int job = write_job(e, s, pids, count);
	_fd_close_ int said = job < 0 ? -1 : memory_file(e, "said", "", 0);
	pid_t pid;

	r->pid = 0;
	r->said = -1;
	if (said < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become(s->program, job, said);
	if (pid < 0)
		return err_set(e, errno, "fork");
	r->pid = pid;
	r->said = take_fd(&said);
	return 0;
}

static void forget(struct scope_request *r)
{
	fd_cleanup(&r->said);
	r->said = -1;
	r->pid = 0;
}

int scope_ended(struct err *e, struct scope_request *r, int status)
{
	char text[1024];
	ssize_t n = pread(r->said, text, sizeof(text) - 1, 0);

	forget(r);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM
			       ? err_set(e, 0, "systemd: no answer within %d s", PATIENCE_S)
			       : err_set(e, 0, "tsrun-systemd was killed by signal %d",
					 WTERMSIG(status));
	if (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == NO_MANAGER)
		return 0;
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (!*text)
		return err_set(e, 0, "tsrun-systemd: exit status %d", WEXITSTATUS(status));
	return err_set(e, 0, "%s", text);
}

int scope_end(struct err *e, struct scope_request *r)
{
	int status;

	if (r->pid <= 0)
		return 0;
	while (waitpid(r->pid, &status, 0) < 0)
		if (errno != EINTR) {
			int number = errno;

			forget(r);
			return err_set(e, number, "waitpid");
		}
	return scope_ended(e, r, status);
}
