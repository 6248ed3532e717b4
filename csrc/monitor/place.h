// SPDX-License-Identifier: Apache-2.0
/*
 * Where the monitor is for systemd. It was started in the unit of its caller, a service or a login session, and systemd
 * ends all that is in there: so it is put into a scope of its own, with what holds the container's ports.
 */
#ifndef TSRUN_MONITOR_PLACE_H
#define TSRUN_MONITOR_PLACE_H

#include "serve.h"

/* Asks for the scope, where one is wanted. Beside it, the container can be made, unless that is to be in there itself. */
void place_begin(struct monitor *m);

/* Waits for it. Nobody may hear before that the container runs: the caller's unit ends with the caller. */
void place_end(struct monitor *m);

#endif
