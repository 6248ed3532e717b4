// SPDX-License-Identifier: Apache-2.0
/*
 * probe FILTER NUMBER[:ARG...]...
 * Loads the BPF program in FILTER, makes each system call and prints its errno (0 when it went well), one a line. A
 * NUMBER that begins with `i` is made through the 32-bit entry of x86.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sock_filter program[BPF_MAXINSNS];

static long call_i386(long number, const unsigned long *args)
{
#ifdef __x86_64__
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(args[0]), "c"(args[1]), "d"(args[2])
			 : "memory", "r8", "r9", "r10", "r11");
	result = (int)result;
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
#else
	(void)number;
	(void)args;
	errno = ENOSYS;
	return -1;
#endif
}

int main(int argc, char **argv)
{
	struct sock_fprog filter = {.filter = program};
	char out[4096];
	size_t length = 0;
	ssize_t n;
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	n = fd < 0 ? -1 : read(fd, program, sizeof(program));
	if (n <= 0)
		return 2;
	filter.len = (unsigned short)((size_t)n / sizeof(*program));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
		perror("seccomp");
		return 3;
	}
	for (int i = 2; i < argc; i++) {
		unsigned long args[6] = {0};
		int i386 = argv[i][0] == 'i';
		char *at = argv[i] + i386;
		long number = (long)strtoul(at, &at, 0);
		long result;

		for (int a = 0; a < 6 && *at == ':'; a++)
			args[a] = strtoul(at + 1, &at, 0);
		errno = 0;
		result = i386 ? call_i386(number, args)
			      : syscall(number, args[0], args[1], args[2], args[3], args[4],
					args[5]);
		length += (size_t)snprintf(out + length, sizeof(out) - length, "%d\n",
					   result < 0 ? errno : 0);
	}
	return write(STDOUT_FILENO, out, length) == (ssize_t)length ? 0 : 4;
}
