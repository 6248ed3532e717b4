// SPDX-License-Identifier: Apache-2.0
/* The other side: a caller that is attached to a container, or tells its monitor something. */
#ifndef TSRUN_MONITOR_CLIENT_H
#define TSRUN_MONITOR_CLIENT_H

#include <stddef.h>

#include "../base/err.h"

struct attachment {
	int flags; /* WITH_INPUT ... 0: only to hear that it runs */
	int signals;
	const char *detach_keys;
};

/* Return: fd, or < 0 when there is no monitor. */
int client_connect(struct err *e, int dir);

/* Shows the container here until it ends. Return: exit status. */
int client_attach(int socket, const struct attachment *a);

/* Sends a message, and waits for the answer. Return: 0 or < 0. */
int client_tell(struct err *e, int socket, const char *message, size_t length);

/* Waits for the container's end. Return: its exit code, or < 0. */
int client_wait(struct err *e, int socket);

#endif
