// SPDX-License-Identifier: Apache-2.0
/*
 * The network of a user's containers, for one program. What manages networks keeps files in /run, which belongs to root: here
 * a directory of the user's own stands in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/io.h"
#include "rootless.h"

/* linux/mount.h and musl's sys/mount.h clash: what is needed of the former stands here. */
#include <sys/syscall.h>
#define TS_OPEN_TREE_CLONE 1u
#define TS_AT_RECURSIVE 0x8000u
#define TS_MOVE_MOUNT_F_EMPTY_PATH 4u

static int join_network(struct err *e, int directory)
{
	_fd_close_ int fd = openat(directory, NETWORK_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return err_set(e, errno, "setns to the network of the user's containers");
	return 0;
}

static int make_directories(struct err *e, char *path)
{
	for (char *slash = path; slash; *slash = '/') {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_set(e, errno, "mkdir \"%s\"", path);
		if (!slash)
			break;
	}
	return 0;
}

static int replace_run(struct err *e, char *path)
{
	_fd_close_ int own = -1;
	/* It lies below /run, mostly: then it has to be there as well. */
	_fd_close_ int tree =
		(int)syscall(SYS_open_tree, AT_FDCWD, path,
			     TS_OPEN_TREE_CLONE | TS_AT_RECURSIVE | (unsigned int)O_CLOEXEC);
	_fd_close_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (tree < 0 || directory < 0)
		return err_set(e, errno, "open_tree \"%s\"", path);
	if (mkdirat(directory, PRIVATE_RUN, 0700) < 0 && errno != EEXIST)
		return err_set(e, errno, "mkdir \"%s/" PRIVATE_RUN "\"", path);
	own = openat(directory, PRIVATE_RUN, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (own < 0 || mount(fd_link(own).path, "/run", NULL, MS_BIND, NULL) < 0)
		return err_set(e, errno, "mount \"%s/" PRIVATE_RUN "\" on \"/run\"", path);
	if (strncmp(path, "/run/", 5) != 0)
		return 0;
	r = make_directories(e, path);
	if (r == 0 &&
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, path, TS_MOVE_MOUNT_F_EMPTY_PATH) < 0)
		r = err_set(e, errno, "move_mount \"%s\"", path);
	return r;
}

int rootless_network(struct err *e, const char *name)
{
	char path[PATH_MAX];
	_fd_close_ int directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (directory < 0 || !realpath(name, path))
		return err_set(e, errno, "open \"%s\"", name);
	r = join_network(e, directory);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(e, errno, "unshare CLONE_NEWNS");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set(e, errno, "mount \"/\" as slave");
	return replace_run(e, path);
}
