// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/console.h"
#include "../base/io.h"
#include "clients.h"
#include "keys.h"

#define GONE 125

struct session {
	const struct attachment *a;
	int socket, signals;
	int terminal; /* the container has one */
	int input;    /* 0, or -1 at its end */
	struct console console;
	struct keys keys;
	int heard_start;
	int done, code;
};

int client_connect(struct err *e, int dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_fd_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(e, errno, "socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", dir);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(e, errno,
			       "the container's monitor does not answer: connect \"socket\"");
	return take_fd(&fd);
}

static int say(int fd, char letter, const void *data, size_t length)
{
	struct iovec parts[2] = {{&letter, 1}, {(void *)data, length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void send_size(const struct session *s)
{
	struct winsize size;
	unsigned char data[4];

	if (s->console.tty < 0 || ioctl(s->console.tty, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return;
	data[0] = (unsigned char)(size.ws_row >> 8);
	data[1] = (unsigned char)size.ws_row;
	data[2] = (unsigned char)(size.ws_col >> 8);
	data[3] = (unsigned char)size.ws_col;
	(void)say(s->socket, 'W', data, sizeof(data));
}

/* Only where keys are typed: elsewhere input is data. */
static void begin_terminal(struct session *s)
{
	if (!s->terminal || !isatty(0) || s->console.tty >= 0)
		return;
	if (s->a->flags & WITH_INPUT)
		(void)console_take(&s->console, 0);
	send_size(s);
}

static void end(struct session *s, int code)
{
	s->done = 1;
	s->code = code;
}

static void show(struct session *s, int fd, const char *data, size_t length)
{
	/* Whoever read this has gone: there is nobody left to show it to. */
	if (write_full(fd, data, length) < 0)
		end(s, 128 + SIGPIPE);
}

static void hear(struct session *s)
{
	char text[MESSAGE + 1];
	ssize_t n = recv(s->socket, text, MESSAGE, 0);

	/* Reset: it has closed with something of ours unread. What it has sent before still comes. */
	if (n < 0 && (errno == EINTR || errno == ECONNRESET))
		return;
	if (n <= 0) {
		fputs("tsdock: the container's monitor is gone: how the container ends is not "
		      "known\n",
		      stderr);
		end(s, GONE);
		return;
	}
	text[n] = '\0';
	switch (text[0]) {
	case 'T':
		s->terminal = text[1];
		break;
	case 'r':
		if (s->a->flags == 0)
			end(s, 0);
		else
			begin_terminal(s);
		/* Not before: what is typed is for a terminal in raw mode, with keys that detach. */
		if ((s->a->flags & WITH_INPUT) && !s->heard_start)
			s->input = 0;
		s->heard_start = 1;
		break;
	case 'O':
	case 'e':
		show(s, text[0] == 'O' ? 1 : 2, text + 1, (size_t)n - 1);
		break;
	case 'X':
		end(s, (unsigned char)text[1]);
		break;
	case 'w':
		fprintf(stderr, "tsdock: %s\n", text + 1);
		break;
	case 'F':
		console_close(&s->console);
		fprintf(stderr, "tsdock: %s\n", text + 2);
		end(s, (unsigned char)text[1]);
		break;
	}
}

static void take_input(struct session *s)
{
	unsigned char typed[MESSAGE - 1 - KEYS], data[MESSAGE - 1];
	ssize_t n = read(s->input, typed, sizeof(typed));
	size_t length = n > 0 ? (size_t)n : 0;
	int left = 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		(void)say(s->socket, 'E', NULL, 0);
		s->input = -1;
		return;
	}
	if (s->console.raw)
		length = keys_take(&s->keys, typed, length, data, &left);
	else
		memcpy(data, typed, length);
	if (length > 0 && say(s->socket, 'I', data, length) < 0)
		s->input = -1;
	if (left) {
		(void)say(s->socket, 'D', NULL, 0);
		console_close(&s->console);
		fputs("read escape sequence\n", stderr);
		end(s, 0);
	}
}

static void take_signals(struct session *s)
{
	struct signalfd_siginfo info;
	unsigned char number;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		number = (unsigned char)info.ssi_signo;
		if (info.ssi_signo == SIGWINCH)
			send_size(s);
		else if (s->a->signals)
			(void)say(s->socket, 'K', &number, 1);
		else
			end(s, 128 + number);
	}
}

/* Those that stop and continue this process stay as they are. */
static int hold_signals(void)
{
	static const int ours[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				   SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int client_attach(int socket, const struct attachment *a)
{
	struct session s = {.a = a, .socket = socket, .input = -1, .console = {.tty = -1}};
	char flags = (char)a->flags;

	if (keys_parse(&s.keys, a->detach_keys) < 0) {
		fprintf(stderr, "tsdock: invalid detach keys: %s\n", a->detach_keys);
		return GONE;
	}
	s.signals = hold_signals();
	if (say(socket, 'A', &flags, 1) < 0)
		hear(&s);
	while (!s.done) {
		struct pollfd fds[3] = {{.fd = socket, .events = POLLIN},
					{.fd = s.signals, .events = POLLIN},
					{.fd = s.input, .events = POLLIN}};

		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents)
			hear(&s);
		if (!s.done && fds[1].revents)
			take_signals(&s);
		if (!s.done && fds[2].revents)
			take_input(&s);
	}
	console_close(&s.console);
	fd_cleanup(&s.signals);
	return s.code;
}

int client_tell(struct err *e, int socket, const char *message, size_t length)
{
	char answer[MESSAGE];

	if (send(socket, message, length, MSG_NOSIGNAL) < 0 ||
	    recv(socket, answer, sizeof(answer), 0) < 0)
		return err_set(e, errno, "the container's monitor does not answer");
	return 0;
}

int client_wait(struct err *e, int socket)
{
	char text[MESSAGE];
	ssize_t n;

	do
		n = recv(socket, text, sizeof(text), 0);
	while ((n < 0 && (errno == EINTR || errno == ECONNRESET)) ||
	       (n > 0 && text[0] != 'X' && text[0] != 'F'));
	return n >= 2 ? (unsigned char)text[1] : err_set(e, 0, "the container's monitor is gone");
}
