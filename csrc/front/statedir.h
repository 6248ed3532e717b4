// SPDX-License-Identifier: Apache-2.0
/* ROOT/ID: what is kept about a container. */
#ifndef TSRUN_FRONT_STATEDIR_H
#define TSRUN_FRONT_STATEDIR_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "../base/err.h"

struct statedir {
	const char *root; /* borrowed */
	const char *id;
	int root_fd;
	int fd;
	int lock;
};

#define STATEDIR_INIT                               \
	{                                           \
		.root_fd = -1, .fd = -1, .lock = -1 \
	}

/*
 * The default directory for things of this kind (name: "tsrun", "tsrun-cache/seccomp"): below /run, or below
 * XDG_RUNTIME_DIR for those who cannot write there.
 */
void run_directory(char *path, size_t size, const char *name);

/* Where the state directories are: option (--root, may be NULL) made absolute, or the default. Return: 0 or < 0. */
int statedir_root(struct err *e, char *root, size_t size, const char *option);

/* Return: 0, or < 0 when a container cannot have this id. */
int statedir_check_id(struct err *e, const char *id);

/* Makes ROOT when needed and ROOT/ID, and locks it. Return: 0 or < 0. */
int statedir_create(struct err *e, struct statedir *d, const char *root, const char *id);

/* Opens an existing one. Return: 0, -ENOENT with runc's words, or < 0. */
int statedir_open(struct err *e, struct statedir *d, const char *root, const char *id);

/* Waits for the lock, 10 s at most. Return: 0 or < 0. */
int statedir_lock(struct err *e, struct statedir *d);

/* True while another tsrun holds the lock. */
int statedir_is_locked(const struct statedir *d);

void statedir_unlock(struct statedir *d);

/* Replaces a file as a whole: a reader sees the old or the new one. Return: 0 or < 0. */
int statedir_put(struct err *e, const struct statedir *d, const char *name, const void *data,
		 size_t length);

/* A listening SOCK_SEQPACKET socket in the directory. Return: fd or < 0. */
int statedir_listen(struct err *e, const struct statedir *d, const char *name);

/* Removes everything in the directory, following no link, then the directory. Return: 0 or < 0. */
int statedir_remove(struct err *e, struct statedir *d);

void statedir_close(struct statedir *d);

#endif
