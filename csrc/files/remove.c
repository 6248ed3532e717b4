// SPDX-License-Identifier: Apache-2.0
#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "files.h"
#include "tree.h"

/* Deeper directories are moved to the top first: neither descriptors nor the stack end, however deep a tree is. */
#define MAX_DEPTH 64

struct removal {
	struct err *e;
	int top, dir, depth, moved;
	unsigned int number; /* of the last one that was moved */
};

/* A mount is in the way of what is to be removed: what it shows is not ours. */
static int open_directory(struct err *e, int parent, const char *name)
{
	int fd = sys_openat2(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
			     RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);

	if (fd >= 0)
		return fd;
	if (errno == EXDEV)
		return err_set(e, EBUSY, "remove \"%s\": something is mounted there", name);
	return err_set(e, errno, "openat2 \"%s\"", name);
}

/* Return: 1 when it had to be moved, so that it is to be removed from the top. */
static int move_up(struct removal *r, const char *name)
{
	char fresh[32];

	do {
		snprintf(fresh, sizeof(fresh), ".tsdock-removed-%u", ++r->number);
		if (syscall(SYS_renameat2, r->dir, name, r->top, fresh,
			    1u /* RENAME_NOREPLACE */) == 0) {
			r->moved = 1;
			return 0;
		}
	} while (errno == EEXIST);
	return err_set(r->e, errno, "renameat2 \"%s\" to the top of what is removed", name);
}

static int remove_name(void *context, const char *name)
{
	struct removal *r = context;
	_fd_close_ int dir = -1;
	int outer = r->dir, result;

	if (unlinkat(r->dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set(r->e, errno, "unlinkat \"%s\"", name);
	if (unlinkat(r->dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (r->depth == MAX_DEPTH)
		return move_up(r, name);
	dir = open_directory(r->e, r->dir, name);
	if (dir < 0)
		return dir;
	r->dir = dir;
	r->depth++;
	result = tree_list(r->e, dir, name, remove_name, r);
	r->depth--;
	r->dir = outer;
	if (result < 0)
		return result;
	return unlinkat(outer, name, AT_REMOVEDIR) < 0
		       ? err_set(r->e, errno, "unlinkat \"%s\"", name)
		       : 0;
}

int tree_remove(struct err *e, int parent, const char *name)
{
	struct removal removal = {.e = e};
	_fd_close_ int dir = -1;
	int r = 0;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(e, EINVAL, "remove \"%s\"", name);
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set(e, errno, "unlinkat \"%s\"", name);
	dir = open_directory(e, parent, name);
	if (dir < 0)
		return dir;
	removal.top = removal.dir = dir;
	do {
		removal.moved = 0;
		r = tree_list(e, dir, name, remove_name, &removal);
	} while (r == 0 && removal.moved);
	if (r < 0)
		return r;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? err_set(e, errno, "unlinkat \"%s\"", name)
							: 0;
}

int files_remove(struct err *e, const char *path)
{
	const char *slash = strrchr(path, '/');
	_fd_close_ int parent = -1;
	char above[4096];

	if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof(above))
		return err_set(e, EINVAL, "remove \"%s\"", path);
	memcpy(above, path, (size_t)(slash - path));
	above[slash - path] = '\0';
	parent = open(slash == path ? "/" : above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return errno == ENOENT ? 0 : err_set(e, errno, "open \"%s\"", above);
	return tree_remove(e, parent, slash + 1);
}
