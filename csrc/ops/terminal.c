// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ops.h"

int op_SESSION(struct err *e, struct context *c, const struct op *op)
{
	(void)op;
	/* EPERM also says that this process leads a session already. */
	if (setsid() < 0 && (errno != EPERM || getsid(0) != getpid()))
		return err_set(e, errno, "setsid");
	if (c->slave < 0)
		return 0;
	if (ioctl(c->slave, TIOCSCTTY, 0) < 0)
		return err_set(e, errno, "ioctl TIOCSCTTY");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(c->slave, fd) < 0)
			return err_set(e, errno, "dup2");
	if (c->slave > 2)
		close(c->slave);
	c->slave = -1;
	return 0;
}
