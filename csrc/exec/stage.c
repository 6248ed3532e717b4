// SPDX-License-Identifier: Apache-2.0
/* A short-lived process for what cannot be undone in the front: it joins namespaces, so that init is born in them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "../ops/messages.h"
#include "init.h"

#define OFFSETS "/proc/self/timens_offsets"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static int join_listed(struct err *e, const struct birth *b)
{
	const struct spawn *spawn = &b->plan->spawn;

	for (uint32_t i = 0; i < spawn->join_count; i++) {
		const struct join *join = &spawn->joins[i];

		if (setns(b->slots[join->slot], (int)join->nstype) < 0)
			return err_set(e, errno, "setns (namespace type %#x of linux.namespaces)",
				       join->nstype);
		if (join->nstype == CLONE_NEWUSER) {
			int r = become_namespace_root(e);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/*
 * Opened before this process enters a mount namespace, whose /proc may be any, or takes on ids that may not open it. The
 * kernel looks for the namespace, and for the rights in it of who has opened the file, when it is written.
 * Return: 0 (*fd: -1 where there is nothing to write) or < 0.
 */
static int open_offsets(struct err *e, const struct spawn *spawn, int *fd)
{
	*fd = -1;
	if (!*spawn->time_offsets)
		return 0;
	*fd = open(OFFSETS, O_WRONLY | O_CLOEXEC);
	return *fd < 0 ? err_set(e, errno, "linux.timeOffsets: open \"" OFFSETS "\"") : 0;
}

/* The children of this process are born into it. Return: 0 or < 0. */
static int make_time_namespace(struct err *e, const struct spawn *spawn, int offsets)
{
	size_t length = strlen(spawn->time_offsets);

	if (!(spawn->clone_flags & CLONE_NEWTIME))
		return 0;
	/* A user has the power to make it in a user namespace alone, and it has to belong to that of the container. */
	if (spawn->clone_flags & CLONE_NEWUSER && unshare(CLONE_NEWUSER) < 0)
		return err_set(e, errno, "unshare (CLONE_NEWUSER)");
	if (unshare(CLONE_NEWTIME) < 0)
		return err_set(e, errno, "unshare (CLONE_NEWTIME)");
	if (offsets >= 0 && write(offsets, spawn->time_offsets, length) != (ssize_t)length)
		return err_set(e, errno, "linux.timeOffsets: write \"" OFFSETS "\"");
	return 0;
}

/* What is left for clone. */
static uint64_t clone_flags(const struct spawn *spawn)
{
	uint64_t made = spawn->clone_flags & CLONE_NEWTIME ? CLONE_NEWTIME | CLONE_NEWUSER : 0;

	return (spawn->clone_flags & ~made) | CLONE_PARENT;
}

void stage_main(const struct birth *b)
{
	const struct spawn *spawn = &b->plan->spawn;
	struct clone_args args = {.flags = clone_flags(spawn)};
	int offsets, r;
	struct err e;
	pid_t pid;

	if (b->options->die_with_front)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = open_offsets(&e, spawn, &offsets);
	if (r == 0)
		r = join_listed(&e, b);
	if (r == 0)
		r = make_time_namespace(&e, spawn, offsets);
	if (r < 0)
		birth_fail(b->socket, &e);
	pid = sys_clone3(&args);
	if (pid == 0)
		init_main(b);
	if (pid < 0) {
		err_set(&e, errno, "clone3 (namespaces %#llx)", (unsigned long long)args.flags);
		birth_fail(b->socket, &e);
	}
	_exit(message_tell(b->socket, MESSAGE_SPAWNED, pid, NULL, -1) == 0 ? 0 : 1);
}
