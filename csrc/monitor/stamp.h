// SPDX-License-Identifier: Apache-2.0
/* Times as Go writes them (RFC3339Nano): UTC, a fraction without zeros at its end. */
#ifndef TSRUN_MONITOR_STAMP_H
#define TSRUN_MONITOR_STAMP_H

#include <time.h>

struct stamp {
	char text[40];
};

struct stamp stamp_of(const struct timespec *t);
struct stamp stamp_now(void);

#endif
