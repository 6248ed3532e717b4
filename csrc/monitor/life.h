// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_MONITOR_LIFE_H
#define TSRUN_MONITOR_LIFE_H

#include "serve.h"

/* Mounts the root file system, once. */
int life_mount(struct err *e, struct monitor *m);

/* Has the container started. Return: 0 or < 0, with e filled and nothing of it left. */
int life_start(struct err *e, struct monitor *m);

/* The container has ended: the runtime forgets it. Return: 1 when it is to be started again. */
int life_end(struct monitor *m);

/* It does not come back: says so, takes all back. failure: why it did not start, or NULL. */
void life_finish(struct monitor *m, const char *failure);

/* A child has ended. */
void life_reap(struct monitor *m);

#endif
