// SPDX-License-Identifier: Apache-2.0
/* Programs that tsrun itself runs: hooks and tsrun-seccomp. */
#ifndef TSRUN_OPS_CHILD_H
#define TSRUN_OPS_CHILD_H

#include <sys/types.h>

#include "../base/err.h"

struct child {
	const char *path;
	char *const *argv;
	char *const *envp;
	int stdio[3]; /* borrowed, above 2; become 0, 1, 2 of the program */
	int group;    /* leads a process group of its own */
};

/**
 * child_start - run a program with default signals and no descriptors but its stdio
 *
 * Return: its pid, or < 0 with e filled when execve failed.
 */
pid_t child_start(struct err *e, const struct child *c);

/* A file in memory with this content, at its start. Return: fd above stdio, or < 0 with e filled. */
int memory_file(struct err *e, const char *name, const void *data, size_t length);

/* Makes one line of what a program printed: no control bytes, no space at its end. */
void one_line(char *text);

#endif
