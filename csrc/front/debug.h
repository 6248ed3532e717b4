// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_FRONT_DEBUG_H
#define TSRUN_FRONT_DEBUG_H

#include "../exec/exec.h"

/* Logs what was done for a process that is ready to be started. */
void debug_session(const struct plan *plan, const struct session *s);

#endif
