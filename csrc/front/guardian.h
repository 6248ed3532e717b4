// SPDX-License-Identifier: Apache-2.0
/*
 * A process that outlives a front which is killed in the middle of create, and then undoes what was made so far. It
 * works from the plan in the state directory, as delete does.
 */
#ifndef TSRUN_FRONT_GUARDIAN_H
#define TSRUN_FRONT_GUARDIAN_H

#include "front.h"

struct guardian {
	int socket; /* -1 when there is none */
	pid_t pid;
};

/* Starts it, while nothing is made yet. draft: a name in the state root that is the front's alone. Return: 0 or < 0. */
int guardian_start(struct err *e, struct guardian *g, const struct front *f, const char *id,
		   const char *draft);

/* ROOT/ID is ours to remove, if it is the directory with this inode. */
void guardian_tell_made(const struct guardian *g, uint64_t inode);

/* Init is this process. */
void guardian_tell_init(const struct guardian *g, pid_t pid, uint64_t start_time);

/* There is nothing left to guard: it goes away. */
void guardian_dismiss(struct guardian *g);

/* Reaps it. */
void guardian_reap(struct guardian *g);

#endif
