// SPDX-License-Identifier: Apache-2.0
/* Owner, mode, times and extended attributes of what was made: set on descriptors alone. */
#ifndef TSRUN_FILES_ATTRIBUTES_H
#define TSRUN_FILES_ATTRIBUTES_H

#include <sys/stat.h>

#include "frame.h"

struct attributes_options {
	int unprivileged; /* what a user namespace may not set is left out */
};

/* All but times; fd may be O_PATH. Return: 0 or -errno with e filled. */
int attributes_set(struct err *e, const struct attributes_options *options, int fd,
		   const struct frame *f);

/* Times of name itself, not of what a link names. */
int attributes_set_times(struct err *e, int parent, const char *name, const struct frame *f);

/* Gives a directory, f->path, owner, mode and attributes of another one, and f its time; both fds may be O_PATH. */
int attributes_copy(struct err *e, const struct attributes_options *options, int to, int from,
		    struct frame *f);

/* Marks a directory as one that hides all that lower layers have in it; or asks for that mark. */
int attributes_mark_opaque(struct err *e, const struct attributes_options *options, int fd,
			   const char *path);
int attributes_is_opaque(const struct attributes_options *options, int fd);

#endif
