// SPDX-License-Identifier: Apache-2.0
/* A session whose process becomes criu, and the container that criu restores. */
#include <errno.h>
#include <sys/wait.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "../base/sys.h"
#include "exec.h"

/* criu has made it a child of ours. */
static int take_over(struct err *e, struct session *s, struct host *h)
{
	struct proc_stat stat;
	int r;

	fd_cleanup(&s->pidfd);
	s->pid = h->pid;
	s->master = h->master;
	s->pidfd = sys_pidfd_open(s->pid, 0);
	if (s->pidfd < 0)
		return err_set(e, errno, "pidfd_open (restored pid %d)", (int)s->pid);
	r = proc_stat_read(s->pid, &stat);
	if (r < 0)
		return err_set(e, -r, "read /proc/%d/stat", (int)s->pid);
	h->start_time = s->start_time = stat.start_time;
	return 0;
}

int session_run_criu(struct err *e, struct session *s, struct host *h)
{
	pid_t criu = s->pid;
	int r = session_start(e, s);

	if (r < 0)
		return r;
	/* What came with READY is the connection to criu. */
	h->criu = take_fd(&s->master);
	r = host_run(e, h, SECTION_COMMIT);
	/* To criu this is the end. */
	close(take_fd(&h->criu));
	if (r < 0) {
		fd_cleanup(&h->master);
		h->master = -1;
		h->pid = s->pid;
		return r;
	}
	while (waitpid(criu, NULL, 0) < 0 && errno == EINTR)
		;
	if (h->pid == criu) {
		s->pid = 0;
		return 0;
	}
	return take_over(e, s, h);
}
