// SPDX-License-Identifier: Apache-2.0
/*
 * Ids of a mount that exists only where init is. To map them takes power over the file system, which a user namespace has not got,
 * and the mount may not be attached yet: so init sends the detached tree to the front, which changes it.
 */
#include <errno.h>
#include <fcntl.h>

#include "messages.h"
#include "mount.h"
#include "ops.h"

int op_IDMAP_TREE(struct err *e, struct context *c, const struct op *op)
{
	int kind =
		message_tell(c->socket, MESSAGE_IDMAP, (int)op->args[0], NULL, op_slot(c, op, 0));
	struct message m;

	if (kind == 0)
		kind = message_hear(c->socket, &m, NULL);
	if (kind == MESSAGE_GO)
		return 0;
	/* The front has failed, and says itself why. */
	return err_set(e, kind < 0 ? -kind : 0, "the front did not map the ids");
}

static int map(struct err *e, const struct op *op, const int *slots, int tree)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP,
				  .userns_fd = (uint64_t)slots[op->args[2]]};
	int r;

	if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | (op->args[1] ? AT_RECURSIVE : 0), &attr) ==
	    0)
		return 0;
	r = err_set(e, errno, "mount_setattr (id mapping)%s",
		    errno == EINVAL ? ": the file system may not support id-mapped mounts" : "");
	return err_prefix(e, r, "%s", op->label);
}

int idmap_sent_tree(struct err *e, const struct plan *plan, const int *slots, int tree_slot,
		    int tree)
{
	const struct ops *ops = &plan->sections[SECTION_SETUP];
	const uint32_t *cursor = ops->words;

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(plan, &cursor, &op);
		if (op.code == OP_IDMAP_TREE && op.args[0] == (uint32_t)tree_slot)
			return map(e, &op, slots, tree);
	}
	return err_set(e, EPROTO, "container init wants ids mapped that are not in the plan");
}
