// SPDX-License-Identifier: Apache-2.0
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/io.h"
#include "life.h"
#include "place.h"

/* Input that nobody gives any more. A terminal stays open. */
static void end_input(struct monitor *m)
{
	if (m->settings.terminal || !m->settings.input_once || m->io.ours[0] < 0)
		return;
	close(m->io.ours[0]);
	m->io.ours[0] = -1;
	m->input_have = 0;
}

static void put_input(struct monitor *m)
{
	ssize_t n;

	if (m->input_have == 0)
		return;
	n = m->io.ours[0] < 0 ? -1 : write(m->io.ours[0], m->input + m->input_at, m->input_have);
	if (n < 0 && m->io.ours[0] >= 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		n = (ssize_t)m->input_have; /* it reads no more */
	m->input_at += (size_t)n;
	m->input_have -= (size_t)n;
}

static void resize(struct monitor *m, const unsigned char *data)
{
	struct winsize size = {.ws_row = (unsigned short)(data[0] << 8 | data[1]),
			       .ws_col = (unsigned short)(data[2] << 8 | data[3])};

	if (m->settings.terminal && m->io.ours[1] >= 0)
		ioctl(m->io.ours[1], TIOCSWINSZ, &size);
}

static void stop_wanted(struct monitor *m)
{
	m->stopped = 1;
	if (m->next > 0)
		m->next = -1; /* it is not started again: that is its end */
}

static void set_restart(struct monitor *m, char *text)
{
	char *maximum = strchr(text, ' ');
	int policy;

	if (maximum)
		*maximum++ = '\0';
	policy = restart_named(text);
	if (policy < 0)
		return;
	m->settings.restart = (enum restart)policy;
	m->settings.restart_max = maximum ? atoi(maximum) : 0;
}

static void attach(struct monitor *m, struct client *client, int flags)
{
	char terminal = (char)m->settings.terminal;

	client->flags = flags;
	client_send(client, 'T', &terminal, 1);
	if (flags)
		event_write(&m->settings, "attach", "");
	if (m->state.pid > 0)
		client_send(client, 'r', NULL, 0);
}

/* As docker has it: what is told to end by a signal is not started again. */
static void pass_signal(struct monitor *m, int number)
{
	if (number == SIGTERM || number == SIGINT || number == SIGQUIT || number == SIGKILL)
		stop_wanted(m);
	if (m->state.pid > 0 && !m->ended)
		kill(m->state.pid, number);
}

static void obey(struct monitor *m, struct client *client, unsigned char *text, size_t length)
{
	unsigned char *data = text + 1;

	switch (text[0]) {
	case 'A':
		if (length >= 2)
			attach(m, client, data[0]);
		break;
	case 'I':
		memcpy(m->input, data, length - 1);
		m->input_at = 0;
		m->input_have = length - 1;
		m->input_from = client;
		put_input(m);
		break;
	case 'E':
		end_input(m);
		break;
	case 'W':
		if (length >= 5)
			resize(m, data);
		break;
	case 'K':
		if (length >= 2)
			pass_signal(m, data[0]);
		break;
	case 'D':
		event_write(&m->settings, "detach", "");
		client->flags = 0;
		place_now(m);
		break;
	case 'S':
		stop_wanted(m);
		client_send(client, 'S', NULL, 0);
		break;
	case 'R':
		text[length] = '\0';
		set_restart(m, (char *)data);
		client_send(client, 'R', NULL, 0);
		break;
	}
}

static void hear(struct monitor *m, struct client *client)
{
	unsigned char text[MESSAGE + 1];
	ssize_t n = recv(client->fd, text, MESSAGE, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		obey(m, client, text, (size_t)n);
		return;
	}
	if (client->flags & WITH_INPUT)
		end_input(m);
	client_close(client);
	place_now(m);
}

/* Return: 0 when there is nothing more for now. */
static int take_output(struct monitor *m, int number)
{
	char data[MESSAGE - 1];
	int *fd = &m->io.ours[number];
	ssize_t n = read(*fd, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) { /* a terminal whose other side is closed says EIO */
		close(*fd);
		*fd = -1;
		return 0;
	}
	log_write(&m->log, number - 1, data, (size_t)n);
	clients_send(&m->clients, number == 1 ? WITH_OUTPUT : WITH_ERRORS, number == 1 ? 'O' : 'e',
		     data, (size_t)n);
	return 1;
}

static void take_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			life_reap(m);
		else if (info.ssi_signo == SIGTERM) {
			/* The machine goes down: so does the container, as well as it can. Whether it runs after
			   the next boot is not decided here. */
			pass_signal(m, SIGTERM);
			(void)alarm((unsigned int)m->settings.stop_timeout);
		} else if (info.ssi_signo == SIGALRM)
			pass_signal(m, SIGKILL);
	}
}

