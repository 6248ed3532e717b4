// SPDX-License-Identifier: Apache-2.0
/* Names below a root that someone else may have written: never resolved outside of it. */
#ifndef TSRUN_FILES_TREE_H
#define TSRUN_FILES_TREE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "../base/err.h"

/* Return: fd of the directory, opened for reading, or -errno with e filled. */
int tree_open_root(struct err *e, const char *path);

/* What is done with directories that a path implies, and that are missing. */
struct tree_maker {
	/* Called for each that has been made. over_whiteout: one stood there, and is gone. Return: 0 or -errno with e filled. */
	int (*made)(void *context, int fd, const char *path, int over_whiteout);
	void *context;
	int over_whiteouts; /* makes directories in the place of whiteouts */
};

/*
 * The directory that holds the last name of path, opened O_PATH; links on the way stay in the root. maker: missing directories
 * are made with mode 0755; NULL: they are an error. *name is set to the last name. Return: fd or -errno with e filled.
 */
int tree_parent(struct err *e, int root, const char *path, const struct tree_maker *maker,
		const char **name);

/* The mark of overlay for a name that is hidden. */
static inline int tree_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* What path is, without following its last name. Return: O_PATH fd or -errno with e filled. */
int tree_open(struct err *e, int root, const char *path);

/* The same with links followed to the end, inside the root. */
int tree_follow(struct err *e, int root, const char *path);

/* Opens the regular file that an O_PATH fd refers to. Return: fd or -errno. */
int tree_reopen(int fd, int flags);

/* Calls each for all names of a directory, in the order of their bytes. Return: 0 or what each returned. */
int tree_list(struct err *e, int dir, const char *path,
	      int (*each)(void *context, const char *name), void *context);

#endif
