// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_OPS_PROCESS_H
#define TSRUN_OPS_PROCESS_H

#include <stdint.h>

#include "../base/err.h"

/* Changes into a directory of the container and makes sure that it is one. Return: 0 or < 0. */
int cwd_enter(struct err *e, const char *path);

/* HOME for an environment of count entries that has none, or an empty one. Return: the vector, which may have moved, or NULL. */
char **env_with_home(char **env, char *home, uint32_t count);

#endif
