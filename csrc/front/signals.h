// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_FRONT_SIGNALS_H
#define TSRUN_FRONT_SIGNALS_H

#include "../base/err.h"

/* Reads 9, KILL, SIGKILL, kill, SIGRTMIN+3. Return: the number, or < 0 with e filled. */
int signal_parse(struct err *e, const char *text);

#endif
