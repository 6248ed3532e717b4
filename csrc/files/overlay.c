// SPDX-License-Identifier: Apache-2.0
/* A mount namespace with an overlay: whoever dies, and however, leaves no mount behind. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "../base/io.h"
#include "files.h"
#include "remove.h"

/*
 * A volatile overlay leaves a mark that keeps its directories from being mounted again, as their contents would be unsure
 * after a crash of the machine. What is mounted here again is thrown away in that case.
 */
static int forget_volatile(struct err *e, const struct overlay *o)
{
	_fd_close_ int work = open(o->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_fd_close_ int inner = -1;

	if (work < 0)
		return err_set(e, errno, "open \"%s\"", o->work);
	inner = openat(work, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return inner < 0 ? 0 : tree_remove(e, inner, "incompat");
}

int files_private_mounts(struct err *e)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(e, errno, "unshare CLONE_NEWNS");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set(e, errno, "mount \"/\" as slave");
	return 0;
}

int files_mount_overlay(struct err *e, const struct overlay *o)
{
	int r = o->upper && !o->durable ? forget_volatile(e, o) : 0;

	return r < 0 ? r : overlay_mount(e, o);
}
