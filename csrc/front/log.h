// SPDX-License-Identifier: Apache-2.0
/* What the front tells its caller: --log, --log-format, stderr. */
#ifndef TSRUN_FRONT_LOG_H
#define TSRUN_FRONT_LOG_H

#include "../base/err.h"

/*
 * Sets up where messages go. Any of file and format may be NULL. There is one log in a process (the executor's warnings
 * come through a plain function pointer), so it is kept here.
 * Return: 0 or < 0.
 */
int log_open(struct err *e, const char *file, const char *format, int debug);

/* Descriptor of the log file, or 2 without one. */
int log_descriptor(void);

/* Goes to the log, and as plain text to stderr when the log is a file. */
void log_error(const char *text);
void log_warning(const char *text);
int log_wants_debug(void);
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * One line as it is logged, with its newline; time is seconds since the epoch.
 * Return: fresh memory or NULL.
 */
char *log_line(int json, const char *level, const char *text, long long time);

#endif
