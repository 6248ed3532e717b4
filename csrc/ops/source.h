/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TSRUN_OPS_SOURCE_H
#define TSRUN_OPS_SOURCE_H

#include "context.h"

/* Flags of OPEN_TREE. */
#define TREE_RECURSIVE 1u
#define TREE_DIRECTORY 2u
#define TREE_NOFOLLOW 4u
#define TREE_LOOK_UP 8u

/*
 * init's part of OPEN_TREE with TREE_LOOK_UP: clones what the front finds for the slot; how: flags of open_tree(2).
 * Return: fd (the caller's), or -1 with errno.
 */
int clone_looked_up(const struct context *c, uint32_t slot, unsigned int how);

/*
 * The front's part, once init has sent its root: answers with what is found there, or why it is not. What is looked for is what
 * the plan says. Return: 0 or < 0.
 */
int look_up_for_init(struct err *e, int socket, const struct plan *plan, int slot, int root);

#endif
