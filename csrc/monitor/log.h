// SPDX-License-Identifier: Apache-2.0
/* What a container writes, kept in docker's json-file format. */
#ifndef TSRUN_MONITOR_LOG_H
#define TSRUN_MONITOR_LOG_H

#include <stddef.h>

#include "monitor.h"

#define LOG_LINE 16384 /* longer lines are cut in pieces, as docker does */

struct log_stream {
	const char *name; /* stdout, stderr */
	size_t have;
	char line[LOG_LINE];
};

struct log {
	const struct settings *settings;
	int fd; /* -1: nothing is kept */
	long long size;
	struct log_stream streams[2];
};

/* A log that cannot be opened is told of; the container runs all the same. Return: 0 or < 0. */
int log_open(struct err *e, struct log *l, const struct settings *s);

/* stream: 0 stdout, 1 stderr. */
void log_write(struct log *l, int stream, const char *data, size_t length);

/* Writes what has no newline behind it. */
void log_flush(struct log *l);
void log_close(struct log *l);

#endif
