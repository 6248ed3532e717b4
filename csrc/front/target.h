// SPDX-License-Identifier: Apache-2.0
/* The container that exec goes into. */
#ifndef TSRUN_FRONT_TARGET_H
#define TSRUN_FRONT_TARGET_H

#include <stdint.h>

#include "container.h"

struct target {
	int pidfd; /* of its init */
	int root; /* O_PATH of init's root when that is not the root of its mount namespace; else -1 */
	uint64_t namespaces; /* CLONE_NEW* to join */
};

#define TARGET_INIT                     \
	(struct target)                 \
	{                               \
		.pidfd = -1, .root = -1 \
	}

/* Return: 0 or < 0, also for a container that has stopped or is paused. */
int target_open(struct err *e, struct target *t, const struct container *c, int ignore_paused);
void target_close(struct target *t);

#endif
