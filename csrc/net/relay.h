// SPDX-License-Identifier: Apache-2.0
/* The parts of the relay: connections and datagrams, on one epoll. */
#ifndef TSRUN_NET_RELAY_H
#define TSRUN_NET_RELAY_H

#include <stdint.h>
#include <sys/socket.h>

#include "../base/err.h"

struct address {
	struct sockaddr_storage at;
	socklen_t length;
};

/* What epoll's data points at: the first member of each thing that has a descriptor. */
struct watched {
	void (*ready)(struct watched *self, uint32_t events);
};

struct relay {
	int epoll;
	int64_t now; /* milliseconds, when the events at hand came */
};
extern struct relay relay;

/* Waits for more of it, or for other events. Return: 0 or -errno. */
int relay_watch(int fd, uint32_t events, struct watched *w);
int relay_change(int fd, uint32_t events, struct watched *w);

/* Something that was freed may still be named by events at hand: such memory goes when they are all done. */
void relay_free_later(void *pointer);

/* Each takes over a bound socket. */
int stream_listen(struct err *e, int fd, int protocol, const struct address *target);
int datagram_listen(struct err *e, int fd, const struct address *target);

/* Forgets those who have not been heard of for long. */
void datagram_expire(void);

#endif
