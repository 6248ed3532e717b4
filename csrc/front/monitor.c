// SPDX-License-Identifier: Apache-2.0
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/console.h"
#include "../base/io.h"
#include "../base/pump.h"
#include "../base/sys.h"

#define PUMPS 3

struct service {
	const struct session *session;
	struct console console;
	struct pump pumps[PUMPS]; /* the first one is the process's input */
	int pump_count;
	struct notify *notify; /* until the container has said that it is ready */
	int ended;
	int code;
};

void monitor_init(struct monitor *m)
{
	m->signals = -1;
	m->notify = NULL;
	for (int i = 0; i < 3; i++)
		m->ours[i] = m->theirs[i] = -1;
}

int monitor_make_pipes(struct err *e, struct monitor *m)
{
	for (int i = 0; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_set(e, errno, "pipe");
		m->ours[i] = ends[i == 0];
		m->theirs[i] = ends[i != 0];
	}
	/* A process that does not read its input must not stop the monitor. */
	fcntl(m->ours[0], F_SETFL, O_NONBLOCK);
	return 0;
}

void monitor_close_theirs(struct monitor *m)
{
	for (int i = 0; i < 3; i++) {
		fd_cleanup(&m->theirs[i]);
		m->theirs[i] = -1;
	}
}

int monitor_adopt_orphans(struct err *e)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0
		       ? err_set(e, errno, "prctl (PR_SET_CHILD_SUBREAPER)")
		       : 0;
}

int monitor_hold_signals(struct err *e, struct monitor *m)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	m->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signals < 0 ? err_set(e, errno, "signalfd") : 0;
}

static void reap(struct service *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->session->pid)
			continue;
		s->ended = 1;
		s->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	if (pid < 0 && errno == ECHILD && !s->ended) {
		s->ended = 1;
		s->code = 1;
	}
}

/* Return: 1 when the caller has lost patience with what is still to be copied. */
static int take_signals(struct service *s, int fd)
{
	struct signalfd_siginfo info;
	int impatient = 0;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(s);
			break;
		case SIGWINCH:
			if (s->session->master >= 0)
				console_resize(&s->console, s->session->master);
			break;
		case SIGURG:
		case SIGPIPE:
			break;
		default:
			if (!s->ended)
				sys_pidfd_send_signal(s->session->pidfd, (int)info.ssi_signo);
			else
				impatient = 1;
		}
	}
	return impatient;
}

static void set_up(struct service *s, struct monitor *m)
{
	int master = s->session->master;

	s->console.tty = -1;
	if (master >= 0) {
		console_open(&s->console);
		console_resize(&s->console, master);
		pump_init(&s->pumps[0], 0, 0, master, 0);
		pump_init(&s->pumps[1], master, 0, 1, 0);
		s->pump_count = 2;
		return;
	}
	pump_init(&s->pumps[0], 0, 0, take_fd(&m->ours[0]), 1);
	pump_init(&s->pumps[1], take_fd(&m->ours[1]), 1, 1, 0);
	pump_init(&s->pumps[2], take_fd(&m->ours[2]), 1, 2, 0);
	s->pump_count = 3;
}

/* Return: 1 while there is something left to do. */
static int serve_once(struct service *s, int signals)
{
	struct pollfd fds[2 + PUMPS] = {{.fd = signals, .events = POLLIN}};
	int unwritten = 0, n;

	for (int i = 0; i < s->pump_count; i++) {
		fds[1 + i] = pump_wanted(&s->pumps[i]);
		unwritten |= fds[1 + i].fd >= 0 && (fds[1 + i].events & POLLOUT);
	}
	/* After the end only what the process has written itself counts: others may hold its pipes open for ever. */
	fds[1 + s->pump_count] =
		(struct pollfd){.fd = s->notify ? s->notify->socket : -1, .events = POLLIN};
	n = poll(fds, 2 + (nfds_t)s->pump_count, s->ended && !unwritten ? 0 : -1);
	if (n == 0)
		return 0;
	for (int i = 0; n > 0 && i < s->pump_count; i++)
		if (fds[1 + i].revents)
			pump_move(&s->pumps[i]);
	if (n > 0 && fds[1 + s->pump_count].revents && notify_take(s->notify))
		s->notify = NULL;
	if (n > 0 && fds[0].revents && take_signals(s, signals))
		return 0;
	if (s->ended)
		pump_close(&s->pumps[0]);
	return 1;
}

int monitor_serve(struct monitor *m, const struct session *session)
{
	struct service s = {.session = session, .notify = m->notify};

	set_up(&s, m);
	reap(&s); /* a process may have ended before its signal could be held */
	while (serve_once(&s, m->signals))
		;
	for (int i = 0; i < s.pump_count; i++)
		pump_close(&s.pumps[i]);
	console_close(&s.console);
	return s.code;
}

void monitor_end(struct monitor *m)
{
	monitor_close_theirs(m);
	for (int i = 0; i < 3; i++)
		fd_cleanup(&m->ours[i]);
	fd_cleanup(&m->signals);
	monitor_init(m);
}
