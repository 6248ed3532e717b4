// SPDX-License-Identifier: Apache-2.0
/* Removal of trees that someone else may have written: of any depth, and never beyond a mount. */
#ifndef TSRUN_FILES_REMOVE_H
#define TSRUN_FILES_REMOVE_H

#include "../base/err.h"

/* Removes name and all below it; absent is fine. Return: 0 or -errno with e filled. */
int tree_remove(struct err *e, int parent, const char *name);

#endif
