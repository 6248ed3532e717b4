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

static int make_time_namespace(struct err *e, const struct spawn *spawn)
{
	int r;

	if (!(spawn->clone_flags & CLONE_NEWTIME))
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return err_set(e, errno, "unshare (CLONE_NEWTIME)");
	if (!*spawn->time_offsets)
		return 0;
	r = write_once(AT_FDCWD, "/proc/self/timens_offsets", spawn->time_offsets,
		       strlen(spawn->time_offsets));
	return r < 0 ? err_set(e, -r, "linux.timeOffsets: write \"/proc/self/timens_offsets\"") : 0;
}

void stage_main(const struct birth *b)
{
	const struct spawn *spawn = &b->plan->spawn;
	struct clone_args args = {.flags = (spawn->clone_flags & ~(uint64_t)CLONE_NEWTIME) |
					   CLONE_PARENT};
	struct err e;
	pid_t pid;
	int r;

	if (b->options->die_with_front)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = join_listed(&e, b);
	if (r == 0)
		r = make_time_namespace(&e, spawn);
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
