// SPDX-License-Identifier: Apache-2.0
/* Connections: each is two sockets, and a buffer for each way. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../base/io.h"
#include "relay.h"

#define BUFFER 16384

struct listener {
	struct watched watched;
	int fd, protocol;
	struct address target;
};

struct connection;

/* One of its sockets, and what came from there and is on its way to the other one. */
struct side {
	struct watched watched;
	struct connection *connection;
	int fd;
	uint32_t events;
	int ended; /* nothing more comes from there */
	int told;  /* the other one knows */
	size_t from, to;
	char buffer[BUFFER];
};

struct connection {
	struct side client, container;
	int connecting, closed;
};

static void connection_close(struct connection *c)
{
	if (c->closed)
		return;
	c->closed = 1;
	close(c->client.fd);
	close(c->container.fd);
	relay_free_later(c);
}

static struct side *other(const struct side *s)
{
	struct connection *c = s->connection;

	return s == &c->client ? &c->container : &c->client;
}

/* Moves what it can from one side to the other. Return: 0, or -errno when the connection is over. */
static int move(struct side *s)
{
	struct side *out = other(s);

	for (;;) {
		ssize_t n;

		if (s->from < s->to) {
			n = send(out->fd, s->buffer + s->from, s->to - s->from, MSG_NOSIGNAL);
			if (n < 0)
				return errno == EAGAIN || errno == EINTR ? 0 : -errno;
			s->from += (size_t)n;
			continue;
		}
		s->from = s->to = 0;
		if (s->ended)
			break;
		n = recv(s->fd, s->buffer, BUFFER, 0);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		s->to = (size_t)n;
		s->ended = n == 0;
	}
	if (!s->told) {
		s->told = 1;
		(void)shutdown(out->fd, SHUT_WR);
	}
	return 0;
}

/* A side is read when there is room for what comes, and written when something waits for it. */
static int wanted(struct side *s)
{
	uint32_t events = 0;

	if (!s->connection->connecting && !s->ended && s->from == s->to)
		events |= EPOLLIN;
	if (other(s)->from < other(s)->to ||
	    (s->connection->connecting && s == &s->connection->container))
		events |= EPOLLOUT;
	if (events == s->events)
		return 0;
	s->events = events;
	return relay_change(s->fd, events, &s->watched);
}

static int connected(struct connection *c)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(c->container.fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error)
		return -ECONNREFUSED;
	c->connecting = 0;
	return 0;
}

static void side_ready(struct watched *self, uint32_t events)
{
	struct side *s = (struct side *)self;
	struct connection *c = s->connection;
	int r = 0;

	if (c->closed)
		return;
	if (c->connecting && s == &c->container)
		r = connected(c);
	else if (events & EPOLLERR)
		r = -EPIPE;
	if (r == 0 && !c->connecting) {
		r = move(&c->client);
		if (r == 0)
			r = move(&c->container);
	}
	/* Who has gone both ways says so again and again. */
	if (r == 0 && (events & EPOLLHUP) && s->ended && s->from == s->to && other(s)->told)
		r = -EPIPE;
	if (r == 0)
		r = wanted(&c->client);
	if (r == 0)
		r = wanted(&c->container);
	if (r < 0 || (c->client.told && c->container.told))
		connection_close(c);
}

static int side_init(struct connection *c, struct side *s, int fd)
{
	s->watched.ready = side_ready;
	s->connection = c;
	s->fd = fd;
	return relay_watch(fd, 0, &s->watched);
}

static void pass_on(const struct listener *l, int client)
{
	int fd = socket(l->target.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			l->protocol);
	struct connection *c = fd < 0 ? NULL : calloc(1, sizeof(*c));

	if (!c) {
		close(client);
		if (fd >= 0)
			close(fd);
		return;
	}
	c->connecting = 1;
	if (side_init(c, &c->client, client) < 0 || side_init(c, &c->container, fd) < 0 ||
	    (connect(fd, (const struct sockaddr *)&l->target.at, l->target.length) < 0 &&
	     errno != EINPROGRESS) ||
	    wanted(&c->container) < 0) {
		close(client);
		close(fd);
		free(c);
	}
}

static void listener_ready(struct watched *self, uint32_t events)
{
	struct listener *l = (struct listener *)self;
	int fd;

	(void)events;
	fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		pass_on(l, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		sleep_ms(10);
}

int stream_listen(struct err *e, int fd, int protocol, const struct address *target)
{
	struct listener *l;
	int r;

	if (listen(fd, SOMAXCONN) < 0)
		return err_set(e, errno, "listen");
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, ENOMEM, "calloc");
	*l = (struct listener){.watched = {.ready = listener_ready},
			       .fd = fd,
			       .protocol = protocol,
			       .target = *target};
	r = relay_watch(fd, EPOLLIN, &l->watched);
	if (r < 0)
		free(l);
	return r < 0 ? err_set(e, -r, "epoll_ctl") : 0;
}
