// SPDX-License-Identifier: Apache-2.0
/* A front that stays: it serves stdio or the terminal of a process, forwards signals and waits for the end. */
#ifndef TSRUN_FRONT_MONITOR_H
#define TSRUN_FRONT_MONITOR_H

#include <sys/types.h>

#include "../base/err.h"
#include "../exec/exec.h"
#include "notify.h"

struct monitor {
	int signals;	       /* signalfd */
	int ours[3];	       /* other ends of the process's stdio, -1 with a terminal */
	int theirs[3];	       /* what the process gets as stdio */
	struct notify *notify; /* NULL none */
};

void monitor_init(struct monitor *m);

/* Makes pipes for the stdio of a process without a terminal. Return: 0 or < 0. */
int monitor_make_pipes(struct err *e, struct monitor *m);

/* Closes the process's ends, once it has them. */
void monitor_close_theirs(struct monitor *m);

/* Makes this process the parent of orphans of the container. Return: 0 or < 0. */
int monitor_adopt_orphans(struct err *e);

/* From now on signals wait to be forwarded. Return: 0 or < 0. */
int monitor_hold_signals(struct err *e, struct monitor *m);

/* Serves the process until it ends. Return: its exit code, 128 + N for signal N. */
int monitor_serve(struct monitor *m, const struct session *s);

void monitor_end(struct monitor *m);

#endif
