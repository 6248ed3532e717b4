// SPDX-License-Identifier: Apache-2.0
/* A mount namespace with an overlay: whoever dies, and however, leaves no mount behind. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "../base/io.h"
#include "files.h"
#include "tree.h"

/* linux/mount.h and musl's sys/mount.h clash: what is needed of the former stands here. */
#include <sys/syscall.h>
#include <unistd.h>
#define TS_FSCONFIG_SET_FLAG 0u
#define TS_FSCONFIG_SET_STRING 1u
#define TS_FSCONFIG_CMD_CREATE 6u
#define TS_MOVE_MOUNT_F_EMPTY_PATH 4u

static int set(struct err *e, int fs, const char *key, const char *value)
{
	unsigned int kind = value ? TS_FSCONFIG_SET_STRING : TS_FSCONFIG_SET_FLAG;

	if (syscall(SYS_fsconfig, fs, kind, key, value, 0) == 0)
		return 0;
	return err_set(e, errno, "fsconfig overlay %s%s%s", key, value ? " " : "",
		       value ? value : "");
}

/* What the kernel says about a file system that it did not make. */
static int explain(struct err *e, int fs, int number)
{
	char text[512];
	ssize_t n = read(fs, text, sizeof(text) - 1);

	if (n <= 0)
		return err_set(e, number, "fsconfig overlay");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err_set(e, number, "fsconfig overlay (%s)",
		       text[0] && text[1] == ' ' ? text + 2 : text);
}

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

static int set_layers(struct err *e, int fs, const struct overlay *o)
{
	int r = 0;

	for (int i = 0; r == 0 && i < o->lower_count; i++)
		r = set(e, fs, "lowerdir+", o->lower[i]);
	if (r == 0 && o->upper)
		r = set(e, fs, "upperdir", o->upper);
	if (r == 0 && o->upper)
		r = set(e, fs, "workdir", o->work);
	if (r == 0 && o->upper && !o->durable)
		r = forget_volatile(e, o);
	if (r == 0 && o->upper && !o->durable)
		r = set(e, fs, "volatile", NULL);
	if (r == 0 && o->unprivileged)
		r = set(e, fs, "userxattr", NULL);
	/* The upper directory becomes a layer: it may hold nothing that means something to this overlay alone. */
	if (r == 0 && !o->unprivileged)
		r = set(e, fs, "redirect_dir", "off");
	if (r == 0 && !o->unprivileged)
		r = set(e, fs, "metacopy", "off");
	return r < 0 ? r : set(e, fs, "index", "off");
}

static int attach(struct err *e, int fs, const char *target)
{
	_fd_close_ int tree = -1;

	if (syscall(SYS_fsconfig, fs, TS_FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return explain(e, fs, errno);
	tree = (int)syscall(SYS_fsmount, fs, 1u /* FSMOUNT_CLOEXEC */, 0);
	if (tree < 0)
		return err_set(e, errno, "fsmount overlay");
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, TS_MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(e, errno, "move_mount overlay \"%s\"", target);
	return 0;
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
	_fd_close_ int fs = (int)syscall(SYS_fsopen, "overlay", 1u /* FSOPEN_CLOEXEC */);
	int r;

	if (fs < 0)
		return err_set(e, errno, "fsopen overlay%s",
			       errno == ENODEV ? " (try: modprobe overlay)" : "");
	r = set_layers(e, fs, o);
	return r < 0 ? r : attach(e, fs, o->target);
}