enum { SIGNALS, LISTENER, INPUT, OUTPUT, ERRORS, HEALTH, FIRST_CLIENT };

static void want(struct monitor *m, struct pollfd *fds)
{
	int full = clients_full(&m->clients);

	for (int i = 0; i < FIRST_CLIENT + CLIENTS; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[SIGNALS].fd = m->signals;
	fds[LISTENER].fd = m->clients.listener;
	fds[HEALTH].fd = m->health.runtime > 0 ? m->health.said : -1;
	if (m->input_have > 0) {
		fds[INPUT].fd = m->io.ours[0];
		fds[INPUT].events = POLLOUT;
	}
	if (!full) {
		fds[OUTPUT].fd = m->io.ours[1];
		fds[ERRORS].fd = m->io.ours[2];
	}
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &m->clients.all[i];
		struct pollfd *wanted = &fds[FIRST_CLIENT + i];

		wanted->fd = client->fd;
		if (m->input_have > 0 && (client->flags & WITH_INPUT))
			wanted->events = 0; /* one after the other */
		if (client->pending)
			wanted->events |= POLLOUT;
	}
}

static void serve_clients(struct monitor *m, const struct pollfd *fds)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct client *client = &m->clients.all[i];
		short events = fds[FIRST_CLIENT + i].revents;

		if (client->fd < 0 || fds[FIRST_CLIENT + i].fd != client->fd)
			continue;
		if (events & POLLOUT)
			client_flush(client);
		if (client->fd >= 0 && (events & (POLLIN | POLLHUP | POLLERR)))
			hear(m, client);
	}
	if (fds[LISTENER].revents)
		(void)clients_accept(&m->clients);
}

/* A time to wait, as long as this is not due in it. at: 0: never. */
static int until(int64_t at, int timeout)
{
	int64_t left;

	if (at == 0)
		return timeout;
	left = at - now_ms();
	if (left < 0)
		left = 0;
	return timeout < 0 || left < timeout ? (left > 60000 ? 60000 : (int)left) : timeout;
}

/* timeout: milliseconds, or -1. Return: number of things that happened. */
static int serve_once(struct monitor *m, int timeout)
{
	struct pollfd fds[FIRST_CLIENT + CLIENTS];
	int n;

	want(m, fds);
	timeout = until(m->place_at, until(m->health.next, timeout));
	n = poll(fds, FIRST_CLIENT + CLIENTS, timeout);
	health_tick(&m->health);
	place_tick(m);
	if (n <= 0)
		return 0;
	if (fds[HEALTH].revents)
		health_hear(&m->health);
	if (fds[INPUT].revents)
		put_input(m);
	for (int i = 1; i < 3; i++)
		if (fds[INPUT + i].revents && m->io.ours[i] >= 0)
			(void)take_output(m, i);
	serve_clients(m, fds);
	if (fds[SIGNALS].revents)
		take_signals(m);
	return n;
}

/* What it has written before its end is still to come; whoever else holds its pipes is not waited for. */
static void drain(struct monitor *m)
{
	int more = 1;

	while (more) {
		while (clients_full(&m->clients))
			serve_once(m, -1);
		more = 0;
		for (int i = 1; i < 3; i++)
			if (m->io.ours[i] >= 0)
				more |= take_output(m, i);
	}
}

/* Until it ends. */
static void serve_life(struct monitor *m)
{
	while (!m->ended)
		serve_once(m, -1);
	drain(m);
}

/* Until it is to be started again. Return: 0 when that is no longer wanted. */
static int wait_for_next(struct monitor *m)
{
	while (m->next > 0) {
		int64_t left = m->next - now_ms();

		if (left <= 0)
			return 1;
		serve_once(m, (int)left);
	}
	return 0;
}

/* Whoever has called for the container is to be attached before it writes anything. */
static void wait_for_first(struct monitor *m)
{
	struct client *first = NULL;
	struct pollfd wanted = {.fd = m->clients.listener, .events = POLLIN};

	if (poll(&wanted, 1, 10000) > 0)
		first = clients_accept(&m->clients);
	if (!first)
		return;
	first->first = 1;
	wanted.fd = first->fd;
	while (first->fd >= 0 && first->flags == 0 && poll(&wanted, 1, 10000) > 0) {
		hear(m, first);
		break;
	}
}

void monitor_serve(struct monitor *m)
{
	struct err e = {0};
	const char *failure = NULL;

	wait_for_first(m);
	place_begin(m);
	if (life_mount(&e, m) < 0 || life_start(&e, m) < 0)
		failure = e.text;
	while (!failure) {
		serve_life(m);
		if (!life_end(m))
			break;
		if (!wait_for_next(m)) {
			struct err ignored = {0};

			m->state.status = "exited";
			(void)state_write(&ignored, m->dir, &m->state);
			break;
		}
		if (life_start(&e, m) < 0)
			failure = e.text;
	}
	life_finish(m, failure);
}
