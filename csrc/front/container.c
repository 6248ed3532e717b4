// SPDX-License-Identifier: Apache-2.0
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/proc.h"
#include "../base/sys.h"

static int map_plan(struct err *e, struct container *c)
{
	_fd_close_ int fd = openat(c->dir.fd, "plan", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT) {
		if (statedir_is_locked(&c->dir)) {
			err_set(e, 0, "container does not exist: %s (it is being created)",
				c->dir.id);
			return -ENOENT;
		}
		err_set(e, 0,
			"container does not exist: %s (\"%s/%s\" is a remainder; delete --force "
			"removes it)",
			c->dir.id, c->dir.root, c->dir.id);
		return -ENODATA;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, errno, "open \"%s/%s/plan\"", c->dir.root, c->dir.id);
	c->map_length = (size_t)st.st_size;
	c->map = mmap(NULL, c->map_length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (c->map == MAP_FAILED) {
		c->map = NULL;
		return err_set(e, errno, "mmap \"%s/%s/plan\"", c->dir.root, c->dir.id);
	}
	r = plan_decode(e, &c->plan, c->map, c->map_length);
	return r < 0 ? err_prefix(e, r, "\"%s/%s/plan\"", c->dir.root, c->dir.id) : 0;
}

void container_read_init(struct container *c)
{
	char text[64];
	int pid;
	uint64_t start;

	c->pid = 0;
	c->start_time = 0;
	if (read_small(c->dir.fd, "init", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%d %" SCNu64, &pid, &start) != 2)
		return;
	c->pid = pid;
	c->start_time = start;
}

int container_open(struct err *e, struct container *c, const char *root, const char *id)
{
	int r = statedir_check_id(e, id);

	if (r == 0)
		r = statedir_open(e, &c->dir, root, id);
	if (r == 0)
		r = map_plan(e, c);
	if (r == 0)
		container_read_init(c);
	return r;
}

void container_close(struct container *c)
{
	if (c->map)
		munmap(c->map, c->map_length);
	c->map = NULL;
	statedir_close(&c->dir);
}

/* v1 has FROZEN in freezer.state, v2 has 1 in cgroup.freeze. */
int container_is_frozen(const struct container *c)
{
	const char *path = c->plan.fields[FIELD_FREEZER];
	char text[32];

	if (!*path || read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;
	return strcmp(text, "FROZEN") == 0 || strcmp(text, "1") == 0;
}

/*
 * Init waits in the sealed copy of this program, the user process is another one. `start` removes the socket after that
 * has begun, and may be killed before it does.
 */
static int init_waits(const struct container *c)
{
	static const char sealed[] = "/memfd:tsrun";
	char path[32], target[sizeof(sealed)];
	ssize_t n;

	if (faccessat(c->dir.fd, "start.sock", F_OK, 0) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)c->pid);
	n = readlink(path, target, sizeof(target) - 1);
	return n < 0 || strncmp(target, sealed, (size_t)n) == 0;
}

enum status container_status(const struct container *c)
{
	if (!proc_is_alive(c->pid, c->start_time))
		return STATUS_STOPPED;
	if (container_is_frozen(c))
		return STATUS_PAUSED;
	return init_waits(c) ? STATUS_CREATED : STATUS_RUNNING;
}

const char *status_name(enum status status)
{
	switch (status) {
	case STATUS_CREATED:
		return "created";
	case STATUS_RUNNING:
		return "running";
	case STATUS_PAUSED:
		return "paused";
	case STATUS_STOPPED:
		break;
	}
	return "stopped";
}

int container_pidfd(struct err *e, const struct container *c)
{
	_fd_close_ int fd = c->pid > 0 ? sys_pidfd_open(c->pid, 0) : -1;

	if (fd < 0 && c->pid > 0 && errno != ESRCH)
		return err_set(e, errno, "pidfd_open (pid %d)", (int)c->pid);
	/* Checked after opening: from here on the pidfd and the start time speak of one process. */
	if (fd < 0 || !proc_is_alive(c->pid, c->start_time)) {
		err_set(e, 0, "container not running");
		return -ESRCH;
	}
	return take_fd(&fd);
}

int container_destroy(struct err *e, struct host *h, struct statedir *d)
{
	struct err later;
	int r;

	h->status = "stopped";
	r = host_run_all(e, h, SECTION_UNDO);
	h->pid = 0;
	if (host_run_all(&later, h, SECTION_POSTSTOP) < 0 && h->warn)
		h->warn(later.text);
	return r < 0 ? r : statedir_remove(e, d);
}
