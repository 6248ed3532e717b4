// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_OPS_MOUNT_H
#define TSRUN_OPS_MOUNT_H

#include "context.h"

/* Flags of mount(2); see base/sys.h for the others. */
#define TS_MS_NOSUID 2u
#define TS_MS_NODEV 4u
#define TS_MS_NOEXEC 8u
#define TS_MS_SYNCHRONOUS 16u
#define TS_MS_MANDLOCK 64u
#define TS_MS_DIRSYNC 128u
#define TS_MS_NOSYMFOLLOW 256u
#define TS_MS_NOATIME 1024u
#define TS_MS_NODIRATIME 2048u
#define TS_MS_RELATIME (1u << 21)
#define TS_MS_STRICTATIME (1u << 24)
#define TS_MS_LAZYTIME (1u << 25)

/*
 * A new file system through mount(2), detached all the same: fsconfig(2) takes no text longer than 255 bytes, and the layers of an
 * overlay need more. options is NULL-terminated. Return: fd (the caller's) or -errno.
 */
int mount_legacy(struct err *e, const char *type, const char *source, char *const *options,
		 unsigned int attr);

/*
 * The front's part of IDMAP_TREE, once init has sent the tree that it has in a slot: what is done to it is what the plan says.
 * Return: 0 or < 0.
 */
int idmap_sent_tree(struct err *e, const struct plan *plan, const int *slots, int tree_slot,
		    int tree);

#endif
