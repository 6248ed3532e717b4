// SPDX-License-Identifier: Apache-2.0
#include "subdirs.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Room for an entry with the longest name. */
#define BUFFER 8192

/* As the kernel has it. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* Return: whether there are more. */
static int fill(struct subdirs *s)
{
	long n;

	if (!s->buffer)
		s->buffer = malloc(BUFFER);
	if (!s->buffer)
		return 0;
	n = syscall(SYS_getdents64, s->fd, s->buffer, BUFFER);
	s->at = 0;
	s->end = n > 0 ? (size_t)n : 0;
	return n > 0;
}

const char *subdirs_next(struct subdirs *s)
{
	while (s->at < s->end || fill(s)) {
		const struct entry *entry = (const void *)(s->buffer + s->at);

		s->at += entry->length;
		if (entry->type == DT_DIR && strcmp(entry->name, ".") != 0 &&
		    strcmp(entry->name, "..") != 0)
			return entry->name;
	}
	return NULL;
}

void subdirs_cleanup(struct subdirs *s)
{
	free(s->buffer);
}
