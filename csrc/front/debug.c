// SPDX-License-Identifier: Apache-2.0
/* What --debug tells of the way of a process into its container. The words are those that debug logs are searched for. */
#include "debug.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/sys.h"
#include "log.h"

#define MASK_WORDS 128u /* 8192 CPUs */

/* The CPUs of this process, which the new one was born with: "0x3". */
static void show_affinity(char *text, size_t size)
{
	unsigned long mask[MASK_WORDS] = {0};
	long got = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	size_t at = got < 0 ? 0 : (size_t)got / sizeof(*mask), n;

	while (at > 1 && !mask[at - 1])
		at--;
	n = (size_t)snprintf(text, size, "0x%lx", at ? mask[at - 1] : 0);
	for (; at > 1 && n < size; at--)
		n += (size_t)snprintf(text + n, size - n, "%0*lx", (int)(2 * sizeof(*mask)),
				      mask[at - 2]);
}

static void show_filter(const struct plan *plan)
{
	const struct ops *ops = &plan->sections[SECTION_START];
	const uint32_t *cursor = ops->words;

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(plan, &cursor, &op);
		if (op.code == OP_SECCOMP)
			log_debug("seccomp filter flags: %u", op.args[1]);
	}
}

void debug_session(const struct plan *plan, const struct session *s)
{
	int exec = (plan->spawn.flags & SPAWN_EXEC) != 0;
	char cpus[256];

	if (!log_wants_debug())
		return;
	show_affinity(cpus, sizeof(cpus));
	log_debug("nsexec container setup: pid %d", (int)s->pid);
	log_debug("nsexec[%d]: affinity: %s", (int)s->pid, cpus);
	log_debug("child process in init(): pid %d", (int)s->pid);
	show_filter(plan);
	log_debug(exec ? "setns_init: about to exec"
		       : "init: closing the pipe to signal completion");
}
