// SPDX-License-Identifier: Apache-2.0
/* ROOT/ID: what is kept about a container. */
#ifndef TSRUN_FRONT_STATEDIR_H
#define TSRUN_FRONT_STATEDIR_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
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

/*
 * The same in two steps. First it has a name that is no id, with which nobody else has anything to do, so that whoever
 * cleans up may remove it. Then it becomes ROOT/ID, unless there is one already; then the draft goes. Return: 0 or < 0.
 */
#define STATEDIR_DRAFT 64
void statedir_draft_name(char draft[STATEDIR_DRAFT]);
int statedir_begin(struct err *e, struct statedir *d, const char *root, const char *id,
		   const char *draft);
int statedir_publish(struct err *e, struct statedir *d, const char *draft);

/* Removes a draft if it is there. */
void statedir_remove_draft(const char *root, const char *draft);

/* The inode of the open directory: another one of the same name has another. */
uint64_t statedir_inode(const struct statedir *d);

/* Opens an existing one. Return: 0, -ENOENT with runc's words, or < 0. */
int statedir_open(struct err *e, struct statedir *d, const char *root, const char *id);

/* Waits for the lock, 10 s at most. Return: 0, -ENOENT when the container has gone meanwhile, or < 0. */
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
