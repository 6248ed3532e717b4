// SPDX-License-Identifier: Apache-2.0
/* tsrun-systemd of a build without libsystemd: says so. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("tsrun-systemd (without libsystemd)");
		return 0;
	}
	fputs("this tsrun was built without libsystemd, so that it cannot ask systemd for cgroups: "
	      "install libsystemd-dev and build it again, or leave --systemd-cgroup out\n",
	      stderr);
	return 1;
}
