// SPDX-License-Identifier: Apache-2.0
/* What a container writes, in Docker's format json-file: an object a line, in files that are replaced when they are large. */
#ifndef TSRUN_MONITOR_LOG_H
#define TSRUN_MONITOR_LOG_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "monitor.h"

/* A line that has not ended yet. */
struct unfinished {
	char *data;
	size_t have;
	int continued; /* its first part is in the log already */
	struct timespec since;
};

struct log {
	const struct settings *settings;
	int fd; /* -1: nothing is kept */
	off_t size;
	char *out;
	size_t used;
	struct timespec now;	    /* lines that are read at once have one time */
	struct unfinished lines[2]; /* stdout, stderr */
};

/* A log that cannot be opened is told of; the container runs all the same. Return: 0 or < 0. */
int log_open(struct err *e, struct log *l, const struct settings *s);

/* stream: 0 stdout, 1 stderr. What the disk does not take is dropped, line by line. */
void log_write(struct log *l, int stream, const char *data, size_t length);

/* Writes what has no newline behind it. */
void log_flush(struct log *l);
void log_close(struct log *l);

#endif
