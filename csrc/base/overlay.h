// SPDX-License-Identifier: Apache-2.0
/* Overlay mounts, of any number of layers and with any names. */
#ifndef TSRUN_BASE_OVERLAY_H
#define TSRUN_BASE_OVERLAY_H

#include "err.h"

struct overlay {
	const char *target, *upper, *work; /* upper NULL: read-only */
	char *const *lower;		   /* the highest first */
	int lower_count;
	int unprivileged;
	int durable;   /* sync at the end as usual */
	int seal;      /* read-only once all is mounted in it */
	int old_mount; /* by mount(2), as before Linux 6.5 */
};

/* Mounts it at its target, in the mount namespace of the caller. Return: 0 or -errno with e filled. */
int overlay_mount(struct err *e, const struct overlay *o);

#endif
