// SPDX-License-Identifier: Apache-2.0
/*
 * Where the monitor is for systemd. It was started in the unit of its caller, a service or a login session, and systemd
 * ends all that is in there: so it is put into a scope of its own, with what holds the container's ports.
 */
#ifndef TSRUN_MONITOR_PLACE_H
#define TSRUN_MONITOR_PLACE_H

#include "serve.h"

/*
 * Before the container is made: asks for the scope, where one is wanted. Beside that the container can be made, unless it is
 * to be in there itself. Where somebody stays to see it, the scope can wait: most that are shown end at once.
 */
void place_begin(struct monitor *m);

/* Waits for what was asked for. Nobody may hear before that the container runs: the caller's unit ends with the caller. */
void place_end(struct monitor *m);

/* Asks for what was put off, once it is due: now, when whoever has seen the container has gone. */
void place_tick(struct monitor *m);
void place_now(struct monitor *m);

/* The program that asks has ended. */
void place_ended(struct monitor *m, int status);

#endif
