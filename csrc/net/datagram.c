// SPDX-License-Identifier: Apache-2.0
/* Datagrams: each sender has a socket towards the container, by which answers find their way back. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../base/io.h"
#include "relay.h"

#define IDLE_MS 90000
#define MAX_SENDERS 1024
#define SIZE 65536

struct port {
	struct watched watched;
	int fd;
	struct address target;
};

struct sender {
	struct watched watched;
	struct sender *next, **link;
	struct port *port;
	int fd;
	int64_t last;
	struct address client;
	/* The address of this host that the client has spoken to: answers must come from it. */
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	size_t control_length;
};

static struct sender *senders;
static int sender_count;

static void sender_remove(struct sender *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	sender_count--;
	close(s->fd);
	s->fd = -1;
	relay_free_later(s);
}

static int is_due(const struct sender *s)
{
	return relay.now - s->last > IDLE_MS;
}

void datagram_expire(void)
{
	/* A few at a time: as many as memory can be kept for until the events are done. */
	struct sender *s = senders;

	for (int n = 0; s && n < 16;) {
		struct sender *next = s->next;

		if (is_due(s)) {
			sender_remove(s);
			n++;
		}
		s = next;
	}
}

static void answer(struct watched *self, uint32_t events)
{
	struct sender *s = (struct sender *)self;
	static char data[SIZE];
	ssize_t n;

	(void)events;
	if (s->fd < 0)
		return;
	n = recv(s->fd, data, sizeof(data), 0);
	if (n < 0)
		return;
	struct iovec part = {.iov_base = data, .iov_len = (size_t)n};
	const struct msghdr message = {.msg_name = &s->client.at,
				       .msg_namelen = s->client.length,
				       .msg_iov = &part,
				       .msg_iovlen = 1,
				       .msg_control = s->control_length ? s->control : NULL,
				       .msg_controllen = (socklen_t)s->control_length};

	s->last = relay.now;
	(void)sendmsg(s->port->fd, &message, MSG_NOSIGNAL);
}

/* Turns where a datagram came in into where the answer goes out. */
static void keep_local_address(struct sender *s, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			info.ipi_spec_dst = info.ipi_addr;
			info.ipi_ifindex = 0;
			memcpy(CMSG_DATA(c), &info, sizeof(info));
		} else if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO) {
			continue;
		}
		s->control_length = CMSG_ALIGN(c->cmsg_len);
		memcpy(s->control, c, c->cmsg_len);
	}
}

static struct sender *find(const struct port *port, const struct address *client)
{
	for (struct sender *s = senders; s; s = s->next)
		if (s->port == port && s->client.length == client->length &&
		    memcmp(&s->client.at, &client->at, client->length) == 0)
			return s;
	return NULL;
}

static struct sender *sender_new(struct port *port, const struct address *client,
				 struct msghdr *message)
{
	_fd_close_ int fd = socket(port->target.at.ss_family,
				   SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	struct sender *s;

	if (fd < 0 || sender_count >= MAX_SENDERS ||
	    connect(fd, (struct sockaddr *)&port->target.at, port->target.length) < 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->watched.ready = answer;
	s->port = port;
	s->client = *client;
	if (relay_watch(fd, EPOLLIN, &s->watched) < 0) {
		free(s);
		return NULL;
	}
	keep_local_address(s, message);
	s->fd = take_fd(&fd);
	s->next = senders;
	s->link = &senders;
	if (senders)
		senders->link = &s->next;
	senders = s;
	sender_count++;
	return s;
}

static void port_ready(struct watched *self, uint32_t events)
{
	struct port *p = (struct port *)self;
	static char data[SIZE];
	char control[256];
	struct address client = {0};
	struct iovec part = {.iov_base = data, .iov_len = sizeof(data)};
	struct msghdr message = {.msg_name = &client.at,
				 .msg_namelen = sizeof(client.at),
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(p->fd, &message, 0);
	struct sender *s;

	(void)events;
	if (n < 0)
		return;
	client.length = message.msg_namelen;
	s = find(p, &client);
	if (!s)
		s = sender_new(p, &client, &message);
	if (!s)
		return;
	s->last = relay.now;
	(void)send(s->fd, data, (size_t)n, MSG_NOSIGNAL);
}

int datagram_listen(struct err *e, int fd, const struct address *target)
{
	struct port *p;
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	int on = 1, r;

	if (getsockname(fd, (struct sockaddr *)&own, &length) < 0)
		return err_set(e, errno, "getsockname");
	r = own.ss_family == AF_INET6
		    ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on))
		    : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	if (r < 0)
		return err_set(e, errno, "setsockopt IP_PKTINFO");
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, ENOMEM, "calloc");
	*p = (struct port){.watched = {.ready = port_ready}, .fd = fd, .target = *target};
	r = relay_watch(fd, EPOLLIN, &p->watched);
	if (r < 0)
		free(p);
	return r < 0 ? err_set(e, -r, "epoll_ctl") : 0;
}
