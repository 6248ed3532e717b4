// SPDX-License-Identifier: Apache-2.0
/* A container that exists: its state directory, its stored plan, its init. */
#ifndef TSRUN_FRONT_CONTAINER_H
#define TSRUN_FRONT_CONTAINER_H

#include <stdint.h>

#include "../exec/exec.h"
#include "../plan/plan.h"
#include "statedir.h"

enum status { STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

struct container {
	struct statedir dir;
	void *map;
	size_t map_length;
	struct plan plan;
	pid_t pid; /* of init, 0 when there never was one */
	uint64_t start_time;
};

#define CONTAINER_INIT               \
	{                            \
		.dir = STATEDIR_INIT \
	}

/*
 * Opens ROOT/ID and decodes its plan. Return: 0; -ENOENT: it does not exist (any more, or not yet); -ENODATA: there is a
 * directory without a plan, the remains of something that died early; < 0.
 */
int container_open(struct err *e, struct container *c, const char *root, const char *id);
void container_close(struct container *c);

/* Reads the pid of init again; 0 when it is not known. */
void container_read_init(struct container *c);

enum status container_status(const struct container *c);
int container_is_frozen(const struct container *c);
const char *status_name(enum status status);

/* A pidfd of init, after making sure that it is the same process. Return: fd, or -ESRCH with e filled, or < 0. */
int container_pidfd(struct err *e, const struct container *c);

/*
 * Sends a signal to every process in the container's cgroup and below; *signalled is set when there was one.
 * Return: 0, -ENOENT without a cgroup, or < 0.
 */
int container_signal_all(struct err *e, const struct container *c, int signal, int *signalled);

/*
 * What comes when a container ends, or could not be made: undo, the poststop hooks, and the state directory last.
 * The first failure of undo is reported and the directory kept, so that delete can be repeated. Return: 0 or < 0.
 */
int container_destroy(struct err *e, struct host *h, struct statedir *d);

#endif
