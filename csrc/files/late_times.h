// SPDX-License-Identifier: Apache-2.0
/* Times of directories are set last: what is made in one changes them. */
#ifndef TSRUN_FILES_LATE_TIMES_H
#define TSRUN_FILES_LATE_TIMES_H

#include <stddef.h>

#include "frame.h"

struct late_times {
	struct late_time *list;
	size_t count, room, bytes;
};

int late_times_add(struct err *e, struct late_times *late, const struct frame *f);

/* Sets all, unless nobody wants them any more, and frees them. */
int late_times_set(struct err *e, struct late_times *late, int root, int wanted);

#endif
