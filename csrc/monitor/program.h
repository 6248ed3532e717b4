// SPDX-License-Identifier: Apache-2.0
/* Programs that the monitor runs: the OCI runtime, the cleanup. */
#ifndef TSRUN_MONITOR_PROGRAM_H
#define TSRUN_MONITOR_PROGRAM_H

#include "monitor.h"

/* What the container gets, and what the monitor keeps of it. */
struct stdio {
	int ours[3]; /* other ends: input, output, errors. With a terminal the first two are its master, the third is -1 */
	int theirs[3]; /* for the runtime */
};

void stdio_init(struct stdio *io);
/* Closes what the container has of it. */
void stdio_close_theirs(struct stdio *io);
void stdio_close(struct stdio *io);

/* Starts a program. theirs NULL: no stdio. Return: its pid, or < 0. */
pid_t program_begin(char *const argv[], const int theirs[3]);

/* Runs a program and waits for it. theirs NULL: no stdio. Return: its wait status, or -1. */
int program_run(char *const argv[], const int theirs[3]);

/* `RUNTIME ARGS... VERB...` */
struct words runtime_words(const struct settings *s, const char *const verb[]);

/*
 * Has the runtime start the container. Return: its pid, or < 0 with e filled with what the runtime said, in one line.
 * io->ours is what it writes to, and reads from.
 */
pid_t program_start(struct err *e, const struct settings *s, int dir, struct stdio *io);

/* docker's exit status for a start that failed: 126, 127 or 125. */
int start_failure(const char *text);

#endif
