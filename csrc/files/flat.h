// SPDX-License-Identifier: Apache-2.0
/*
 * A layer that is put into the tree of those below it, and not beside it: whiteouts take away what others have made, and
 * never what the layer itself has. So its own paths are known by their hashes.
 */
#ifndef TSRUN_FILES_FLAT_H
#define TSRUN_FILES_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "late_times.h"

struct flat {
	struct err *e;
	int root;
	struct late_times *late;
	uint64_t *hashes, key; /* 0: a free place */
	size_t count, room;
};

int flat_open(struct err *e, struct flat *f, int root, struct late_times *late);
void flat_close(struct flat *f);

/*
 * Takes the directories on the way of a path for some of this layer: what else of others lies there goes, and directories keep
 * their times. Return: 0 or -errno with e filled.
 */
int flat_pass(struct flat *f, const char *path);

/* The same, and the path itself. Return: 1: the layer had it already, 0: it is new, or -errno with e filled. */
int flat_enter(struct flat *f, const char *path);

/* What others have at a path, parent and its last name, goes. Return: 0 or -errno with e filled. */
int flat_hide(struct flat *f, int parent, const char *name, const char *path);

/* What others have in a directory goes. Return: 0 or -errno with e filled. */
int flat_hide_inside(struct flat *f, int dir, const char *path);

#endif
