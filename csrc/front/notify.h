// SPDX-License-Identifier: Apache-2.0
/*
 * NOTIFY_SOCKET: a container cannot have the service manager's own socket, which takes orders as well. It gets one of its
 * state directory, and of what comes there only that it is ready is told on, with the pid that the service has from then on.
 */
#ifndef TSRUN_FRONT_NOTIFY_H
#define TSRUN_FRONT_NOTIFY_H

#include <sys/types.h>

#include "../base/err.h"
#include "statedir.h"

struct notify {
	int socket;  /* where the container writes */
	int manager; /* connected to the service manager */
	int barrier; /* closes when the service manager has taken what was sent */
	pid_t main_pid;
};

#define NOTIFY_INIT                                        \
	{                                                  \
		.socket = -1, .manager = -1, .barrier = -1 \
	}

/* Makes the directory that the container gets, when the caller has a NOTIFY_SOCKET. Return: 0 or < 0. */
int notify_prepare(struct err *e, const struct statedir *d);

/*
 * Makes the container's socket and connects to the caller's. Without a NOTIFY_SOCKET nothing is done; a container that was
 * created without one is warned of. Return: 0 or < 0.
 */
int notify_open(struct err *e, struct notify *n, const struct statedir *d);

/* Reads what has come. Return: 1 when the container has said that it is ready, and the service manager was told. */
int notify_take(struct notify *n);

/* Waits until the container is ready and the service manager knows it, or init (a pidfd) has ended. */
void notify_wait(struct notify *n, int init);

void notify_close(struct notify *n);

#endif
