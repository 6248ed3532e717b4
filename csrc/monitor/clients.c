// SPDX-License-Identifier: Apache-2.0
#include "clients.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../base/io.h"

int clients_listen(struct err *e, struct clients *c, int dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	for (int i = 0; i < CLIENTS; i++)
		c->all[i].fd = -1;
	(void)unlinkat(dir, "socket", 0);
	c->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listener < 0)
		return err_set(e, errno, "socket");
	/* A name has 108 bytes at most. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", dir);
	if (bind(c->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(dir, "socket", 0600, 0) < 0 || listen(c->listener, CLIENTS) < 0)
		return err_set(e, errno, "bind \"socket\"");
	return 0;
}

struct client *clients_accept(struct clients *c)
{
	int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (int i = 0; fd >= 0 && i < CLIENTS; i++) {
		if (c->all[i].fd >= 0)
			continue;
		c->all[i] = (struct client){.fd = fd};
		return &c->all[i];
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->pending);
	*client = (struct client){.fd = -1};
}

void clients_close(struct clients *c)
{
	for (int i = 0; i < CLIENTS; i++)
		client_close(&c->all[i]);
	fd_cleanup(&c->listener);
	c->listener = -1;
}

/* Keeps a message for later. Out of memory: the client goes. */
static void keep(struct client *client, const struct iovec *parts)
{
	size_t length = parts[0].iov_len + parts[1].iov_len;

	client->pending = malloc(length);
	if (!client->pending) {
		client_close(client);
		return;
	}
	memcpy(client->pending, parts[0].iov_base, parts[0].iov_len);
	memcpy(client->pending + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
	client->pending_length = length;
}

void client_send(struct client *client, char letter, const void *data, size_t length)
{
	struct iovec parts[2] = {{&letter, 1}, {(void *)data, length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (client->fd < 0)
		return;
	if (!client->pending && sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return;
	if (!client->pending && errno == EAGAIN && client->first)
		keep(client, parts);
	else
		client_close(client);
}

static void settle(struct client *client)
{
	while (client->fd >= 0 && client->pending) {
		struct pollfd wanted = {.fd = client->fd, .events = POLLOUT};

		if (poll(&wanted, 1, -1) < 0 || (wanted.revents & (POLLHUP | POLLERR)))
			client_close(client);
		else
			client_flush(client);
	}
}

void client_finish(struct client *client, char letter, const void *data, size_t length)
{
	settle(client);
	client_send(client, letter, data, length);
	settle(client);
	client_close(client);
}

void clients_send(struct clients *c, int flags, char letter, const void *data, size_t length)
{
	for (int i = 0; i < CLIENTS; i++)
		if (c->all[i].fd >= 0 && (flags == 0 || (c->all[i].flags & flags)))
			client_send(&c->all[i], letter, data, length);
}

void client_flush(struct client *client)
{
	if (!client->pending)
		return;
	if (send(client->fd, client->pending, client->pending_length, MSG_NOSIGNAL | MSG_DONTWAIT) <
	    0) {
		if (errno != EAGAIN)
			client_close(client);
		return;
	}
	free(client->pending);
	client->pending = NULL;
}

int clients_full(const struct clients *c)
{
	for (int i = 0; i < CLIENTS; i++)
		if (c->all[i].pending)
			return 1;
	return 0;
}
