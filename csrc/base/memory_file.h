// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_BASE_MEMORY_FILE_H
#define TSRUN_BASE_MEMORY_FILE_H

#include <stddef.h>

#include "err.h"

/* A file in memory with this content, at its start. Return: fd above stdio, or < 0 with e filled. */
int memory_file(struct err *e, const char *name, const void *data, size_t length);

#endif
