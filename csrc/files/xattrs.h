// SPDX-License-Identifier: Apache-2.0
/* The extended attributes that belong to a layer: capabilities of files, and those of users. */
#ifndef TSRUN_FILES_XATTRS_H
#define TSRUN_FILES_XATTRS_H

#include <stddef.h>

#include "../base/err.h"

/*
 * Whether an attribute belongs to a layer. Marks of overlay, and labels of this host's policy, say nothing about the file;
 * set by a layer, the former would show what it does not hold.
 */
int xattrs_belong(const char *name);

/* Each: name, NUL, u32 length (little endian), value; in the order of names. */
struct xattrs {
	char *data;
	size_t length, room;
};

/* Reads those of what an fd, also an O_PATH one, refers to. Return: 0 or -errno with e filled. */
int xattrs_read(struct err *e, struct xattrs *x, int fd, const char *path);

/* Removes those of a directory, fd, which may be O_PATH. Return: 0 or -errno with e filled. */
int xattrs_clear(struct err *e, int fd, const char *path);

#endif
