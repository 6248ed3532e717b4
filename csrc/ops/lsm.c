// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"
#include "procfs.h"

/* AppArmor's own file: the common one belongs to whichever module came first. */
#define APPARMOR_FILE "thread-self/attr/apparmor/exec"
#define COMMON_FILE "thread-self/attr/exec"

static const char *hint(const struct context *c, int number, const char *file)
{
	if (number == ENOENT && c->proc >= 0 && faccessat(c->proc, file, F_OK, 0) == 0)
		return " (the profile is not loaded)";
	return number == ENOENT || number == EINVAL ? " (is this security module active?)" : "";
}

int op_LSM_LABEL(struct err *e, struct context *c, const struct op *op)
{
	const char *lsm = op_string(c, op, 0), *label = op_string(c, op, 1);
	int apparmor = strcmp(lsm, "apparmor") == 0;
	const char *file = apparmor ? APPARMOR_FILE : COMMON_FILE;
	size_t size = strlen(label) + sizeof("exec ");
	_free_ char *data = malloc(size);
	int n, r;

	if (!data)
		return err_set(e, ENOMEM, "%s label", lsm);
	n = snprintf(data, size, "%s%s", apparmor ? "exec " : "", label);
	r = procfs_write(e, c, file, data, (size_t)n);
	/* Engines look for the file in backquotes. */
	if (r < 0 && e->number)
		return err_set(e, e->number, "%s label \"%s\": write to `/proc/%s`%s", lsm, label,
			       file, hint(c, e->number, file));
	return r;
}
