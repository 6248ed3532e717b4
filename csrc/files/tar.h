// SPDX-License-Identifier: Apache-2.0
/* Writing of tar: the same bytes for the same entries, always. No library, as those for C link dynamically or decide on more
 * of the format than a digest can bear. */
#ifndef TSRUN_FILES_TAR_H
#define TSRUN_FILES_TAR_H

#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"

struct tar_entry {
	char type; /* '0' file, '1' hard link, '2' symlink, '3' char, '4' block, '5' directory, '6' fifo */
	const char *path, *link;
	uint32_t mode, uid, gid, major, minor;
	int64_t seconds;
	uint64_t size;
	const char *xattrs; /* as in a frame */
	size_t xattr_length;
};

/* Writes the headers of an entry; its contents and tar_pad() are the caller's. */
int tar_header(struct err *e, FILE *out, const struct tar_entry *entry);
void tar_pad(FILE *out, uint64_t size);

/* Writes the two blocks that end it. */
void tar_end(FILE *out);

#endif
