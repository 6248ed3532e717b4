// SPDX-License-Identifier: Apache-2.0
/*
 * Tells when a memory cgroup has run out of memory: a line each time, until the cgroup is gone or standard input ends.
 * For `events`. Looking at counters from time to time would miss the last time of a container that is deleted at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "../base/io.h"
#include "front.h"

#define REMOVAL_MS 1000

struct watch {
	int dir;
	int fd; /* eventfd of v1, inotify of v2 */
	int unified;
	uint64_t kills; /* v2: as they were told */
	uint64_t ooms;	/* v2: times that memory had run out by then */
	int pending;	/* v2: it has run out since, and nothing was killed yet */
};

/* A line `name number` of memory.events. */
static uint64_t counter(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line && *line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, name, length) == 0 && line[length] == ' ')
			return strtoull(line + length, NULL, 10);
	return 0;
}

/* Return: how often a process was killed since the last look. */
static uint64_t look_unified(struct watch *w)
{
	char text[1024];
	uint64_t kills, before = w->kills;

	if (read_small(w->dir, "memory.events", text, sizeof(text)) < 0) {
		/* Deleted before it could be read. That memory had run out was seen a moment before. */
		kills = w->pending != 0;
		w->pending = 0;
		return kills;
	}
	kills = counter(text, "oom_kill");
	if (kills > before)
		w->ooms = counter(text, "oom");
	w->kills = kills;
	w->pending = counter(text, "oom") > w->ooms;
	return kills - before;
}

static uint64_t take_unified(struct watch *w)
{
	char events[4096];

	while (read(w->fd, events, sizeof(events)) > 0)
		;
	return look_unified(w);
}

static uint64_t take_legacy(struct watch *w)
{
	struct pollfd more = {.fd = w->fd, .events = POLLIN};
	uint64_t count = 0, all = 0;

	if (read(w->fd, &all, sizeof(all)) != (ssize_t)sizeof(all))
		return 0;
	if (faccessat(w->dir, "memory.oom_control", F_OK, 0) == 0)
		return all;
	/* That it was removed is told in the same way, once, and some time after it: of what comes one is that. */
	while (poll(&more, 1, REMOVAL_MS) > 0 &&
	       read(w->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		all += count;
	return all - 1;
}

static int open_unified(struct err *e, struct watch *w, const char *path)
{
	char file[PATH_MAX];
	char text[1024];

	w->unified = 1;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(file, sizeof(file), "%s/memory.events", path);
	if (w->fd < 0 || inotify_add_watch(w->fd, file, IN_MODIFY) < 0)
		return err_set(e, errno, "inotify_add_watch \"%s\"", file);
	if (read_small(w->dir, "memory.events", text, sizeof(text)) > 0) {
		w->kills = counter(text, "oom_kill");
		w->ooms = counter(text, "oom");
	}
	return 0;
}

static int open_legacy(struct err *e, struct watch *w, const char *path)
{
	_fd_close_ int control = openat(w->dir, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char text[64];
	int r;

	if (control < 0)
		return err_set(e, errno, "open \"%s/memory.oom_control\"", path);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0)
		return err_set(e, errno, "eventfd");
	snprintf(text, sizeof(text), "%d %d", w->fd, control);
	r = write_once(w->dir, "cgroup.event_control", text, strlen(text));
	return r < 0 ? err_set(e, -r, "write \"%s/cgroup.event_control\"", path) : 0;
}

static void serve(struct watch *w)
{
	struct pollfd fds[2] = {{.fd = w->fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};

	for (;;) {
		uint64_t count;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		count = w->unified ? take_unified(w) : take_legacy(w);
		for (; count > 0; count--)
			if (write_full(1, "oom\n", 4) < 0)
				return;
		if (fds[1].revents || faccessat(w->dir, "cgroup.procs", F_OK, 0) < 0)
			return;
	}
}

int verb_oom(struct front *f)
{
	const char *path = f->args.positionals[0];
	struct watch w = {.fd = -1};
	struct err e = {0};
	int r;

	w.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w.dir < 0)
		r = err_set(&e, errno, "open \"%s\"", path);
	else if (faccessat(w.dir, "memory.events", F_OK, 0) == 0)
		r = open_unified(&e, &w, path);
	else
		r = open_legacy(&e, &w, path);
	if (r < 0)
		return front_fail(f, &e);
	if (write_full(1, "watching\n", 9) == 0)
		serve(&w);
	return 0;
}
