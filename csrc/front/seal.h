// SPDX-License-Identifier: Apache-2.0
/* The program file that a container could reach through /proc/PID/exe must not be the one on disk (CVE-2019-5736). */
#ifndef TSRUN_FRONT_SEAL_H
#define TSRUN_FRONT_SEAL_H

#include "planner.h"

/*
 * Fills directory (where the companions of this program are looked for) and, when this process is the sealed copy,
 * takes over the planner that the first one started. Return: 1 this is the sealed copy, 0 it is not, < 0.
 */
int seal_check(struct err *e, char *directory, size_t size, struct planner *p);

/* Copies the program into a sealed memfd and executes that with the same arguments. Returns only on failure: < 0. */
int seal_enter(struct err *e, char **argv, const char *directory, const struct planner *p);

#endif
