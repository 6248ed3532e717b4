// SPDX-License-Identifier: Apache-2.0
/* What criu answers: the message criu_resp of its images/rpc.proto. */
#ifndef TSRUN_OPS_CRIU_REPLY_H
#define TSRUN_OPS_CRIU_REPLY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum criu_type { CRIU_DUMP = 1, CRIU_RESTORE = 2, CRIU_PRE_DUMP = 4, CRIU_NOTIFY = 6 };

struct criu_text {
	const char *data; /* into what was parsed; no NUL at its end */
	size_t length;
};

struct criu_reply {
	uint64_t type; /* enum criu_type, or another one */
	int success;
	int number; /* cr_errno */
	struct criu_text message;
	struct criu_text script; /* NOTIFY: what it is about */
	pid_t notify_pid;	 /* NOTIFY: of the container's init, 0 unknown */
	pid_t restored_pid;	 /* RESTORE */
};

/* Return: 0 or -EPROTO. */
int criu_reply_parse(struct criu_reply *reply, const void *data, size_t length);

/* True for a notification of this name. */
int criu_reply_is(const struct criu_reply *reply, const char *script);

#endif
