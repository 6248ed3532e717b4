// SPDX-License-Identifier: Apache-2.0
/*
 * criu in its RPC mode. Its command line cannot do all of it: the master of a restored terminal comes over the socket
 * alone, and so do the questions between which hooks run. The requests are made in TypeScript (runtime/criu/rpc.ts).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "criu_reply.h"
#include "ops.h"

#define REPLY_MAX 65536
#define NO_STATUS UINT32_MAX

/*
 * Descriptors in a request are those of whoever has made the connection (SO_PEERCRED): of the process that becomes criu,
 * because directories have to be opened in its own mount namespace.
 */
int op_CRIU_SOCKET(struct err *e, struct context *c, const struct op *op)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, errno, "socketpair");
	c->master = fd_above_stdio(pair[0]);
	return slot_put(c, op->args[0], pair[1]);
}

int op_EXEC_CRIU(struct err *e, struct context *c, const struct op *op)
{
	const char *program = op_string(c, op, 1);
	char number[16];
	char *const argv[] = {(char *)"criu", (char *)"swrk", number, NULL};
	/* It starts tar, iptables and others by name. */
	char *const env[] = {
		(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int fd = dup(op_slot(c, op, 0)); /* without close-on-exec */

	if (fd < 0)
		return err_set(e, errno, "dup");
	snprintf(number, sizeof(number), "%d", fd);
	execve(program, argv, env);
	return err_set(e, errno, "execve \"%s\"", program);
}

int op_NUMBER_FD(struct err *e, struct context *c, const struct op *op)
{
	if (dup2(op_slot(c, op, 0), (int)op->args[1]) < 0)
		return err_set(e, errno, "dup2 (descriptor %u; is RLIMIT_NOFILE that low?)",
			       op->args[1]);
	return 0;
}

/* Its end is looked at, and left for whoever waits for it. */
static int tell_end(struct err *e, pid_t criu)
{
	siginfo_t end = {0};

	if (waitid(P_PID, (id_t)criu, &end, WEXITED | WNOWAIT) == 0 && end.si_code != CLD_EXITED)
		return err_set(e, 0, "criu was killed before it answered (signal %d)",
			       end.si_status);
	return err_set(e, 0, "criu ended before it answered");
}

/* Return: 0 with *reply filled (its texts are in buffer), or < 0. */
static int hear(struct err *e, struct context *c, pid_t criu, char *buffer,
		struct criu_reply *reply)
{
	_fd_close_ int fd = -1;
	ssize_t n = message_receive(c->criu, buffer, REPLY_MAX, &fd);

	if (n == 0 || n == -ECONNRESET)
		return tell_end(e, criu);
	if (n < 0)
		return err_set(e, (int)-n, "receive the answer of criu");
	if (n == REPLY_MAX || criu_reply_parse(reply, buffer, (size_t)n) < 0)
		return err_set(e, EPROTO, "answer of criu");
	if (fd >= 0 && criu_reply_is(reply, "orphan-pts-master")) {
		fd_cleanup(&c->master);
		c->master = take_fd(&fd);
	}
	return 0;
}

/*
 * First the container has its namespaces and nothing in them: the place of the hooks that see it so. Then it has all, and
 * its processes do not run yet. Return: 0 or < 0.
 */
static int notified(struct err *e, struct context *c, const struct criu_reply *reply,
		    uint32_t *status)
{
	if (criu_reply_is(reply, "setup-namespaces")) {
		c->pid = reply->notify_pid;
		return ops_run(e, c, SECTION_HOOKS, 0, NULL);
	}
	if (criu_reply_is(reply, "post-restore")) {
		c->pid = reply->notify_pid;
		return ops_run(e, c, SECTION_POSTSTART, 0, NULL);
	}
	if (criu_reply_is(reply, "status-ready") && *status != NO_STATUS) {
		/* Whoever waits there may be gone: that is no reason to fail. */
		write_full((int)*status, "", 1);
		close((int)*status);
		*status = NO_STATUS;
	}
	return 0;
}

static int tell_failure(struct err *e, const struct criu_reply *reply)
{
	if (reply->message.length > 0)
		return err_set(e, reply->number, "criu: %.*s", (int)reply->message.length,
			       reply->message.data);
	return err_set(e, reply->number, "criu failed");
}

/* The whole conversation. Return: 0 or < 0. */
static int converse(struct err *e, struct context *c, char *buffer, uint32_t status)
{
	/* criu_req: type NOTIFY, notify_success. */
	static const char yes[] = {0x08, 6, 0x18, 1}, no[] = {0x08, 6, 0x18, 0};
	struct criu_reply reply;
	const pid_t criu = c->pid; /* until there is a container */
	int refused = 0; /* a hook has failed: criu gives up, and its own words say less */

	for (;;) {
		struct err now;
		int r = hear(refused ? &now : e, c, criu, buffer, &reply);

		if (r < 0)
			return r;
		if (reply.type != CRIU_NOTIFY)
			break;
		r = refused ? -1 : notified(e, c, &reply, &status);
		refused = refused || r < 0;
		r = message_send(c->criu, r < 0 ? no : yes, sizeof(yes), -1);
		if (r < 0 && !refused)
			return err_set(e, -r, "answer criu");
	}
	if (refused)
		return -1;
	if (!reply.success)
		return tell_failure(e, &reply);
	if (reply.type != CRIU_RESTORE)
		return 0;
	c->pid = reply.restored_pid;
	return c->pid > 0 ? 0 : err_set(e, EPROTO, "answer of criu (no pid)");
}

/* Nobody else has to do with it. criu tells what it lacks, if this cannot be made. */
int op_CRIU_SCRATCH(struct err *e, struct context *c, const struct op *op)
{
	const char *path = op_string(c, op, 0);

	(void)e;
	if (mkdir(path, 0700) == 0)
		c->scratch = path;
	return 0;
}

static int call(struct err *e, struct context *c, const struct op *op)
{
	_free_ char *buffer = malloc(REPLY_MAX);
	int r;

	if (!buffer)
		return err_set(e, ENOMEM, "answer of criu");
	r = message_send(c->criu, op_string(c, op, 0), op->args[1], -1);
	if (r < 0)
		return err_set(e, -r, "send the request to criu (%u bytes)", op->args[1]);
	return converse(e, c, buffer, op->args[2]);
}

int op_CRIU_CALL(struct err *e, struct context *c, const struct op *op)
{
	int r = call(e, c, op);

	if (c->scratch)
		rmdir(c->scratch);
	c->scratch = NULL;
	return r;
}
