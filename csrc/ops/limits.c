// SPDX-License-Identifier: Apache-2.0
/* Scheduling, memory policy and execution domain. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "ops.h"

#define IOPRIO_WHO_PROCESS 1
#define CPU_BYTES 1024u /* 8192 CPUs, as many as a kernel can be built for */
#define DEADLINE 6u	/* SCHED_DEADLINE */
#define NODE_BYTES 128u /* 1024 nodes, the same */

/* libc and kernel headers clash over it. */
struct scheduling {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
	/* The specification has flags for them, and no values: the widest range of a new process. */
	uint32_t util_min;
	uint32_t util_max;
};

/* 0 is the caller: init sets its own, the front that of init. */
static pid_t subject(const struct context *c)
{
	return c->socket >= 0 ? 0 : c->pid;
}

int op_SCHEDULER(struct err *e, struct context *c, const struct op *op)
{
	struct scheduling s = {
		.size = sizeof(s),
		.policy = op->args[0],
		.flags = plan_u64(op->args + 1),
		.nice = (int32_t)op->args[3],
		.priority = op->args[4],
		.runtime = plan_u64(op->args + 5),
		.deadline = plan_u64(op->args + 7),
		.period = plan_u64(op->args + 9),
		.util_max = 1024,
	};

	if (syscall(SYS_sched_setattr, subject(c), &s, 0u) < 0)
		return err_set(
			e, errno, "sched_setattr (policy %u, nice %d, priority %u%s)", s.policy,
			s.nice, s.priority,
			errno == EPERM && s.policy == DEADLINE
				? "; this process scheduler can't be used together with AllowedCPUs"
				: "");
	return 0;
}

int op_IO_PRIORITY(struct err *e, struct context *c, const struct op *op)
{
	(void)c;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, op->args[0]) < 0)
		return err_set(e, errno, "ioprio_set (class %u, priority %u)", op->args[0] >> 13,
			       op->args[0] & 0x1fff);
	return 0;
}

/* Bits as the kernel wants them, in words of its own order; plans have the lowest byte first. */
static int fill_mask(unsigned long *words, size_t size, const char *bytes, uint32_t length)
{
	memset(words, 0, size);
	for (uint32_t i = 0; i < length; i++) {
		if (!bytes[i])
			continue;
		if (i >= size)
			return -EINVAL;
		words[i / sizeof(*words)] |= (unsigned long)(unsigned char)bytes[i]
					     << (8 * (i % sizeof(*words)));
	}
	return 0;
}

int op_CPU_AFFINITY(struct err *e, struct context *c, const struct op *op)
{
	unsigned long mask[CPU_BYTES / sizeof(unsigned long)];

	if (op->args[1] == 0)
		memset(mask, 0xff, sizeof(mask));
	else if (fill_mask(mask, sizeof(mask), op_string(c, op, 0), op->args[1]) < 0)
		return err_set(e, EINVAL, "sched_setaffinity (a CPU above %u)", CPU_BYTES * 8 - 1);
	if (syscall(SYS_sched_setaffinity, subject(c), sizeof(mask), mask) < 0)
		return err_set(e, errno, "sched_setaffinity%s",
			       errno == EINVAL ? " (none of the CPUs can be used here)" : "");
	return 0;
}

int op_PERSONALITY(struct err *e, struct context *c, const struct op *op)
{
	(void)c;
	if (personality(op->args[0]) < 0)
		return err_set(e, errno, "personality %#x", op->args[0]);
	return 0;
}

int op_MEMORY_POLICY(struct err *e, struct context *c, const struct op *op)
{
	unsigned long nodes[NODE_BYTES / sizeof(unsigned long)];
	int none = op->args[2] == 0;

	if (fill_mask(nodes, sizeof(nodes), op_string(c, op, 1), op->args[2]) < 0)
		return err_set(e, EINVAL, "set_mempolicy (a node above %u)", NODE_BYTES * 8 - 1);
	/* The kernel takes one bit less than it is told. */
	if (syscall(SYS_set_mempolicy, (int)op->args[0], none ? NULL : nodes,
		    none ? 0ul : NODE_BYTES * 8ul + 1) < 0)
		return err_set(e, errno, "set_mempolicy (mode %#x)", op->args[0]);
	return 0;
}
