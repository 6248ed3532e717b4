// SPDX-License-Identifier: Apache-2.0
#include "planner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/io.h"
#include "../base/sys.h"
#include "../ops/child.h"

#define ANSWER_MAX (64u << 20)
#define ANSWER_TIMEOUT_MS 30000
#define HEADER_SIZE 16u
#define MAGIC_PLAN 0x4c505354u	   /* TSPL */
#define MAGIC_ERROR 0x52455354u	   /* TSER */
#define MAGIC_TEMPLATE 0x4d545354u /* TSTM */
#define ANSWER_VERSION 1u
#define TEMPLATE_TIMEOUT_MS 3000

/*
 * Runs in the memory of the front (vfork): only system calls. Without a JIT the engine boots in half the time, and
 * nothing of the caller's environment can change what it does.
 */
static void __attribute__((noreturn))
become_planner(const char *program, const char *task, int socket, int request)
{
	static char *const environment[] = {"BUN_JSC_useJIT=0",
					    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	char *const argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)task, NULL};
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(126);
	if (socket == 3 ? fcntl(3, F_SETFD, 0) < 0 : dup2(socket, 3) < 0)
		_exit(126);
	if (dup2(request, 4) < 0)
		_exit(126);
	sys_close_range(5, ~0u, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir("/") == 0)
		execve(program, argv, environment);
	_exit(errno == ENOENT ? 127 : 126);
}

/*
 * A file that is mapped, and not a stream that is read: for the latter the planner would have to load what takes longer
 * than to boot. Its first byte is 0 until the request is complete. Above the fds that the planner gets.
 */
static int make_request_file(struct err *e)
{
	static const char empty[HEADER_SIZE];
	_fd_close_ int fd = memory_file(e, "request", empty, sizeof(empty));
	int high;

	if (fd < 0)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	return high < 0 ? err_set(e, errno, "fcntl") : high;
}

int planner_start(struct err *e, struct planner *p, const char *program, const char *task)
{
	_fd_close_ int request = -1;
	int pair[2];
	pid_t pid;

	if (access(program, X_OK) < 0)
		return err_set(e, errno,
			       "planner \"%s\" (it belongs beside tsrun or in ../libexec/tsrun)",
			       program);
	request = make_request_file(e);
	if (request < 0)
		return request;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, errno, "socketpair");
	pid = vfork();
	if (pid == 0)
		become_planner(program, task, pair[1], request);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return err_set(e, errno, "vfork");
	}
	p->socket = pair[0];
	p->request = take_fd(&request);
	p->pid = pid;
	return 0;
}

/* Waits for the socket. Return: 0, or < 0 when it is too late. */
static int wait_socket(struct err *e, int socket, short events, int64_t until)
{
	struct pollfd poll_fd = {.fd = socket, .events = events};

	for (;;) {
		int64_t left = until - now_ms();
		int n = poll(&poll_fd, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "poll");
		return err_set(e, ETIMEDOUT, "tsrun-plan did not answer within %d s",
			       ANSWER_TIMEOUT_MS / 1000);
	}
}

/* The planner closed its end: says how it ended. */
static int died(struct err *e, struct planner *p)
{
	int status = 0;

	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	if (WIFSIGNALED(status))
		return err_set(e, 0, "tsrun-plan ended (signal %d) before it answered",
			       WTERMSIG(status));
	return err_set(e, 0, "tsrun-plan ended (status %d) before it answered",
		       WEXITSTATUS(status));
}

static int put(struct err *e, int fd, const char *data, size_t length, off_t at)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, data, length, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "write the request to tsrun-plan");
		data += n;
		length -= (size_t)n;
		at += n;
	}
	return 0;
}

/* The first byte last: it says that all is there. */
static int put_request(struct err *e, struct planner *p, const char *data, size_t length)
{
	int r = put(e, p->request, data + 1, length - 1, 1);

	if (r == 0)
		r = put(e, p->request, data, 1, 0);
	close(p->request);
	p->request = -1;
	return r;
}

