// SPDX-License-Identifier: Apache-2.0
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

/* <linux/sched.h> of the kernel; part of its interface since it is shown in /proc. */
#define PF_FORKNOEXEC 0x40ul

int proc_stat_read(pid_t pid, struct proc_stat *stat)
{
	char path[32], text[1024];
	const char *at;
	char *end;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = read_small(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	/* The name stands in parentheses and may hold any byte, so fields are counted from the last one. */
	at = strrchr(text, ')');
	if (!at || at[1] != ' ' || !at[2])
		return -EPROTO;
	stat->state = at[2];
	at += 3;
	stat->parent = (pid_t)strtol(at, &end, 10);
	at = end;
	for (int field = 5; field <= 22; field++) {
		stat->start_time = strtoull(at, &end, 10);
		if (end == at)
			return -EPROTO;
		if (field == 9)
			stat->flags = (unsigned long)stat->start_time;
		at = end;
	}
	return 0;
}

int proc_is_alive(pid_t pid, uint64_t start_time)
{
	struct proc_stat stat;

	return pid > 0 && proc_stat_read(pid, &stat) == 0 && stat.state != 'Z' &&
	       stat.state != 'X' && stat.start_time == start_time;
}

int proc_has_not_execed(pid_t pid, uint64_t start_time)
{
	struct proc_stat stat;

	return pid > 0 && proc_stat_read(pid, &stat) == 0 && stat.start_time == start_time &&
	       (stat.flags & PF_FORKNOEXEC);
}

int in_user_namespace(void)
{
	char map[64];
	unsigned int inside, outside, count;

	if (read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map)) <= 0)
		return 0;
	return sscanf(map, "%u %u %u", &inside, &outside, &count) != 3 || inside != 0 ||
	       outside != 0 || count != ~0u;
}
