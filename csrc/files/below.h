// SPDX-License-Identifier: Apache-2.0
/* Directories that a layer implies without an entry for them: what the layers below say about them holds. */
#ifndef TSRUN_FILES_BELOW_H
#define TSRUN_FILES_BELOW_H

#include "attributes.h"

struct below {
	struct attributes_options attributes;
	int root;   /* of the layer itself */
	int *roots; /* of the layers below it, the highest first */
	int count;
};

/* Opens the layers below. Return: 0 or -errno with e filled. */
int below_open(struct err *e, struct below *b, char *const *paths, int count);
void below_close(struct below *b);

/*
 * Gives a directory, made at f->path, what the merged layers below have there; but their time goes to f, to be set when all
 * is made. Return: 1, 0 when they have none, or -errno with e filled.
 */
int below_inherit(struct err *e, const struct below *b, int fd, struct frame *f);

#endif
