// SPDX-License-Identifier: Apache-2.0
/* Contents of files, from one to another. */
#ifndef TSRUN_FILES_COPY_H
#define TSRUN_FILES_COPY_H

#include <stdint.h>

/* Copies contents up to size bytes; holes stay holes, blocks are shared where they can be. to is empty. Return: 0 or -errno. */
int copy_contents(int to, int from, int64_t size);

/*
 * The next part of a file that is no hole. begin: where to look, then where it begins; end: where it ends, at most size.
 * Return: 1, 0 when there is none, or -errno.
 */
int copy_next_data(int fd, int64_t size, int64_t *begin, int64_t *end);

#endif
