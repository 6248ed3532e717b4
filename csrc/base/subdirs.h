// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_BASE_SUBDIRS_H
#define TSRUN_BASE_SUBDIRS_H

#include <stddef.h>

/*
 * The directories in an open directory. readdir(3) of musl ends at a name that is longer than its buffer, without a word: in a
 * cgroup file system names may have up to 4095 bytes.
 */
struct subdirs {
	int fd;
	char *buffer;
	size_t at, end;
};

/* fd is borrowed, and read from where it is. */
#define SUBDIRS_OF(directory)     \
	{                         \
		.fd = (directory) \
	}

/* The next name, which is there until the next call, or NULL at the end. */
const char *subdirs_next(struct subdirs *s);

void subdirs_cleanup(struct subdirs *s);
#define _subdirs_ __attribute__((cleanup(subdirs_cleanup))) struct subdirs

#endif
