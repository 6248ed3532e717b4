// SPDX-License-Identifier: Apache-2.0
/* Copies bytes from one descriptor to another, whenever poll says that neither side would block. */
#ifndef TSRUN_BASE_PUMP_H
#define TSRUN_BASE_PUMP_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#define PUMP_SIZE 16384

/* How much a descriptor takes without blocking depends on what it is. */
enum sink_kind { SINK_PIPE, SINK_SOCKET, SINK_OTHER };
enum sink_kind sink_kind(int fd);

/* Does one write to a descriptor that poll has found ready; it may be one of the caller's, in blocking mode. */
ssize_t sink_put(int fd, enum sink_kind kind, const void *data, size_t length);

struct pump {
	int from; /* -1: at its end */
	int to;	  /* -1: nobody reads any more */
	int own_from;
	int own_to; /* closed when all is written */
	enum sink_kind kind;
	size_t at;
	size_t have;
	char data[PUMP_SIZE];
};

void pump_init(struct pump *p, int from, int own_from, int to, int own_to);

/* What to poll for next; its fd is -1 when the pump is through. */
struct pollfd pump_wanted(const struct pump *p);

/* Does one read or write, after poll has said so. */
void pump_move(struct pump *p);

void pump_close(struct pump *p);

#endif
