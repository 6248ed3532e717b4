// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "files.h"

int files_process_root(struct err *e, const char *process)
{
	struct proc_stat stat;
	unsigned long long wanted;
	_fd_close_ int dir = -1;
	char path[32];
	int pid, root, r;

	if (sscanf(process, "%d:%llu", &pid, &wanted) != 2 || pid <= 0)
		return err_set(e, EINVAL, "the process \"%s\"", process);
	snprintf(path, sizeof(path), "/proc/%d", pid);
	/* Opened first: from here on it is one process, even if its id is given to another one. */
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(e, errno, "open \"%s\"", path);
	r = proc_stat_read(pid, &stat);
	if (r < 0)
		return err_set(e, -r, "read \"%s/stat\"", path);
	if (stat.start_time != wanted)
		return err_set(e, ESRCH, "process %d is another one by now", pid);
	root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? err_set(e, errno, "open \"%s/root\"", path) : root;
}
