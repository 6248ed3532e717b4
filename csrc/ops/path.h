// SPDX-License-Identifier: Apache-2.0
/*
 * Paths of the container. They are absolute, start at an open root and never leave it, whatever links and racing
 * renames they meet on their way; no other file resolves one.
 */
#ifndef TSRUN_OPS_PATH_H
#define TSRUN_OPS_PATH_H

#include <limits.h>
#include <stdint.h>

#include "context.h"

enum path_kind {
	PATH_DIRECTORY = 0,
	PATH_FILE = 1, /* anything but a directory will do */
};

/*
 * Opens an existing path with O_PATH and these flags (O_DIRECTORY, O_NOFOLLOW).
 * Return: fd (the caller's) or -errno.
 */
int path_open(struct err *e, const struct context *c, const char *path, int flags);

/* Opens a directory of a tree that is not the root yet, with O_PATH. Return: fd (the caller's) or -errno. */
int path_look(int tree, const char *path);

/*
 * Opens a path, making what is missing of it: directories with mode 0755 on the way, then a directory or file with this mode. Links
 * are followed, also those that lead to nothing yet. Return: fd (the caller's) or -errno; ENOTDIR, EISDIR for the wrong kind.
 */
int path_ensure(struct err *e, const struct context *c, const char *path, enum path_kind kind,
		unsigned int mode);

/*
 * Opens the directory of a path, making it as path_ensure does, and gives the last component, which is looked at by nobody.
 * Return: fd (the caller's) or -errno.
 */
int path_parent(struct err *e, const struct context *c, const char *path, char name[NAME_MAX + 1]);

#endif
