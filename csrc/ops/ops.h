// SPDX-License-Identifier: Apache-2.0
/* Handlers: one for each op, named after it. All: 0 or -errno with e filled. */
#ifndef TSRUN_OPS_OPS_H
#define TSRUN_OPS_OPS_H

#include "context.h"

#define OP(name, code, side, signature, syscall, args, doc) \
	int op_##name(struct err *e, struct context *c, const struct op *op);
#include "../plan/ops.def"
#undef OP

#endif
