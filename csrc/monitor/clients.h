// SPDX-License-Identifier: Apache-2.0
/*
 * Who is connected to a container's socket. Messages (SOCK_SEQPACKET): a letter, and what belongs to it.
 * To the monitor:  A flags (attach: 1 input, 2 output, 4 errors)  I data (input)  E (its end)  W rows columns (two bytes each)
 *                  K number (a signal)  D (detached by keys)  S (a stop is wanted)  R policy maximum (restart policy, as text)  L (open the log anew)
 * From it:         T terminal (0 or 1)  r (it runs)  O data (output)  e data (errors)  X code (the end)  F code text (no start)
 *                  w text (a warning, for whoever has started it)
 */
#ifndef TSRUN_MONITOR_CLIENTS_H
#define TSRUN_MONITOR_CLIENTS_H

#include <poll.h>

#include "monitor.h"

#define MESSAGE 16385
#define CLIENTS 64

enum { WITH_INPUT = 1, WITH_OUTPUT = 2, WITH_ERRORS = 4 };

struct client {
	int fd; /* -1: nobody */
	int flags;
	int first; /* it has started the container: that waits for it, so that nothing is lost */
	char *pending; /* what it could not take yet */
	size_t pending_length;
};

struct clients {
	int listener;
	struct client all[CLIENTS];
};

/* Makes the socket. */
int clients_listen(struct err *e, struct clients *c, int dir);

/* Takes one more. Return: it, or NULL. */
struct client *clients_accept(struct clients *c);
void client_close(struct client *client);
void clients_close(struct clients *c);

/* Sends to one; who cannot take it loses it, unless it is the first. */
void client_send(struct client *client, char letter, const void *data, size_t length);
/* The last message, for which whoever started the container is waited for, however slowly it reads. */
void client_finish(struct client *client, char letter, const void *data, size_t length);
/* To all, or to those attached with these flags. */
void clients_send(struct clients *c, int flags, char letter, const void *data, size_t length);

/* Tries again. */
void client_flush(struct client *client);
/* Whether the container has to wait. */
int clients_full(const struct clients *c);

#endif
