// SPDX-License-Identifier: Apache-2.0
/* What is left of a container whose state directory is lost, or tells nothing. */
#ifndef TSRUN_FRONT_REMAINS_H
#define TSRUN_FRONT_REMAINS_H

#include "../base/err.h"
#include "statedir.h"

/*
 * What a cgroup of the container is marked with. A path means something in a mount namespace alone, so the number of that stands
 * before it: a container of another one, which may be alive and well, is never taken for ours. Return: 0 or < 0.
 */
int remains_mark(struct err *e, char **mark, const char *root, const char *id);

/* Calls visit for every cgroup of this mount namespace that a tsrun of this mount namespace has marked, parents first, until it returns not 0. */
int remains_visit(int (*visit)(void *data, const char *owner, const char *path), void *data);

/* True when a cgroup is marked with ROOT/ID. */
int remains_exist(const char *root, const char *id);

/* Ends the processes in all cgroups that are marked so, removes them, unmounts ROOT/ID/rootfs. Return: 0 or < 0. */
int remains_remove(struct err *e, const char *root, const char *id);

#endif
