// SPDX-License-Identifier: Apache-2.0
/* Programs that tsrun itself runs: hooks, tsrun-seccomp and tsrun-systemd. */
#ifndef TSRUN_OPS_CHILD_H
#define TSRUN_OPS_CHILD_H

#include <sys/types.h>

#include "../base/err.h"
#include "../base/memory_file.h"

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

/**
 * helper_run - run one of tsrun's own programs to its end, with files in memory as its stdio: nobody can wait for anybody
 * @directory: where it is
 * @stdio: its standard input and output; -1 for output goes where its messages go
 *
 * Return: 0, or < 0 with e filled by what it has said; then *status is its exit status, or -1.
 */
int helper_run(struct err *e, const char *directory, const char *name, char *const envp[],
	       const int stdio[2], int *status);

/* Makes one line of what a program printed: no control bytes, no space at its end. */
void one_line(char *text);

#endif
