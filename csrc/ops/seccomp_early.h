// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_OPS_SECCOMP_EARLY_H
#define TSRUN_OPS_SECCOMP_EARLY_H

#include "context.h"

/*
 * Loads the filter of section start before the wait for START, when all that this process still has to do is allowed by it
 * whatever its arguments: the kernel takes a good part of a millisecond to load a filter, which `start` would wait for.
 * Otherwise, and after any failure, the filter is left to its op.
 */
void seccomp_load_early(struct context *c);

#endif
