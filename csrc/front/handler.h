// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_FRONT_HANDLER_H
#define TSRUN_FRONT_HANDLER_H

#include "container.h"

/*
 * The kernel throws away what is sent to process 1 of a pid namespace while that has no handler for it, and a program that
 * has only just begun had no time to set one: a `kill` that follows `start` at once would have no effect, without an error.
 * Waits for the handler then, until the program is a tenth of a second old.
 */
void handler_await(const struct container *c, int signal);

#endif
