// SPDX-License-Identifier: Apache-2.0
/*
 * exec --exec-wait-fifo: the process is all set and has its pid, but does not run the program before somebody opens the fifo
 * for reading. So a supervisor can take it on first. It reads one byte, "0".
 */
#ifndef TSRUN_FRONT_EXEC_FIFO_H
#define TSRUN_FRONT_EXEC_FIFO_H

#include "../base/err.h"
#include "../exec/exec.h"

/* Return: an O_PATH descriptor of the fifo, or < 0. */
int exec_fifo_open(struct err *e, const char *path);

/* Waits until the fifo is opened. Return: 0; < 0 when the process has ended before. */
int exec_fifo_wait(struct err *e, int fifo, const struct session *s);

/*
 * For a front that does not stay: leaves a process that waits, and then starts that of the session. A failure of that is in
 * the log. Return: 0 or < 0.
 */
int exec_fifo_leave(struct err *e, int fifo, struct session *s);

#endif
