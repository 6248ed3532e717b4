// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_BASE_PROC_H
#define TSRUN_BASE_PROC_H

#include <stdint.h>
#include <sys/types.h>

/* What /proc/PID/stat says. */
struct proc_stat {
	char state; /* R S D Z X ... */
	pid_t parent;
	unsigned long flags; /* PF_* of the kernel */
	uint64_t start_time; /* clock ticks since boot: tells two users of one pid apart */
};

/* Return: 0, -ENOENT or -ESRCH when there is no such process, or -errno. */
int proc_stat_read(pid_t pid, struct proc_stat *stat);

/* True while pid exists, is not a zombie, and started at that time. */
int proc_is_alive(pid_t pid, uint64_t start_time);

/*
 * True when the process is still, or ended as, the copy that clone has made: execve has not happened. False also for one that
 * is gone.
 */
int proc_has_not_execed(pid_t pid, uint64_t start_time);

/* Inside a user namespace uid 0 is nobody special. */
int in_user_namespace(void);

#endif
