// SPDX-License-Identifier: Apache-2.0
/* The commands of tsdock-files. Each returns 0, or -errno with e filled, and reads stdin or writes stdout as its head says. */
#ifndef TSRUN_FILES_FILES_H
#define TSRUN_FILES_FILES_H

#include "../base/err.h"
#include "../base/overlay.h"

struct apply_options {
	const char *source; /* directory that copies come from */
	int merge; /* the directory is a container's: directories that are there stay as they are */
	int flat;  /* the directory holds the layers below: nothing of overlay is made */
	int strict;	  /* a directory never takes the place of something else */
	int unprivileged; /* in a user namespace: marks of overlay are user.*, devices are left out */
	char *const *below; /* layers that it is to lie on, the highest first */
	int below_count;
};

/* Makes the entries on stdin in a directory. */
int files_apply(struct err *e, const struct apply_options *options, const char *directory);

struct walk_options {
	int follow;	   /* the last name of path too */
	int only;	   /* nothing below it */
	int layer;	   /* an upper directory of overlay: its marks become entries */
	char *const *skip; /* paths, relative to path, that are left out with all below them */
	int skip_count;
};

/* Writes the entries of the tree at path, below directory, without contents; their paths are relative to path. */
int files_walk(struct err *e, const struct walk_options *options, const char *directory,
	       const char *path);

/* Writes the entries at paths, which stdin names, each ended by a NUL; a whiteout where there is nothing. */
int files_lookup(struct err *e, const char *directory);

/* Prints how many bytes the files below a directory have; one with several names counts once. */
int files_size(struct err *e, const char *directory);

/* Writes a file's contents. limit: bytes at most (-EFBIG). */
int files_read(struct err *e, const char *directory, const char *path, long long limit);

struct pack_options {
	long long newest; /* times after it become it; negative: none does */
	int unprivileged;
	int plain; /* no layer: nothing is taken for a mark of overlay */
	const char *path,
		*as; /* what is at path, called so in the tar; NULL: what is in the directory */
	int follow;  /* the last name of path too */
};

/* Writes an overlay's upper directory, or any other, as the tar of a layer. */
int files_pack(struct err *e, const struct pack_options *options, const char *directory);

/* Enters a mount namespace of its own: what is mounted in it goes with the last process there, however that ends. */
int files_private_mounts(struct err *e);

int files_mount_overlay(struct err *e, const struct overlay *o);

struct bind {
	const char *source;
	const char *subpath;   /* what of source; links in it stay in there; NULL: all */
	const char *root, *at; /* where: resolved in root, and made when it is missing */
	int readonly, alone;   /* alone: without what is mounted below source */
};

/* Mounts it in this mount namespace. */
int files_bind(struct err *e, const struct bind *b);

/* Makes a mount read-only, without those below it. */
int files_seal(struct err *e, const char *target);

/* The root directory of a process, "PID:START", with what it has mounted. Return: fd or -errno with e filled. */
int files_process_root(struct err *e, const char *process);

/* Removes a directory and all below it. */
int files_remove(struct err *e, const char *path);

/* Holds a lock while stdin is open; says "held\n" when it has it. */
int files_lock(struct err *e, const char *path, int shared);

#endif
