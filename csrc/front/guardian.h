// SPDX-License-Identifier: Apache-2.0
/*
 * A process that outlives a front which is killed in the middle of create, and then undoes what was made so far. It
 * works from the plan in the state directory, as delete does.
 */
#ifndef TSRUN_FRONT_GUARDIAN_H
#define TSRUN_FRONT_GUARDIAN_H

#include "front.h"

struct guardian {
	int pipe; /* -1 when there is none */
	pid_t pid;
};

/* Starts it, while nothing is made yet. Return: 0 or < 0. */
int guardian_start(struct err *e, struct guardian *g, const struct front *f, const char *id);

/* From now on the state directory is ours to remove. */
void guardian_tell_made(const struct guardian *g);

/* Init is this process. */
void guardian_tell_init(const struct guardian *g, pid_t pid, uint64_t start_time);

/* There is nothing left to guard: it goes away. */
void guardian_dismiss(struct guardian *g);

/* Reaps it. */
void guardian_reap(struct guardian *g);

#endif
