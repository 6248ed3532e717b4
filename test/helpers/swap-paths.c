/* SPDX-License-Identifier: Apache-2.0
 *
 * swap-paths A B SECONDS - swaps two names with renameat2(RENAME_EXCHANGE) as fast as it can: the attacker
 * of the symlink-exchange advisories.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec from, now;
	long swaps = 0;

	if (argc != 4)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		for (int i = 0; i < 100; i++, swaps++)
			if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], 2) < 0) {
				perror("renameat2");
				return 1;
			}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - from.tv_sec < atoi(argv[3]));
	printf("%ld swaps\n", swaps);
	return 0;
}
