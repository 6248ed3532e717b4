// SPDX-License-Identifier: Apache-2.0
/* tsdock-net: what the networks of containers need of the kernel, and what CNI's plugins do not do. */
#include <stdio.h>
#include <string.h>

#include "net.h"

static const char usage[] = "usage: tsdock-net COMMAND ARGUMENT...\n"
			    "  netns-make PATH     pin a new network namespace at PATH\n"
			    "  netns-remove PATH   take it away\n"
			    "  bridge-remove NAME  remove a bridge\n"
			    "  relay [NETNS]       pass on to containers what stdin names\n";

static int dispatch(struct err *e, int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if ((argc == 2 || argc == 3) && strcmp(command, "relay") == 0)
		return net_relay(e, argc == 3 ? argv[2] : NULL);
	if (argc == 3 && strcmp(command, "netns-make") == 0)
		return net_namespace_make(e, argv[2]);
	if (argc == 3 && strcmp(command, "netns-remove") == 0)
		return net_namespace_remove(e, argv[2]);
	if (argc == 3 && strcmp(command, "bridge-remove") == 0)
		return net_bridge_remove(e, argv[2]);
	return 2;
}

int main(int argc, char **argv)
{
	static struct err e;
	int r = dispatch(&e, argc, argv);

	if (r == 2)
		fputs(usage, stderr);
	if (r < 0)
		fprintf(stderr, "%s\n", e.text);
	return r < 0 ? 1 : r;
}
