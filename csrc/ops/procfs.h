// SPDX-License-Identifier: Apache-2.0
/* Writes to /proc that nothing in the container can redirect. */
#ifndef TSRUN_OPS_PROCFS_H
#define TSRUN_OPS_PROCFS_H

#include "context.h"

/* Makes sure that c->proc is a procfs that is out of reach for the container. Return: 0 or -errno. */
int procfs_open(struct err *e, struct context *c);

/*
 * Writes data with one write(2) to a file below /proc. path is relative ("self/attr/exec"); it cannot leave the directory
 * that its first component names. Return: 0 or -errno.
 */
int procfs_write(struct err *e, struct context *c, const char *path, const void *data,
		 size_t length);

#endif
