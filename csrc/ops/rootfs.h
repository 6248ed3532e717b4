// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_OPS_ROOTFS_H
#define TSRUN_OPS_ROOTFS_H

#include "context.h"

/* Takes procfs and sysfs of the host out of the mount namespace, but for what lies below root. Return: 0 or < 0. */
int hide_host_filesystems(struct err *e, struct context *c, const char *root);

#endif