static int receive_all(struct err *e, struct planner *p, char *data, size_t length, int64_t until)
{
	while (length > 0) {
		ssize_t n;
		int r = wait_socket(e, p->socket, POLLIN, until);

		if (r < 0)
			return r;
		n = recv(p->socket, data, length, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return died(e, p);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_set(e, errno, "receive the answer of tsrun-plan");
		if (n > 0) {
			data += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

int planner_ask(struct err *e, struct planner *p, const void *request, size_t request_length,
		char **answer, size_t *length)
{
	int64_t until = now_ms() + ANSWER_TIMEOUT_MS;
	uint32_t header[4];
	_free_ char *data = NULL;
	int r = put_request(e, p, request, request_length);

	if (r == 0)
		r = receive_all(e, p, (char *)header, sizeof(header), until);
	if (r < 0)
		return r;
	if ((header[0] != MAGIC_PLAN && header[0] != MAGIC_ERROR) || header[1] != ANSWER_VERSION ||
	    header[2] < HEADER_SIZE || header[2] > ANSWER_MAX)
		return err_set(e, EPROTO,
			       "answer of tsrun-plan (is it of the same version as tsrun?)");
	data = malloc((size_t)header[2] + 1);
	if (!data)
		return err_set(e, ENOMEM, "plan of %u bytes", header[2]);
	memcpy(data, header, sizeof(header));
	r = receive_all(e, p, data + HEADER_SIZE, header[2] - HEADER_SIZE, until);
	if (r < 0)
		return r;
	data[header[2]] = '\0';
	*length = header[2];
	if (header[0] == MAGIC_ERROR) {
		if (header[2] == HEADER_SIZE)
			return err_set(e, EPROTO,
				       "answer of tsrun-plan (an error without a message)");
		*length -= HEADER_SIZE;
		memmove(data, data + HEADER_SIZE, *length + 1);
		r = header[3] > 0 && header[3] < 256 ? (int)header[3] : 1;
	}
	*answer = data;
	data = NULL;
	return r;
}

int planner_take_template(struct err *e, struct planner *p, char **template, size_t *length)
{
	int64_t until = now_ms() + TEMPLATE_TIMEOUT_MS;
	uint32_t header[3];
	_free_ char *data = NULL;
	int r = receive_all(e, p, (char *)header, sizeof(header), until);

	if (r < 0)
		return r;
	if (header[0] != MAGIC_TEMPLATE || header[2] < sizeof(header) || header[2] > ANSWER_MAX)
		return err_set(e, EPROTO, "template of tsrun-plan");
	data = malloc(header[2]);
	if (!data)
		return err_set(e, ENOMEM, "template of %u bytes", header[2]);
	memcpy(data, header, sizeof(header));
	r = receive_all(e, p, data + sizeof(header), header[2] - sizeof(header), until);
	if (r < 0)
		return r;
	*template = data;
	*length = header[2];
	data = NULL;
	return 0;
}

int planner_read_plan(struct err *e, const char *fd_text, char **answer, size_t *length)
{
	char *end;
	long fd = strtol(fd_text, &end, 10);
	ssize_t n;

	if (end == fd_text || *end || fd < 0 || fd > INT32_MAX)
		return err_set(e, 0, "--plan-fd: \"%s\" is not a descriptor", fd_text);
	n = read_all((int)fd, answer, ANSWER_MAX);
	if (n < 0)
		return err_set(e, (int)-n, "--plan-fd: read descriptor %ld", fd);
	*length = (size_t)n;
	close((int)fd);
	return 0;
}

void planner_stop(struct planner *p)
{
	if (p->pid > 0)
		kill(p->pid, SIGKILL);
	if (p->socket >= 0)
		close(p->socket);
	if (p->request >= 0)
		close(p->request);
	p->socket = p->request = -1;
}

void planner_reap(struct planner *p)
{
	while (p->pid > 0 && waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
}
