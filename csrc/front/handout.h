// SPDX-License-Identifier: Apache-2.0
/* What is handed to the caller about a process: pid file, console, pidfd. */
#ifndef TSRUN_FRONT_HANDOUT_H
#define TSRUN_FRONT_HANDOUT_H

#include <stddef.h>
#include <sys/types.h>

#include "../base/err.h"
#include "front.h"

/* Makes a path absolute, since the front changes its directory; *to is fresh memory. Return: 0 or < 0. */
int path_absolute(struct err *e, char **to, const char *path);

/* Decimal, no newline, by rename. Return: 0 or < 0. */
int pid_file_write(struct err *e, const char *path, pid_t pid);

/* Is --console-socket there exactly when it is needed? In runc's words. Return: 0 or < 0. */
int console_check(struct err *e, const struct front *f, int terminal, int detached);

/* Connects --console-socket and --pidfd-socket early, before anything is made. Return: 0 or < 0; fds are -1 or open. */
int handout_connect(struct err *e, const struct front *f, int *console, int *pidfd);

/* Sends a descriptor with its name over a connected socket. Return: 0 or < 0. */
int handout_send(struct err *e, int socket, int fd, const char *name);

#endif
