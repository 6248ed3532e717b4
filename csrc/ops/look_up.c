// SPDX-License-Identifier: Apache-2.0
/*
 * Sources of a container in a user namespace that root makes. init may not be let in where they lie; but clones that the front
 * made, in the mount namespace of the host, would not have what the kernel puts on all mounts that a user namespace is given: that
 * it can neither take away their restrictions (nosuid, read-only ...), nor uncover what they hide. So the front looks the path
 * up in the mount namespace of init, and init makes the clone.
 */
#include <errno.h>
#include <fcntl.h>

#include "messages.h"
#include "ops.h"
#include "source.h"

#define MAX_ATTEMPTS 64 /* lookups that a rename somewhere on the host disturbed */

int clone_looked_up(const struct context *c, uint32_t slot, unsigned int how)
{
	_fd_close_ int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_fd_close_ int found = -1;
	struct message m;
	int kind;

	if (top < 0)
		return -1;
	kind = message_tell(c->socket, MESSAGE_LOOK_UP, (int)slot, NULL, top);
	if (kind == 0)
		kind = message_hear(c->socket, &m, &found);
	if (kind == MESSAGE_GO && found >= 0)
		return sys_open_tree(found, "",
				     (how & ~(unsigned int)AT_SYMLINK_NOFOLLOW) | AT_EMPTY_PATH);
	errno = kind == MESSAGE_GO && m.number > 0 ? m.number : kind < 0 ? -kind : EPROTO;
	return -1;
}

/* Return: fd or -errno. */
static int look_up(int root, const char *path, int flags)
{
	for (int attempt = 1;; attempt++) {
		int fd = sys_openat2(root, path, (uint64_t)(flags | O_PATH | O_CLOEXEC), 0,
				     RESOLVE_IN_ROOT);

		if (fd >= 0)
			return fd;
		/* Links of /proc do not lead anywhere below a root: to a namespace, or to what init cannot clone. */
		if (errno == EXDEV)
			fd = open(path, flags | O_PATH | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if ((errno != EAGAIN && errno != EINTR) || attempt == MAX_ATTEMPTS)
			return -errno;
	}
}

/* What the plan wants looked up for a slot. Return: its path or NULL. */
static const char *path_of(const struct plan *plan, int slot, uint32_t *flags)
{
	const struct ops *ops = &plan->sections[SECTION_SETUP];
	const uint32_t *cursor = ops->words;

	for (uint32_t i = 0; i < ops->count; i++) {
		struct op op;

		plan_next(plan, &cursor, &op);
		if (op.code != OP_OPEN_TREE || op.args[2] != (uint32_t)slot ||
		    !(op.args[1] & TREE_LOOK_UP))
			continue;
		*flags = op.args[1];
		return plan_string(plan, op.args[0]);
	}
	return NULL;
}

int look_up_for_init(struct err *e, int socket, const struct plan *plan, int slot, int root)
{
	uint32_t flags = 0;
	const char *path = path_of(plan, slot, &flags);
	int nofollow = flags & TREE_NOFOLLOW ? O_NOFOLLOW : 0, r;
	_fd_close_ int fd = -1;

	if (!path || root < 0)
		return err_set(e, EPROTO, "container init wants a path that is not in the plan");
	/* As a directory first: that is what has an automount mounted. */
	fd = look_up(root, path, nofollow | O_DIRECTORY);
	if (fd == -ENOTDIR)
		fd = look_up(root, path, nofollow);
	r = message_tell(socket, MESSAGE_GO, fd < 0 ? -fd : 0, NULL, fd);
	return r < 0 ? err_set(e, -r, "answer to container init") : 0;
}
