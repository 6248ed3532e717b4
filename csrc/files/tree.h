// SPDX-License-Identifier: Apache-2.0
/* Names below a root that someone else may have written: never resolved outside of it. */
#ifndef TSRUN_FILES_TREE_H
#define TSRUN_FILES_TREE_H

#include <sys/types.h>

#include "../base/err.h"

/* Return: fd of the directory, opened for reading, or -errno with e filled. */
int tree_open_root(struct err *e, const char *path);

/*
 * The directory that holds the last name of path, opened O_PATH; links on the way stay in the root. make: missing directories
 * are made with mode 0755. *name is set to the last name. Return: fd or -errno with e filled.
 */
int tree_parent(struct err *e, int root, const char *path, int make, const char **name);

/* What path is, without following its last name. Return: O_PATH fd or -errno with e filled. */
int tree_open(struct err *e, int root, const char *path);

/* The same with links followed to the end, inside the root. */
int tree_follow(struct err *e, int root, const char *path);

/* Opens the regular file that an O_PATH fd refers to. Return: fd or -errno. */
int tree_reopen(int fd, int flags);

/* Removes name and all below it; absent is fine. Return: 0 or -errno with e filled. */
int tree_remove(struct err *e, int parent, const char *name);

/* Calls each for all names of a directory, in the order of their bytes. Return: 0 or what each returned. */
int tree_list(struct err *e, int dir, const char *path,
	      int (*each)(void *context, const char *name), void *context);

#endif
