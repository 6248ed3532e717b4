// SPDX-License-Identifier: Apache-2.0
#include "exec_fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "log.h"

#define LONGEST_PAUSE_MS 20

int exec_fifo_open(struct err *e, const char *path)
{
	_fd_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "--exec-wait-fifo: open \"%s\"", path);
	if (!S_ISFIFO(st.st_mode))
		return err_set(e, 0, "--exec-wait-fifo: \"%s\" is not a fifo", path);
	return take_fd(&fd);
}

/*
 * An open that blocks could not see the process end. One that does not block fails while nobody reads, and when it succeeds,
 * it lets the open of the reader return.
 */
int exec_fifo_wait(struct err *e, int fifo, const struct session *s)
{
	struct pollfd end = {.fd = s->pidfd, .events = POLLIN};
	char path[32];
	int pause_ms = 1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fifo);
	for (;;) {
		_fd_close_ int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0) {
			signal(SIGPIPE, SIG_IGN);
			/* Whoever has closed it without reading knows as well. */
			if (write(fd, "0", 1) < 0 && errno != EPIPE)
				log_warning("--exec-wait-fifo: the byte could not be written");
			signal(SIGPIPE, SIG_DFL);
			return 0;
		}
		if (errno != ENXIO && errno != EINTR)
			return err_set(e, errno, "--exec-wait-fifo: open for writing");
		if (poll(&end, 1, pause_ms) > 0)
			return err_set(e, 0, "the process has ended before its fifo was opened");
		if (pause_ms < LONGEST_PAUSE_MS)
			pause_ms *= 2;
	}
}

/* Pipes and terminals of the caller among them: whoever reads there must not wait for this process. */
static void close_all_but(const int *kept, int count)
{
	unsigned int from = 3;

	for (;;) {
		unsigned int next = ~0u;

		for (int i = 0; i < count; i++)
			if (kept[i] >= (int)from && (unsigned int)kept[i] < next)
				next = (unsigned int)kept[i];
		if (next > from)
			sys_close_range(from, next == ~0u ? next : next - 1, 0);
		if (next == ~0u)
			return;
		from = next + 1;
	}
}

static void __attribute__((noreturn)) wait_and_start(int fifo, struct session *s)
{
	const int kept[] = {fifo, s->socket, s->pidfd, log_descriptor()};
	struct err e;
	int null;

	setsid();
	prctl(PR_SET_NAME, "tsrun:fifo");
	close_all_but(kept, 4);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (exec_fifo_wait(&e, fifo, s) < 0 || session_start(&e, s) < 0) {
		log_error(e.text);
		_exit(1);
	}
	_exit(0);
}

int exec_fifo_leave(struct err *e, int fifo, struct session *s)
{
	pid_t pid = fork();

	if (pid == 0)
		wait_and_start(fifo, s);
	if (pid < 0)
		return err_set(e, errno, "fork");
	/* Without the socket of the session the process ends, so the other one has it alone from here on. */
	fd_cleanup(&s->socket);
	s->socket = -1;
	return 0;
}
