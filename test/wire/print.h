// SPDX-License-Identifier: Apache-2.0
#ifndef TSRUN_TEST_WIRE_PRINT_H
#define TSRUN_TEST_WIRE_PRINT_H

#include <stdio.h>

#include "../../csrc/plan/plan.h"

/*
 * Prints all that a checked plan says, one line an item, texts and bytes in hexadecimal. It reads every byte that a handler
 * may read, bytes with the NUL that handlers count on behind them.
 */
void plan_print(FILE *out, const struct plan *p);

#endif
