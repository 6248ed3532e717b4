// SPDX-License-Identifier: Apache-2.0
#include "xattrs.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "../base/io.h"
#include "tree.h"

#define MAX_NAMES 65536
#define MAX_VALUE 65536

int xattrs_belong(const char *name)
{
	if (strncmp(name, "user.overlay.", 13) == 0)
		return 0;
	return strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0;
}

static int add(struct xattrs *x, const char *name, const void *value, size_t size)
{
	size_t length = strlen(name) + 1, needed = x->length + length + 4 + size;
	uint32_t little = htole32((uint32_t)size);

	if (needed > x->room) {
		char *data = realloc(x->data, 2 * needed);

		if (!data)
			return -ENOMEM;
		x->data = data;
		x->room = 2 * needed;
	}
	memcpy(x->data + x->length, name, length);
	memcpy(x->data + x->length + length, &little, 4);
	memcpy(x->data + x->length + length + 4, value, size);
	x->length = needed;
	return 0;
}

/* The name that comes after another one, in the order of bytes; NULL: there is none. */
static const char *next_name(const char *names, ssize_t size, const char *after)
{
	const char *best = NULL;

	for (const char *name = names; name < names + size; name += strlen(name) + 1)
		if (xattrs_belong(name) && (!after || strcmp(name, after) > 0) &&
		    (!best || strcmp(name, best) < 0))
			best = name;
	return best;
}

int xattrs_read(struct err *e, struct xattrs *x, int fd, const char *path)
{
	static char names[MAX_NAMES], value[MAX_VALUE];
	const struct fd_link link = fd_link(fd);
	ssize_t n;

	x->length = 0;
	n = listxattr(link.path, names, sizeof(names));
	if (n < 0)
		return errno == ENOTSUP ? 0 : err_set(e, errno, "listxattr \"%s\"", path);
	for (const char *name = NULL; n > 0 && (name = next_name(names, n, name));) {
		ssize_t size = getxattr(link.path, name, value, sizeof(value));
		int r;

		/* Removed since they were listed. */
		if (size < 0 && errno == ENODATA)
			continue;
		if (size < 0)
			return err_set(e, errno, "getxattr %s \"%s\"", name, path);
		r = add(x, name, value, (size_t)size);
		if (r < 0)
			return err_set(e, -r, "getxattr %s \"%s\"", name, path);
	}
	return 0;
}

int xattrs_clear(struct err *e, int fd, const char *path)
{
	static char names[MAX_NAMES];
	const struct fd_link link = fd_link(fd);
	ssize_t n = listxattr(link.path, names, sizeof(names));

	if (n < 0)
		return errno == ENOTSUP ? 0 : err_set(e, errno, "listxattr \"%s\"", path);
	for (const char *name = names; name < names + n; name += strlen(name) + 1)
		if (xattrs_belong(name) && removexattr(link.path, name) < 0 && errno != ENODATA)
			return err_set(e, errno, "removexattr %s \"%s\"", name, path);
	return 0;
}
