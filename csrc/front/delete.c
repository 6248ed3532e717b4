// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "container.h"
#include "front.h"
#include "log.h"
#include "remains.h"

#define GRACE_MS 10000

/* SIGKILL, and waits until init is gone: whoever its parent is, a pidfd tells. */
static int kill_and_wait(struct err *e, const struct front *f, const struct container *c,
			 enum status status)
{
	_fd_close_ int fd = container_pidfd(e, c);
	struct pollfd gone = {.fd = fd, .events = POLLIN};
	struct host h;
	int r;

	if (fd == -ESRCH)
		return 0;
	if (fd < 0)
		return fd;
	if (sys_pidfd_send_signal(fd, SIGKILL) < 0 && errno != ESRCH)
		return err_set(e, errno, "pidfd_send_signal (SIGKILL, pid %d)", (int)c->pid);
	if (status == STATUS_PAUSED) {
		front_host(f, &h, &c->plan, NULL);
		r = host_run(e, &h, SECTION_RESUME);
		if (r < 0)
			return r;
	}
	do
		r = poll(&gone, 1, GRACE_MS);
	while (r < 0 && errno == EINTR);
	return r > 0 ? 0
		     : err_set(e, ETIMEDOUT, "container init (pid %d) did not end after SIGKILL",
			       (int)c->pid);
}

static int delete_container(struct err *e, const struct front *f, struct container *c, int force)
{
	enum status status;
	struct host h;
	int killed = 0, r = statedir_lock(e, &c->dir);

	if (r < 0)
		return r == -ENOENT && force ? 0 : r;
	container_read_init(c); /* a create may have ended meanwhile */
	status = container_status(c);
	if (!force && (status == STATUS_RUNNING || status == STATUS_PAUSED))
		return err_set(e, 0, "cannot delete container %s that is not stopped: %s",
			       c->dir.id, status_name(status));
	if (status != STATUS_STOPPED)
		r = kill_and_wait(e, f, c, status);
	/* Without a pid namespace of its own the rest of the container may still live. */
	if (r == 0 && strcmp(c->plan.fields[FIELD_PIDNS_SHARED], "1") == 0)
		r = container_signal_all(e, c, SIGKILL, &killed);
	if (r < 0 && r != -ENOENT)
		return r;
	front_host(f, &h, &c->plan, NULL);
	return container_destroy(e, &h, &c->dir);
}

/* A state directory that does not tell what to undo: all that can be found by other means goes. Return: 0 or < 0. */
static int delete_broken(struct err *e, const struct front *f, struct container *c)
{
	int r = statedir_lock(e, &c->dir);

	if (r < 0)
		return r;
	/* The cgroups first: in one that is frozen init could not end. */
	r = remains_remove(e, f->root, c->dir.id);
	container_read_init(c);
	if (r == 0)
		r = kill_and_wait(e, f, c, STATUS_RUNNING);
	return r < 0 ? r : statedir_remove(e, &c->dir);
}

/* There is no state directory. Its cgroups may still be there, with processes in them. Return: 0 or < 0. */
static int delete_lost(struct err *e, const struct front *f, const char *id)
{
	struct statedir d = STATEDIR_INIT;
	struct err taken;
	int r;

	if (!remains_exist(f->root, id))
		return 0;
	/* Whoever takes the id meanwhile has its own cgroups by now. */
	if (statedir_create(&taken, &d, f->root, id) < 0) {
		statedir_close(&d);
		return 0;
	}
	r = remains_remove(e, f->root, id);
	if (r == 0)
		r = statedir_remove(e, &d);
	statedir_close(&d);
	return r;
}

/* Opens the container; one that is being created is waited for. Return: as container_open. */
static int open_settled(struct err *e, const struct front *f, struct container *c)
{
	const char *id = f->args.positionals[0];
	int r = container_open(e, c, f->root, id);

	if (r != -ENOENT || c->dir.fd < 0)
		return r;
	r = statedir_lock(e, &c->dir);
	container_close(c);
	*c = (struct container)CONTAINER_INIT;
	/* It may have failed, and be gone. */
	return r < 0 && e->number != ENOENT ? r : container_open(e, c, f->root, id);
}

int verb_delete(struct front *f)
{
	struct container c = CONTAINER_INIT;
	struct err e = {0};
	const char *id = f->args.positionals[0];
	int force = args_bool(&f->args, "force");
	int r = force ? open_settled(&e, f, &c) : container_open(&e, &c, f->root, id);

	if (r == 0)
		r = delete_container(&e, f, &c, force);
	else if (force && r == -ENOENT)
		r = delete_lost(&e, f, id);
	else if (force && c.dir.fd >= 0)
		r = delete_broken(&e, f, &c);
	container_close(&c);
	return r < 0 ? front_fail(f, &e) : 0;
}
