// SPDX-License-Identifier: Apache-2.0
/*
 * Enters the network namespace of a process, and runs a program there: what `nsenter --net` does, in one system call.
 *
 *   make -C examples/enter-network
 *   PID=$(tsdock inspect --format '{{ .State.Pid }}' web)
 *   sudo examples/enter-network/enter-network /proc/$PID/ns/net ip addr
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: %s /proc/PID/ns/net PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	/* From here on this process has the links, addresses and routes of the other one. All else is as before. */
	if (setns(fd, CLONE_NEWNET) < 0) {
		perror("setns");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
