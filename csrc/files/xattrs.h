// SPDX-License-Identifier: Apache-2.0
/* The extended attributes that belong to a layer: capabilities of files, and those of users. */
#ifndef TSRUN_FILES_XATTRS_H
#define TSRUN_FILES_XATTRS_H

#include <stddef.h>

#include "../base/err.h"

/* Each: name, NUL, u32 length (little endian), value; in the order of names. */
struct xattrs {
	char *data;
	size_t length, room;
};

/* Reads those of what an fd, also an O_PATH one, refers to. Return: 0 or -errno with e filled. */
int xattrs_read(struct err *e, struct xattrs *x, int fd, const char *path);

#endif
