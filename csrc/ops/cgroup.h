// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_OPS_CGROUP_H
#define TSRUN_OPS_CGROUP_H

#include "../base/err.h"

/*
 * Extended attribute of a container's cgroup: mount namespace and ROOT/ID (front/remains.h), so that it is known for one of ours when the state directory is lost.
 * Who may not set trusted ones has the other, where the kernel allows it.
 */
#define CGROUP_OWNER "trusted.tsrun.container"
#define CGROUP_USER_OWNER "user.tsrun.container"

/* Says whose a cgroup is. Where it cannot be said, a container that loses its state directory cannot be found again. */
void cgroup_mark_owner(const char *path, const char *owner);

/* Removes a cgroup and those below, waiting for them to become empty. Return: 0, also when there is none, or < 0. */
int cgroup_remove(struct err *e, const char *path, int kill_them);

/* Kills what is in a cgroup, and in those below where the kernel does so. */
void cgroup_kill(const char *path);

/* A frozen cgroup of v1 keeps its processes from dying. */
void cgroup_thaw(const char *path);

#endif
