// SPDX-License-Identifier: Apache-2.0
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "../base/io.h"
#include "../base/sys.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
/* "SOCKET:REQUEST:PID:DIRECTORY", the first three of the planner, from the first process to its sealed successor. */
#define HANDOVER "_TSRUN_SEALED"

static int is_sealed(void)
{
	_fd_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

/*
 * Without a permission to execute nobody runs the copy again: neither as /proc/self/exe nor as the interpreter that a
 * script of the image names.
 */
static void forbid_execution(void)
{
	_fd_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		fchmod(fd, 0);
}

static int own_directory(struct err *e, char *directory, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", directory, size - 1);
	char *slash;

	if (n < 0)
		return err_set(e, errno, "readlink \"/proc/self/exe\" (is /proc mounted?)");
	directory[n] = '\0';
	slash = strrchr(directory, '/');
	if (slash)
		slash[slash == directory] = '\0';
	return 0;
}

/* FD_CLOEXEC or 0 for what leads to the planner. */
static void inherit(const struct planner *p, int flags)
{
	if (p->socket >= 0)
		fcntl(p->socket, F_SETFD, flags);
	if (p->request >= 0)
		fcntl(p->request, F_SETFD, flags);
}

int seal_check(struct err *e, char *directory, size_t size, struct planner *p)
{
	_free_ char *handover = NULL;
	const char *given = getenv(HANDOVER);
	int socket, request, pid, at = 0;

	if (given && is_sealed())
		handover = strdup(given);
	unsetenv(HANDOVER);
	if (!handover || sscanf(handover, "%d:%d:%d:%n", &socket, &request, &pid, &at) < 3 ||
	    at == 0 || strlen(handover + at) >= size)
		return own_directory(e, directory, size);
	forbid_execution();
	strcpy(directory, handover + at);
	*p = (struct planner){.socket = socket, .request = request, .pid = pid};
	inherit(p, FD_CLOEXEC);
	return 1;
}

static int copy_program(int from, int to)
{
	struct stat st;
	off_t left;

	if (fstat(from, &st) < 0)
		return -errno;
	for (left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		left -= n;
	}
	return 0;
}

int seal_enter(struct err *e, char **argv, const char *directory, const struct planner *p)
{
	_fd_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	_fd_close_ int copy = -1;
	char handover[PATH_MAX + 48];
	int r;

	if (self < 0)
		return err_set(e, errno, "open \"/proc/self/exe\"");
	copy = memfd_create("tsrun", flags | MFD_EXEC);
	if (copy < 0 && errno == EINVAL) /* before Linux 6.3 every memfd may be executed */
		copy = memfd_create("tsrun", flags);
	if (copy < 0)
		return err_set(e, errno, "memfd_create");
	r = copy_program(self, copy);
	if (r < 0)
		return err_set(e, -r, "copy tsrun to a memfd");
	if (fchmod(copy, 0500) < 0 || fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return err_set(e, errno, "seal the copy of tsrun");
	inherit(p, 0);
	snprintf(handover, sizeof(handover), "%d:%d:%d:%s", p->socket, p->request, (int)p->pid,
		 directory);
	if (setenv(HANDOVER, handover, 1) < 0)
		return err_set(e, errno, "setenv");
	syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
	r = errno;
	unsetenv(HANDOVER);
	inherit(p, FD_CLOEXEC);
	return err_set(e, r, "execveat of the sealed copy of tsrun");
}
